# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reader and spoiled files of real servers. KUBEOPS_FUZZ_ROUNDS says how many (make test-all: many)."""

from __future__ import annotations

import os
import pathlib
import random
import subprocess
import sys

import pytest
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_info
from ansible_collections.kubeops.maintenance.tests.integration.etcd import fuzz
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release

COLLECTIONS = pathlib.Path(etcd_info.__file__).parents[5]
ROUNDS = int(os.environ.get("KUBEOPS_FUZZ_ROUNDS") or 1000)


@pytest.fixture(scope="module")
def files(releases: list[Release], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of each release one: several levels, values over many pages, deletions, a compaction, a lease."""
    found = []
    for release in releases:
        with Etcd(release, tmp_path_factory.mktemp("seed")).running() as etcd:
            client = Client(etcd.local)
            for number in range(400):
                size = 30_000 if number % 97 == 0 else number % 11 * 60
                client.put(b"/registry/pods/default/pod-%d" % (number % 120), b"k8s\0" + b"p" * size)
            client.call("lease/grant", TTL="600")
            client.delete(b"/registry/pods/default/pod-7")
            revision = client.put(b"/registry/secrets/default/tls", b"k8s:enc:aescbc:v1:key1:x")
            client.call("kv/compaction", revision=str(revision - 100), physical=True)
            found.append(etcd.backup()["snapshot"]["path"])
    return found


def test_spoiled_files_of_real_servers(files: list[str]) -> None:
    # A developer tries new ones, CI the same every time.
    first = 0 if os.environ.get("CI") else random.randrange(1 << 40)
    command = [sys.executable, "-m", fuzz.__name__, str(first), str(ROUNDS), *files]
    ended = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(COLLECTIONS)}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, f"{ended.stdout[-200:]}\n{ended.stderr[-3000:]}"
    assert f"{ROUNDS} files, " in ended.stdout
