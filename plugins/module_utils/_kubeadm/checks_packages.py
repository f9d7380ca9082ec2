# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight of packages: what the repository offers, and what a host has installed that could not be replaced.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import FAIL, PASS, SKIP, WARN, Check
from . import versions
from .packages import APT
from .plan import PACKAGES, Facts
from .skew import some
from .versions import Version

# Where the packages for apt and for dnf put it.
KUBELET = "/usr/bin/kubelet"

HostFacts = t.Mapping[str, Facts]


def preflight(facts: HostFacts, target: Version) -> list[Check]:
    return [
        *check_repository(facts, target),
        *check_installed(facts),
        check_program(facts),
        check_newer(facts, target),
        *check_held(facts),
    ]


def check_repository(facts: HostFacts, target: Version) -> list[Check]:
    """The exact version is in the repository of the target's minor, on every host that asked."""
    asked = {host: node["available"] for host, node in facts.items() if node.get("available") is not None}
    if not asked:
        return [Check("packages", SKIP, "hosts", "no host was asked for its package repository")]
    absent = {host for host, available in asked.items() if not all(available.get(name) for name in PACKAGES)}
    if not absent:
        return [Check("packages", PASS, "hosts", f"kubeadm, kubelet and kubectl {target} are in the repository")]
    lacking = [name for name in PACKAGES if any(not available.get(name) for available in asked.values())]
    evidence = f"not in the package repository of {target.series} for {len(absent)} host(s): {some(sorted(absent))}"
    fix = f"choose a released version of {target.series}, or add the packages to the repository"
    return [Check("packages", FAIL, f"{', '.join(lacking)} {target}", evidence, fix)]


def check_installed(facts: HostFacts) -> list[Check]:
    """A program that is no package (kubespray copies binaries) is not replaced by one, it is only put beside it."""
    checks = []
    for (manager, names), hosts in _alike(facts, lambda package: package is None).items():
        missing = [name for name in names if name != "kubectl"]
        evidence = f"not installed by {manager}; this collection upgrades packages"
        if missing:
            fix = f"install the package of the version that runs and remove the binary, or leave out {some(hosts)}"
            checks.append(Check("installed packages", FAIL, f"{', '.join(names)} on {some(hosts)}", evidence, fix))
        else:
            fix = "nothing if there is no kubectl: it is installed with the others; remove a binary of that name"
            checks.append(Check("installed packages", WARN, f"kubectl on {some(hosts)}", evidence, fix))
    return checks or [Check("installed packages", PASS, "hosts", f"{', '.join(PACKAGES)} are packages on every host")]


def check_program(facts: HostFacts) -> Check:
    """A package replaces its own program and no other one that happens to run."""
    others = [
        f"{node['kubelet']['program']} on {host}"
        for host, node in facts.items()
        if node["kubelet"].get("program") not in (None, KUBELET)
    ]
    if not others:
        return Check("program of the kubelet", PASS, "hosts", f"{KUBELET}, the package's, is what runs")
    evidence = f"what runs is not {KUBELET} of the package, so a new package would not change it"
    fix = (
        "let the unit start the package's program: look at systemctl cat kubelet and at PATH, then restart the kubelet"
    )
    return Check("program of the kubelet", FAIL, some(others), evidence, fix)


def check_newer(facts: HostFacts, target: Version) -> Check:
    """Neither apt nor dnf is told to go back."""
    found = [
        (versions.find(package["version"]), f"{name} on {host}")
        for host, node in facts.items()
        for name, package in node["packages"].items()
        if package
    ]
    newer = [(version, what) for version, what in found if version and version > target]
    if not newer:
        return Check("no newer package", PASS, "hosts", f"no installed package is newer than {target}")
    newer.sort(key=lambda each: each[0], reverse=True)
    evidence = f"{some([f'{what} is {version}' for version, what in newer])}, the target is {target}"
    fix = f"choose {newer[0][0]} or later, or install the older package by hand: this playbook does not go back"
    return Check("no newer package", FAIL, f"{len(newer)} package(s)", evidence, fix)


def check_held(facts: HostFacts) -> list[Check]:
    checks = []
    for (manager, names), hosts in _alike(facts, lambda package: package is not None and not package["held"]).items():
        listed = " ".join(names)
        evidence = f"not held: any update by {manager} may bring another version and restart the kubelet"
        fix = f"apt-mark hold {listed}" if manager == APT else f"exclude={listed} in the repository's file"
        checks.append(Check("packages held", WARN, f"{', '.join(names)} on {some(hosts)}", evidence, fix))
    return checks or [Check("packages held", PASS, "hosts", "every installed package is held")]


def _alike(
    facts: HostFacts, which: t.Callable[[t.Optional[Facts]], bool]
) -> dict[tuple[str, tuple[str, ...]], list[str]]:
    """Hosts by their package manager and the packages of which that is true, those without any left out."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for host, node in facts.items():
        names = tuple(name for name in PACKAGES if which(node["packages"].get(name)))
        if names:
            found.setdefault((node["package_manager"], names), []).append(host)
    return found
