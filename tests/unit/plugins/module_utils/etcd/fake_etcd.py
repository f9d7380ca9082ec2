# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server on loopback that answers like etcd's JSON gateway, whole or broken."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import http.server
import ipaddress
import json
import pathlib
import ssl
import threading
import typing as t

from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MEMBER = etcdfile.MEMBERS[0]["id"]
CHUNK = 1000


def member(**fields: t.Any) -> dict[str, t.Any]:
    known = etcdfile.MEMBERS[0]
    return {"ID": str(known["id"]), "name": known["name"], "peerURLs": known["peerURLs"], **fields}


@dataclasses.dataclass
class FakeEtcd:
    """``stream``: whole, error (in mid-stream), cut (connection lost), early (ends too soon), hang, garbage, long."""

    database: bytes = dataclasses.field(default_factory=etcdfile.kubernetes)
    stream: str = "whole"
    #: As 3.5 prints it, or as 3.6 does.
    spaces: bool = False
    status: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    members: list[dict[str, t.Any]] = dataclasses.field(default_factory=lambda: [member()])
    alarms: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    #: Answers in place of the above: path -> (HTTP status, body).
    answers: dict[str, tuple[int, bytes]] = dataclasses.field(default_factory=dict)
    asked: list[str] = dataclasses.field(default_factory=list)
    tls: ssl.SSLContext | None = None
    url: str = ""

    def __enter__(self) -> FakeEtcd:
        self.released = threading.Event()
        self.streaming = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, bytes]:
        if path in self.answers:
            return self.answers[path]
        header = {"cluster_id": "12101053776118486841", "member_id": str(MEMBER), "revision": "42", "raft_term": "2"}
        if path == "maintenance/status":
            size = str(len(self.database) - 32)
            status = {"version": "3.6.16", "dbSize": size, "dbSizeInUse": size, "leader": str(MEMBER)}
            answer = {"header": header, **status, "raftIndex": "50", "raftAppliedIndex": "50", **self.status}
        elif path == "cluster/member/list":
            answer = {"header": header, "members": self.members}
        elif path == "maintenance/alarm":
            answer = {"header": header, "alarms": self.alarms} if self.alarms else {"header": header}
        elif path == "maintenance/hashkv":
            answer = {"header": header, "hash": 991494263, "compact_revision": "-1"}
        else:
            return 404, b"404 page not found"
        return 200, self.json(answer)

    def json(self, answer: t.Any) -> bytes:
        return json.dumps(answer, separators=(", ", ": ") if self.spaces else (",", ":")).encode()

    def lines(self) -> t.Iterator[bytes]:
        body, trailer = self.database[:-32], self.database[-32:]
        pieces = [body[start : start + CHUNK] for start in range(0, len(body), CHUNK)]
        left = len(body)
        for number, piece in enumerate((*pieces, trailer)):
            left -= len(piece) if piece is not trailer else 0
            result = {"blob": base64.b64encode(piece).decode()}
            if left:
                result["remaining_bytes"] = str(left)
            yield self.json({"result": result}) + b"\n"
            if number == 3 and self.stream != "whole":
                yield from self._trouble()
                return

    def _trouble(self) -> t.Iterator[bytes]:
        if self.stream == "error":
            error = {"grpc_code": 14, "http_code": 503, "message": "etcdserver: too many requests", "details": []}
            yield self.json({"error": error}) + b"\n"
        elif self.stream == "garbage":
            yield b"<html>\n"
        elif self.stream == "long":
            for _piece in range(80):
                yield b"x" * 65536
        elif self.stream == "hang":
            self.streaming.set()
            self.released.wait(30)


def _handler(fake: FakeEtcd) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            path = self.path.removeprefix("/v3/")
            json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.asked.append(path)
            if path == "maintenance/snapshot" and path not in fake.answers:
                self.stream()
                return
            status, body = fake.answer(path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def stream(self) -> None:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.close_connection = True
            try:
                for line in fake.lines():
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                if fake.stream not in ("cut", "hang"):
                    self.wfile.write(b"0\r\n\r\n")
            except OSError:  # the client had enough
                pass

        def log_message(self, *_args: object) -> None:
            pass

    return Handler


class Pki:
    """A certificate authority made by hand, without the extensions that Python 3.13 would like to see."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "etcd-ca")])
        builder = self._builder(self._name, self._key)
        ca = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.ca = self._write("ca.crt", ca.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str, addresses: t.Sequence[str] = ()) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        if addresses:
            names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        pem = builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        key_pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._write(f"{name}.crt", pem), self._write(f"{name}.key", key_pem)

    def server_context(self, addresses: t.Sequence[str] = ("127.0.0.1",)) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue("server", addresses))
        context.load_verify_locations(self.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        return builder.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(
            now + datetime.timedelta(days=1)
        )

    def _write(self, name: str, content: bytes) -> str:
        path = self.directory / name
        path.write_bytes(content)
        return str(path)
