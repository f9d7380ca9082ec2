# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is built from which Go modules."""

from __future__ import annotations

import re

import pytest
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError
from ansible_collections.kubeops.maintenance.tests.lab.supply import build, programs, recipes

GO_MOD = """\
module k8s.io/kubernetes

go 1.26.0

require (
\tgithub.com/coredns/corefile-migration v1.0.34
\tk8s.io/api v0.0.0
\tk8s.io/kube-openapi v0.0.0-20260317180543-43fb72c5454a
\tk8s.io/utils v0.0.0-20260108192941-914a6e750570
\tk8s.io/kubelet v0.0.0 // indirect
)

replace (
\tk8s.io/api => ./staging/src/k8s.io/api
)
"""


def test_staging_modules_are_those_at_exactly_v0() -> None:
    assert recipes.staging_modules(GO_MOD) == ["k8s.io/api", "k8s.io/kubelet"]


def test_wanted_go() -> None:
    assert recipes.wanted_go(GO_MOD) == "1.26.0"


def test_throwaway_module_replaces_staging_by_the_published_version() -> None:
    text = recipes.throwaway_module(recipes.kubernetes("1.36.4"), "1.26.8", ["k8s.io/api"])
    assert text.splitlines() == [
        "module lab",
        "go 1.26.8",
        "require k8s.io/kubernetes v1.36.4",
        "replace k8s.io/api => k8s.io/api v0.36.4",
    ]


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("k8s.io/kubernetes/cmd/kubeadm", "kubeadm"),
        ("go.etcd.io/etcd/server/v3", "server"),
        ("github.com/coredns/coredns", "coredns"),
        ("github.com/containernetworking/plugins/plugins/main/vlan", "vlan"),
    ],
)
def test_default_binary(package: str, name: str) -> None:
    assert recipes.default_binary(package) == name


def test_kubernetes_knows_its_version_in_both_libraries() -> None:
    flags = recipes.kubernetes("1.36.4").linker_flags
    for library in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version"):
        assert f"-X {library}.gitVersion=v1.36.4" in flags
        assert f"-X {library}.gitMinor=36 " in flags


def test_etcd_programs_come_from_three_modules_of_one_version() -> None:
    recipe = recipes.etcd("3.6.16")
    assert set(recipe.programs) == {"etcd", "etcdctl", "etcdutl"}
    assert set(recipe.modules.values()) == {"v3.6.16"}
    assert recipe.programs["etcd"] == "go.etcd.io/etcd/server/v3"


def test_coredns_has_every_plugin_of_kubeadms_corefile() -> None:
    corefile = "errors health ready kubernetes prometheus forward cache loop reload loadbalance"
    source = (recipes.COREDNS_SOURCE / "main.go").read_text()
    # The package of `prometheus` has another name.
    wanted = {name.replace("prometheus", "metrics") for name in corefile.split()}
    assert wanted == set(re.findall(r"coredns/plugin/(\w+)", source))


def test_an_old_go_is_refused_with_both_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOTOOLCHAIN", "local")
    monkeypatch.setattr(programs, "output", lambda *_, **__: "local")
    with pytest.raises(LabError, match=r"asks for Go 1\.26\.0 or newer, and `go version` says 1\.9\.7"):
        programs.check_go("1.9.7", "1.26.0", "kubernetes 1.36.4")


@pytest.mark.parametrize("found", ["1.26.0", "1.26.8", "1.27", "2.0"])
def test_a_new_go_is_taken(found: str) -> None:
    programs.check_go(found, "1.26.0", "kubernetes 1.36.4")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.36.4", ["3.6.9", "3.6.16", "3.7.0"]),  # not 3.6.8, from which no way leads to 3.7
        ("1.37.1", ["3.6.8", "3.6.9", "3.7.0"]),
    ],
)
def test_etcd_versions_are_where_a_cluster_starts_and_what_it_may_come_to(version: str, expected: list[str]) -> None:
    own = {"1.36.4": "3.6.8", "1.36.5": "3.6.9", "1.37.1": "3.7.0"}
    assert build.etcd_versions(own, version) == expected
