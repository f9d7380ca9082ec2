# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian packages as upstream makes them, and one signed repository per minor at upstream's path."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import os
import shutil
import tempfile
import typing as t
from pathlib import Path

from .. import versions as kubernetes_versions
from ..cache import Cache, digest, remove
from ..process import output, run
from . import recipes
from .programs import Programs
from .recipes import Recipe

FILES = Path(__file__).parents[1] / "files" / "packages"
REVISION = "1.1"


@dataclasses.dataclass(frozen=True)
class Package:
    """A Debian package: programs of one recipe, files of the project, and what it depends on."""

    name: str
    summary: str
    recipe: Recipe
    programs: t.Mapping[str, str]  # program -> folder on the node
    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)  # path on the node -> file here ("" is empty)
    depends: str = ""
    conffiles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()  # postinst, prerm, postrm: FILES/NAME.SCRIPT

    @property
    def version(self) -> str:
        return f"{self.recipe.version}-{REVISION}"


def packages(kubernetes: Recipe, cri_tools: Recipe, cni_plugins: Recipe) -> list[Package]:
    """What upstream's repository of a minor holds, with upstream's paths and dependencies."""
    unit = "/usr/lib/systemd/system/kubelet.service"
    return [
        Package(
            "kubelet",
            "Node agent for Kubernetes clusters",
            kubernetes,
            {"kubelet": "/usr/bin"},
            files={
                unit: "kubelet.service",
                "/etc/default/kubelet": "kubelet.env",
                "/etc/kubernetes/manifests/.kubelet-keep": "",
                "/var/lib/kubelet/.kubelet-keep": "",
            },
            depends="iptables (>= 1.4.21), kubernetes-cni (>= 1.2.0), mount, util-linux",
            conffiles=("/etc/default/kubelet",),
            scripts=("postinst", "prerm", "postrm"),
        ),
        Package(
            "kubeadm",
            "Command-line utility for administering a Kubernetes cluster",
            kubernetes,
            {"kubeadm": "/usr/bin"},
            files={f"{unit}.d/10-kubeadm.conf": "10-kubeadm.conf"},
            # Upstream dropped the dependency in 1.32.
            depends="" if kubernetes_versions.numbers(kubernetes.version) >= (1, 32) else "cri-tools (>= 1.30.0)",
        ),
        Package(
            "kubectl",
            "Command-line utility for interacting with a Kubernetes cluster",
            kubernetes,
            {"kubectl": "/usr/bin"},
        ),
        Package(
            "cri-tools",
            "Command-line utility for interacting with a container runtime",
            cri_tools,
            {"crictl": "/usr/bin"},
        ),
        Package(
            "kubernetes-cni",
            "Binaries required to provision kubernetes container networking",
            cni_plugins,
            dict.fromkeys(cni_plugins.programs, "/opt/cni/bin"),
            files={"/etc/cni/net.d/.kubernetes-cni-keep": ""},
        ),
    ]


def control_file(package: Package, architecture: str, kibibytes: int) -> str:
    fields = {
        "Package": package.name,
        "Version": package.version,
        "Architecture": architecture,
        "Maintainer": "kubeops.maintenance lab <lab@invalid>",
        "Section": "net" if package.name in ("kubelet", "kubernetes-cni") else "admin",
        "Priority": "optional",
        "Installed-Size": str(kibibytes),
        "Depends": package.depends,
        "Homepage": "https://kubernetes.io",
        "Description": package.summary,
    }
    return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


class Packages:
    """The packages of all minors, and the tree of repositories made of them."""

    def __init__(self, cache: Cache, programs: Programs, versions: t.Sequence[str]) -> None:
        self.cache = cache
        self.programs = programs
        self.versions = versions
        self.architecture = output("dpkg", "--print-architecture")
        self.key = cache.root / "signing-key.asc"

    def repositories(self) -> Path:
        """A folder with `core:/stable:/v1.36/deb/` and its like: made when it is missing."""
        minors = {
            minor: [self.package(package) for version in members for package in self.members(version)]
            for minor, members in kubernetes_versions.by_minor(self.versions).items()
        }
        self.cache.make(self.key, "key that signs the repositories", make_key)
        names = {minor: sorted({file.parent.name for file in files}) for minor, files in minors.items()}
        product = self.cache.path("mirror", "packages", {"packages": names, "key": digest(self.key)})

        def build(part: Path) -> None:
            with signing(self.key) as gnupg:
                for minor, files in minors.items():
                    make_repository(part / "core:/stable:" / f"v{minor}" / "deb", set(files), gnupg)

        self.cache.make(product, "package repositories", build)
        return product

    def members(self, version: str) -> list[Package]:
        return packages(recipes.kubernetes(version), recipes.cri_tools(), recipes.cni_plugins())

    def package(self, package: Package) -> Path:
        """One .deb file; its folder carries the key, its name is the one that upstream gives it."""
        programs = self.programs.folder(package.recipe)
        made_from = {**dataclasses.asdict(package), "recipe": programs.name, "files": digest(FILES)}
        folder = self.cache.path("packages", f"{package.name}-{package.version}", made_from)
        name = f"{package.name}_{package.version}_{self.architecture}.deb"
        self.cache.make(folder, f"package {name}", lambda part: self._pack(package, programs, part, name))
        return folder / name

    def _pack(self, package: Package, programs: Path, part: Path, name: str) -> None:
        tree = self.cache.workplace()
        tree.chmod(0o755)
        lay_out(package, programs, tree)
        kibibytes = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file()) // 1024
        install(None, tree / "DEBIAN" / "control", 0o644)
        (tree / "DEBIAN" / "control").write_text(control_file(package, self.architecture, kibibytes))
        part.mkdir()
        run("dpkg-deb", "--root-owner-group", "-Zzstd", "-z1", "--build", tree, part / name)
        remove(tree)


def lay_out(package: Package, programs: Path, tree: Path) -> None:
    """The files of a package where they will lie on the node."""
    for program, place in package.programs.items():
        install(programs / program, tree / place[1:] / program, 0o755)
    for place, source in package.files.items():
        install(FILES / source if source else None, tree / place[1:], 0o644)
    for script in package.scripts:
        install(FILES / f"{package.name}.{script}", tree / "DEBIAN" / script, 0o755)
    if package.conffiles:
        (tree / "DEBIAN" / "conffiles").write_text("".join(f"{file}\n" for file in package.conffiles))


def install(source: Path | None, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source is None:
        target.touch()
    else:
        shutil.copyfile(source, target)
    target.chmod(mode)


def make_key(part: Path) -> None:
    """A key of the lab's own, with no passphrase: it protects nothing but the proof that signatures are checked."""
    with signing(None) as gnupg:
        run(*gnupg, "--passphrase", "", "--quick-generate-key", "kubeops.maintenance lab", "rsa3072", "sign", "never")
        part.touch(0o600)
        part.write_text(output(*gnupg, "--armor", "--export-secret-keys") + "\n")


@contextlib.contextmanager
def signing(key: Path | None) -> t.Iterator[list[str]]:
    """The gpg command on a home of its own that holds one key; its agent is stopped with it."""
    with tempfile.TemporaryDirectory(prefix="lab-gpg-") as home:
        gnupg = ["gpg", "--homedir", home, "--batch", "--quiet", "--pinentry-mode", "loopback"]
        try:
            if key:
                run(*gnupg, "--import", key)
            yield gnupg
        finally:
            run("gpgconf", "--homedir", home, "--kill", "all")


def make_repository(folder: Path, files: t.Iterable[Path], gnupg: list[str]) -> None:
    """A flat, signed repository: the packages, their list, and the signatures."""
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).hardlink_to(file)
    index = output("apt-ftparchive", "packages", ".", cwd=folder) + "\n"
    (folder / "Packages").write_text(index)
    (folder / "Packages.gz").write_bytes(gzip.compress(index.encode(), mtime=0))
    release = output(
        "apt-ftparchive", "-o", "APT::FTPArchive::Release::Origin=kubeops.maintenance lab", "release", ".", cwd=folder
    )
    (folder / "Release").write_text(release + "\n")
    run(*gnupg, "--clearsign", "--output", folder / "InRelease", folder / "Release")
    run(*gnupg, "--armor", "--detach-sign", "--output", folder / "Release.gpg", folder / "Release")
    (folder / "Release.key").write_text(output(*gnupg, "--armor", "--export") + "\n")
    for file in folder.iterdir():
        os.chmod(file, 0o644)
