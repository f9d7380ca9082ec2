# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd on machines of its own, under systemd, before the cluster that it is for."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path

from . import podman
from .lab import Lab
from .process import in_parallel, run
from .supply.build import Supply
from .templates import render
from .topology import Node

PROGRAMS = ("etcd", "etcdctl", "etcdutl")


def make(lab: Lab, supply: Supply) -> None:
    issue(lab, supply.kubeadm)
    podman.podman(
        "cp", f"{pki(lab, lab.control_planes[0])}/.", f"{lab.container(lab.control_planes[0].name)}:/etc/kubernetes/pki"
    )
    # All members at once: none is up before there is a quorum.
    in_parallel(functools.partial(start, lab, supply.etcd_programs), lab.etcd)


def pki(lab: Lab, node: Node) -> Path:
    """What a machine gets."""
    return lab.folder / "pki" / node.name


def issue(lab: Lab, kubeadm: Path) -> None:
    """Certificates by kubeadm's phases, as its documentation has them for this; the CA's key stays with the lab."""
    ca = lab.folder / "pki"
    certificate(lab, kubeadm, lab.etcd[0], ca, "etcd-ca")
    wanted = dict.fromkeys(lab.etcd, ("etcd-server", "etcd-peer"))
    wanted[lab.control_planes[0]] = ("apiserver-etcd-client",)
    for node, phases in wanted.items():
        folder = pki(lab, node)
        shutil.copytree(ca / "etcd", folder / "etcd")
        for phase in phases:
            certificate(lab, kubeadm, node, folder, phase)
        (folder / "etcd" / "ca.key").unlink()


def certificate(lab: Lab, kubeadm: Path, node: Node, folder: Path, phase: str) -> None:
    folder.mkdir(exist_ok=True)
    config = folder / "kubeadm.yml"
    config.write_text(render("etcd/certificates.yml.j2", lab=lab, node=node, folder=folder))
    run(kubeadm, "init", "phase", "certs", phase, "--config", config)
    config.unlink()


def start(lab: Lab, programs: Path, node: Node) -> None:
    container = lab.container(node.name)
    for program in PROGRAMS:
        podman.podman("cp", programs / program, f"{container}:/usr/local/bin/{program}")
    podman.podman("cp", pki(lab, node) / "etcd", f"{container}:/etc/etcd")
    podman.inside(container, render("etcd/member.sh.j2", lab=lab, node=node))
