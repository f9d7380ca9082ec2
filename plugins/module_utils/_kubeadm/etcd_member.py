# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The etcd member of this node: where it is, how large, and whether it says that it is healthy.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

from .._static_pod import StaticPod
from . import local_http
from .paths import Paths


def read(manifest: StaticPod, paths: Paths, get: local_http.Get = local_http.get) -> dict[str, t.Any]:
    flags = manifest.flags
    data_dir = flags.get("data-dir", "/var/lib/etcd")
    urls = flags.get("listen-client-urls") or flags.get("advertise-client-urls", "")
    healthy, evidence = health(manifest, get)
    directory = paths.at(data_dir)
    database = directory / "member/snap/db"
    return {
        "name": flags.get("name", ""),
        "endpoint": urls.split(",")[0],
        "data_dir": data_dir,
        "data_bytes": size(directory),
        "db_bytes": database.stat().st_size if database.exists() else 0,
        "healthy": healthy,
        "evidence": evidence,
    }


def health(manifest: StaticPod, get: local_http.Get = local_http.get) -> tuple[bool, str]:
    """/health of the member's own metrics listener: it needs a leader, a read through the quorum and no alarm."""
    listeners = [url for url in manifest.flags.get("listen-metrics-urls", "").split(",") if url.startswith("http://")]
    if not listeners:
        return (
            False,
            f"{manifest.path} has no plain http address in --listen-metrics-urls to ask for the member's health",
        )
    url = f"{listeners[0].replace('//0.0.0.0', '//127.0.0.1')}/health"
    status, body = get(url)
    try:
        said = json.loads(body)
    except ValueError:
        said = {}
    if status == 200 and str(said.get("health")).lower() == "true":
        return True, f"{url} says healthy"
    return False, f"{url}: {said.get('reason') or body.strip() or 'no reason given'} (status {status or 'none'})"


def size(directory: pathlib.Path) -> int:
    """Bytes below a directory whose files may come and go meanwhile: etcd rotates its log."""
    total = 0
    for folder, _folders, files in os.walk(directory):
        for name in files:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue
    return total
