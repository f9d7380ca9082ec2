# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's end of the way on which a module's lines come; module_utils/_channel.py is the other.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import typing as t

# Our own last line; no module says that.
END = b"\0\n"


@contextlib.contextmanager
def listening(show: t.Callable[[str], None], below: str) -> t.Iterator[str]:
    """The path of a pipe in a folder of its own. What is written to it until the end is shown line by line."""
    with tempfile.TemporaryDirectory(prefix="kubeops-", dir=below) as folder:
        path = os.path.join(folder, "tell")
        os.mkfifo(path, mode=0o600)
        # A writer of our own from the beginning: without any, a read would find the end.
        descriptor = os.open(path, os.O_RDWR)
        with os.fdopen(descriptor, "rb") as lines:
            reader = threading.Thread(target=_show, args=(lines, show), name="progress", daemon=True)
            reader.start()
            try:
                yield path
            finally:
                os.write(descriptor, END)
                reader.join()


def _show(lines: t.Iterable[bytes], show: t.Callable[[str], None]) -> None:
    for line in lines:
        # Also behind half a line of somebody who was killed.
        if line.endswith(END):
            return
        text = plain(line.decode("utf-8", "replace"))
        if text:
            # Whoever cannot show a line still reads on: the end waits for that.
            with contextlib.suppress(Exception):
                show(text)


def plain(line: str) -> str:
    """Without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in line).strip()
