# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small apiserver on the loopback, with TLS and a CA of its own: what _kube is tried against."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import http.client
import http.server
import ipaddress
import json
import pathlib
import socket
import ssl
import threading
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """Signs certificates; ``old_style`` leaves out the key identifiers, as CAs of older clusters do."""

    def __init__(self, folder: pathlib.Path, old_style: bool = False) -> None:
        self.folder = folder
        self._old_style = old_style
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, folder.name)])
        self.ca = self._write("ca.crt", self._sign(self._name, self._key, ca=True))

    def issue(self, name: str, *, dns: str = "", address: str = "") -> tuple[str, str]:
        """Paths of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names: list[x509.GeneralName] = [x509.DNSName(dns)] if dns else []
        names += [x509.IPAddress(ipaddress.ip_address(address))] if address else []
        certificate = self._sign(subject, key, names=names)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._write(f"{name}.crt", certificate), self._write(f"{name}.key", pem)

    def _sign(self, subject: x509.Name, key: t.Any, names: t.Sequence[t.Any] = (), ca: bool = False) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        if not self._old_style:
            public = self._key.public_key()
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False
            ).add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _write(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)


@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: http.client.HTTPMessage
    body: t.Any
    client: str


Answer = t.Callable[[Request], "tuple[int, t.Any, dict[str, str]]"]


class Server:
    """Answers what ``answer`` says and remembers what it was asked, by whom (common name), and under which TLS name."""

    def __init__(self, authority: Authority, answer: Answer, dns: str = "", address: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self.tls_names: list[str] = []
        certificate, key = authority.issue("server", dns=dns, address=address)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        tls.load_verify_locations(authority.ca)
        tls.verify_mode = ssl.CERT_OPTIONAL
        tls.sni_callback = lambda _socket, name, _context: self.tls_names.append(name)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                subject = dict(pair[0] for pair in (self.request.getpeercert() or {}).get("subject", ()))
                asked = Request(self.command, self.path, self.headers, body, subject.get("commonName", ""))
                outer.requests.append(asked)
                status, content, headers = answer(asked)
                data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_one

            def log_message(self, *_args: t.Any) -> None:
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Errors of the handshake are what the tests are about; they need no traceback here.
        self._http.handle_error = lambda *_args: None  # type: ignore[method-assign]
        self._http.daemon_threads = True
        self._http.socket = tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class ConnectProxy:
    """Tunnels as it is asked to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> ConnectProxy:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += client.recv(1)
                self.asked.append(head.decode())
                host, _colon, port = head.split()[1].decode().rpartition(":")
                server = socket.create_connection((host, int(port)))
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def kubeconfig(server: str, authority: Authority, user: dict[str, t.Any], **cluster: t.Any) -> dict[str, t.Any]:
    """As admin.conf is: the CA as data."""
    ca = base64.b64encode(pathlib.Path(authority.ca).read_bytes()).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "admin@lab",
        "clusters": [{"name": "lab", "cluster": {"server": server, "certificate-authority-data": ca, **cluster}}],
        "users": [{"name": "admin", "user": user}],
        "contexts": [{"name": "admin@lab", "context": {"cluster": "lab", "user": "admin"}}],
    }
