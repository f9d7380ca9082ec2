# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changes of a collection as they come.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import json
import typing as t

from ._kube_http import KubeError, reason_of

if t.TYPE_CHECKING:
    from ._kube_http import Kube

# It comes with the kubernetes package, whose absence _kube reports.
with contextlib.suppress(ImportError):
    import urllib3


class Watch:
    """Begins with what there is, as events of type ADDED. It ends by itself after a while; ``close`` ends it at once.

    Iterating and closing are for different threads.
    """

    def __init__(self, kube: Kube, path: str, query: t.Mapping[str, t.Any] | None = None) -> None:
        self._path = path
        self._response = kube.open(path, {**(query or {}), "watch": "true"})

    def __iter__(self) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
        try:
            for line in self._response:
                event = json.loads(line)
                kind, told = event["type"], event["object"]
                if kind == "ERROR":
                    raise KubeError(f"watch of {self._path}: {told.get('message')}", status=told.get("code", 500))
                yield kind, told
        except urllib3.exceptions.HTTPError as error:
            raise KubeError(f"watch of {self._path}: {reason_of(error)}") from error
        except (AttributeError, LookupError, OSError, TypeError, ValueError) as error:
            # Closed while it was read, or no watch at all.
            raise KubeError(f"watch of {self._path}: {error}") from error

    def close(self) -> None:
        # Only this wakes up a thread that reads; urllib3 has it since 2.3.
        hang_up = getattr(self._response, "shutdown", None)
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            if hang_up:
                hang_up()
            else:
                self._response.close()
