# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changes a member, and what it tells of that. Everything else that asks etcd only reads.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import http.client
import re
import typing as t

from ..member import state
from ..member.gateway import Gateway, GatewayError, after, pairs, text

_LONGEST = 8 << 20
_COMPACTED = "required revision has been compacted"
# Nodes in one answer: each has some 20 KiB, with the images that its kubelet has seen.
_PAGE = 50


@dataclasses.dataclass(frozen=True)
class Metrics:
    """None where they do not say. ``snapshots``: how many somebody is reading from it."""

    defrag_inflight: t.Optional[bool] = None
    quota: t.Optional[int] = None
    snapshots: t.Optional[int] = None


def parse(text: str) -> Metrics:
    inflight, quota = (_gauge(text, name) for name in ("etcd_disk_defrag_inflight", "etcd_server_quota_backend_bytes"))
    return Metrics(
        None if inflight is None else inflight > 0, None if quota is None else state.quota(int(quota)), _snapshots(text)
    )


def _snapshots(text: str) -> t.Optional[int]:
    """etcd has no gauge for them, but its gRPC server counts what has begun and what has ended."""
    begun, ended = (
        re.findall(rf'^grpc_server_{name}_total\{{[^}}]*grpc_method="Snapshot"[^}}]*\}} (\d+)$', text, re.MULTILINE)
        for name in ("started", "handled")
    )
    return sum(map(int, begun)) - sum(map(int, ended)) if begun else None


def _gauge(text: str, name: str) -> t.Optional[float]:
    found = re.search(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


class Maintainer(Gateway):
    """One member that is to be changed."""

    def defragment(self) -> None:
        """Returns when it is done. A client that has gone does not end it."""
        self._call("maintenance/defragment", {}, bool)

    def move_leader(self, to: str) -> None:
        """Only the leader does that."""
        self._call("maintenance/transfer-leadership", {"targetID": str(int(to, 16))}, bool)

    def compact(self, revision: int) -> None:
        """Returns when this member has done it."""
        self._call("kv/compaction", {"revision": str(revision), "physical": True}, bool)

    def is_compacted(self, revision: int) -> bool:
        """Whether nothing from before it is left: then etcd refuses to compact to it."""
        before = {"key": text(b"\0"), "revision": str(revision - 1), "serializable": True}
        try:
            self._call("kv/range", before, bool)
        except GatewayError as error:
            if _COMPACTED in error.msg:
                return True
            raise
        return False

    def disarm(self, alarm: state.Alarm) -> None:
        body = {"action": "DEACTIVATE", "memberID": str(int(alarm.member_id, 16)), "alarm": alarm.kind}
        self._call("maintenance/alarm", body, bool)

    def stored(self, prefix: bytes) -> t.Iterator[tuple[bytes, bytes]]:
        """Every key that begins so, with what is stored under it."""
        key, end = prefix, after(prefix)
        while True:
            body = {"key": text(key), "range_end": text(end), "limit": str(_PAGE)}
            found = self._call("kv/range", body, pairs)
            yield from found
            if len(found) < _PAGE:
                return
            key = found[-1][0] + b"\0"

    def metrics(self) -> Metrics:
        """etcd serves them to its clients, too. What cannot be read is not known."""
        connection = self._connection()
        try:
            connection.request("GET", "/metrics")
            response = connection.getresponse()
            said = response.read(_LONGEST).decode("utf-8", "replace")
            return parse(said) if response.status == 200 else Metrics()
        except (OSError, http.client.HTTPException):
            return Metrics()
        finally:
            connection.close()
