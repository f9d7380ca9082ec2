# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What this node runs: observed, never changed.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import os
import pathlib
import shutil
import typing as t

from .. import _static_pod
from . import certificates, etcd_member, identity, images, kubelet_process, local_http, packages, repair, unit
from .checks_etcd import KUBEADM_TMP
from .cluster import APISERVER, CONTROL_PLANE, ETCD
from .commands import Commands
from .kubectl import apiserver_url
from .paths import Paths
from .versions import Version, of_image


def gather(
    commands: Commands,
    paths: Paths,
    version: t.Optional[Version] = None,
    repository: str = "",
    backup_dir: str = "",
    fetch: packages.Fetch = packages.fetch,
    get: local_http.Get = local_http.get,
) -> dict[str, t.Any]:
    manager = packages.manager(commands)
    moved_away = repair.moved_away(paths)
    pods = _static_pods(paths, moved_away)
    etcd = etcd_member.read(pods[ETCD], paths, get) if ETCD in pods else None
    control_plane = APISERVER in pods
    kubelet = kubelet_process.read(commands)
    measured = [path for path in (etcd and etcd["data_dir"], KUBEADM_TMP, backup_dir) if path]
    available = packages.available(repository, version, manager, os.uname().machine, fetch) if version else None
    return {
        "node_name": identity.node_name(paths),
        "cluster_ca": certificates.fingerprints_of(paths.cluster_ca),
        "control_plane": control_plane,
        "package_manager": manager,
        "packages": packages.installed(commands, manager, paths.root),
        "available": available,
        "kubelet": {
            "running": str(kubelet.running) if kubelet.running else None,
            "active": kubelet.active,
            "started": _rfc3339(kubelet.started),
            "program": kubelet_process.program(commands, kubelet.pid),
        },
        "static_pods": {name: {"image": pod.image, "version": _version(pod.image)} for name, pod in pods.items()},
        "apiserver": _apiserver(pods.get(APISERVER)),
        "etcd": etcd,
        "disk": {path: free_space(paths.at(path)) for path in measured},
        "cgroup": 2 if paths.at("/sys/fs/cgroup/cgroup.controllers").exists() else 1,
        "kubeadm_images": images.wanted(commands) if control_plane else None,
        "unfinished": _unfinished(commands, paths, moved_away),
    }


def free_space(path: pathlib.Path) -> dict[str, int]:
    """A directory that is not there yet will be made on the filesystem of its nearest parent."""
    while not path.exists():
        path = path.parent
    return {"free_bytes": shutil.disk_usage(path).free, "device": os.stat(path).st_dev}


def _static_pods(paths: Paths, moved_away: t.Mapping[str, pathlib.Path]) -> dict[str, _static_pod.StaticPod]:
    """A manifest that an unfinished run has moved away is read where it is: it will be put back."""
    places = {
        name: moved_away[name].parent if name in moved_away else paths.manifests for name in (ETCD, *CONTROL_PLANE)
    }
    found = {name: _static_pod.read(name, str(place)) for name, place in places.items()}
    return {name: pod for name, pod in found.items() if pod}


def _version(image: str) -> t.Optional[str]:
    found = of_image(image)
    return str(found) if found else None


def _apiserver(manifest: t.Optional[_static_pod.StaticPod]) -> t.Optional[dict[str, t.Any]]:
    if manifest is None:
        return None
    flags = manifest.flags
    host, port = flags.get("advertise-address", ""), int(flags.get("secure-port", "6443"))
    return {"advertise_address": host, "port": port, "url": apiserver_url(manifest)}


def _unfinished(commands: Commands, paths: Paths, moved_away: t.Mapping[str, pathlib.Path]) -> dict[str, t.Any]:
    units = unit.find(commands)
    return {
        "unit": units[0] if units else None,
        "running": any(unit.read(commands, name).running for name in units),
        "upgraded_manifests": [str(path) for path in paths.unfinished()],
        "moved_away": sorted(moved_away),
    }


def _rfc3339(seconds: t.Optional[float]) -> t.Optional[str]:
    if seconds is None:
        return None
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
