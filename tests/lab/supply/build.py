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


def supply(cache: Cache, versions: t.Sequence[str], version: str) -> Supply:
    """Bring every product that a lab of these versions needs which starts on ``version``."""
    with cache.locked(), concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside:
        programs = Programs(cache)
        debian = beside.submit(from_debian, cache, programs)
        kubernetes = {name: recipes.kubernetes(name) for name in versions}
        programs.build(
            [*kubernetes.values(), recipes.cri_tools(), recipes.cni_plugins(), recipes.kwok(), recipes.web()]
        )
        debian.result()
        wanted = {name: wanted_images(programs.folder(recipe) / "kubeadm", name) for name, recipe in kubernetes.items()}
        etcd = [recipes.etcd(name) for name in etcd_versions(tags["etcd"] for tags in wanted.values())]
        coredns = [recipes.coredns(name) for name in ordered(tags["coredns"][1:] for tags in wanted.values())]
        pause = [recipes.pause(name) for name in ordered(tags["pause"] for tags in wanted.values())]
        programs.build([*etcd, *coredns, *pause, recipes.etcd(recipes.OLDEST_ETCD), recipes.versitygw()])
        programs.forget_compiler_cache()

        packages = Packages(cache, programs, versions).repositories()
        registry = Images(cache, programs).registry(
            images([*kubernetes.values()], etcd, [*coredns, *pause, recipes.web()])
        )
        own_etcd = wanted[version]["etcd"]
        start_etcd = kubernetes_versions.etcd_to_start_on(own_etcd.partition("-")[0])
        return Supply(
            packages=packages,
            registry=registry,
            mirror_image=mirror_image(cache),
            node_image=node_image(cache, version, wanted[version]["pause"], packages),
            base_image=node_base(cache),
            kubeadm=programs.folder(kubernetes[version]) / "kubeadm",
            kubectl=programs.folder(kubernetes[version]) / "kubectl",
            etcd_programs=programs.folder(recipes.etcd(start_etcd)),
            etcd=f"{start_etcd}-0" if f"{start_etcd}-0" != own_etcd else "",
        )


def from_debian(cache: Cache, programs: Programs) -> None:
    """What needs no program of ours: unpacked and waited for while the compiler works."""
    node_base(cache)
    mirror_image(cache)
    for packages in (KUBE_PROXY_NEEDS, SHELL_NEEDS):
        Images(cache, programs).base(packages)


def etcd_versions(tags: t.Iterable[str]) -> list[str]:
    """What the kubeadms want (tag 3.6.8-0 is version 3.6.8), and what a new cluster starts on instead."""
    own = {tag.partition("-")[0] for tag in tags}
    return ordered(own | {kubernetes_versions.etcd_to_start_on(version) for version in own})


def ordered(found: t.Iterable[str]) -> list[str]:
    return sorted(set(found), key=kubernetes_versions.numbers)
