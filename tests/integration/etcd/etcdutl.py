# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What etcd's own tools say of a snapshot, of each release there is, and what the collection says of it."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import snapshot
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Release

NEW = (3, 6)


def agree(releases: t.Sequence[Release], path: str) -> snapshot.Facts:
    """Revision, number of keys, hash and size are the same, whoever is asked. Return what we found."""
    facts = snapshot.verify(path, with_hash=True)
    for release in releases:
        said = json.loads(release.snapshot_status(path).stdout)
        assert said == expected(release, facts), release.version
    return facts


def expected(release: Release, facts: snapshot.Facts) -> dict[str, object]:
    """Before 3.6 all rows are counted as keys, and the version of the layout is not told. Later ones count the empty
    key, too, that a restore has made up.
    """
    found, new = facts.contents, release.numbers >= NEW
    return {
        "hash": found.hash,
        "revision": found.revision,
        "totalKey": sum(group.objects for group in found.objects) if new else found.rows,
        "totalSize": facts.size - snapshot.TRAILER,
        **({"version": found.storage_version} if new else {}),
    }
