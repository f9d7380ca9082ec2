# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ids that a restored cluster has, which follow from its token and its members' URLs alone.

So whether a cluster is the one of a plan can be told by asking any of its members. etcd computes them so
(server/etcdserver/api/membership) for every cluster that does not come into being by a discovery service.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import hashlib
import typing as t

from .order import Order


def member(peer_urls: t.Iterable[str], token: str) -> str:
    return format(_first("".join(sorted(peer_urls)).encode() + token.encode()), "x")


def cluster(order: Order) -> str:
    ids = sorted(int(member(one.peer_urls, order.token), 16) for one in order.members)
    return format(_first(b"".join(number.to_bytes(8, "big") for number in ids)), "x")


def _first(data: bytes) -> int:
    return int.from_bytes(hashlib.sha1(data, usedforsecurity=False).digest()[:8], "big")
