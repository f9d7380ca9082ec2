# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers on loopback over a folder, S3 and SFTP, and rclone's configuration for them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import typing as t
import urllib.error
import urllib.request

from ansible_collections.kubeops.maintenance.tests.api.program import Program, stop
from ansible_collections.kubeops.maintenance.tests.lab.cache import Cache
from ansible_collections.kubeops.maintenance.tests.lab.supply import recipes
from ansible_collections.kubeops.maintenance.tests.lab.supply.programs import Programs
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until
from ansible_collections.kubeops.maintenance.tests.ports import free_ports

BUCKET = "backups"
SECRET = "a-secret-of-the-bucket"


class S3:
    """``data`` is what the server keeps: a folder per bucket, a file per object."""

    def __init__(self, root: pathlib.Path) -> None:
        root.mkdir()
        self.data, self._logs = root / "data", root / "logs"
        (self.data / BUCKET).mkdir(parents=True)
        self._logs.mkdir()
        self._parts = self.data / BUCKET / ".sgwtmp" / "multipart"
        self._parts.mkdir(parents=True)
        (self.port,) = free_ports(1)
        self.config = root / "rclone.conf"
        self.config.write_text(
            self._section("s3", SECRET)
            + self._section("wrong", "another-secret")
            + f"[crypt]\ntype = crypt\nremote = s3:{BUCKET}/crypt\npassword = {obscured('of crypt')}\n"
        )
        self.config.chmod(0o600)
        self._program: Program | None = None

    def _section(self, name: str, secret: str) -> str:
        options = {
            "type": "s3",
            "provider": "Other",
            "endpoint": f"http://127.0.0.1:{self.port}",
            "access_key_id": "backup",
            "secret_access_key": secret,
            # Several parts of what is no large file yet.
            "upload_cutoff": "5M",
            "chunk_size": "5M",
        }
        return section(name, options)

    @contextlib.contextmanager
    def running(self) -> t.Iterator[S3]:
        self.start()
        try:
            yield self
        finally:
            self.stop()

    def start(self) -> None:
        programs = Programs(Cache())
        path = programs.folder(recipes.versitygw()) / "versitygw"
        flags = {"quiet": "true", "port": f"127.0.0.1:{self.port}", "access": "backup", "secret": SECRET}
        self._program = Program(path, flags, self._logs, "posix", str(self.data))
        until("the S3 server", self._answers, seconds=120, every=0.05)

    def clear(self) -> None:
        """What an earlier test has left is no part of the next one."""
        bucket = self.data / BUCKET
        for path in (*bucket.iterdir(), *self._parts.iterdir()):
            if not path.name.startswith("."):
                shutil.rmtree(path)
        if not self._program:
            self.start()

    def kill(self) -> None:
        assert self._program
        os.kill(self._program.pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        if self._program:
            stop([self._program])
        self._program = None

    def _answers(self) -> bool:
        assert self._program
        self._program.check()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5)
        except urllib.error.HTTPError:
            return True  # it wants a signature
        except OSError:
            return False
        return True

    def receives(self) -> None:
        """Wait until a part of something large is there."""
        until("a part of an upload", lambda: [one for one in self._parts.rglob("*") if one.is_file()], 120, every=0.002)

    def files(self, folder: str = "etcd") -> list[str]:
        place = self.data / BUCKET / folder
        return sorted(path.name for path in place.iterdir()) if place.is_dir() else []


@contextlib.contextmanager
def sftp(root: pathlib.Path, place: pathlib.Path) -> t.Iterator[str]:
    """The configuration for a server over ``place``: ``nas``, and ``wrong`` with another password."""
    place.mkdir()
    (port,) = free_ports(1)
    server = {"type": "sftp", "host": "127.0.0.1", "port": port, "user": "backup", "shell_type": "none"}
    config = root / "sftp.conf"
    config.write_text(
        section("nas", {**server, "pass": obscured(SECRET)}) + section("wrong", {**server, "pass": obscured("x")})
    )
    config.chmod(0o600)
    words = ["serve", "sftp", str(place), f"--addr=127.0.0.1:{port}", "--user=backup", f"--pass={SECRET}"]
    program = pathlib.Path(str(shutil.which("rclone"))).resolve()
    running = Program(program, {"cache-dir": root / "cache"}, root, *words)
    try:
        until("the SFTP server", lambda: _listens(running, port), seconds=120, every=0.05)
        yield str(config)
    finally:
        stop([running])


def _listens(program: Program, port: int) -> bool:
    program.check()
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def section(name: str, options: t.Mapping[str, object]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items()) + "\n"


def obscured(secret: str) -> str:
    return subprocess.run(["rclone", "obscure", secret], check=True, capture_output=True, text=True).stdout.strip()
