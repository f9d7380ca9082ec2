# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recipes: which Go modules the programs of a lab come from. Plain data and pure functions."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

CRI_TOOLS = "1.36.0"
CNI_PLUGINS = "1.9.1"
KWOK = "0.8.0"
VERSITYGW = "1.8.0"
# Of the oldest minor whose clusters the collection knows. No node of the lab runs it: tests start it by themselves.
OLDEST_ETCD = "3.5.35"
COREDNS_SOURCE = Path(__file__).parent / "coredns"
PAUSE_SOURCE = Path(__file__).parent / "pause"
WEB_SOURCE = Path(__file__).parent / "web"
KUBERNETES_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubeadm",
    "kubelet",
    "kubectl",
)


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Programs that are built together: from modules by version, from a folder of the project, or from both."""

    name: str
    version: str
    programs: t.Mapping[str, str]  # program -> Go package
    modules: t.Mapping[str, str] = dataclasses.field(default_factory=dict)  # module -> version
    strings: t.Mapping[str, str] = dataclasses.field(default_factory=dict)  # variable -> value, set by the linker
    source: Path | None = None

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}"

    @property
    def linker_flags(self) -> str:
        return " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in sorted(self.strings.items()))])


def kubernetes(version: str) -> Recipe:
    major, minor, _ = version.split(".")
    facts = {
        "gitVersion": f"v{version}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    return Recipe(
        name="kubernetes",
        version=version,
        programs={name: f"k8s.io/kubernetes/cmd/{name}" for name in KUBERNETES_PROGRAMS},
        modules={"k8s.io/kubernetes": f"v{version}"},
        strings={
            f"{package}.{name}": value
            for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
            for name, value in facts.items()
        },
    )


def etcd(version: str) -> Recipe:
    programs = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}
    return Recipe(
        name="etcd",
        version=version,
        programs={name: f"go.etcd.io/etcd/{module}/v3" for name, module in programs.items()},
        modules={f"go.etcd.io/etcd/{module}/v3": f"v{version}" for module in programs.values()},
    )


def coredns(version: str) -> Recipe:
    return Recipe(
        name="coredns",
        version=version,
        programs={"coredns": "lab/coredns"},
        modules={"github.com/coredns/coredns": f"v{version}"},
        source=COREDNS_SOURCE,
    )


def cri_tools(version: str = CRI_TOOLS) -> Recipe:
    module = "sigs.k8s.io/cri-tools"
    return Recipe(
        name="cri-tools",
        version=version,
        programs={"crictl": f"{module}/cmd/crictl"},
        modules={module: f"v{version}"},
        strings={f"{module}/pkg/version.Version": f"v{version}"},
    )


def cni_plugins(version: str = CNI_PLUGINS) -> Recipe:
    module = "github.com/containernetworking/plugins"
    kinds = {
        "main": ("bridge", "host-device", "ipvlan", "loopback", "macvlan", "ptp", "vlan"),
        "ipam": ("dhcp", "host-local", "static"),
        "meta": ("bandwidth", "firewall", "portmap", "sbr", "tuning", "vrf"),
    }
    return Recipe(
        name="kubernetes-cni",
        version=version,
        programs={name: f"{module}/plugins/{kind}/{name}" for kind, names in kinds.items() for name in names},
        modules={module: f"v{version}"},
        strings={f"{module}/pkg/utils/buildversion.BuildVersion": f"v{version}"},
    )


def kwok(version: str = KWOK) -> Recipe:
    """Plays the kubelets of a cluster that is only an API."""
    module = "sigs.k8s.io/kwok"
    return Recipe("kwok", version, {"kwok": f"{module}/cmd/kwok"}, {module: f"v{version}"})


def versitygw(version: str = VERSITYGW) -> Recipe:
    """An S3 server over a folder, where tests copy backups to. No node of the lab runs it."""
    module = "github.com/versity/versitygw"
    return Recipe("versitygw", version, {"versitygw": f"{module}/cmd/versitygw"}, {module: f"v{version}"})


def pause(version: str) -> Recipe:
    return Recipe(
        name="pause",
        version=version,
        programs={"pause": "lab/pause"},
        strings={"main.version": version},
        source=PAUSE_SOURCE,
    )


def web() -> Recipe:
    return Recipe("web", "1.0.0", {"web": "lab/web"}, source=WEB_SOURCE)


def staging_modules(go_mod: str) -> list[str]:
    """The modules that k8s.io/kubernetes requires at exactly v0.0.0: its own, published under a version of their own.

    Others (k8s.io/utils, kube-openapi) have pseudo-versions, which begin with v0.0.0 too.
    """
    return sorted(line.split()[0] for line in go_mod.splitlines() if line.split()[1:2] == ["v0.0.0"])


def wanted_go(go_mod: str) -> str:
    """The version of Go that a go.mod asks for."""
    return next(line.split()[1] for line in go_mod.splitlines() if line.startswith("go "))


def throwaway_module(recipe: Recipe, go_version: str, staging: t.Sequence[str] = ()) -> str:
    """The go.mod of a module that exists only to build a recipe."""
    lines = ["module lab", f"go {go_version}"]
    lines += [f"require {module} {version}" for module, version in recipe.modules.items()]
    lines += [f"replace {module} => {module} v0.{recipe.version.partition('.')[2]}" for module in staging]
    return "\n".join(lines) + "\n"


def default_binary(package: str) -> str:
    """The file name that `go build -o FOLDER/` gives to a package: its last element that is no major version."""
    *parents, last = package.split("/")
    return parents[-1] if last[0] == "v" and last[1:].isdigit() and parents else last
