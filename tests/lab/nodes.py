# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes: containers that boot systemd and look like the machines that users have."""

from __future__ import annotations

import functools
import subprocess

from . import access, podman, versions
from .lab import Lab
from .process import run
from .supply.build import Supply
from .templates import render
from .topology import Node
from .waiting import until

# A private cgroup namespace is what lets runc work inside. podman's own systemd mode would mount the host's whole
# systemd hierarchy on cgroup v1, and a rebooting node would then remove the cgroups of all the others.
MACHINE = (
    "--privileged",
    "--cgroupns=private",
    "--systemd=false",
    "--env=container=podman",
    "--sysctl=net.ipv4.ip_forward=1",
    "--restart=always",
    "--tmpfs=/tmp",
    "--tmpfs=/run",
    # overlay does not work on overlay, and etcd wants a file system that writes through
    "--volume=/var/lib/containerd",
    "--volume=/var/lib/kubelet",
    "--volume=/var/lib/etcd",
)


def start(lab: Lab, supply: Supply, node: Node) -> None:
    # A machine without Kubernetes boots in the same way; only its image does not say so.
    bare = () if node.kubernetes else ("--entrypoint=/usr/local/sbin/lab-init", "--stop-signal=SIGRTMIN+3")
    hosts = {access.MIRROR: lab.mirror, **{other.name: other.address for other in lab.nodes}}
    podman.start(
        lab.name,
        lab.container(node.name),
        supply.node_image if node.kubernetes else supply.base_image,
        *MACHINE,
        *bare,
        f"--hostname={node.name}",
        f"--network={lab.network}",
        f"--ip={node.address}",
        *(f"--add-host={name}:{address}" for name, address in hosts.items()),
        f"--volume={access.host_key(lab, node.name)}:/etc/ssh/ssh_host_ed25519_key:ro",
        f"--volume={lab.ssh / 'id_ed25519.pub'}:/etc/ssh/authorized_keys.d/{access.USER}:ro",
        f"--volume={lab.shared}:/srv/shared",
    )


def prepare(lab: Lab, node: Node) -> None:
    """Wait for the boot, then set up the package repository as the documentation of Kubernetes tells its users."""
    container = lab.container(node.name)
    until(f"containerd on {node.name}", lambda: podman.inside(container, "systemctl is-active containerd"))
    if node.kubernetes:
        minor = versions.minor(lab.version)
        podman.inside(container, render("node/repository.sh.j2", mirror=access.MIRROR, minor=minor))
    until(f"ssh to {node.name}", functools.partial(reachable, lab, node))


def ssh(lab: Lab, node: str, *command: str) -> list[str]:
    return ["ssh", "-F", str(lab.ssh / "config"), node, *command]


def reachable(lab: Lab, node: Node) -> bool:
    return run(*ssh(lab, node.name, "sudo", "true"), check=False).returncode == 0


def boot_id(lab: Lab, node: Node) -> str:
    return podman.inside(lab.container(node.name), "cat /proc/sys/kernel/random/boot_id")


def shell(lab: Lab, node: str, command: list[str]) -> int:
    return subprocess.call(ssh(lab, lab.node(node).name, *command))
