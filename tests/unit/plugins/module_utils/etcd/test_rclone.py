# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of rclone's words, and what is to be done for a snapshot; tests/integration/etcd has real servers."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.copies import rclone, remote
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.copies.copies import File

FILES = [File("/b/x.db", 100, ""), File("/b/x.db.files.age", 9, "")]
WHOLE = {"x.db": 100, "x.db.files.age": 9, "x.db.json": 5}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ('Failed to create file system for "x:": didn\'t find section in config file', "its name is not in"),
        (
            "SignatureDoesNotMatch: The\n\tstatus code: 403, request id: X",
            "the credentials are wrong",
        ),
        ("NoSuchBucket: The specified bucket does not exist.\n\tstatus code: 404", "the bucket does not exist"),
        ("couldn't connect SSH: ssh: handshake failed: ssh: unable to authenticate, attempted", "the credentials"),
        ("couldn't connect SSH: dial tcp: lookup nas: no such host", "it does not answer"),
        ("couldn't connect SSH: ssh: handshake failed: knownhosts: key mismatch", "its host key"),
        (
            "RequestError: send request failed\ncaused by: x509: certificate signed by unknown",
            "its certificate",
        ),
        ("RequestError: send request failed\ncaused by: Put: connect: connection refused", "it does not answer"),
        ("write: no space left on device", "there is no room left"),
        ("failed to authenticate decrypted block - bad password?", "what is there cannot be decrypted"),
        ("something new", ""),
    ],
)
def test_what_rclone_says(said: str, problem: str) -> None:
    found, fix = rclone.explain(f"2026/11/21 15:30:01 ERROR : {said}\n")
    assert found.startswith(problem)
    assert bool(found) == bool(problem) == bool(fix)


@pytest.mark.parametrize(
    ("described", "there", "noted", "verdict"),
    [
        (False, {}, False, remote.UPLOAD),
        (False, {"x.db": 100, "x.db.files.age": 9}, False, remote.UPLOAD),
        (False, {}, True, remote.GONE),
        (True, WHOLE, False, remote.PRESENT),
        (True, WHOLE, True, remote.PRESENT),
        (True, {**WHOLE, "x.db": 99}, True, remote.DIFFERENT),
        (True, {"x.db": 100, "x.db.json": 5}, True, remote.DIFFERENT),
    ],
)
def test_what_is_to_be_done(described: bool, there: dict[str, int], noted: bool, verdict: str) -> None:
    assert remote.judge(FILES, described, there, noted) == verdict


def test_the_environment_has_the_way_out_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://192.0.2.1:3128")
    monkeypatch.setenv("RCLONE_CONFIG_S3_ENDPOINT", "http://192.0.2.2")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/x")
    found = rclone.environment()
    assert found["https_proxy"] == "http://192.0.2.1:3128"
    assert not [name for name in found if name.startswith(("RCLONE", "AWS"))]
