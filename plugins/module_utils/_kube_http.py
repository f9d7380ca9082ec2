# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Speaks HTTP with an apiserver: plain dicts in and out, errors that say what was asked, of whom, and what came back.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import json
import re
import typing as t
import urllib.parse

from ._errors import MaintenanceError
from ._kube_proxy import Proxy

if t.TYPE_CHECKING:
    import ssl
import time

# It comes with the kubernetes package, whose absence _kube reports.
with contextlib.suppress(ImportError):
    import urllib3

CONNECT_TIMEOUT = 5
# An apiserver may hold an eviction for 10 s while it retries a conflict of its own.
READ_TIMEOUT = 30
# For all evictions that are under way at once, and some watches.
CONNECTIONS = 40
PAGE = 500
# Seconds. For an eviction the API asks for 10; a page that says "maintenance" may ask for an hour, in which nobody
# would look whether it is over.
LONGEST_PAUSE = 30.0

Query = t.Optional[t.Mapping[str, t.Any]]


class KubeError(MaintenanceError):
    """``status`` is 0 where there was no answer at all; ``causes`` are those of the API's Status object."""

    def __init__(
        self,
        msg: str,
        status: int = 0,
        reason: str = "",
        message: str = "",
        causes: t.Sequence[dict[str, t.Any]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(msg)
        self.status = status
        self.reason = reason
        self.message = message or msg
        self.causes = list(causes)
        self.retry_after = retry_after


class Items(list[dict[str, t.Any]]):
    """Of a collection. ``version``: from where a watch tells of everything that came after they were read."""

    version = ""


class Kube:
    """One cluster, for any number of threads.

    Of several servers the one that answers is kept, in ``server``; when it no longer does, the next is tried.
    ``heard`` is the time of the last answer that was no refusal: by the server's own clock, as HTTP writes it, and by
    our monotonic one.
    """

    def __init__(
        self,
        servers: t.Sequence[str],
        tls: ssl.SSLContext,
        authorization: t.Callable[[], t.Mapping[str, str]] = dict,
        tls_server_name: str | None = None,
        proxy: Proxy | None = None,
        headers: t.Sequence[tuple[str, str]] = (),
    ) -> None:
        self.server = servers[0]
        self.heard = ("", 0.0)
        self._servers = list(servers)
        self._authorization = authorization
        self._headers = headers
        options = {
            "ssl_context": tls,
            "server_hostname": tls_server_name or None,
            "maxsize": CONNECTIONS,
            "timeout": urllib3.Timeout(connect=CONNECT_TIMEOUT, read=READ_TIMEOUT),
            "retries": False,
        }
        self._pools = {server: (proxy or Proxy()).pool(server, **options) for server in servers}

    @property
    def date(self) -> str:
        return self.heard[0]

    def get(self, path: str, query: Query = None) -> dict[str, t.Any]:
        return self._ask("GET", path, query)

    def pages(self, path: str, query: Query = None) -> t.Iterator[Items]:
        """A collection in pages, for those who do not keep all of it."""
        token = ""
        while True:
            page = self.get(path, {**(query or {}), "limit": PAGE, **({"continue": token} if token else {})})
            if "items" not in page:
                # Whoever stands in between and answers like that must not be taken for an empty collection.
                raise KubeError(f"GET {path} at {self.server}: the answer is no list of Kubernetes objects")
            items, metadata = Items(page["items"] or []), page.get("metadata") or {}
            items.version = str(metadata.get("resourceVersion") or "")
            yield items
            token = metadata.get("continue") or ""
            if not token:
                return

    def list(self, path: str, query: Query = None) -> Items:
        """Every item of a collection."""
        try:
            return self._all(path, query)
        except KubeError as error:
            # What marks the next page lives for some minutes only; then the collection is read anew, once.
            if error.status != 410:
                raise
            return self._all(path, query)

    def _all(self, path: str, query: Query) -> Items:
        found = Items()
        for page in self.pages(path, query):
            found += page
            found.version = page.version
        return found

    def patch(self, path: str, body: t.Any, content_type: str = "application/merge-patch+json") -> dict[str, t.Any]:
        return self._ask("PATCH", path, body=body, content_type=content_type)

    def post(self, path: str, body: t.Any) -> dict[str, t.Any]:
        return self._ask("POST", path, body=body)

    def delete(self, path: str, body: t.Any = None) -> dict[str, t.Any]:
        return self._ask("DELETE", path, body=body)

    def open(self, path: str, query: Query = None) -> urllib3.BaseHTTPResponse:
        """An answer that is read while it comes, see _kube_watch."""
        return self._send("GET", path, query, preload_content=False)

    def raw(self, path: str) -> str:
        """For what is no object, such as ``/readyz?verbose``."""
        return str(self._send("GET", path).data.decode("utf-8", "replace"))

    def _ask(self, method: str, path: str, *args: t.Any, **kwargs: t.Any) -> dict[str, t.Any]:
        response = self._send(method, path, *args, **kwargs)
        try:
            answer = json.loads(response.data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            kind = response.headers.get("Content-Type", "no type")
            raise KubeError(f"{method} {path} at {self.server}: the answer ({kind}) is no Kubernetes object")
        return answer

    def _send(
        self,
        method: str,
        path: str,
        query: Query = None,
        body: t.Any = None,
        content_type: str = "application/json",
        preload_content: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        # Its own kind of dict, because a header may be there more than once.
        headers = urllib3._collections.HTTPHeaderDict(self._headers)
        headers.update({"Accept": "application/json, */*", "User-Agent": "kubeops.maintenance"})
        headers.update(self._authorization())
        if body is not None:
            headers["Content-Type"] = content_type
        url = path + ("?" + urllib.parse.urlencode(query) if query else "")
        first = self._servers.index(self.server)
        silent = []
        for server in self._servers[first:] + self._servers[:first]:
            try:
                response = self._pools[server].request(
                    method,
                    server + url,
                    body=None if body is None else json.dumps(body),
                    headers=headers,
                    redirect=False,
                    preload_content=preload_content,
                )
            except urllib3.exceptions.HTTPError as error:
                silent.append(f"{server} ({reason_of(error)})")
                # What another server may already have begun to do is not asked of the next one.
                if method == "GET" or _never_sent(error):
                    continue
                break
            self.server = server
            if response.status >= 300:
                # Of a proxy, perhaps, whose clock nobody goes by.
                raise _refusal(f"{method} {path} at {server}", response)
            self.heard = response.headers.get("Date", ""), time.monotonic()
            return response
        raise KubeError(f"{method} {path}: no answer from {', '.join(silent)}")


def _refusal(asked: str, response: urllib3.BaseHTTPResponse) -> KubeError:
    """The API explains itself with a Status object; what may stand in between (proxies, load balancers) does not."""
    status: t.Any = None
    with contextlib.suppress(ValueError):
        status = json.loads(response.data)
    if not isinstance(status, dict):
        status = {"message": response.data[:200].decode("utf-8", "replace").strip()}
    details = status.get("details")
    if not isinstance(details, dict):
        details = {}
    message = str(status.get("message") or response.reason or "no explanation")
    hint = ". The credentials are not accepted: expired, or of another cluster" if response.status == 401 else ""
    after = str(response.headers.get("Retry-After") or details.get("retryAfterSeconds") or "")
    return KubeError(
        f"{asked}: {response.status} {message}{hint}",
        status=response.status,
        reason=str(status.get("reason") or ""),
        message=message,
        causes=[cause for cause in details.get("causes") or () if isinstance(cause, dict)],
        retry_after=min(float(after), LONGEST_PAUSE) if after.isdecimal() else None,
    )


def _never_sent(error: Exception) -> bool:
    errors = urllib3.exceptions
    return isinstance(
        error, (errors.NewConnectionError, errors.ConnectTimeoutError, errors.SSLError, errors.ProxyError)
    )


def reason_of(error: Exception) -> str:
    """Why a request got no answer, for people."""
    errors = urllib3.exceptions
    if isinstance(error, errors.ReadTimeoutError):
        return f"no answer within {READ_TIMEOUT} s"
    if isinstance(error, errors.ConnectTimeoutError) and not isinstance(error, errors.NewConnectionError):
        return f"no connection within {CONNECT_TIMEOUT} s"
    if isinstance(error, errors.SSLError):
        return f"TLS: {error}. See ca_cert and tls_server_name"
    if isinstance(error, errors.ProxyError):
        return f"the proxy: {reason_of(error.original_error)}"
    # urllib3 begins some of its messages with the name of an object of its own.
    return re.sub(r"^(<.*?>|\w+\(.*?\)): ", "", str(error))
