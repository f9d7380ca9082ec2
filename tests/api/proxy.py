# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands between a client and the apiserver: counts what is asked, and does harm on request.

with Proxy(cluster.server, cluster.pki) as proxy:
    proxy.inject(Fault("POST", "/eviction$", status=500, times=1))
    ...
    proxy.asked("POST")
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import http.client
import http.server
import json
import re
import socket
import ssl
import struct
import threading
import time
import typing as t
import urllib.parse

from .pki import Pki

RESET = "reset"
LOST = "lost"
HOP_BY_HOP = frozenset(("connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"))


@dataclasses.dataclass
class Fault:
    """What happens to ``times`` requests of this kind, the first ``skip`` of them aside.

    ``kind``: RESET drops the connection before the apiserver hears of the request, LOST after it has answered.
    Else ``status`` is answered in its place; without one the request only takes ``seconds`` longer.
    """

    method: str
    path: str
    times: int = 1
    skip: int = 0
    kind: str = ""
    status: int = 0
    body: t.Any = ""
    retry_after: int | None = None
    seconds: float = 0

    def meets(self, method: str, path: str) -> bool:
        return self.times > 0 and method == self.method and bool(re.search(self.path, path))


@dataclasses.dataclass(frozen=True)
class Call:
    method: str
    path: str
    query: t.Mapping[str, list[str]]
    status: int
    at: float

    @property
    def is_watch(self) -> bool:
        return "watch" in self.query


def refusal(status: int, message: str, reason: str = "", **details: t.Any) -> dict[str, t.Any]:
    """A Status object, as an apiserver sends it."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": status,
        "reason": reason,
        "message": message,
        "details": details,
    }


class Proxy:
    """Every connection has a thread and a connection to the apiserver of its own, which live as long as it does."""

    def __init__(self, server: str, pki: Pki) -> None:
        self._upstream = urllib.parse.urlsplit(server)
        self._trust = ssl.create_default_context(cafile=pki.ca)
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._faults: list[Fault] = []
        self._connections: set[http.client.HTTPSConnection] = set()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pki.server("proxy"))
        self._listener = _Listener(self, context)
        self.server = f"https://127.0.0.1:{self._listener.server_address[1]}"
        self._thread = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
        # Clients that hung up in the middle of a watch are noticed only when there is something to tell them.
        with self._lock:
            for connection in self._connections:
                if connection.sock:
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def inject(self, *faults: Fault) -> None:
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Forget what was asked, and harm nobody any more."""
        with self._lock:
            self._calls.clear()
            self._faults.clear()

    @property
    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    def asked(self, method: str, path: str = "") -> list[Call]:
        return [call for call in self.calls if call.method == method and re.search(path, call.path)]

    def summary(self) -> dict[str, int]:
        """How often each method was asked for."""
        return dict(collections.Counter(call.method for call in self.calls))

    # For the handlers

    @contextlib.contextmanager
    def upstream(self) -> t.Iterator[http.client.HTTPSConnection]:
        host, port = self._upstream.hostname or "", self._upstream.port
        connection = http.client.HTTPSConnection(host, port, timeout=600, context=self._trust)
        with self._lock:
            self._connections.add(connection)
        try:
            yield connection
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if not fault.meets(method, path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                return fault
        return None

    def note(self, method: str, target: str, status: int) -> None:
        parts = urllib.parse.urlsplit(target)
        call = Call(method, parts.path, urllib.parse.parse_qs(parts.query), status, time.monotonic())
        with self._lock:
            self._calls.append(call)


class _Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, proxy: Proxy, context: ssl.SSLContext) -> None:
        self.proxy = proxy
        self._context = context
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: t.Any, client_address: t.Any) -> None:
        """In the connection's own thread, so that a slow handshake holds up nobody else."""
        request.settimeout(600)
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().finish_request(self._context.wrap_socket(request, server_side=True), client_address)

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """Clients that hang up are no news."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listener

    def handle(self) -> None:
        with self.server.proxy.upstream() as self._upstream:
            super().handle()

    def log_message(self, *_words: object) -> None:
        """Said nowhere: calls are noted."""

    def _serve(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = proxy.fault_for(self.command, self.path)
        if fault:
            time.sleep(fault.seconds)
            if fault.kind == RESET or fault.status:
                proxy.note(self.command, self.path, fault.status)
                return self._reset() if fault.kind == RESET else self._answer(fault)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        self._upstream.request(self.command, self.path, body or None, headers)
        response = self._upstream.getresponse()
        proxy.note(self.command, self.path, response.status)
        if fault and fault.kind == LOST:
            response.read()
            return self._reset()
        self._pass_on(response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _pass_on(self, response: http.client.HTTPResponse) -> None:
        self.send_response_only(response.status, response.reason)
        for name, value in response.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if response.length is not None:
            content = response.read()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while chunk := response.read1(65536):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def _answer(self, fault: Fault) -> None:
        plain = isinstance(fault.body, str)
        content = (fault.body if plain else json.dumps(fault.body)).encode()
        self.send_response_only(fault.status)
        self.send_header("Content-Type", "text/plain" if plain else "application/json")
        self.send_header("Content-Length", str(len(content)))
        if fault.retry_after is not None:
            self.send_header("Retry-After", str(fault.retry_after))
        self.end_headers()
        self.wfile.write(content)

    def _reset(self) -> None:
        """Hang up so that the client sees a reset connection, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
