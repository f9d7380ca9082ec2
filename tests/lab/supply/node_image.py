# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images that the lab's own containers run: a node with one version of Kubernetes, and the mirror."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

from .. import podman, versions
from ..cache import Cache, digest, key
from ..progress import stage
from . import debian

FILES = Path(__file__).parents[1] / "files"
MIRROR_PACKAGES = ("docker-registry", "busybox-static", "haproxy")


def node_packages() -> list[str]:
    lines = (FILES / "node" / "packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def node_image(cache: Cache, version: str, pause: str, repositories: Path) -> str:
    """The name of the node image for a version: made when it is missing."""
    base = node_base(cache)
    recipe = digest(FILES / "node" / "Containerfile")
    name = _name("node", version, [base, version, pause, repositories.name, recipe])

    def build() -> None:
        arguments = {"BASE": base, "KUBERNETES": version, "MINOR": versions.minor(version), "PAUSE": pause}
        _build(
            name,
            FILES / "node",
            "--network=none",
            f"--volume={repositories}:/mirror:ro",
            *(f"--build-arg={argument}={value}" for argument, value in arguments.items()),
        )

    _make(name, f"node image with Kubernetes {version}", build)
    return name


def mirror_image(cache: Cache) -> str:
    """The name of the mirror's image: made when it is missing."""
    folder = FILES / "mirror"
    name = _name("mirror", "1", [debian.SUITE, MIRROR_PACKAGES, digest(folder)])

    def build() -> None:
        work = cache.workplace()
        shutil.copytree(folder, work, dirs_exist_ok=True)
        debian.file_system(work / "mirror.tar", "extract", MIRROR_PACKAGES)
        _build(name, work)

    _make(name, "mirror image", build)
    return name


def node_base(cache: Cache) -> str:
    """A Debian with everything that a node needs but Kubernetes."""
    packages = node_packages()
    rootfs, customize = FILES / "node" / "rootfs", FILES / "node" / "customize"
    name = _name("base", debian.SUITE, [packages, digest(rootfs, customize)])

    def build() -> None:
        tar = cache.workplace() / "node.tar"
        debian.file_system(tar, "minbase", packages, hook=str(customize))
        podman.podman("import", "--quiet", f"--change=LABEL {podman.LABEL}=", tar, name)
        tar.unlink()

    _make(name, "node image without Kubernetes", build)
    return name


def _build(name: str, folder: Path, *options: str) -> None:
    """Without podman's own cache of layers: it does not see that a mounted folder has changed."""
    podman.podman("build", "--quiet", "--layers=false", f"--label={podman.LABEL}=", f"--tag={name}", *options, folder)


def _name(kind: str, version: str, made_from: t.Any) -> str:
    return f"localhost/kubeops-lab/{kind}:{version}-{key(made_from)}"


def _make(name: str, title: str, build: t.Callable[[], None]) -> None:
    """Podman gives an image its name when it is whole."""
    if not podman.has_image(name):
        with stage(title):
            build()
