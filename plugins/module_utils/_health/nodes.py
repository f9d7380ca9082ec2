# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes and what keeps them together: are they Ready, who is alive, who leads, which APIs answer, who holds a cordon.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import WARN
from .._drain import ownership
from .finding import Finding, Judgement, Look, Object, condition, full_name, plural

KUBELET = "look at its kubelet: systemctl status kubelet, journalctl -u kubelet"
# What is bad news when it is True; a node may be Ready all the same.
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")
LEADERS = ("kube-controller-manager", "kube-scheduler")


def nodes(look: Look) -> Judgement:
    found = look.list("nodes")
    return Judgement(
        [finding for node in found for finding in _node(node)],
        f"{plural(len(found), 'node')} Ready, none under pressure",
    )


def _node(node: Object) -> t.Iterator[Finding]:
    name = _name(node)
    ready = condition(node, "Ready")
    if ready.get("status") != "True":
        evidence = (
            f"Ready is {ready.get('status', 'not reported')} since {ready.get('lastTransitionTime', 'its beginning')}"
            f" ({ready.get('reason', 'no reason given')}: {ready.get('message', 'no message')})"
        )
        yield Finding(name, evidence, KUBELET)
    for kind in PRESSURES:
        pressure = condition(node, kind)
        if pressure.get("status") == "True":
            evidence = (
                f"{kind} since {pressure.get('lastTransitionTime', 'an unknown time')}: {pressure.get('message')}"
            )
            yield Finding(name, evidence, "free what is short there", WARN, weight=0)


def leases(look: Look) -> Judgement:
    """A node whose kubelet died stays Ready for most of a minute; its lease is old before that."""
    held = look.list("node_leases")
    leaders = [lease for lease in look.list("leader_leases") if lease["metadata"]["name"] in LEADERS]
    findings = [finding for lease in held for finding in _lease(lease, _name(lease), look, KUBELET)]
    for lease in leaders:
        fix = f"see why no {lease['metadata']['name']} leads: its pods in kube-system and their logs"
        findings += _lease(lease, full_name("lease", lease), look, fix)
    if "node_leases" in look.objects:
        known = {lease["metadata"]["name"] for lease in held}
        findings += [
            Finding(_name(node), "its kubelet has never renewed a lease", KUBELET)
            for node in look.list("nodes")
            if node["metadata"]["name"] not in known
        ]
    return Judgement(findings, f"{plural(len(held), 'node')} and {plural(len(leaders), 'leader')} renewed in time")


def _lease(lease: Object, name: str, look: Look, fix: str) -> t.Iterator[Finding]:
    spec = lease.get("spec") or {}
    renewed, lasts = spec.get("renewTime"), spec.get("leaseDurationSeconds") or 0
    if not spec.get("holderIdentity") or not renewed:
        yield Finding(name, "nobody holds its lease", fix)
    elif look.age(renewed) > lasts:
        evidence = f"lease of {spec['holderIdentity']} renewed {look.age(renewed):.0f} s ago, it lasts {lasts} s"
        yield Finding(name, evidence, fix)


def apiservices(look: Look) -> Judgement:
    found = look.list("apiservices")
    findings = [finding for service in found for finding in _apiservice(service)]
    return Judgement(findings, f"{plural(len(found), 'API')} available")


def _apiservice(service: Object) -> t.Iterator[Finding]:
    available = condition(service, "Available")
    if available.get("status") == "True":
        return
    backend = (service.get("spec") or {}).get("service") or {}
    behind = f"service/{backend.get('name')} in {backend.get('namespace')}" if backend else "the apiserver"
    evidence = f"not available ({available.get('reason', 'no reason given')}: {available.get('message', 'no message')})"
    yield Finding(
        f"apiservice/{service['metadata']['name']}", evidence, f"bring back {behind}, or remove the APIService"
    )


def cordons(look: Look) -> Judgement:
    found = [(node, ownership.work_of(node)) for node in look.list("nodes")]
    findings = [finding for node, work in found for finding in _cordon(node, work, look)]
    in_work = [f"{_name(node)} in work of {work.sentence()}" for node, work in found if work]
    return Judgement(findings, "; ".join(in_work) or "no node is cordoned")


def _cordon(node: Object, work: ownership.Work | None, look: Look) -> t.Iterator[Finding]:
    name = _name(node)
    if work is None:
        if ownership.is_unschedulable(node):
            yield Finding(
                name, "cordoned by somebody else", f"kubectl uncordon {name[5:]} when nobody needs it", WARN, weight=0
            )
        return
    age = _age_of(work, look)
    if age is None or age > look.stale_after:
        since = "for an unknown time" if age is None else f"for {age / 3600:.1f} h"
        evidence = f"in work of {work.sentence()} {since}, longer than {look.stale_after / 3600:.1f} h"
        yield Finding(name, evidence, "finish that work (run it again), or give the node back with state=uncordon")


def _age_of(work: ownership.Work, look: Look) -> float | None:
    try:
        return look.age(work.since)
    except (AttributeError, TypeError, ValueError):
        return None


def _name(item: Object) -> str:
    return f"node/{item['metadata']['name']}"
