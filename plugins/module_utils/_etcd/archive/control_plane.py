# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files without which a snapshot of etcd makes no control plane: what kubeadm wrote, and what its pods name.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import glob
import os.path
import posixpath
import re
import typing as t

from ... import _static_pod
from ..._errors import MaintenanceError
from ..member import unit
from .files import Collection

KUBELET = "/var/lib/kubelet"
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd")
ENCRYPTION_FLAG = "encryption-provider-config"
# What these flags name is written by the program, or is not its settings.
_OUTPUTS = frozenset(
    ("audit-log-path", "cert-dir", "data-dir", "flex-volume-plugin-dir", "log-dir", "log-file", "wal-dir")
)
_NAMED = re.compile(r"""^\s*(?:-\s+)?([\w-]+):\s*["']?([^\s"'#]+)["']?\s*(?:#.*)?$""")


def collect(manifests: str, shown: str, kubelet: str = KUBELET) -> Collection:
    """``manifests``: the directory of the static pods, in that of Kubernetes. ``shown``: what `unit.show` read."""
    kubernetes = posixpath.dirname(posixpath.normpath(manifests))
    found = Collection()
    # Of what lies in /etc/kubernetes itself all files: not every tool has its settings in *.conf.
    directly = [path for path in sorted(glob.glob(f"{glob.escape(kubernetes)}/*")) if os.path.isfile(path)]
    for path in (manifests, f"{kubernetes}/pki", *directly):
        found.add(path)
    for component in COMPONENTS:
        pod = _pod(component, manifests)
        for flag, value in _flags(pod.command) if pod else ():
            _add_named(found, flag, value, component)
    for path in (f"{kubelet}/config.yaml", f"{kubelet}/kubeadm-flags.env"):
        found.add(path)
    if not _pod("etcd", manifests):
        _collect_unit(found, shown)
    found.mark_links()
    return found


def _collect_unit(found: Collection, shown: str) -> None:
    for path, may_be_missing in unit.sources(shown).items():
        found.add(path, "" if may_be_missing else unit.NAME)
    settings = unit.parse(shown)
    flags = [*settings.flags.items(), *(("client", path) for path in settings.client)] if settings else []
    for flag, value in flags:
        _add_named(found, flag, value, unit.NAME)


def has_apiserver(manifests: str) -> bool:
    return bool(_pod("kube-apiserver", manifests))


def encryption_configuration(manifests: str) -> str:
    """The file that kube-apiserver takes its keys from, empty where it has none."""
    pod = _pod("kube-apiserver", manifests)
    return pod.flags.get(ENCRYPTION_FLAG, "") if pod else ""


def _pod(component: str, manifests: str) -> t.Optional[_static_pod.StaticPod]:
    try:
        return _static_pod.read(component, manifests)
    except (MaintenanceError, OSError, UnicodeDecodeError):
        return None  # it is archived all the same; what it names is not known


def _flags(command: t.Iterable[str]) -> t.Iterator[tuple[str, str]]:
    """Each of them: some flags may be there several times."""
    for word in command:
        if word.startswith("--"):
            flag, _equals, value = word[2:].partition("=")
            yield flag, value


def _add_named(found: Collection, flag: str, value: str, by: str) -> None:
    """``value`` may be several paths, as in ``--tls-sni-cert-key=/a.crt,/a.key:example.com``."""
    if flag in _OUTPUTS or not value.startswith("/"):
        return
    for path in value.split(","):
        path = path.partition(":")[0]
        if path.startswith("/"):
            found.add(path, f"--{flag} of {by}")
            for named in names_in(found.text(path), posixpath.dirname(path)):
                if os.path.isfile(named):
                    found.add(named)


def names_in(text: str, directory: str) -> list[str]:
    """Paths that the lines of a configuration may name: ``caBundle: /a/ca.crt``; those of the admission configuration
    (``path: b.yaml``) go from its own directory.
    """
    paths = []
    for line in text.splitlines():
        matched = _NAMED.match(line)
        if matched and (matched[2].startswith("/") or matched[1] == "path" or matched[1].endswith("File")):
            paths.append(posixpath.join(directory, matched[2]))
    return paths
