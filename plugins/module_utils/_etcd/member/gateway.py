# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd's JSON gateway: the same API as etcdctl's, over TLS, with nothing but the standard library.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import binascii
import contextlib
import http.client
import json
import os
import socket
import ssl
import typing as t
import urllib.parse

from ..._errors import MaintenanceError
from ..._wait import Deadline
from . import state
from .local_member import Access

T = t.TypeVar("T")

# Seconds for a member to hash its data, all of which it reads: gigabytes, on a slow disk.
HASHING = 300.0
# etcd sends a snapshot in pieces of 32 KiB; with base64 and JSON around it a line is some 44 KiB.
_LONGEST_LINE = 4 << 20
_READ = 1 << 16
_TRAILER = 32


class GatewayError(MaintenanceError):
    """The member did not answer, or answered with an error."""


class Gateway:
    """One member. ``timeout`` is for each connect, write and read, so that nothing waits for ever."""

    def __init__(self, access: Access, timeout: float = 15.0) -> None:
        self._url = urllib.parse.urlsplit(access.endpoint)
        self._timeout = timeout
        self.endpoint = access.endpoint
        self._context = _tls(access) if self._url.scheme == "https" else None

    def status(self) -> state.Status:
        return self._call("maintenance/status", {}, state.status)

    def members(self) -> tuple[state.Member, ...]:
        return self._call("cluster/member/list", {}, state.members)

    def alarms(self) -> tuple[state.Alarm, ...]:
        return self._call("maintenance/alarm", {"action": "GET"}, state.alarms)

    def hash_kv(self, revision: int) -> state.Hash:
        """Of the member's own rows up to ``revision``, no other member is asked."""
        body = {"revision": str(revision)}
        return self._call("maintenance/hashkv", body, lambda answer: state.hash_kv(answer, revision), HASHING)

    def count(self, revision: int) -> int:
        """How many keys there were at a revision."""
        everything = {"key": "AA==", "range_end": "AA==", "count_only": True, "revision": str(revision)}
        return self._call("kv/range", everything, lambda answer: int(state.pick(answer, "count", 0)))

    def value(self, key: bytes, serializable: bool = False) -> bytes:
        """What is stored under a key, empty where nothing is. ``serializable``: as far as this member knows, which it
        tells without a quorum, too.
        """

        asked = {"key": text(key), "serializable": serializable}
        return b"".join(value for _key, value in self._call("kv/range", asked, pairs))

    def names(self, prefix: bytes, most: int = 100) -> list[str]:
        """The rest of each key that begins so, as far as this member knows."""
        limits = {"keys_only": True, "limit": str(most), "serializable": True}
        asked = {"key": text(prefix), "range_end": text(after(prefix)), **limits}
        return [key[len(prefix) :].decode("utf-8", "replace") for key, _none in self._call("kv/range", asked, pairs)]

    def snapshot(self, deadline: Deadline) -> t.Iterator[bytes]:
        """The database and its checksum in pieces, or GatewayError where the stream does not come whole."""
        expected = received = 0
        with self._post("maintenance/snapshot", {}) as response:
            for line in self._lines(response, deadline):
                blob, remaining = self._piece(line)
                expected = expected or len(blob) + remaining + _TRAILER
                received += len(blob)
                yield blob
        if not expected or received != expected:
            raise self._error("maintenance/snapshot", f"the stream ended after {received} of {expected} bytes")

    def _piece(self, line: bytes) -> tuple[bytes, int]:
        # An error in the middle of the stream comes as one more line: the status was sent as 200 long before.
        try:
            message = json.loads(line)
            problem = state.pick(message, "error", None)
            result = state.pick(message, "result", {})
            blob = binascii.a2b_base64(state.pick(result, "blob", ""))
            remaining = int(state.pick(result, "remainingbytes", 0))
        except state.MALFORMED as error:
            raise self._error("maintenance/snapshot", f"sent what is no snapshot: {error}") from error
        if problem is not None:
            raise self._error("maintenance/snapshot", f"broke off with an error: {_message(problem)}")
        return blob, remaining

    def _lines(self, response: http.client.HTTPResponse, deadline: Deadline) -> t.Iterator[bytes]:
        # A line comes in several pieces; none is looked at twice.
        pieces: list[bytes] = []
        held = total = 0
        while True:
            try:
                data = response.read1(_READ)
            except (OSError, http.client.HTTPException) as error:
                raise self._error(
                    "maintenance/snapshot", f"the stream broke after {total} bytes: {_reason(error)}"
                ) from error
            if deadline.over:
                raise self._error(
                    "maintenance/snapshot", f"not finished in {deadline.seconds:g} s, {total} bytes were read"
                )
            total += len(data)
            *lines, rest = data.split(b"\n")
            if lines:
                yield from filter(None, [b"".join([*pieces, lines[0]]), *lines[1:]])
                pieces, held = [], 0
            pieces.append(rest)
            held += len(rest)
            if held > _LONGEST_LINE:
                raise self._error("maintenance/snapshot", f"sent a line of more than {_LONGEST_LINE} bytes")
            if not data:
                break
        rest = b"".join(pieces)
        if rest.strip():
            yield rest

    def _call(
        self, path: str, body: dict[str, t.Any], parse: t.Callable[[dict[str, t.Any]], T], patience: float = 0
    ) -> T:
        try:
            with self._post(path, body, patience) as response:
                return parse(json.loads(response.read(_LONGEST_LINE)))
        except (OSError, http.client.HTTPException) as error:
            raise self._error(path, _reason(error)) from error
        except state.MALFORMED as error:
            raise self._error(path, f"answered what is no etcd answer: {error}") from error

    @contextlib.contextmanager
    def _post(self, path: str, body: dict[str, t.Any], patience: float = 0) -> t.Iterator[http.client.HTTPResponse]:
        connection = self._connection(patience)
        try:
            try:
                connection.request("POST", f"/v3/{path}", json.dumps(body), {"Content-Type": "application/json"})
                response = connection.getresponse()
                problem = "" if response.status == 200 else _refusal(response)
            except (OSError, http.client.HTTPException) as error:
                raise self._error(path, _reason(error)) from error
            if problem:
                raise self._error(path, problem)
            yield response
        finally:
            connection.close()

    def _connection(self, patience: float = 0) -> http.client.HTTPConnection:
        timeout = patience or self._timeout
        if self._url.scheme == "unix":
            return _SocketConnection(self._url.path, timeout)
        host, port = self._url.hostname or "", self._url.port
        if self._context is None:
            return http.client.HTTPConnection(host, port, timeout=timeout)
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=self._context)

    def _error(self, path: str, what: str) -> GatewayError:
        return GatewayError(f"etcd member at {self.endpoint}: {path}: {what}")


def after(prefix: bytes) -> bytes:
    """The end of the range of all keys that begin so."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def text(data: bytes) -> str:
    """Bytes as etcd's JSON has them."""
    return binascii.b2a_base64(data, newline=False).decode()


def pairs(answer: t.Mapping[str, t.Any]) -> list[tuple[bytes, bytes]]:
    """Key and value of each row of a range."""
    return [
        (binascii.a2b_base64(state.pick(one, "key", "")), binascii.a2b_base64(state.pick(one, "value", "")))
        for one in state.pick(answer, "kvs", ())
    ]


class _SocketConnection(http.client.HTTPConnection):
    """To a member that listens on a socket in a folder, and for nobody who may not enter that."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        folder, name = os.path.split(self._path)
        # The address of a socket has room for a hundred letters, and a folder may have more.
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{handle}/{name}")
        finally:
            os.close(handle)


def _tls(access: Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.ca_file)
        context.load_cert_chain(access.cert_file, access.key_file)
    except OSError as error:  # ssl.SSLError is one
        files = f"{access.ca_file}, {access.cert_file}, {access.key_file}"
        raise MaintenanceError(f"the certificates for etcd cannot be used: {error} ({files})") from error
    # Python 3.13 also asks for extensions that certificate authorities made by hand often lack. etcd and its clients
    # do not ask for them; chain, dates and host name are verified as before.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def _refusal(response: http.client.HTTPResponse) -> str:
    text = response.read(_READ)
    try:
        said = _message(json.loads(text))
    except (ValueError, RecursionError):
        said = text.decode("utf-8", "replace").strip()[:300]
    return f"HTTP {response.status}: {said or response.reason}"


def _message(problem: t.Any) -> str:
    if not isinstance(problem, dict):
        return str(problem)[:300]
    return str(state.pick(problem, "message", "") or state.pick(problem, "error", "") or problem)[:300]


def _reason(error: Exception) -> str:
    if isinstance(error, (TimeoutError, socket.timeout)):  # two types until Python 3.10
        return "does not answer in time"
    return f"does not answer: {str(error) or type(error).__name__}"
