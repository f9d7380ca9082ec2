# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container images as kubeadm wants them, and the registry's storage that holds them all."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import socket
import subprocess
import typing as t
import urllib.request
from pathlib import Path

from ..cache import Cache
from ..process import LabError, output, run
from ..waiting import until
from . import debian
from .oci import Layout
from .programs import Programs
from .recipes import Recipe

REGISTRY_SETTINGS = Path(__file__).parents[1] / "files" / "mirror" / "registry.yml"
CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
# netbase has /etc/protocols: without it nft prints protocols as numbers, and a kube-proxy that starts over then deletes
# every Service.
KUBE_PROXY_NEEDS = ("nftables", "conntrack", "netbase")
SHELL_NEEDS = ("busybox-static",)


@dataclasses.dataclass(frozen=True)
class Image:
    """Programs of one recipe in a folder of the image, on nothing or on some Debian packages; or these alone."""

    name: str
    tag: str
    recipe: Recipe | None = None
    programs: tuple[str, ...] = ()
    folder: str = "/usr/local/bin"
    entrypoint: bool = True
    user: str = "0"
    debian: tuple[str, ...] = ()


def images(kubernetes: t.Sequence[Recipe], etcd: t.Sequence[Recipe], others: t.Sequence[Recipe]) -> list[Image]:
    """Every image of the mirror, with upstream's names, tags and entry points, and `shell` for workloads of tests."""
    wanted = [Image("shell", "1.0.0", entrypoint=False, debian=SHELL_NEEDS)]
    for recipe in kubernetes:
        tag = f"v{recipe.version}"
        wanted += [Image(name, tag, recipe, (name,)) for name in CONTROL_PLANE]
        wanted.append(Image("kube-proxy", tag, recipe, ("kube-proxy",), debian=KUBE_PROXY_NEEDS))
    wanted += [
        Image("etcd", f"{recipe.version}-0", recipe, tuple(recipe.programs), entrypoint=False) for recipe in etcd
    ]
    for recipe in others:
        tag = f"v{recipe.version}" if recipe.name == "coredns" else recipe.version
        user = "65535" if recipe.name in ("pause", "web") else "0"
        wanted.append(Image(recipe.name, tag, recipe, (recipe.name,), folder="", user=user))
    return wanted


class Images:
    """Builds images and fills a registry's storage with them."""

    def __init__(self, cache: Cache, programs: Programs) -> None:
        self.cache = cache
        self.programs = programs
        self.architecture = output("dpkg", "--print-architecture")

    def registry(self, wanted: t.Sequence[Image]) -> Path:
        """The storage of a registry with these images: made when it is missing."""
        layouts = {f"{image.name}:{image.tag}": self.image(image) for image in wanted}
        product = self.cache.path("mirror", "registry", {name: path.name for name, path in layouts.items()})

        def build(part: Path) -> None:
            with registry(part) as address:
                for name, layout in layouts.items():
                    source = f"oci:{layout}:{name.partition(':')[2]}"
                    run(
                        "skopeo",
                        "copy",
                        "--insecure-policy",
                        "--dest-tls-verify=false",
                        source,
                        f"docker://{address}/{name}",
                    )

        self.cache.make(product, "image registry", build)
        return product

    def image(self, image: Image) -> Path:
        programs = self.programs.folder(image.recipe) if image.recipe else Path()
        base = self.base(image.debian) if image.debian else None
        made_from = {**dataclasses.asdict(image), "recipe": programs.name, "base": base.name if base else ""}
        product = self.cache.path("images", f"{image.name}-{image.tag}", made_from)

        def build(part: Path) -> None:
            layout = Layout(part, self.architecture)
            if base:
                layout.add_tar(base)
            if image.programs:
                layout.add_files({f"{image.folder}/{name}": programs / name for name in image.programs})
            settings: dict[str, t.Any] = {
                "User": image.user,
                "Env": ["PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            }
            if image.entrypoint:
                settings["Entrypoint"] = [f"{image.folder}/{image.programs[0]}"]
            layout.finish(image.tag, settings)

        self.cache.make(product, f"image {image.name}:{image.tag}", build)
        return product

    def base(self, packages: tuple[str, ...]) -> Path:
        """A layer of Debian."""
        product = self.cache.path("images", "debian-base", [debian.SUITE, *packages])
        self.cache.make(
            product,
            f"file system with {', '.join(packages)}",
            lambda part: debian.file_system(part, "extract", packages),
        )
        return product


@contextlib.contextmanager
def registry(storage: Path) -> t.Iterator[str]:
    """A registry on the loopback that writes to a folder, as long as it is filled."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    environment = {
        **os.environ,
        "REGISTRY_HTTP_ADDR": address,
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(storage),
        "REGISTRY_STORAGE_MAINTENANCE_READONLY": "{enabled: false}",
    }
    command = ["docker-registry", "serve", str(REGISTRY_SETTINGS)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until("an answer of docker-registry", lambda: answers(f"http://{address}/v2/", process))
            yield address
        finally:
            process.terminate()


def answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise LabError(f"docker-registry ended at once with exit status {process.returncode}")
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False
