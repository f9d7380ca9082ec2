# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the nodes are reached: a key of the lab's own, host keys known beforehand, an inventory as users write one."""

from __future__ import annotations

from pathlib import Path

from .cache import remove
from .lab import Lab
from .process import run
from .templates import render
from .topology import GROUPS, Node

USER = "ops"
MIRROR = "mirror.lab"
# Not in the lab's folder: a socket's path may have 107 bytes, and a checkout can lie deep.
SOCKETS = Path("/run/kubeops-lab")


def host_key(lab: Lab, node: str) -> Path:
    return lab.ssh / "hosts" / node


def prepare(lab: Lab, ignore_preflight_errors: list[str]) -> None:
    """Write keys, known hosts, ssh configuration and inventory."""
    for folder in (lab.inventory.parent, lab.ssh / "hosts", sockets(lab.name)):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (lab.ssh, SOCKETS):
        folder.chmod(0o700)
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
        "sockets": sockets(lab.name),
        "groups": groups(lab),
        "ignore_preflight_errors": ignore_preflight_errors,
    }
    (lab.ssh / "config").write_text(render("access/ssh_config.j2", **facts))
    lab.inventory.write_text(render("access/hosts.yml.j2", **facts))


def groups(lab: Lab) -> dict[str, list[Node]]:
    """The inventory's groups, in the same order whatever the topology."""
    names = dict.fromkeys([*GROUPS, *(node.cluster for node in lab.nodes)])
    members = {name: [node for node in lab.nodes if name in node.groups] for name in names}
    return {name: found for name, found in members.items() if found}


def make_key(file: Path, comment: str) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", file)


def sockets(name: str) -> Path:
    return SOCKETS / name


def hang_up(name: str) -> None:
    """End the connections that ssh keeps open for the next command."""
    for socket in sockets(name).glob("*"):
        run("ssh", "-o", f"ControlPath={socket}", "-O", "exit", "any", check=False)
    remove(sockets(name))
