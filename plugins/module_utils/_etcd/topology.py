# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where this node's etcd member is: endpoint, name, data directory and certificates, read from its own manifest.

Nothing is guessed from an inventory. A member that systemd runs is not found here.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os.path
import posixpath
import re
import typing as t
import urllib.parse

from .. import _static_pod
from .._errors import MaintenanceError

# The name becomes part of file names.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


@dataclasses.dataclass(frozen=True)
class LocalMember:
    """The etcd member of this node. The three certificate files are empty for a member that serves without TLS."""

    name: str
    endpoint: str
    data_dir: str
    peer_urls: tuple[str, ...]
    ca_file: str
    cert_file: str
    key_file: str
    image: str
    source: str


def discover(directory: str = _static_pod.MANIFESTS) -> LocalMember:
    """The member that the kubelet of this node runs. Raise MaintenanceError that says what was looked for."""
    wanted = posixpath.join(directory, "etcd.yaml")
    try:
        pod = _static_pod.read("etcd", directory)
    except (OSError, UnicodeDecodeError) as error:
        raise MaintenanceError(f"{wanted}: cannot be read: {error}. Run the task as root (become: true)") from error
    if pod is None:
        raise MaintenanceError(
            f"no etcd member found on this node: there is no {wanted}. Run the task on a control plane of a kubeadm "
            "cluster with stacked etcd, or say with manifest_dir where its static pod manifests are"
        )
    return from_manifest(pod, os.path.isfile)


def from_manifest(pod: _static_pod.StaticPod, exists: t.Callable[[str], bool]) -> LocalMember:
    name = _flag(pod, "name")
    if not _NAME.fullmatch(name):
        raise MaintenanceError(f"{pod.path}: --name={name} is no member name: letters, digits, '.', '_' and '-' are")
    endpoint = _endpoint(pod)
    ca_file = cert_file = key_file = ""
    if endpoint.startswith("https:"):
        ca_file = _flag(pod, "trusted-ca-file")
        if not exists(ca_file):
            raise MaintenanceError(f"{pod.path}: --trusted-ca-file={ca_file}: there is no such file")
        cert_file, key_file = _client_certificate(pod, exists)
    return LocalMember(
        name=name,
        endpoint=endpoint,
        data_dir=_flag(pod, "data-dir"),
        peer_urls=_urls(pod, "initial-advertise-peer-urls"),
        ca_file=ca_file,
        cert_file=cert_file,
        key_file=key_file,
        image=pod.image,
        source=pod.path,
    )


def _flag(pod: _static_pod.StaticPod, name: str) -> str:
    value = pod.flags.get(name, "")
    if not value:
        raise MaintenanceError(f"{pod.path}: etcd's command line has no --{name}=..., which kubeadm always writes")
    return value


def _urls(pod: _static_pod.StaticPod, name: str) -> tuple[str, ...]:
    return tuple(url for url in pod.flags.get(name, "").split(",") if url.startswith(("http://", "https://")))


def _endpoint(pod: _static_pod.StaticPod) -> str:
    """Loopback where etcd listens on it: that way leads to this member and to no other."""
    # Where etcd serves HTTP on addresses of its own, the gateway is there and not on the client URLs.
    listen = _urls(pod, "listen-client-http-urls") or _urls(pod, "listen-client-urls")
    for url in listen:
        address = _address(url)
        if address is not None and address.is_loopback:
            return url
        if address is not None and address.is_unspecified:
            parts = urllib.parse.urlsplit(url)
            loopback = "127.0.0.1" if address.version == 4 else "[::1]"
            return f"{parts.scheme}://{loopback}:{parts.port}"
    for url in (*listen, *_urls(pod, "advertise-client-urls")):
        return url
    raise MaintenanceError(
        f"{pod.path}: etcd's command line has no --listen-client-urls=https://..., so it serves no client"
    )


def _address(url: str) -> t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address, None]:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None


def _client_certificate(pod: _static_pod.StaticPod, exists: t.Callable[[str], bool]) -> tuple[str, str]:
    server_cert, server_key = _flag(pod, "cert-file"), _flag(pod, "key-file")
    etcd_pki = posixpath.dirname(server_cert)
    pki = posixpath.dirname(etcd_pki)
    candidates = (
        (posixpath.join(etcd_pki, "healthcheck-client.crt"), posixpath.join(etcd_pki, "healthcheck-client.key")),
        (posixpath.join(pki, "apiserver-etcd-client.crt"), posixpath.join(pki, "apiserver-etcd-client.key")),
        # kubeadm gives the server's certificate the use for clients too; etcd itself needs that for its gateway.
        (server_cert, server_key),
    )
    for cert, key in candidates:
        if exists(cert) and exists(key):
            return cert, key
    looked_for = ", ".join(cert for cert, _key in candidates)
    raise MaintenanceError(
        f"{pod.path}: no client certificate for etcd with its key found, looked for {looked_for}. "
        "Make one with: kubeadm init phase certs etcd-healthcheck-client"
    )
