# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API as a node reaches it: kubectl with a kubeconfig that kubeadm left there. Reads only.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import json
import pathlib
import typing as t
import urllib.parse

from .._errors import MaintenanceError
from .._static_pod import StaticPod
from .cluster import Object, Objects
from .commands import Commands


class KubectlError(MaintenanceError):
    """The API did not answer, or said no."""


class Kubectl:
    def __init__(self, commands: Commands, kubeconfig: pathlib.Path, server: str = "") -> None:
        """With ``server``, ask this very apiserver instead of the one in the kubeconfig (a load balancer, often)."""
        self._commands = commands
        self._argv = ["kubectl", f"--kubeconfig={kubeconfig}", "--request-timeout=15s"]
        if server:
            # The name that every apiserver certificate of kubeadm carries, whatever its address is.
            self._argv += [f"--server={server}", "--tls-server-name=kubernetes"]

    def raw(self, path: str) -> str:
        try:
            result = self._commands.run(*self._argv, "get", "--raw", path)
        except OSError as error:
            raise MaintenanceError(
                f"kubectl cannot be run on this node: {error}. Install the package kubectl"
            ) from error
        if not result.ok:
            raise KubectlError(f"the Kubernetes API, asked for {path}: {result.reason}")
        return result.out

    def get(self, path: str, query: t.Optional[dict[str, str]] = None) -> Object:
        found = json.loads(self.raw(f"{path}?{urllib.parse.urlencode(query)}" if query else path))
        if not isinstance(found, dict):
            raise KubectlError(f"the Kubernetes API, asked for {path}, answered with something else than an object")
        return found

    def list(self, path: str, query: t.Optional[dict[str, str]] = None) -> Objects:
        return self.get(path, query).get("items") or []


def apiserver_url(manifest: StaticPod) -> str:
    """The address of this node's own apiserver, not whichever a load balancer chooses."""
    host, port = manifest.flags.get("advertise-address") or "127.0.0.1", manifest.flags.get("secure-port", "6443")
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
