# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import control_plane


class Node:
    """The files of a control plane below a directory."""

    def __init__(self, root: pathlib.Path) -> None:
        self.kubernetes, self.kubelet = root / "kubernetes", root / "kubelet"
        self.manifests = self.kubernetes / "manifests"
        for place in (self.manifests, self.kubernetes / "pki", self.kubernetes / "tmp", self.kubelet / "pki"):
            place.mkdir(parents=True)
        self.write("kubernetes/pki/ca.key")
        self.write("kubernetes/admin.conf")
        self.write("kubernetes/kubelet-config.yaml")
        self.write("kubernetes/tmp/old")
        self.write("kubelet/config.yaml")
        self.write("kubelet/kubeadm-flags.env")
        self.write("kubelet/pki/kubelet.key")
        self.pod("etcd", "--data-dir=/var/lib/etcd")

    def write(self, path: str, text: str = "x") -> str:
        place = self.kubernetes.parent / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return str(place)

    def pod(self, component: str, *flags: str) -> None:
        lines = "".join(f"    - {word}\n" for word in (component, *flags))
        text = f"spec:\n  containers:\n  - command:\n{lines}    image: registry.k8s.io/{component}:v1\n"
        (self.manifests / f"{component}.yaml").write_text(text)

    def collect(self, shown: str = "") -> tuple[set[str], dict[str, str]]:
        found = control_plane.collect(str(self.manifests), shown, str(self.kubelet))
        root = self.kubernetes.parent
        files = {str(pathlib.Path(entry.path).relative_to(root)) for entry in found.files}
        return files, {str(pathlib.Path(path).relative_to(root)): why for path, why in found.left_out.items()}


KUBEADM = {
    "kubernetes/manifests/etcd.yaml",
    "kubernetes/pki/ca.key",
    "kubernetes/admin.conf",
    "kubernetes/kubelet-config.yaml",
    "kubelet/config.yaml",
    "kubelet/kubeadm-flags.env",
}


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    return Node(tmp_path)


def test_what_kubeadm_wrote(node: Node) -> None:
    assert node.collect() == (KUBEADM, {})


def test_what_flags_name(node: Node) -> None:
    keys = node.write("kubernetes/enc/enc.yaml")
    sni = [node.write(f"elsewhere/sni.{end}") for end in ("crt", "key")]
    accounts = [node.write(f"elsewhere/sa-{name}.pub") for name in ("old", "new")]
    policies = node.write("policies/one.yaml")
    scheduler = node.write("kubernetes/scheduler.yaml")
    node.write("audit/audit.log")
    root = node.kubernetes.parent
    node.pod(
        "kube-apiserver",
        f"--encryption-provider-config={keys}",
        f"--tls-sni-cert-key={sni[0]},{sni[1]}:example.com",
        *(f"--service-account-key-file={one}" for one in accounts),
        f"--some-directory={root}/policies",
        f"--audit-log-path={root}/audit/audit.log",
        f"--token-auth-file={root}/mounted/tokens",
        "--profiling=false",
    )
    node.pod("kube-scheduler", f"--config={scheduler}")
    files, left_out = node.collect()
    named = {keys, *sni, *accounts, policies, scheduler}
    manifests = {f"kubernetes/manifests/{name}.yaml" for name in ("kube-apiserver", "kube-scheduler")}
    assert files == KUBEADM | manifests | {str(pathlib.Path(one).relative_to(root)) for one in named}
    assert left_out == {
        "mounted/tokens": "--token-auth-file of kube-apiserver names it, and it is not there."
        " It may be mounted from another place"
    }


def test_what_the_named_files_name(node: Node) -> None:
    webhook = node.write("admission/webhook.kubeconfig")
    text = f"plugins:\n- name: A\n  path: limits.yaml\n- kubeConfigFile: '{webhook}' # theirs\n  path: /healthz\n"
    admission = node.write("admission/admission.yaml", text)
    node.write("admission/limits.yaml")
    node.write("admission/other.yaml")
    node.pod("kube-apiserver", f"--admission-control-config-file={admission}")
    files, left_out = node.collect()
    assert {path for path in files if path.startswith("admission/")} == {
        "admission/admission.yaml",
        "admission/limits.yaml",
        "admission/webhook.kubeconfig",
    }
    assert left_out == {}


def test_an_etcd_of_systemd(node: Node) -> None:
    (node.manifests / "etcd.yaml").unlink()
    unit, override = node.write("systemd/etcd.service"), node.write("systemd/etcd.service.d/10.conf")
    paths = {name: node.write(f"ssl/{name}.pem") for name in ("ca", "member", "member-key", "client", "client-key")}
    environment = node.write(
        "etcd.env",
        f"ETCD_TRUSTED_CA_FILE={paths['ca']}\nETCDCTL_CERT={paths['client']}\nETCDCTL_KEY={paths['client-key']}\n",
    )
    argv = f"/usr/bin/etcd --cert-file={paths['member']} --key-file={paths['member-key']} --data-dir=/var/lib/etcd"
    shown = (
        f"LoadState=loaded\nExecStart={{ path=/usr/bin/etcd ; argv[]={argv} ; ignore_errors=no ; }}\n"
        "EnvironmentFiles=/nowhere/etcd (ignore_errors=yes)\n"
        f"EnvironmentFiles={environment} (ignore_errors=no)\nFragmentPath={unit}\nDropInPaths={override}\n"
    )
    files, left_out = node.collect(shown)
    expected = {"systemd/etcd.service", "systemd/etcd.service.d/10.conf", "etcd.env"}
    assert files == KUBEADM - {"kubernetes/manifests/etcd.yaml"} | expected | {f"ssl/{name}.pem" for name in paths}
    assert left_out == {}
    node.pod("etcd")
    assert node.collect(shown) == (KUBEADM, {})


def test_a_manifest_that_nobody_can_read(node: Node) -> None:
    (node.manifests / "kube-apiserver.yaml").write_bytes(b"\xff")
    files, _left_out = node.collect()
    assert "kubernetes/manifests/kube-apiserver.yaml" in files
    assert not control_plane.has_apiserver(str(node.manifests))


@pytest.mark.parametrize(("flags", "file"), [([], ""), (["--encryption-provider-config=/a.yaml"], "/a.yaml")])
def test_where_the_keys_are(node: Node, flags: list[str], file: t.Any) -> None:
    assert control_plane.encryption_configuration(str(node.manifests)) == ""
    node.pod("kube-apiserver", *flags)
    assert control_plane.encryption_configuration(str(node.manifests)) == file
    assert control_plane.has_apiserver(str(node.manifests))
