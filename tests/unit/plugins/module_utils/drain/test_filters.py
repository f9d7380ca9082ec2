# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import filters
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import EVICT, KEEP, REFUSE, WAIT
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import daemon_pod, make_pod
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 20, 10, 0, tzinfo=datetime.UTC)
MIRROR = {"annotations": {"kubernetes.io/config.mirror": "abc"}}
NODE_OWNER = [{"apiVersion": "v1", "kind": "Node", "name": "w1", "controller": True}]
NO_CONTROLLER = [{"apiVersion": "v1", "kind": "Whatever", "name": "x"}]
CUSTOM = [{"apiVersion": "x.io/v1", "kind": "Custom", "name": "x", "controller": True}]
OTHER_DAEMONSET = [{"apiVersion": "apps.kruise.io/v1", "kind": "DaemonSet", "name": "x", "controller": True}]
GOING = {"deletionTimestamp": "2026-11-20T09:59:00Z"}


def with_volume(pod, **volume):
    pod["spec"]["volumes"] = [{"name": "config", "configMap": {}}, {"name": "cache", **volume}]
    return pod


def bare(**more):
    return make_pod("bare", ownerReferences=[], **more)


def decide(pod, daemonsets=frozenset({"kube-system/proxy"}), **guards):
    return filters.decide(pod, filters.Look(filters.Guards(**guards), NOW, daemonsets))


@pytest.mark.parametrize(
    ("pod", "guards", "action", "reason"),
    [
        # An ordinary pod needs nothing.
        (make_pod("web"), {}, EVICT, ""),
        (make_pod("web", phase="Pending"), {}, EVICT, ""),
        # DaemonSets
        (daemon_pod("p"), {}, REFUSE, "managed by DaemonSet kube-system/proxy"),
        (daemon_pod("p"), {"ignore_daemonsets": True}, KEEP, "DaemonSet kube-system/proxy keeps it on the node"),
        (daemon_pod("p"), {"force": True}, REFUSE, "managed by DaemonSet kube-system/proxy"),
        (daemon_pod("p", phase="Failed"), {}, EVICT, ""),
        (daemon_pod("p", **GOING), {"ignore_daemonsets": True}, KEEP, "DaemonSet kube-system/proxy keeps it"),
        (daemon_pod("p", "gone"), {"ignore_daemonsets": True}, REFUSE, "DaemonSet kube-system/gone no longer exists"),
        (daemon_pod("p", "gone"), {"force": True}, EVICT, "kube-system/gone no longer exists, so nothing recreates"),
        (make_pod("p", ownerReferences=OTHER_DAEMONSET), {}, EVICT, ""),
        # Mirror pods
        (make_pod("etcd-cp1", ownerReferences=NODE_OWNER, **MIRROR), {}, KEEP, "static pod of the kubelet"),
        (with_volume(bare(**MIRROR), emptyDir={}), {}, KEEP, "static pod of the kubelet"),
        (make_pod("node-owned", ownerReferences=NODE_OWNER), {}, EVICT, ""),
        # Local storage
        (with_volume(make_pod("web"), emptyDir={}), {}, REFUSE, "emptyDir volumes: cache"),
        (with_volume(make_pod("web"), emptyDir={"medium": "Memory"}), {}, REFUSE, "emptyDir volumes: cache"),
        (with_volume(make_pod("web"), emptyDir={}), {"force": True, "ignore_daemonsets": True}, REFUSE, "emptyDir"),
        (with_volume(make_pod("web"), emptyDir={}), {"delete_emptydir_data": True}, EVICT, "is lost: cache"),
        (with_volume(make_pod("web", phase="Succeeded"), emptyDir={}), {}, EVICT, ""),
        (with_volume(make_pod("web"), hostPath={"path": "/x"}), {}, EVICT, ""),
        # Unreplicated
        (bare(), {}, REFUSE, "no controller would recreate it"),
        (bare(), {"force": True}, EVICT, "no controller recreates it"),
        (bare(phase="Failed"), {}, EVICT, ""),
        (make_pod("owned", ownerReferences=NO_CONTROLLER), {}, REFUSE, "no controller would recreate it"),
        (make_pod("custom", ownerReferences=CUSTOM), {}, EVICT, ""),
        # All findings of a pod, and no option implies another.
        (with_volume(bare(), emptyDir={}), {}, REFUSE, "emptyDir volumes: cache; no controller would recreate it"),
        (with_volume(bare(), emptyDir={}), {"delete_emptydir_data": True}, REFUSE, "no controller would recreate it"),
        (with_volume(bare(), emptyDir={}), {"force": True}, REFUSE, "emptyDir volumes: cache"),
        (
            with_volume(bare(), emptyDir={}),
            {"force": True, "delete_emptydir_data": True},
            EVICT,
            "the data of its emptyDir volumes is lost: cache; no controller recreates it",
        ),
        # What goes already loses nothing more.
        (with_volume(bare(**GOING), emptyDir={}), {}, WAIT, "was already terminating"),
        (bare(**GOING), {"skip_wait_for_delete_timeout": 60}, WAIT, "was already terminating"),
        (bare(**GOING), {"skip_wait_for_delete_timeout": 59}, KEEP, "should have been gone 60 s ago"),
    ],
)
def test_table(pod, guards, action, reason):
    decision = decide(pod, **guards)
    assert decision.action == action
    assert reason in decision.reason
    assert bool(reason) == bool(decision.reason)


def test_daemonsets_that_nobody_could_list_are_taken_to_exist():
    assert decide(daemon_pod("p", "gone"), daemonsets=None, ignore_daemonsets=True).action == KEEP


def test_the_order_is_that_of_kubectl():
    ours = (filters.terminating, filters.unmanaged)
    names = [judge.__name__ for judge in filters.FILTERS if judge not in ours]
    assert names == ["skip_deleted", "daemonset", "mirror", "local_storage", "unreplicated"]


GUARDS = st.fixed_dictionaries({name: st.booleans() for name in ("force", "ignore_daemonsets", "delete_emptydir_data")})


@st.composite
def any_pod(draw):
    owner = draw(st.sampled_from(["replicaset", "daemonset", "orphan", "none"]))
    metadata = draw(st.sampled_from([{}, MIRROR, GOING]))
    phase = draw(st.sampled_from(["Running", "Pending", "Succeeded", "Failed"]))
    pod = {
        "replicaset": lambda: make_pod("p", phase=phase, **metadata),
        "daemonset": lambda: daemon_pod("p", phase=phase, **metadata),
        "orphan": lambda: daemon_pod("p", "gone", phase=phase, **metadata),
        "none": lambda: make_pod("p", phase=phase, ownerReferences=[], **metadata),
    }[owner]()
    return with_volume(pod, emptyDir={}) if draw(st.booleans()) else pod


@given(any_pod(), GUARDS)
def test_a_flag_never_forbids_what_was_allowed_without_it(pod, guards):
    allowed_by_all = decide(pod, force=True, ignore_daemonsets=True, delete_emptydir_data=True)
    assert allowed_by_all.action != REFUSE
    if decide(pod, **guards).action == EVICT:
        assert allowed_by_all.action == EVICT


@given(any_pod(), GUARDS)
def test_nothing_is_lost_without_the_flag_that_says_so(pod, guards):
    if decide(pod, **guards).action != EVICT or pod["status"]["phase"] in ("Succeeded", "Failed"):
        return
    assert guards["delete_emptydir_data"] or "volumes" not in pod["spec"]
    assert guards["force"] or pod["metadata"]["ownerReferences"]
    assert guards["force"] or pod["metadata"]["ownerReferences"][0]["kind"] != "DaemonSet"


@given(any_pod(), GUARDS)
def test_static_pods_and_those_of_daemonsets_are_never_evicted(pod, guards):
    action = decide(pod, **guards).action
    owner = (pod["metadata"]["ownerReferences"] or [{}])[0]
    if pod["metadata"].get("annotations") and owner.get("kind") != "DaemonSet":
        assert action == KEEP
    if owner.get("name") == "proxy" and pod["status"]["phase"] in ("Running", "Pending"):
        assert action == (KEEP if guards["ignore_daemonsets"] else REFUSE)
