# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the nodes are reached: a key of the lab's own, host keys known beforehand, an inventory as users write one."""

from __future__ import annotations

from pathlib import Path

from .lab import Lab
from .process import run
from .templates import render
from .topology import GROUPS

USER = "ops"
MIRROR = "mirror.lab"
# A socket's path may have 107 bytes; ssh and Ansible add about 30 to the folder's.
LONGEST_SOCKET_FOLDER = 75


def host_key(lab: Lab, node: str) -> Path:
    return lab.ssh / "hosts" / node


def prepare(lab: Lab, ignore_preflight_errors: list[str]) -> None:
    """Write keys, known hosts, ssh configuration and inventory."""
    for folder in (lab.inventory.parent, lab.ssh / "hosts", sockets(lab)):
        folder.mkdir(parents=True, exist_ok=True)
    lab.ssh.chmod(0o700)
    make_key(lab.ssh / "id_ed25519", USER)
    known_hosts = []
    for node in lab.nodes:
        key = host_key(lab, node.name)
        make_key(key, node.name)
        kind, public, _ = key.with_suffix(".pub").read_text().split()
        known_hosts.append(f"{node.name},{node.address} {kind} {public}\n")
    (lab.ssh / "known_hosts").write_text("".join(known_hosts))
    facts = {
        "lab": lab,
        "user": USER,
        "mirror": MIRROR,
        "sockets": sockets(lab),
        "groups": {group: [node for node in lab.nodes if group in node.groups] for group in GROUPS},
        "ignore_preflight_errors": ignore_preflight_errors,
    }
    (lab.ssh / "config").write_text(render("access/ssh_config.j2", **facts))
    lab.inventory.write_text(render("access/hosts.yml.j2", **facts))


def make_key(file: Path, comment: str) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file)


def sockets(lab: Lab) -> Path:
    return lab.ssh / "cp"


def hang_up(folder: Path) -> None:
    """End the connections that ssh keeps open for the next command."""
    for socket in (folder / "ssh" / "cp").glob("*"):
        run("ssh", "-o", f"ControlPath={socket}", "-O", "exit", "any", check=False)
