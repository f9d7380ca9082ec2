# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a lab: made, started again, removed."""

from __future__ import annotations

import functools
import typing as t

from . import access, balancer, cluster, etcd, hold, inotify, mirror, nodes, podman, topology
from .cache import Cache, remove
from .lab import Lab, folder, recall
from .process import LabError, in_parallel, output
from .progress import say, stage
from .supply.build import Supply, supply


def up(cache: Cache, name: str, shape: str, versions: t.Sequence[str], version: str) -> Lab:
    """Make the lab, or find that it is there."""
    with hold.held(name):
        return _up(cache, name, shape, versions, version)


def _up(cache: Cache, name: str, shape: str, versions: t.Sequence[str], version: str) -> Lab:
    wanted = topology.load(shape)
    found = recall(name)
    if found and (found.topology, found.version, found.versions) != (shape, version, tuple(versions)):
        there = f"{found.topology}, {found.version} of {', '.join(found.versions)}"
        raise LabError(f"lab {name} is there with other settings ({there}): `down` it, or choose another --name")
    if found and not stopped(found):
        say(f"lab {name} is up: nothing to do")
        return found
    inotify.make_room()
    goods = supply(cache, versions, version)
    if found:
        start_again(found, goods)
        return found
    down(name)  # what an attempt that failed has left
    with cache.locked():  # two labs that begin at once do not choose the same network
        subnet = free_subnet()
        lab = Lab(name, shape, version, tuple(versions), subnet, tuple(topology.place(wanted, subnet)))
        podman.refuse_foreign(name, lab.network, lab.containers)
        podman.make_network(name, lab.network, subnet)
    try:
        make(lab, goods)
    except LabError as error:
        hint = f"What there is of lab {name} is left for you to look at: `down` removes it, `up` begins anew."
        raise LabError(f"{error}\n{hint}") from error
    return lab


def free_subnet() -> str:
    taken = [subnet["subnet"] for other in podman.networks() for subnet in other.get("subnets") or []]
    taken += [line.split()[0] for line in output("ip", "-4", "route").splitlines() if line[:1].isdigit()]
    return topology.free_subnet(taken)


def stopped(lab: Lab) -> list[str]:
    """Containers that ought to run and do not."""
    running = {container["Names"][0] for container in podman.containers(lab.name) if container["State"] == "running"}
    return [name for name in lab.containers if name not in running]


def make(lab: Lab, goods: Supply) -> None:
    access.prepare(lab, cluster.ignore_preflight_errors())
    lab.shared.mkdir()
    with stage(", ".join(lab.addresses)):
        starts = [functools.partial(start, lab, goods) for start in (mirror.start, balancer.start)]
        starts += [functools.partial(nodes.start, lab, goods, node) for node in lab.nodes]
        in_parallel(lambda start: start(), starts)
    with stage("nodes booted, package repository set up"):
        in_parallel(functools.partial(nodes.prepare, lab), lab.nodes)
    in_parallel(functools.partial(make_cluster, goods), lab.clusters)
    lab.remember()


def make_cluster(goods: Supply, lab: Lab) -> None:
    first, *others = sorted(lab.kubernetes, key=lambda node: not node.control_plane)
    if lab.etcd:
        with stage(f"etcd on {', '.join(node.name for node in lab.etcd)}"):
            etcd.make(lab, goods)
    with stage(f"kubeadm init on {first.name}"):
        cluster.init(lab, goods.etcd)
    api = cluster.Api(lab, goods.kubectl)
    if others:
        with stage(f"kubeadm join of {', '.join(node.name for node in others)}"):
            cluster.join(lab)
    with stage(f"network of pods from {first.name} on"):
        cluster.connect(lab, api)
        if goods.etcd and not lab.etcd:
            cluster.let_kubeadm_choose_etcd(api)
    with stage(f"cluster of {first.name} ready"):
        cluster.wait_until_ready(api)


def start_again(lab: Lab, goods: Supply) -> None:
    """The containers of a lab do not survive a reboot of the machine by themselves."""
    with stage(f"lab {lab.name} was stopped: starting it"):
        podman.podman("start", *stopped(lab))
        for each in lab.clusters:
            cluster.wait_until_ready(cluster.Api(each, goods.kubectl))


def down(name: str) -> None:
    """Remove everything that the lab has made, and nothing else."""
    with hold.held(name):
        if folder(name).exists():
            access.hang_up(name)
        podman.remove(name)
        remove(folder(name))
    if others := podman.containers(name):
        checkout = others[0]["Labels"][podman.CHECKOUT]
        raise LabError(f"lab {name} was made from the checkout {checkout}: `down` it there, or choose another --name")
