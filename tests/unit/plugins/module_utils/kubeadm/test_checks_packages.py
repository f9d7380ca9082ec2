# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, PASS, SKIP, WARN, failures
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import checks_packages

from . import samples
from .preflights import changed, preflight, the_failure
from .samples import NEW


def having(**packages: t.Any) -> dict[str, t.Any]:
    return {**samples.packages(), **packages}


def one(version: str, held: bool = True) -> dict[str, t.Any]:
    return {"version": version, "package": f"{version}-1.1", "held": held}


def test_packages_that_the_repository_lacks() -> None:
    failed = the_failure(
        preflight(facts=changed("w1", available={"kubeadm": "1.37.1-1.1", "kubelet": None, "kubectl": None}))
    )
    assert failed.object == "kubelet, kubectl 1.37.1"
    assert failed.evidence == "not in the package repository of 1.37 for 1 host(s): w1"


def test_a_repository_that_nobody_was_asked_about() -> None:
    facts = {host: {**node, "available": None} for host, node in samples.facts().items()}
    assert [check.status for check in preflight(facts=facts) if check.name == "packages"] == [SKIP]


@pytest.mark.parametrize("manager", ["apt", "dnf"])
def test_programs_that_are_no_packages(manager: str) -> None:
    nothing = having(kubeadm=None, kubelet=None, kubectl=None)
    failed = the_failure(preflight(facts=changed("w1", packages=nothing, package_manager=manager)))
    assert failed.object == "kubeadm, kubelet, kubectl on w1"
    assert failed.evidence == f"not installed by {manager}; this collection upgrades packages"


@pytest.mark.parametrize("name", ["kubeadm", "kubelet"])
def test_hosts_that_lack_the_same_package_are_told_together(name: str) -> None:
    facts = {host: {**node, "packages": having(**{name: None})} for host, node in samples.facts().items()}
    assert the_failure(preflight(facts=facts)).object == f"{name} on cp1, w1, w2"


@pytest.mark.parametrize(
    ("program", "fails"), [("/usr/bin/kubelet", False), (None, False), ("/usr/local/bin/kubelet", True)]
)
def test_the_program_that_runs_is_the_packages(program: str | None, fails: bool) -> None:
    kubelet = {**samples.facts()["w1"]["kubelet"], "program": program}
    facts = changed("w1", kubelet=kubelet)
    assert bool(failures([checks_packages.check_program(facts)])) is fails
    if fails:
        assert the_failure(preflight(facts=facts)).object == "/usr/local/bin/kubelet on w1"


def test_a_host_without_kubectl_gets_it() -> None:
    found = preflight(facts=changed("w1", packages=having(kubectl=None)))
    assert not failures(found)
    assert [(check.name, check.object) for check in found if check.status == WARN] == [
        ("installed packages", "kubectl on w1")
    ]


@pytest.mark.parametrize("name", ["kubeadm", "kubelet", "kubectl"])
@pytest.mark.parametrize(("version", "fails"), [("1.37.1", False), ("1.37.2", True), ("1.38.0", True)])
def test_a_package_that_is_newer_than_the_target(name: str, version: str, fails: bool) -> None:
    found = checks_packages.check_newer(changed("w1", packages=having(**{name: one(version)})), NEW)
    assert found.status == (FAIL if fails else PASS)
    if fails:
        assert found.evidence == f"{name} on w1 is {version}, the target is 1.37.1"
        assert found.fix.startswith(f"choose {version} or later, or ")


def test_a_package_whose_version_nobody_can_read_is_no_newer_one() -> None:
    assert checks_packages.check_newer(changed("w1", packages=having(kubelet=one("None"))), NEW).status == PASS


@pytest.mark.parametrize(
    ("manager", "fix"),
    [("apt", "apt-mark hold kubelet kubectl"), ("dnf", "exclude=kubelet kubectl in the repository's file")],
)
@pytest.mark.parametrize("version", ["1.36.4", "1.37.1"])
def test_packages_that_are_not_held(manager: str, fix: str, version: str) -> None:
    packages = having(kubelet=one(version, held=False), kubectl=one(version, held=False))
    found = checks_packages.check_held(changed("w1", packages=packages, package_manager=manager))
    assert [(check.status, check.object, check.fix) for check in found] == [(WARN, "kubelet, kubectl on w1", fix)]
