# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes themselves, seen over ssh: what is installed, and what runs."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from testinfra.host import Host

TARGET = "1.37.1"

testinfra_hosts = ["ansible://kube_control_plane", "ansible://kube_node"]


@pytest.mark.parametrize("name", ["kubeadm", "kubelet", "kubectl"])
def test_package_is_at_the_target_and_held(host: Host, name: str) -> None:
    assert host.package(name).version == f"{TARGET}-1.1"
    assert name in host.check_output("apt-mark showhold").split()


def test_repository_is_the_one_of_the_minor(host: Host) -> None:
    sources = host.check_output("cat /etc/apt/sources.list.d/*.list")
    assert "/core:/stable:/v1.37/deb/" in sources
    assert "v1.36" not in sources


def test_the_kubelet_that_runs_is_the_new_one(host: Host) -> None:
    assert host.service("kubelet").is_running
    with host.sudo():
        process = host.process.get(comm="kubelet")
        assert host.check_output(f"/proc/{process.pid}/exe --version") == f"Kubernetes v{TARGET}"


def test_no_run_is_left_unfinished(host: Host) -> None:
    assert host.check_output("systemctl list-units --all --plain --no-legend 'kubeops-*'") == ""
    with host.sudo():
        assert host.check_output("find /etc/kubernetes -path '*/tmp/kubeadm-upgraded-manifests*'") == ""
