# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots of servers of each release, with whatever makes them differ, read by the tools of each release."""

from __future__ import annotations

import pathlib

from ansible_collections.kubeops.maintenance.tests.integration.etcd import etcdutl
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release, text

BUMP = 1_000_000_000


def saved(etcd: Etcd) -> str:
    return str(etcd.backup()["snapshot"]["path"])


def fill(client: Client) -> int:
    """Deletions, leases, values over many pages, several changes in one. The last revision."""
    lease = client.call("lease/grant", TTL="3600")["ID"]
    for number in range(300):
        client.put(b"/registry/pods/shop/%d" % (number % 40), b"p" * 3000)
    client.call("kv/put", key=text(b"/registry/leases/shop/a"), value=text(b"l"), lease=lease)
    client.put(b"/registry/configmaps/shop/big", b"b" * 1_400_000)
    client.put(b"/registry/configmaps/shop/empty", b"")
    several = [{"request_put": {"key": text(b"/registry/events/%d" % n), "value": text(b"e" * n)}} for n in range(100)]
    client.call("kv/txn", success=several)
    client.delete(b"/registry/configmaps/shop/big")
    return client.delete(b"/registry/pods/shop/7")


def compacted(etcd: Etcd, revision: int) -> None:
    Client(etcd.local).call("kv/compaction", revision=str(revision), physical=True)


def restored(release: Release, path: str, root: pathlib.Path) -> Etcd:
    """Not started yet, with its revisions bumped as Kubernetes needs it."""
    again = Etcd(release, root)
    peers = [f"--initial-cluster=cp1={again.peer_url}", f"--initial-advertise-peer-urls={again.peer_url}", "--name=cp1"]
    bump = [f"--bump-revision={BUMP}", "--mark-compacted", "--initial-cluster-token=again"]
    release.snapshot_restore(path, again.data, *peers, *bump)
    return again


def test_all_agree(releases: list[Release], tmp_path: pathlib.Path) -> None:
    newest = {release.numbers[:2]: release for release in releases}
    assert {(3, 5), (3, 6)} < newest.keys()
    for release in newest.values():
        place = tmp_path / release.version
        place.mkdir()
        agree(release, releases, place)


def agree(release: Release, releases: list[Release], place: pathlib.Path) -> None:
    with Etcd(release, place / "first").running() as etcd:
        etcdutl.agree(releases, saved(etcd))
        last = fill(Client(etcd.local))
        full = etcdutl.agree(releases, saved(etcd)).contents
        # 39 pods, the lease's object, the empty one, and the events.
        assert (full.keys, full.revision) == (39 + 2 + 100, last)
        compacted(etcd, last)
        fewer = etcdutl.agree(releases, saved(etcd)).contents
        assert (fewer.keys, fewer.head) == (full.keys, last)
        assert fewer.rows < full.rows
        # Some releases compact away the row of the deletion too, though it came last. etcd goes on from there anyhow.
        assert fewer.revision in (last, last - 2)
        etcd.ctl("defrag")
        path = saved(etcd)
        packed = etcdutl.agree(releases, path)
    with restored(release, path, place / "again").running() as etcd:
        second = etcdutl.agree(releases, saved(etcd)).contents
        assert second.revision >= packed.contents.revision + BUMP
        Client(etcd.local).put(b"/registry/pods/shop/7", b"p")
        etcdutl.agree(releases, saved(etcd))
