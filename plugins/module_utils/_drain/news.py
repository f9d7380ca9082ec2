# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API tells by itself, so that a loop neither asks in vain nor hears of a change late.

News only make things quicker: what they miss, the next look at the node finds. Where watching is not allowed or does
not work, there are none.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import threading
import time
import typing as t
import urllib.parse

from .._kube import Kube, KubeError
from .._kube_watch import Watch
from . import replies

Event = tuple[str, dict[str, t.Any]]
Query = t.Optional[t.Mapping[str, t.Any]]

# A watch that was too slow for what the API remembers.
EXPIRED = 410
# Seconds before a watch that was lost is begun again.
PAUSE = 1.0
# What comes within this time is taken together.
GATHER = 0.01


class Silence:
    """No news at all. ``patience``: seconds in which replies are waited for, because nobody tells that they came."""

    patience = 1.0

    def follow(self, path: str, query: Query = None, since: str = "") -> None:
        """Hear of the changes of a collection, from its version ``since``, or from now on; the first call counts."""

    def hears(self, path: str, query: Query = None) -> bool:
        return False

    def take(self) -> list[Event]:
        """What came since the last call, in order."""
        return []

    def wait(self, seconds: float, sleep: t.Callable[[float], None]) -> None:
        """At most so long, less when something comes."""
        sleep(seconds)

    def wake(self) -> None:
        """End a wait, also one that begins later: something came in another way."""

    def close(self) -> None:
        pass


class News(Silence):
    """A thread for each collection that is followed."""

    patience = 0.0

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._events: collections.deque[Event] = collections.deque()
        self._came = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._followed: set[str] = set()
        self._open: dict[str, Watch] = {}

    def follow(self, path: str, query: Query = None, since: str = "") -> None:
        if _key(path, query) not in self._followed:
            self._followed.add(_key(path, query))
            arguments = (path, query, since)
            threading.Thread(target=self._listen, args=arguments, name=f"news of {path}", daemon=True).start()

    def hears(self, path: str, query: Query = None) -> bool:
        with self._lock:
            return _key(path, query) in self._open

    def take(self) -> list[Event]:
        self._came.clear()
        return [self._events.popleft() for _each in range(len(self._events))]

    def wait(self, seconds: float, sleep: t.Callable[[float], None]) -> None:
        if self._came.wait(seconds):
            self._closed.wait(GATHER)

    def wake(self) -> None:
        self._came.set()

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            for watch in self._open.values():
                watch.close()

    def _listen(self, path: str, query: Query, since: str) -> None:
        reader = replies.Reader(time.monotonic)
        while not self._closed.is_set():
            asked = {**(query or {}), **({"resourceVersion": since} if since else {})}
            # Once: what came meanwhile may be more than the API remembers.
            since = ""
            try:
                self._tell(_key(path, query), Watch(self._kube, path, asked))
            except KubeError as error:
                if not reader.passes(error) and error.status != EXPIRED:
                    return
            self._closed.wait(PAUSE)

    def _tell(self, key: str, watch: Watch) -> None:
        with self._lock:
            self._open[key] = watch
        try:
            if self._closed.is_set():
                return
            for event in watch:
                self._events.append(event)
                self.wake()
        finally:
            with self._lock:
                del self._open[key]
            watch.close()


def _key(path: str, query: Query) -> str:
    return f"{path}?{urllib.parse.urlencode(query or {})}"
