# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One member of etcd, as what starts it describes it: endpoint, name, data directory and certificates.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import posixpath
import re
import typing as t
import urllib.parse

from ..._errors import MaintenanceError
from . import state

# The name becomes part of file names.
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_LISTENS = ("listen-client-urls", "listen-client-http-urls", "listen-peer-urls")


@dataclasses.dataclass(frozen=True)
class Access:
    """A way to ask a member. The three certificate files are empty for a member that serves without TLS."""

    endpoint: str
    ca_file: str
    cert_file: str
    key_file: str


@dataclasses.dataclass(frozen=True)
class LocalMember(Access):
    """The etcd member of this node. ``image`` is empty where systemd runs it; ``quota`` in bytes, 0: etcd's default.

    ``endpoint`` is where the gateway is, ``grpc_endpoint`` where etcdctl is served.
    """

    name: str
    data_dir: str
    peer_urls: tuple[str, ...]
    image: str
    source: str
    quota: int = 0
    grpc_endpoint: str = ""
    #: Where it listens for clients and peers.
    listens: tuple[str, ...] = ()
    wal_dir: str = ""
    #: Whether it forgets all other members each time it starts.
    forgets_others: bool = False


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a member was started with. ``flags``: name without dashes -> value. ``client``: certificate and key."""

    source: str
    flags: t.Mapping[str, str]
    image: str = ""
    client: tuple[str, str] = ("", "")


def from_settings(settings: Settings, exists: t.Callable[[str], bool]) -> LocalMember:
    """Raise MaintenanceError where the member cannot be asked with what its settings say."""
    name = _setting(settings, "name")
    if not _NAME.fullmatch(name):
        raise MaintenanceError(
            f"{settings.source}: --name={name} is no member name: these have letters, digits, '.', '_' and '-'"
        )
    endpoint = _endpoint(settings)
    ca_file = cert_file = key_file = ""
    if endpoint.startswith("https:"):
        ca_file = _setting(settings, "trusted-ca-file")
        if not exists(ca_file):
            raise MaintenanceError(f"{settings.source}: --trusted-ca-file={ca_file}: there is no such file")
        cert_file, key_file = _client_certificate(settings, exists)
    return LocalMember(
        name=name,
        endpoint=endpoint,
        data_dir=_setting(settings, "data-dir"),
        peer_urls=_urls(settings, "initial-advertise-peer-urls"),
        ca_file=ca_file,
        cert_file=cert_file,
        key_file=key_file,
        image=settings.image,
        source=settings.source,
        quota=state.quota(int(settings.flags.get("quota-backend-bytes") or 0)),
        grpc_endpoint=_endpoint(settings, http=False),
        listens=tuple(url for name in _LISTENS for url in _urls(settings, name)),
        wal_dir=settings.flags.get("wal-dir", ""),
        forgets_others=settings.flags.get("force-new-cluster", "false").lower() not in ("false", "0", "f"),
    )


def _setting(settings: Settings, name: str) -> str:
    value = settings.flags.get(name, "")
    if not value:
        raise MaintenanceError(f"{settings.source}: etcd has no --{name}=..., which has to be there")
    return value


def _urls(settings: Settings, name: str) -> tuple[str, ...]:
    return tuple(url for url in settings.flags.get(name, "").split(",") if url.startswith(("http://", "https://")))


def _endpoint(settings: Settings, http: bool = True) -> str:
    """Loopback where etcd listens on it: that way leads to this member and to no other."""
    # Where etcd serves HTTP on addresses of its own, the gateway is there and not on the client URLs.
    listen = (http and _urls(settings, "listen-client-http-urls")) or _urls(settings, "listen-client-urls")
    for url in listen:
        address = _address(url)
        if address is not None and address.is_loopback:
            return url
        if address is not None and address.is_unspecified:
            parts = urllib.parse.urlsplit(url)
            loopback = "127.0.0.1" if address.version == 4 else "[::1]"
            return f"{parts.scheme}://{loopback}:{parts.port}"
    for url in (*listen, *_urls(settings, "advertise-client-urls")):
        return url
    raise MaintenanceError(f"{settings.source}: etcd has no --listen-client-urls=https://..., so it serves no client")


def _address(url: str) -> t.Union[ipaddress.IPv4Address, ipaddress.IPv6Address, None]:
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return None


def _client_certificate(settings: Settings, exists: t.Callable[[str], bool]) -> tuple[str, str]:
    server_cert, server_key = _setting(settings, "cert-file"), _setting(settings, "key-file")
    etcd_pki = posixpath.dirname(server_cert)
    pki = posixpath.dirname(etcd_pki)
    candidates = (
        settings.client,
        (posixpath.join(etcd_pki, "healthcheck-client.crt"), posixpath.join(etcd_pki, "healthcheck-client.key")),
        (posixpath.join(pki, "apiserver-etcd-client.crt"), posixpath.join(pki, "apiserver-etcd-client.key")),
        # kubeadm gives the server's certificate the use for clients too; etcd itself needs that for its gateway.
        (server_cert, server_key),
    )
    for cert, key in candidates:
        if exists(cert) and exists(key):
            return cert, key
    looked_for = ", ".join(cert for cert, _key in candidates if cert)
    raise MaintenanceError(
        f"{settings.source}: no client certificate for etcd with its key found, looked for {looked_for}. "
        "Make one with kubeadm init phase certs etcd-healthcheck-client, or name one as ETCDCTL_CERT and ETCDCTL_KEY in"
        " the unit's environment"
    )
