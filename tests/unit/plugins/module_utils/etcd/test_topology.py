# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils import _static_pod
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import topology
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import LocalMember

PKI = "/etc/kubernetes/pki"
FLAGS = {
    "advertise-client-urls": "https://192.0.2.11:2379",
    "cert-file": f"{PKI}/etcd/server.crt",
    "data-dir": "/var/lib/etcd",
    "initial-advertise-peer-urls": "https://192.0.2.11:2380",
    "key-file": f"{PKI}/etcd/server.key",
    "listen-client-urls": "https://127.0.0.1:2379,https://192.0.2.11:2379",
    "name": "cp1",
    "trusted-ca-file": f"{PKI}/etcd/ca.crt",
}
ALL_FILES = {
    f"{PKI}/etcd/ca.crt",
    *(f"{PKI}/etcd/{name}.{kind}" for name in ("healthcheck-client", "server") for kind in ("crt", "key")),
    *(f"{PKI}/apiserver-etcd-client.{kind}" for kind in ("crt", "key")),
}


def pod(**changes: str | None) -> _static_pod.StaticPod:
    """kubeadm's manifest with some flags changed, None takes one away. Underscores stand for dashes."""
    flags: dict[str, t.Any] = {**FLAGS, **{name.replace("_", "-"): value for name, value in changes.items()}}
    words = "".join(f"    - --{name}={value}\n" for name, value in flags.items() if value is not None)
    text = f"spec:\n  containers:\n  - command:\n    - etcd\n{words}    image: registry.k8s.io/etcd:3.6.16-0\n"
    return _static_pod.parse(text, "/etc/kubernetes/manifests/etcd.yaml")


def test_what_kubeadm_writes() -> None:
    assert topology.from_manifest(pod(), ALL_FILES.__contains__) == LocalMember(
        name="cp1",
        endpoint="https://127.0.0.1:2379",
        data_dir="/var/lib/etcd",
        peer_urls=("https://192.0.2.11:2380",),
        ca_file=f"{PKI}/etcd/ca.crt",
        cert_file=f"{PKI}/etcd/healthcheck-client.crt",
        key_file=f"{PKI}/etcd/healthcheck-client.key",
        image="registry.k8s.io/etcd:3.6.16-0",
        source="/etc/kubernetes/manifests/etcd.yaml",
        grpc_endpoint="https://127.0.0.1:2379",
        listens=("https://127.0.0.1:2379", "https://192.0.2.11:2379"),
    )


@pytest.mark.parametrize(
    ("flags", "endpoint"),
    [
        ({"listen_client_urls": "https://192.0.2.11:2379,https://127.0.0.1:2379"}, "https://127.0.0.1:2379"),
        ({"listen_client_urls": "https://192.0.2.11:2379,https://[::1]:2379"}, "https://[::1]:2379"),
        ({"listen_client_urls": "https://192.0.2.11:2379,https://localhost:2379"}, "https://localhost:2379"),
        ({"listen_client_urls": "https://0.0.0.0:4001"}, "https://127.0.0.1:4001"),
        ({"listen_client_urls": "https://[::]:2379"}, "https://[::1]:2379"),
        ({"listen_client_urls": "https://192.0.2.11:2379"}, "https://192.0.2.11:2379"),
        ({"listen_client_urls": "https://etcd.example:2379"}, "https://etcd.example:2379"),
        ({"listen_client_urls": "unix://sock:1"}, "https://192.0.2.11:2379"),
        ({"listen_client_urls": None}, "https://192.0.2.11:2379"),
        ({"listen_client_http_urls": "https://127.0.0.1:2382"}, "https://127.0.0.1:2382"),
    ],
)
def test_endpoint(flags: dict[str, str | None], endpoint: str) -> None:
    local = topology.from_manifest(pod(**flags), ALL_FILES.__contains__)
    assert local.endpoint == endpoint
    elsewhere = "listen_client_http_urls" in flags  # etcdctl speaks gRPC
    assert local.grpc_endpoint == ("https://127.0.0.1:2379" if elsewhere else endpoint)


@pytest.mark.parametrize(
    ("missing", "certificate"),
    [
        (set(), f"{PKI}/etcd/healthcheck-client"),
        ({f"{PKI}/etcd/healthcheck-client.crt"}, f"{PKI}/apiserver-etcd-client"),
        ({f"{PKI}/etcd/healthcheck-client.key"}, f"{PKI}/apiserver-etcd-client"),
        ({f"{PKI}/etcd/healthcheck-client.key", f"{PKI}/apiserver-etcd-client.key"}, f"{PKI}/etcd/server"),
    ],
)
def test_client_certificate(missing: set[str], certificate: str) -> None:
    member = topology.from_manifest(pod(), (ALL_FILES - missing).__contains__)
    assert (member.cert_file, member.key_file) == (f"{certificate}.crt", f"{certificate}.key")


def test_a_member_without_tls_needs_no_certificate() -> None:
    member = topology.from_manifest(
        pod(listen_client_urls="http://127.0.0.1:2379", cert_file=None, trusted_ca_file=None), set().__contains__
    )
    assert (member.endpoint, member.ca_file, member.cert_file) == ("http://127.0.0.1:2379", "", "")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"name": None}, "has no --name="),
        ({"name": ""}, "has no --name="),
        ({"name": "../../etc"}, "is no member name"),
        ({"name": "a/b"}, "is no member name"),
        ({"name": "-rf"}, "is no member name"),
        ({"data_dir": None}, "has no --data-dir="),
        ({"trusted_ca_file": None}, "has no --trusted-ca-file="),
        ({"trusted_ca_file": "/nowhere/ca.crt"}, "--trusted-ca-file=/nowhere/ca.crt: there is no such file"),
        ({"cert_file": None}, "has no --cert-file="),
        ({"listen_client_urls": None, "advertise_client_urls": None}, "has no --listen-client-urls="),
        ({"cert_file": "/a/b/s.crt", "key_file": "/a/b/s.key"}, "looked for /a/b/healthcheck-client.crt, "),
    ],
)
def test_what_is_missing_is_named(flags: dict[str, str | None], message: str) -> None:
    with pytest.raises(MaintenanceError) as caught:
        topology.from_manifest(pod(**flags), ALL_FILES.__contains__)
    assert message in caught.value.msg
    assert "/etc/kubernetes/manifests/etcd.yaml" in caught.value.msg


def test_no_manifest(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MaintenanceError, match=f"there is no {tmp_path}/etcd.yaml"):
        topology.discover(str(tmp_path))


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_manifest_that_cannot_be_read(tmp_path: pathlib.Path, content: bytes | None) -> None:
    if content is None:
        (tmp_path / "etcd.yaml").mkdir()
    else:
        (tmp_path / "etcd.yaml").write_bytes(content)
    with pytest.raises(MaintenanceError, match="etcd.yaml: cannot be read"):
        topology.discover(str(tmp_path))


def test_a_manifest_from_a_directory(tmp_path: pathlib.Path) -> None:
    text = "command:\n- --name=cp1\n- --data-dir=/d\n- --listen-client-urls=http://127.0.0.1:1\nimage: etcd:3.6.16-0\n"
    (tmp_path / "etcd.yaml").write_text(text)
    assert topology.discover(str(tmp_path)).source == f"{tmp_path}/etcd.yaml"
