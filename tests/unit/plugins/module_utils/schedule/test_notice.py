# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is told that a unit failed."""

from __future__ import annotations

import http.server
import json
import pathlib
import socket
import ssl
import sys
import threading
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._schedule import notice
from ansible_collections.kubeops.maintenance.plugins.module_utils._schedule.configuration import Notice
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import Pki

UNIT = "kubeops-etcd-backup.service"
TOLD = {"host": "cp1", "unit": UNIT, "result": "exit-code", "lines": ["FAILED: x"], "text": "it failed"}


class Listener:
    """A server with TLS that keeps what it is told; ``status`` is what it answers."""

    def __init__(self, root: pathlib.Path, status: int = 204) -> None:
        pki = Pki(root)
        self.ca = str(pki.ca)
        certificate, key = pki.issue("hooks", ["127.0.0.1"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        told: list[tuple[str, dict[str, str], t.Any]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_words: t.Any) -> None:
                pass

        self.told = told
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_address[1]}/services/secret?token=secret"

    def __enter__(self) -> Listener:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def refused(told: Notice) -> str:
    with pytest.raises(MaintenanceError) as caught:
        notice.tell(told, TOLD)
    assert "secret" not in caught.value.msg
    return caught.value.msg


def test_an_address(tmp_path: pathlib.Path) -> None:
    with Listener(tmp_path) as listener:
        wanted = Notice(url=listener.url, ca_path=listener.ca, headers={"X-Token": "secret"})
        assert notice.tell(wanted, TOLD) == ["127.0.0.1 was told (204)"]
    [(path, headers, body)] = listener.told
    assert path == "/services/secret?token=secret"
    assert (headers["Content-Type"], headers["X-Token"]) == ("application/json", "secret")
    assert body == TOLD


def test_who_cannot_prove_that_it_is_the_address_is_told_nothing(tmp_path: pathlib.Path) -> None:
    with Listener(tmp_path) as listener:
        said = refused(Notice(url=listener.url))
    assert "certificate verify failed" in said
    assert listener.told == []


@pytest.mark.parametrize("status", [302, 307, 404, 500])
def test_an_address_that_does_not_take_it(tmp_path: pathlib.Path, status: int) -> None:
    with Listener(tmp_path, status) as listener:
        said = refused(Notice(url=listener.url, ca_path=listener.ca))
    assert said == f"nobody may know that {UNIT} failed: 127.0.0.1 answered {status}"
    assert len(listener.told) == 1


def test_nobody_listens() -> None:
    assert "127.0.0.1 was not reached: " in refused(Notice(url="https://127.0.0.1:1/secret"))


@pytest.mark.parametrize("path", ["a secret", "secret\n", "s\u00e9cret"])
def test_an_address_that_cannot_be_asked_is_not_repeated(path: str) -> None:
    said = refused(Notice(url=f"https://127.0.0.1:1/{path}"))
    assert said.startswith(f"nobody may know that {UNIT} failed: 127.0.0.1 was not reached: ")
    assert "cret" not in said


def test_something_that_speaks_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection = server.accept()[0]
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"SSH-2.0-secret\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        said = refused(Notice(url=f"http://127.0.0.1:{server.getsockname()[1]}/"))
        thread.join()
    assert said == f"nobody may know that {UNIT} failed: 127.0.0.1 was not reached: BadStatusLine"


def test_a_command(tmp_path: pathlib.Path) -> None:
    code = "from os import environ as e; import sys;"
    code += "open(sys.argv[1], 'w').write(e['KUBEOPS_UNIT'] + e['KUBEOPS_HOST'] + sys.stdin.read())"
    told = tmp_path / "told; $(touch x)"
    assert notice.tell(Notice(command=(sys.executable, "-c", code, str(told))), TOLD) == [f"{sys.executable} was run"]
    assert told.read_text() == f"{UNIT}cp1{json.dumps(TOLD)}"


@pytest.mark.parametrize(
    ("words", "timeout", "sentence"),
    [
        ((sys.executable, "-c", "raise SystemExit(3)", "secret"), 120, "exit status 3"),
        ((sys.executable, "-c", "import time; time.sleep(600)", "secret"), 1, "not done within 1 s"),
        (("/nowhere/tell", "secret"), 120, "No such file or directory"),
    ],
)
def test_a_command_that_fails(words: tuple[str, ...], timeout: int, sentence: str) -> None:
    said = refused(Notice(command=words, timeout=timeout))
    assert said == f"nobody may know that {UNIT} failed: {words[0]}: {sentence}"


def test_one_that_fails_does_not_keep_the_other(tmp_path: pathlib.Path) -> None:
    with Listener(tmp_path) as listener:
        said = refused(Notice(command=("/nowhere/tell",), url=listener.url, ca_path=listener.ca))
    assert "/nowhere/tell" in said
    assert len(listener.told) == 1


def test_nobody_to_tell() -> None:
    assert notice.tell(Notice(), TOLD) == []


def test_what_is_told() -> None:
    def run(words: t.Sequence[str]) -> tuple[int, str, str]:
        asked.append(words[0])
        if words[0] == "systemctl":
            return 0, f"Id={UNIT}\nResult=timeout\nExecMainStatus=15\nInvocationID=abc\n", ""
        return 0, "one\ntwo\n" if words[-1] == "INVOCATION_ID=abc" else "", ""

    asked: list[str] = []
    told = notice.describe(UNIT, run)
    assert asked == ["systemctl", "journalctl", "journalctl"]
    assert (told["unit"], told["result"], told["exit_status"]) == (UNIT, "timeout", "15")
    assert told["lines"] == ["one", "two"]
    assert told["text"].startswith(
        f"{UNIT} failed on {told['host']} (timeout). Look at it with: systemctl status {UNIT}"
    )
