# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import pathlib

from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import identity
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.paths import Paths
from hypothesis import given
from hypothesis import strategies as st

# Object identifier 2.5.4.3, then a string of so many bytes: what a subject and an issuer are made of.
NAME = bytes.fromhex("0603550403")


def certificate(*names: str, noise: bytes = b"\x30\x82") -> bytes:
    der = noise + noise.join(NAME + b"\x0c" + bytes([len(name)]) + name.encode() for name in names) + noise
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n".encode()


@given(st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,60}[a-z0-9])?", fullmatch=True), st.binary(max_size=40))
def test_the_subject_names_the_node_and_the_issuer_does_not(name: str, noise: bytes) -> None:
    assert identity.common_name(certificate("kubernetes", f"system:node:{name}", noise=b"\x01" + noise)) == name


@given(st.binary(max_size=200))
def test_what_is_no_certificate_has_no_name(content: bytes) -> None:
    assert identity.common_name(content) == ""


def test_a_certificate_of_somebody_else() -> None:
    assert identity.common_name(certificate("kubernetes", "kubernetes-admin")) == ""
    assert identity.common_name(certificate("kubernetes") + NAME) == ""


def kubelet_conf(root: pathlib.Path, line: str) -> Paths:
    (root / "etc/kubernetes").mkdir(parents=True)
    (root / "etc/kubernetes/kubelet.conf").write_text(f"users:\n- name: x\n  user:\n    {line}\n    client-key: y\n")
    return Paths(str(root))


def test_the_certificate_is_a_file_or_in_the_kubeconfig(tmp_path: pathlib.Path) -> None:
    pem = certificate("kubernetes", "system:node:node-1.example")
    file = tmp_path / "one/var/lib/kubelet/pki/kubelet-client-current.pem"
    file.parent.mkdir(parents=True)
    file.write_bytes(pem)
    named = kubelet_conf(tmp_path / "one", "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem")
    embedded = kubelet_conf(tmp_path / "two", f"client-certificate-data: {base64.b64encode(pem).decode()}")
    assert identity.node_name(named) == identity.node_name(embedded) == "node-1.example"


def test_without_a_certificate_the_flag_and_then_the_host(tmp_path: pathlib.Path) -> None:
    paths = Paths(str(tmp_path))
    assert identity.node_name(paths, lambda: "Host-1") == "host-1"
    paths.kubelet_dir.mkdir(parents=True)
    (paths.kubelet_dir / "kubeadm-flags.env").write_text('KUBELET_KUBEADM_ARGS="--a=b --hostname-override=node-1"\n')
    assert identity.node_name(paths, lambda: "Host-1") == "node-1"
