# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight of etcd: health, the stepping stone before the next minor, and the disk that copies of it need.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import math
import typing as t

from .._check import FAIL, PASS, SKIP, Check
from . import versions
from .cluster import ETCD, Cluster
from .plan import Facts, Wanted
from .versions import Version

# Before members of a minor meet a newer one, they need these fixes (membership in the v3 store). Neither kubeadm
# nor etcd looks at that, and kubeadm's own images are below the lines.
STEPPING_STONES = {(3, 5): Version(3, 5, 26), (3, 6): Version(3, 6, 11)}

KUBEADM_TMP = "/etc/kubernetes/tmp"
# A snapshot is as large as the database at most; a tenth for what is written meanwhile, a fifth to spare.
SNAPSHOT_ROOM = 1.1 * 1.2
# kubeadm copies the whole data directory there in every run.
KUBEADM_COPY_ROOM = 1.2


def preflight(
    cluster: Cluster, want: Wanted, facts: t.Mapping[str, Facts], snapshot_dir: t.Optional[str]
) -> list[Check]:
    members = {host: node for host, node in sorted(facts.items()) if node.get("etcd")}
    if not members:
        return [Check("etcd", SKIP, ETCD, "no host has an etcd member in a static pod: etcd is external")]
    checks = [check_member(host, node, cluster) for host, node in members.items()]
    checks += [check_stepping_stone(host, node, want) for host, node in members.items()]
    for host, node in members.items():
        checks += check_disk(host, node, snapshot_dir)
    return checks


def check_member(host: str, facts: Facts, cluster: Cluster) -> Check:
    """Both witnesses: the member itself, asked on its node, and the readiness of its pod."""
    name = f"etcd member {facts['etcd']['name']} on {host}"
    fix = f"repair it before the upgrade (crictl logs of etcd on {host}); quorum is at stake when a member restarts"
    if not facts["etcd"]["healthy"]:
        return Check("etcd healthy", FAIL, name, facts["etcd"]["evidence"], fix)
    pod = cluster.on(facts["node_name"], ETCD)
    if pod is None or not pod.ready:
        what = f"pod/{pod.name} is not Ready" if pod else f"node {facts['node_name']} has no etcd pod in kube-system"
        return Check("etcd healthy", FAIL, name, what, fix)
    return Check("etcd healthy", PASS, name, facts["etcd"]["evidence"])


def check_stepping_stone(host: str, facts: Facts, want: Wanted) -> Check:
    image = facts["static_pods"][ETCD]["image"]
    tag = versions.tag(image)
    name, now, then = f"etcd on {host}", versions.find(tag), versions.find(want.etcd)
    if now is None:
        fix = "give etcd an image tag that begins with its version (X.Y.Z-N): kubeadm stops at any other"
        return Check("etcd version", FAIL, name, f"its image {image} names no version", fix)
    line = STEPPING_STONES.get((now.major, now.minor))
    if line is None or then is None or then.minors_after(now) <= 0 or now >= line:
        return Check("etcd version", PASS, name, f"{tag} now, kubeadm brings {want.etcd or 'what it knows'}")
    fix = (
        f"stepping stone: set etcd.local.imageTag to {line}-0 or a later patch of {now.series} in kubeadm-config, run "
        f"kubeadm upgrade apply (then upgrade node on the other control planes) at the present version, remove "
        f"imageTag, start again"
    )
    evidence = f"runs {tag}; before {then.series}, which this upgrade brings, every member has to run {line} or later"
    return Check("etcd version", FAIL, name, evidence, fix)


def check_disk(host: str, facts: Facts, snapshot_dir: t.Optional[str]) -> list[Check]:
    """Room for kubeadm's copy and for our snapshot; on one filesystem they need room for both."""
    etcd, disk = facts["etcd"], facts["disk"]
    needs = {KUBEADM_TMP: math.ceil(etcd["data_bytes"] * KUBEADM_COPY_ROOM)}
    if snapshot_dir:
        database = etcd.get("db_bytes", etcd["data_bytes"])
        needs[snapshot_dir] = needs.get(snapshot_dir, 0) + math.ceil(database * SNAPSHOT_ROOM)
    checks = []
    for path, need in needs.items():
        found = disk.get(path)
        if found is None:
            checks.append(Check("disk space", SKIP, f"{host}:{path}", "was not measured on the host"))
            continue
        device = found.get("device")
        shared = sum(
            other
            for beside, other in needs.items()
            if beside != path and device is not None and disk.get(beside, {}).get("device") == device
        )
        free, together = found["free_bytes"], need + shared
        evidence = f"{mebibytes(free)} free, {mebibytes(need)} needed"
        if shared:
            evidence += f" and {mebibytes(shared)} more for its neighbour on the same filesystem"
        if free >= together:
            checks.append(Check("disk space", PASS, f"{host}:{path}", evidence))
        else:
            fix = f"free {mebibytes(together - free)} there, for example old kubeadm-backup-etcd-* in {KUBEADM_TMP}"
            checks.append(Check("disk space", FAIL, f"{host}:{path}", evidence, fix))
    return checks


def mebibytes(size: int) -> str:
    return f"{math.ceil(size / (1 << 20))} MiB"
