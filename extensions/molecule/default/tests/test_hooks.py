# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hooks around a node: what they are told, what is refused beforehand, and what a hook that fails does to the run."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest

SCENARIO = Path(__file__).parents[1]
ROOT = SCENARIO.parents[2]
SECRET = "hunter2"

Hook = dict[str, t.Any]


def run(hooks: list[Hook], *arguments: str, hosts: str = "first", **variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [
            *("ansible-playbook", "-i", SCENARIO / "inventory", SCENARIO / "plays" / "hooks.yml"),
            *("--limit", f"localhost,{hosts}"),
            *("--extra-vars", json.dumps({"node_hooks": hooks, **variables})),
            *arguments,
        ],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
        cwd=SCENARIO / "plays",
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def say(path: Path, text: str, **more: t.Any) -> Hook:
    """A hook that writes a file, without a shell."""
    program = "import os, sys; print(sys.argv[2], os.environ['KUBEOPS_NODE'], file=open(sys.argv[1], 'a'))"
    return {"name": text, "when": "after_drain", "command": ["python3", "-c", program, str(path), text], **more}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"


class Requests(http.server.ThreadingHTTPServer):
    """A service that somebody's hooks call: remembers what came, and answers 500 where the path says so."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.came: list[tuple[str, str, str, t.Any]] = []

    def url(self, path: str) -> str:
        return f"http://ops:{SECRET}@127.0.0.1:{self.server_port}{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Requests

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
        self.server.came.append((self.command, self.path, self.headers.get("Authorization", ""), body))
        self.send_response(500 if self.path.startswith("/broken") else 201)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_words: t.Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def service() -> t.Iterator[Requests]:
    with Requests() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_commands_run_in_order_and_know_the_node(notes: Path) -> None:
    other = say(notes, "never", when="before_drain")
    hooks = [say(notes, "one"), other, say(notes, "{{ hooks_host }}"), say(notes, "here", on="node")]
    code, output = run(hooks, hosts="first,third")
    assert code == 0, output
    lines = [f"{what} node-{host}" for host in ("first", "third") for what in ("one", host, "here")]
    assert notes.read_text().splitlines() == lines
    assert "Hooks around each node: before_drain: never (command) after_drain: one (command)," in output


def test_a_task_file_gets_the_same_as_variables(notes: Path) -> None:
    code, output = run([{"name": "note", "when": "after_drain", "tasks": "hooks/note.yml"}], notes=str(notes))
    assert code == 0, output
    assert notes.read_text().splitlines()[0] == "after_drain node-first first new disk 1.37.1"


def test_an_address_is_called_and_no_secret_is_shown(service: Requests) -> None:
    url = {
        "url": service.url(f"/silences?token={SECRET}").replace(f"ops:{SECRET}@", ""),
        "headers": {"Authorization": f"Bearer {SECRET}"},
        "body": {"node": "{{ hooks_node }}", "why": "{{ hooks_reason }}"},
        "status_code": [200, 201],
    }
    code, output = run([{"name": "silence", "when": "after_drain", "url": url}], "-vvv")
    assert code == 0, output
    wanted = ("POST", f"/silences?token={SECRET}", f"Bearer {SECRET}", {"node": "node-first", "why": "new disk"})
    assert service.came == [wanted]
    assert "Bearer" not in output.partition("PLAY [Run the hooks")[2]


@pytest.mark.parametrize(
    ("path", "reason"), [("/broken/api", "answered 500, wanted 200"), ("/", "answered 201, wanted 200"), ("", "")]
)
def test_an_address_that_refuses_ends_the_run_and_is_named_without_secrets(
    service: Requests, path: str, reason: str
) -> None:
    """The last one: nobody listens."""
    url = service.url(f"{path}?token={SECRET}") if path else f"http://ops:{SECRET}@127.0.0.1:1/api?token={SECRET}"
    code, output = run([{"name": "silence", "when": "after_drain", "url": {"url": url}}])
    assert code != 0
    assert 'Hook "silence" (after_drain) failed for node node-first: http://127.0.0.1:' in output
    assert (reason or "answered nothing: <urlopen error") in output
    assert "The node stays cordoned" in output
    assert SECRET not in output
    assert "Touch the host" not in output


def test_a_command_that_fails_ends_the_run_and_says_why(notes: Path) -> None:
    broken = {"name": "pool", "when": "after_drain", "command": ["python3", "-c", "raise SystemExit('no such pool')"]}
    code, output = run([broken, say(notes, "next")])
    assert code != 0
    assert 'Hook "pool" (after_drain) failed for node node-first: exit status 1: no such pool. The node stays' in output
    assert "run the same command again" in output
    assert not notes.exists()
    assert "Touch the host" not in output


@pytest.mark.parametrize("place", ["controller", "node"])
def test_a_command_that_does_not_end_is_ended(notes: Path, place: str) -> None:
    program = f"import os, signal; print(os.getpid(), file=open({str(notes)!r}, 'w')); signal.pause()"
    endless = {"name": "slow", "when": "after_drain", "command": ["python3", "-c", program], "timeout": 3, "on": place}
    code, output = run([endless])
    assert code != 0
    assert 'Hook "slow" (after_drain) failed for node node-first: not done within 3 s.' in output
    assert not Path("/proc", notes.read_text().strip()).exists()


def test_what_could_not_be_run_is_refused_before_anything(notes: Path) -> None:
    code, output = run([say(notes, "one"), {"name": "two", "when": "after_drain", "tasks": "no/such.yml"}])
    assert code != 0
    assert 'node_hooks: hook "two": tasks: there is no file' in output
    assert "Nothing was changed" in output
    assert not notes.exists()


def test_in_check_mode_they_are_listed(notes: Path) -> None:
    code, output = run([say(notes, "one")], "--check")
    assert code == 0
    assert "node-first: these hooks would run: after_drain: one (command)" in output
    assert not notes.exists()
