# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A way to a real member on which the answers to one kind of question are lost."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
import typing as t
import urllib.parse

SECONDS = 300


@contextlib.contextmanager
def losing(url: str, question: bytes) -> t.Iterator[str]:
    """The URL of that way. What is asked arrives, always."""
    there = urllib.parse.urlsplit(url)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(SECONDS)
            asked = self.request.recv(1 << 16)
            with socket.create_connection((there.hostname, there.port), SECONDS) as upstream:
                upstream.sendall(asked)
                threading.Thread(target=self.upwards, args=(upstream,), daemon=True).start()
                while data := upstream.recv(1 << 16):
                    if question not in asked:
                        self.request.sendall(data)

        def upwards(self, upstream: socket.socket) -> None:
            """The rest of what is asked, until the client has gone."""
            with contextlib.suppress(OSError):
                while data := self.request.recv(1 << 16):
                    upstream.sendall(data)
                upstream.shutdown(socket.SHUT_WR)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def handle_error(self, request: t.Any, client_address: t.Any) -> None:
            """A client that has gone is what this is for."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
