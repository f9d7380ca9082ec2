# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a server is reached through a proxy, and through which.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import typing as t
import urllib.parse
import urllib.request

# It comes with the kubernetes package, whose absence _kube reports.
with contextlib.suppress(ImportError):
    import urllib3


@dataclasses.dataclass(frozen=True, repr=False)
class Proxy:
    """``url`` is the one that somebody named; without it the environment's is taken.

    ``exceptions``: servers that are reached without, as in NO_PROXY, over that of the environment. ``headers``: what
    the proxy is told of us, keyword arguments of urllib3's make_headers.
    """

    url: str | None = None
    exceptions: str | None = None
    headers: t.Mapping[str, str | None] | None = None

    def pool(self, server: str, **options: t.Any) -> urllib3.PoolManager:
        proxy = self.url_for(server)
        if not proxy:
            return urllib3.PoolManager(**options)
        if proxy.startswith("socks"):
            from urllib3.contrib.socks import SOCKSProxyManager

            return SOCKSProxyManager(proxy, **options)
        told: dict[str, t.Any] = {"proxy_basic_auth": urllib3.util.parse_url(proxy).auth}
        told.update({name: value for name, value in (self.headers or {}).items() if value})
        return urllib3.ProxyManager(proxy, proxy_headers=urllib3.make_headers(**told), **options)

    def url_for(self, server: str) -> str:
        """Empty where none applies."""
        parts = urllib.parse.urlsplit(server)
        host, netloc = parts.hostname or "", parts.netloc
        if self.url:
            return "" if _is_among(host, netloc, self.exceptions or "") else self.url
        proxies = urllib.request.getproxies_environment()
        exceptions = proxies.get("no", "") if self.exceptions is None else self.exceptions
        # As the tools written in Go have it: never the environment's proxy for the loopback.
        if _is_loopback(host) or _is_among(host, netloc, exceptions):
            return ""
        return proxies.get(parts.scheme) or proxies.get("all") or ""


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or bool(address and address.is_loopback)


def _is_among(host: str, netloc: str, exceptions: str) -> bool:
    """Names, domains, networks: the list may have all of them."""
    address = _address(host)
    for entry in filter(None, (entry.strip().lower() for entry in exceptions.split(","))):
        if entry in ("*", host, netloc) or host.endswith("." + entry.lstrip(".")):
            return True
        with contextlib.suppress(ValueError):
            if address and address in ipaddress.ip_network(entry, strict=False):
                return True
    return False


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
