# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods as the node has them, beside pods as the API knows them.

After a restore the API may not know pods that go on running, with their addresses, volumes and writes.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .cluster import Object

# What the API calls a static pod is a mirror with a uid of its own, and the digest in an annotation.
_DIGEST = "kubernetes.io/config.hash"


def known(pods: t.Iterable[Object]) -> set[str]:
    """Uids under which the API knows them, or the node does."""
    metadata = [pod["metadata"] for pod in pods]
    digests = {(one.get("annotations") or {}).get(_DIGEST, "") for one in metadata}
    return {one["uid"] for one in metadata} | digests


def phantoms(here: t.Mapping[str, str], pods: t.Iterable[Object]) -> list[str]:
    """Pods that run here and that the API does not know."""
    there = known(pods)
    return sorted(name for uid, name in here.items() if uid not in there)
