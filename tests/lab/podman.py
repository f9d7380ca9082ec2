# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's containers, networks and images: everything carries a label, and nothing without it is touched."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

from .lab import PROJECT
from .process import LabError, output, run

LABEL = "kubeops.lab"
CHECKOUT = "kubeops.lab.checkout"  # two checkouts on one machine do not take each other's lab of the same name
CNI_ADDRESSES = Path("/var/lib/cni/networks")
FILES = Path(__file__).parent / "files"
SETTINGS = {"CONTAINERS_CONF": str(FILES / "containers.conf")}


def podman(*words: str | Path, **options: t.Any) -> str:
    return output("podman", *words, env=SETTINGS, **options)


def containers(lab: str | None = None) -> list[dict[str, t.Any]]:
    """Containers of one lab, or of all labs."""
    found: list[dict[str, t.Any]] = json.loads(podman("ps", "-a", "--format=json", f"--filter=label={_filter(lab)}"))
    return found


def labs() -> list[str]:
    """Names of the labs that have containers."""
    return sorted({container["Labels"][LABEL] for container in containers()})


def networks() -> list[dict[str, t.Any]]:
    """All networks of the machine, whoever made them."""
    found: list[dict[str, t.Any]] = json.loads(podman("network", "ls", "--format=json"))
    return found


def refuse_foreign(lab: str, network: str, names: t.Iterable[str]) -> None:
    """Objects of the lab's names that the lab did not make stay as they are."""
    everybody = json.loads(podman("ps", "-a", "--format=json"))
    there = {("container", container["Names"][0]): container["Labels"] for container in everybody}
    there |= {("network", other["name"]): other.get("labels") for other in networks()}
    for kind, name in [("network", network), *(("container", name) for name in names)]:
        if (kind, name) in there and not ours(lab, there[kind, name]):
            raise LabError(
                f"there is a {kind} {name} that lab {lab} of this checkout did not make (labels: {there[kind, name]}): "
                f"choose another --name, or remove it yourself"
            )


def ours(lab: str, labels: t.Mapping[str, str] | None) -> bool:
    """Whether an object is of this lab: by name, and made from this checkout or from one that is gone."""
    checkout = Path((labels or {}).get(CHECKOUT, PROJECT))
    return (labels or {}).get(LABEL) == lab and (checkout == PROJECT or not checkout.exists())


def make_network(lab: str, name: str, subnet: str) -> None:
    podman("network", "create", *_labels(lab), f"--subnet={subnet}", name)


def start(lab: str, name: str, image: str, *words: str | Path) -> None:
    podman("run", "--detach", f"--name={name}", *_labels(lab), "--pull=never", *words, image)


def inside(container: str, script: str, **options: t.Any) -> str:
    """Run a shell script as root in a container."""
    return podman("exec", "--interactive", container, "sh", "-eu", "-s", stdin=script, **options)


def remove(lab: str) -> None:
    """Remove what this lab has made, with the volumes that belong to it."""
    if names := [container["Names"][0] for container in containers(lab) if ours(lab, container["Labels"])]:
        podman("rm", "--force", "--time=0", "--volumes", *names)
    for network in networks():
        if ours(lab, network.get("labels")):
            podman("network", "rm", network["name"])
            # What podman's CNI back end forgets: which addresses it gave out.
            shutil.rmtree(CNI_ADDRESSES / network["name"], ignore_errors=True)


def has_image(name: str) -> bool:
    return run("podman", "image", "exists", name, env=SETTINGS, check=False).returncode == 0


def remove_images() -> None:
    if names := podman("images", "--quiet", "--no-trunc", f"--filter=label={LABEL}").split():
        podman("rmi", "--force", *dict.fromkeys(names))


def _labels(lab: str) -> list[str]:
    return [f"--label={LABEL}={lab}", f"--label={CHECKOUT}={PROJECT}"]


def _filter(lab: str | None) -> str:
    return f"{LABEL}={lab}" if lab else LABEL
