# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian packages as upstream makes them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.lab.supply import packages, recipes

if t.TYPE_CHECKING:
    import pathlib


def made(version: str = "1.36.4") -> dict[str, packages.Package]:
    found = packages.packages(recipes.kubernetes(version), recipes.cri_tools(), recipes.cni_plugins())
    return {package.name: package for package in found}


def test_the_repository_holds_what_upstreams_does() -> None:
    assert set(made()) == {"kubelet", "kubeadm", "kubectl", "cri-tools", "kubernetes-cni"}
    assert made()["kubelet"].version == "1.36.4-1.1"


def test_control_file() -> None:
    assert packages.control_file(made()["kubelet"], "amd64", 1234) == (
        "Package: kubelet\n"
        "Version: 1.36.4-1.1\n"
        "Architecture: amd64\n"
        "Maintainer: kubeops.maintenance lab <lab@invalid>\n"
        "Section: net\n"
        "Priority: optional\n"
        "Installed-Size: 1234\n"
        "Depends: iptables (>= 1.4.21), kubernetes-cni (>= 1.2.0), mount, util-linux\n"
        "Homepage: https://kubernetes.io\n"
        "Description: Node agent for Kubernetes clusters\n"
    )


def test_a_package_without_dependencies_has_no_such_line() -> None:
    assert "Depends" not in packages.control_file(made()["kubectl"], "amd64", 1)


@pytest.mark.parametrize(("version", "depends"), [("1.31.9", "cri-tools (>= 1.30.0)"), ("1.32.0", ""), ("1.36.4", "")])
def test_kubeadm_depends_on_cri_tools_as_long_as_upstreams_did(version: str, depends: str) -> None:
    assert made(version)["kubeadm"].depends == depends


def test_units_are_where_upstream_puts_them() -> None:
    unit = "/usr/lib/systemd/system/kubelet.service"
    assert made()["kubelet"].files[unit] == "kubelet.service"
    assert made()["kubeadm"].files[f"{unit}.d/10-kubeadm.conf"] == "10-kubeadm.conf"


def test_lay_out(tmp_path: pathlib.Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "kubelet").write_text("program")
    tree = tmp_path / "tree"
    packages.lay_out(made()["kubelet"], programs, tree)
    files = {str(file.relative_to(tree)): file.stat().st_mode & 0o777 for file in tree.rglob("*") if file.is_file()}
    assert files == {
        "usr/bin/kubelet": 0o755,
        "usr/lib/systemd/system/kubelet.service": 0o644,
        "etc/default/kubelet": 0o644,
        "etc/kubernetes/manifests/.kubelet-keep": 0o644,
        "var/lib/kubelet/.kubelet-keep": 0o644,
        "DEBIAN/postinst": 0o755,
        "DEBIAN/prerm": 0o755,
        "DEBIAN/postrm": 0o755,
        "DEBIAN/conffiles": 0o644,
    }
