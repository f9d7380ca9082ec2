# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's end of the way on which its lines reach a person while it works.

An action plugin on the same machine names a pipe in the environment (plugin_utils/_live.py). Without one, or where it
cannot be opened, nobody listens, which is no reason to fail or to wait.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible.module_utils.common.parameters import remove_values

from ._tell import Tell, nobody

VARIABLE = "KUBEOPS_MAINTENANCE_TELL"
# With four bytes a character it still fits into a pipe in one piece.
LONGEST = 1000


def open_channel(module: t.Any) -> Tell:
    """A way to tell. What the module's results must not say is masked here as there."""
    try:
        pipe = os.open(os.environ.pop(VARIABLE, ""), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return nobody

    def tell(line: str) -> None:
        said = str(remove_values(line, module.no_log_values))[:LONGEST] + "\n"
        # Lost where nobody reads any more, or not as fast.
        with contextlib.suppress(OSError):
            os.write(pipe, said.encode("utf-8", "replace"))

    return tell
