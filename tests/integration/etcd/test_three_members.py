# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three members, each saved by us and by etcd's own program: all files say the same, whoever saved which of them."""

from __future__ import annotations

import pathlib

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import comparison, snapshot
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Client,
    Etcd,
    Release,
    Writer,
    make,
    together,
)

NAMES = ("cp1", "cp2", "cp3")


def ours(etcd: Etcd) -> pathlib.Path:
    return pathlib.Path(etcd.backup()["snapshot"]["path"])


def theirs(etcd: Etcd, name: str) -> pathlib.Path:
    path = etcd.root / name
    etcd.ctl("snapshot", "save", str(path))
    return path


def test_three_members_under_write_load(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        place = tmp_path / release.version
        place.mkdir()
        with together(make(release, place, NAMES)) as members:
            with Writer(members[0]) as writer:
                until(lambda: writer.written > 50 or None, Deadline(120), lambda: "nothing was written", interval=0.05)
                saved = []
                for etcd in members:
                    before = etcd.gateway.status().revision
                    saved += [(before, ours(etcd)), (before, theirs(etcd, "meanwhile.db"))]
            assert not writer.failed
            for before, path in saved:
                assert snapshot.verify(str(path)).contents.revision >= before, path

            last = Client(members[0].local).put(b"/registry/configmaps/default/last", b"x")
            for etcd in members:
                etcd.caught_up(last)
                etcd.noted()  # or it comes between its two files
            pairs = [(ours(etcd), theirs(etcd, "still.db")) for etcd in members]
            hashes = {etcd.gateway.hash_kv(last).hash for etcd in members}
        assert len(hashes) == 1
        contents = [[snapshot.verify(str(path), with_hash=True).contents for path in pair] for pair in pairs]
        # A member's file also holds what only it counts and when it came to it, so the hash and the rows of the whole
        # file are its own.
        assert all((one.hash, one.rows) == (other.hash, other.rows) for one, other in contents)
        assert len({(one.revision, one.keys) for one, _other in contents}) == 1
        assert contents[0][0].revision == last
        for _ours, path in pairs:
            found = comparison.compare(str(pairs[0][0]), str(path), 5)
            assert (found["added"], found["removed"], found["changed"]) == (0, 0, 0)
