# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole supply, in order."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t
from pathlib import Path

from .. import versions as kubernetes_versions
from ..cache import Cache
from . import recipes
from .images import KUBE_PROXY_NEEDS, SHELL_NEEDS, Images, images
from .node_image import mirror_image, node_base, node_image
from .packages import Packages
from .programs import Programs, wanted_images


@dataclasses.dataclass(frozen=True)
class Supply:
    """Where a lab finds what it is made of."""

    packages: Path  # folder with core:/stable:/v1.36/deb/
    registry: Path  # storage of an image registry
    mirror_image: str
    node_image: str
    base_image: str  # of a machine without Kubernetes
    kubeadm: Path
    kubectl: Path
    etcd_programs: Path
    etcd: str  # tag of the etcd image that a new cluster starts on; "" is what kubeadm would take anyway


def supply(cache: Cache, versions: t.Sequence[str], version: str, all_releases: bool = False) -> Supply:
    """Bring every product that a lab of these versions needs which starts on ``version``.

    ``all_releases``: also what only tests that are slow start by themselves.
    """
    with cache.locked(), concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside:
        programs = Programs(cache)
        debian = beside.submit(from_debian, cache, programs)
        kubernetes = {name: recipes.kubernetes(name) for name in versions}
        programs.build(
            [*kubernetes.values(), recipes.cri_tools(), recipes.cni_plugins(), recipes.kwok(), recipes.web()]
        )
        debian.result()
        wanted = {name: wanted_images(programs.folder(recipe) / "kubeadm", name) for name, recipe in kubernetes.items()}
        own_etcd = {name: tags["etcd"].partition("-")[0] for name, tags in wanted.items()}
        start_etcd = kubernetes_versions.etcd_to_start_on(own_etcd[version])
        of_clusters = etcd_versions(own_etcd, version)
        of_tests = [recipes.OLDEST_ETCD, *(own_etcd.values() if all_releases else ())]
        etcd = [recipes.etcd(name) for name in of_clusters]
        coredns = [recipes.coredns(name) for name in ordered(tags["coredns"][1:] for tags in wanted.values())]
        pause = [recipes.pause(name) for name in ordered(tags["pause"] for tags in wanted.values())]
        programs.build([*map(recipes.etcd, ordered([*of_clusters, *of_tests])), *coredns, *pause, recipes.versitygw()])
        programs.forget_compiler_cache()

        packages = Packages(cache, programs, versions).repositories()
        registry = Images(cache, programs).registry(
            images([*kubernetes.values()], etcd, [*coredns, *pause, recipes.web()])
        )
        return Supply(
            packages=packages,
            registry=registry,
            mirror_image=mirror_image(cache),
            node_image=node_image(cache, version, wanted[version]["pause"], packages),
            base_image=node_base(cache),
            kubeadm=programs.folder(kubernetes[version]) / "kubeadm",
            kubectl=programs.folder(kubernetes[version]) / "kubectl",
            etcd_programs=programs.folder(recipes.etcd(start_etcd)),
            etcd=f"{start_etcd}-0" if start_etcd != own_etcd[version] else "",
        )


def from_debian(cache: Cache, programs: Programs) -> None:
    """What needs no program of ours: unpacked and waited for while the compiler works."""
    node_base(cache)
    mirror_image(cache)
    for packages in (KUBE_PROXY_NEEDS, SHELL_NEEDS):
        Images(cache, programs).base(packages)


def etcd_versions(own: t.Mapping[str, str], version: str) -> list[str]:
    """What a cluster of ``version`` starts on, and what the kubeadms want that it may be upgraded with."""
    others = {etcd for name, etcd in own.items() if name != version}
    return ordered({kubernetes_versions.etcd_to_start_on(own[version])} | others)


def ordered(found: t.Iterable[str]) -> list[str]:
    return sorted(set(found), key=kubernetes_versions.numbers)
