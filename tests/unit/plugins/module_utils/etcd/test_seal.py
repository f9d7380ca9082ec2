# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs are stand-ins here; tests/integration/etcd has the real ones."""

from __future__ import annotations

import hashlib
import pathlib
import ssl
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import seal
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive.seal import AGE, CMS, NONE, Seal
from hypothesis import given
from hypothesis import strategies as st

AGE_KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh6 ops@example.com"
CERTIFICATE = ssl.DER_cert_to_PEM_cert(b"certificate" * 20)
AES_GCM, AES_CBC = bytes.fromhex("060b2a864886f70d0109100117"), bytes.fromhex("06092a864886f70d010703")


def age(size: int, recipients: int = 1) -> bytes:
    """As age's specification has it: header, nonce, chunks of 64 KiB with a tag of 16 bytes each."""
    stanzas = b"".join(b"-> X25519 abc\nbody\n" for _recipient in range(recipients))
    chunks = max(1, (size + 65535) // 65536)
    return b"age-encryption.org/v1\n" + stanzas + b"--- mac\n" + bytes(16 + size + 16 * chunks)


def cms(size: int, content: bytes = AES_GCM) -> bytes:
    body = content + bytes(size + 100)
    return b"\x30\x84" + len(body).to_bytes(4, "big") + body


@pytest.fixture
def programs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., pathlib.Path]:
    """No other programs are there."""
    place = tmp_path / "bin"
    place.mkdir()
    monkeypatch.setattr(seal, "_PATH", "")
    monkeypatch.setenv("PATH", str(place))

    def make(name: str, script: str, answer: bytes = b"") -> pathlib.Path:
        (tmp_path / "answer").write_bytes(answer)
        program = place / name
        program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n{script.format(answer=tmp_path / "answer")}\n')
        program.chmod(0o755)
        return tmp_path / "calls"

    return make


ALL = "/bin/cat > /dev/null; /bin/cat {answer}"


@given(st.integers(0, 1 << 18), st.integers(1, 4))
def test_what_age_makes(size: int, recipients: int) -> None:
    one = Seal(AGE, keys=(AGE_KEY,) * recipients)
    whole = age(size, recipients)
    assert seal.flaw(one, whole, size) == ""
    assert f"has {len(whole) - 1} bytes, {len(whole)} would be all" in seal.flaw(one, whole[:-1], size)
    assert "would be all of it" in seal.flaw(one, whole + b"x", size)
    assert seal.flaw(one, age(size, recipients - 1), size) == "is nothing that age makes"


@given(st.integers(0, 1 << 18))
def test_what_openssl_makes(size: int) -> None:
    one = Seal(CMS, keys=(CERTIFICATE,))
    whole = cms(size)
    assert seal.flaw(one, whole, size) == ""
    assert f"has {len(whole) - 1} bytes, {len(whole)} would be all" in seal.flaw(one, whole[:-1], size)
    assert "would be all of it" in seal.flaw(one, whole + b"x", size)
    assert seal.flaw(one, cms(size, AES_CBC), size) == "is not what aes-256-gcm makes"
    assert seal.flaw(Seal(CMS, keys=(CERTIFICATE,), cipher=1), cms(size, AES_CBC), size) == ""


@given(st.binary(max_size=100))
def test_something_else(data: bytes) -> None:
    assert seal.flaw(Seal(AGE, keys=(AGE_KEY,)), data, 5)
    assert seal.flaw(Seal(CMS, keys=(CERTIFICATE,)), data, 5)


@pytest.mark.parametrize(
    "recipient",
    [
        "",
        "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET-KEY\n-----END OPENSSH PRIVATE KEY-----",
        f"{CERTIFICATE}-----BEGIN PRIVATE KEY-----\nSECRET-KEY\n-----END PRIVATE KEY-----",
        f"{CERTIFICATE}{CERTIFICATE}",
        "-----BEGIN CERTIFICATE-----\n$(SECRET-KEY)\n-----END CERTIFICATE-----",
        f"{AGE_KEY} --output SECRET-KEY",
        f"{SSH_KEY}\nSECRET-KEY",
        "ssh-dss AAAA",
        "--SECRET-KEY",
        "/etc/SECRET-KEY",
    ],
)
def test_what_is_no_public_key_is_not_repeated(recipient: str, programs: t.Any) -> None:
    calls = programs("age", ALL, age(0))
    with pytest.raises(MaintenanceError, match="number 2 is neither a public key") as caught:
        seal.prepare([AGE_KEY, recipient])
    assert "SECRET-KEY" not in caught.value.msg
    assert not calls.exists()


def test_both_kinds() -> None:
    with pytest.raises(MaintenanceError, match="give the one kind or the other"):
        seal.prepare([AGE_KEY, CERTIFICATE])


@pytest.mark.parametrize(
    ("recipient", "message"),
    [
        (AGE_KEY, "^age is not on this node. Install it .apt install age, .*, or give certificates"),
        (CERTIFICATE, "^openssl is not on this node. Install it .apt install openssl, dnf install openssl.$"),
    ],
)
def test_a_program_that_is_not_there(recipient: str, message: str, programs: t.Any) -> None:
    with pytest.raises(MaintenanceError, match=message):
        seal.prepare([recipient])


def test_keys_of_age_and_of_ssh(programs: t.Any) -> None:
    calls = programs("age", ALL, age(0, 2))
    one = seal.prepare([f" {AGE_KEY}\n", SSH_KEY])
    assert (one.kind, one.suffix, one.recipients) == (AGE, ".files.age", (AGE_KEY, SSH_KEY))
    assert calls.read_text() == f"--encrypt -r {AGE_KEY} -r {SSH_KEY}\n"


def test_certificates_are_told_by_their_fingerprints(programs: t.Any) -> None:
    calls = programs("openssl", ALL, cms(0))
    one = seal.prepare([f"subject=CN=ops\n{CERTIFICATE}"])
    assert (one.kind, one.suffix) == (CMS, ".files.cms")
    assert one.recipients == (f"sha256:{hashlib.sha256(b'certificate' * 20).hexdigest()}",)
    words = calls.read_text().split()
    assert words[:6] == ["cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER"]


def test_what_openssl_reads_is_the_certificate_alone(programs: t.Any, tmp_path: pathlib.Path) -> None:
    programs("openssl", 'for file; do :; done; /bin/cat "$file" > {answer}.seen; ' + ALL, cms(0))
    seal.prepare([f"subject=CN=ops\n{CERTIFICATE}"])
    assert (tmp_path / "answer.seen").read_text() == CERTIFICATE


def test_an_openssl_before_3(programs: t.Any) -> None:
    """It takes the option and makes what nobody can decrypt."""
    calls = programs("openssl", ALL, cms(0, AES_CBC))
    one = seal.prepare([CERTIFICATE])
    assert [line.split()[3] for line in calls.read_text().splitlines()] == ["-aes-256-gcm", "-aes-256-cbc"]
    assert one.close(b"")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo unknown recipient >&2; exit 1", "ended with status 1: unknown recipient"),
        ("kill -9 $$", "ended with status -9: it said nothing"),
        (ALL + "; kill -9 $$", "ended with status -9"),
        ("exit 0", "what it has made of 0 bytes is nothing that age makes"),
    ],
)
def test_a_program_that_fails(script: str, message: str, programs: t.Any) -> None:
    programs("age", script, age(0))
    with pytest.raises(MaintenanceError, match=message):
        seal.prepare([AGE_KEY])


def test_a_program_that_does_not_take_all(programs: t.Any) -> None:
    programs("age", "/bin/cat {answer}", age(0))
    one = seal.prepare([AGE_KEY])
    with pytest.raises(MaintenanceError, match="what it has made of 200000 bytes has"):
        one.close(b"x" * 200000)


def test_a_program_that_hangs(programs: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "_TIMEOUT", 0.2)
    programs("age", "exec /bin/sleep 60")
    with pytest.raises(MaintenanceError, match="timed out"):
        seal.prepare([AGE_KEY])


def test_without_encryption_nothing_is_done() -> None:
    assert Seal(NONE).close(b"content") == b"content"
    assert Seal(NONE).suffix == ".files.tar"


@pytest.mark.parametrize("path", ["", "bin", ".", "/nowhere:"])
def test_no_program_of_the_folder_that_it_runs_in(
    programs: t.Callable[..., pathlib.Path], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    place = programs("age", "cat {answer}", age(0)).parent
    monkeypatch.chdir(place.parent if path == "bin" else place)
    monkeypatch.setenv("PATH", path)
    with pytest.raises(MaintenanceError, match="age is not on this node"):
        seal.prepare([AGE_KEY])
