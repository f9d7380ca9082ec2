# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web service on a lab's cluster, and a prober that keeps it under traffic from outside the cluster.

The prober runs in a container of the lab's own: it is removed with the lab, whatever became of the rest.
"""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import typing as t
import urllib.request
from pathlib import Path

import yaml

from .. import podman
from ..cluster import ADMIN_CONF
from ..lab import Lab
from ..process import LabError
from ..topology import host
from ..waiting import until
from . import prober

HERE = Path(__file__).parent
PORT = 30080
PROBER_HOST = 3


def web(lab: Lab) -> str:
    """The service as somebody outside reaches it: its NodePort on a control plane, wherever its pods are."""
    return f"http://{lab.control_planes[0].address}:{PORT}/"


def kubectl(lab: Lab, *words: str, **options: t.Any) -> str:
    command = ("kubectl", f"--kubeconfig={ADMIN_CONF}", *words)
    return podman.podman("exec", "--interactive", lab.container(lab.control_planes[0].name), *command, **options)


def deploy(lab: Lab) -> None:
    """Bring the web service and wait until it answers."""
    kubectl(lab, "apply", "--filename=-", stdin=(HERE / "web.yml").read_text())
    kubectl(lab, "--namespace=web", "rollout", "status", "deployment/web", "--timeout=300s")
    until(f"an answer of {web(lab)}", lambda: _answers(web(lab)))


def start(lab: Lab, at_least: int = 500, at_most: float = 3600) -> None:
    """Put the service under traffic; returns when the first answers have come."""
    folder = _folder(lab)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    cluster = yaml.safe_load(lab.kubeconfig.read_text())["clusters"][0]["cluster"]
    (folder / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    shutil.copy(HERE / "prober.py", folder)
    command = [
        "python3",
        "/traffic/prober.py",
        "--report=/traffic/report.json",
        f"--web={web(lab)}",
        f"--api={cluster['server']}/readyz",
        "--api-ca=/traffic/ca.crt",
        f"--at-least={at_least}",
        f"--at-most={at_most}",
    ]
    container = lab.container("prober")
    podman.podman("rm", "--force", "--ignore", "--volumes", container)
    podman.start(
        lab.name,
        container,
        podman.podman("inspect", "--format={{.ImageName}}", lab.container(lab.control_planes[0].name)),
        f"--network={lab.network}",
        "--rm",
        f"--ip={host(lab.subnet, PROBER_HOST)}",
        f"--volume={folder}:/traffic",
        f"--entrypoint={json.dumps(command)}",
    )
    until("an answer to the prober", lambda: report(lab)["web"]["answered_by"])


def stop(lab: Lab) -> dict[str, t.Any]:
    """The prober's last word, once it has made all its requests."""
    podman.podman("kill", "--signal=TERM", lab.container("prober"))
    until("the end of the traffic", lambda: report(lab)["finished"])
    return report(lab)


def report(lab: Lab) -> dict[str, t.Any]:
    try:
        return t.cast("dict[str, t.Any]", json.loads((_folder(lab) / "report.json").read_text()))
    except FileNotFoundError:
        raise LabError(f"no report of a prober in {_folder(lab)}") from None


def describe(found: t.Mapping[str, t.Any]) -> str:
    return "\n".join(prober.describe(found))


def _folder(lab: Lab) -> Path:
    return lab.folder / "traffic"


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False
