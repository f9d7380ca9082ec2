# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command: one function per verb."""

from __future__ import annotations

import argparse
import os
import sys
import typing as t

from . import hold, life, nodes, podman, topology, versions
from .cache import Cache
from .cluster import ADMIN_CONF
from .lab import Lab, known
from .process import LabError
from .progress import elapsed, say
from .supply.build import supply


def do_supply(options: argparse.Namespace) -> int:
    goods = supply(Cache(), *asked(options), all_releases=options.all_releases)
    say(f"supply is there: packages in {goods.packages}, images in {goods.registry}")
    return 0


def do_up(options: argparse.Namespace) -> int:
    lab = life.up(Cache(), options.name, options.topology, *asked(options))
    say(f"lab {lab.name}: Kubernetes {lab.version}, {', '.join(node.name for node in lab.nodes)}")
    print_files(lab)
    print(f"ssh:        ssh -F {lab.ssh}/config NODE")
    return 0


def do_down(options: argparse.Namespace) -> int:
    life.down(options.name)
    say(f"lab {options.name} is gone")
    return 0


def do_status(options: argparse.Namespace) -> int:
    lab = known(options.name)
    states = {container["Names"][0]: container["State"] for container in podman.containers(lab.name)}
    print(f"lab {lab.name}: {lab.topology}, began with Kubernetes {lab.version}, network {lab.subnet}")
    for name, address in lab.addresses.items():
        print(f"  {name:10} {address:15} {states.get(lab.container(name), 'missing')}")
    print_files(lab)
    kubectl = f"kubectl --kubeconfig={ADMIN_CONF} --request-timeout=5s get nodes"
    for cluster in lab.clusters:
        print(podman.inside(lab.container(cluster.control_planes[0].name), kubectl))
    return 0


def do_shell(options: argparse.Namespace) -> int:
    return nodes.shell(known(options.name), options.node, options.command)


def do_kubeconfig(options: argparse.Namespace) -> int:
    for cluster in known(options.name).clusters:
        print(cluster.kubeconfig)
    return 0


def do_hold(options: argparse.Namespace) -> int:
    hold.become(options.name, options.command)


def do_clean(options: argparse.Namespace) -> int:
    if labs := podman.labs():
        raise LabError(f"the cache is in use by {', '.join(labs)}: `down` them first")
    podman.remove_images()
    cache = Cache()
    cache.clean()
    say(f"{cache.root} and the lab's container images are gone")
    return 0


def print_files(lab: Lab) -> None:
    print(f"inventory:  {lab.inventory}")
    for cluster in lab.clusters:
        print(f"kubeconfig: {cluster.kubeconfig}")


def asked(options: argparse.Namespace) -> tuple[list[str], str]:
    """All versions that the supply holds, and the one that the lab begins with."""
    every = versions.parse(options.versions)
    if not options.version:
        return every, every[0]
    (version,) = versions.parse(options.version)
    return list(dict.fromkeys([*every, version])), version


def parser() -> argparse.ArgumentParser:
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", default="lab", help="labs of different names stand side by side")
    which = argparse.ArgumentParser(add_help=False)
    which.add_argument(
        "--versions",
        default=os.environ.get("LAB_VERSIONS", versions.DEFAULT),
        help="versions of Kubernetes that the mirror holds (default: %(default)s, or $LAB_VERSIONS)",
    )
    which.add_argument("--version", help="the one that the lab begins with (default: the first)")

    top = argparse.ArgumentParser(prog="python tests/lab", description="A real kubeadm cluster in containers.")
    verbs = top.add_subparsers(required=True, metavar="VERB")

    def verb(
        work: t.Callable[[argparse.Namespace], int], text: str, *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        made = verbs.add_parser(
            work.__name__.removeprefix("do_"), parents=[named, *parents], help=text, description=text
        )
        made.set_defaults(work=work)
        return made

    verb(do_supply, "build or download what a lab is made of, as far as it is missing", which).add_argument(
        "--all-releases", action="store_true", help="also releases of etcd that no lab runs and only slow tests start"
    )
    verb(do_up, "make a lab", which).add_argument(
        "--topology",
        default=os.environ.get("LAB_TOPOLOGY", "single"),
        choices=topology.names(),
        help="which nodes (default: %(default)s, or $LAB_TOPOLOGY)",
    )
    verb(do_down, "remove a lab, and nothing else")
    verb(do_status, "show the nodes of a lab")
    verb(do_kubeconfig, "print the path of the administrator's kubeconfig")
    verb(do_clean, "empty the cache of everything built or downloaded")
    verb(do_hold, "run a command, and let nobody else make or remove the lab meanwhile").add_argument(
        "command", nargs="+", help="after a --"
    )
    shell = verb(do_shell, "open a shell on a node, or run a command there")
    shell.add_argument("node")
    shell.add_argument("command", nargs=argparse.REMAINDER)
    return top


def main() -> int:
    options = parser().parse_args()
    if os.geteuid() != 0:
        print("Nodes are privileged containers: run this as root (sudo).", file=sys.stderr)
        return 1
    try:
        return int(options.work(options))
    except LabError as error:
        print(f"[{elapsed():6.1f}s] failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
