# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles that users are given: enough for everything, nothing that is not used, and each loss is told."""

from __future__ import annotations

import copy
import functools
import itertools
import json
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import Kube
from ansible_collections.kubeops.maintenance.plugins.modules import k8s_drain, k8s_health_info
from ansible_collections.kubeops.maintenance.tests.api import cluster, modules
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.api.corner import SECONDS, Corner
from ansible_collections.kubeops.maintenance.tests.api.modules import Result
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

ROLES = Path(__file__).parents[3] / "docs" / "rbac" / "maintenance.yml"
GROUP = "kubeops-maintenance"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
DOCUMENTS = list(yaml.safe_load_all(ROLES.read_text()))
AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "userGroups": [GROUP]}, {"level": "None"}],
}

Object = dict[str, t.Any]


class Right(t.NamedTuple):
    """One verb of a role; ``namespace`` is empty for all."""

    namespace: str
    group: str
    resource: str
    verb: str

    @property
    def user(self) -> str:
        return "without-" + "-".join(part.replace("/", "-") for part in self if part)


def rights(role: Object) -> list[Right]:
    namespace = role["metadata"].get("namespace", "")
    return [
        Right(namespace, *right)
        for rule in role["rules"]
        for right in itertools.product(rule["apiGroups"], rule["resources"], rule["verbs"])
    ]


GIVEN = [document for document in DOCUMENTS if document["metadata"]["name"] == GROUP and "rules" in document]
ALL = [right for role in GIVEN for right in rights(role)]


def path_of(document: Object) -> str:
    namespace = document["metadata"].get("namespace")
    inside = f"namespaces/{namespace}/" if namespace else ""
    return f"{RBAC}/{inside}{document['kind'].lower()}s"


def without(right: Right) -> list[Object]:
    """The roles and bindings of a user who has all but this."""
    made = []
    for document in copy.deepcopy([document for document in DOCUMENTS if document["metadata"]["name"] == GROUP]):
        document["metadata"]["name"] = right.user
        if "rules" in document:
            namespace = document["metadata"].get("namespace", "")
            document["rules"] = [
                {"apiGroups": [each.group], "resources": [each.resource], "verbs": [each.verb]}
                for each in rights(document)
                if each != right and each.namespace == namespace
            ]
        else:
            document["roleRef"]["name"] = right.user
            document["subjects"] = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": right.user}]
        made.append(document)
    return made


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ApiCluster]:
    users = {"maintainer": [GROUP], **{right.user: [] for right in ALL}}
    with cluster.running(tmp_path_factory.mktemp("rights"), users, AUDIT) as made:
        kube = made.kube()
        for document in [*DOCUMENTS, *(document for right in ALL for document in without(right))]:
            kube.post(path_of(document), document)
        for right in ALL:
            # Another one, of which the roles know last.
            one = ALL[-2] if right == ALL[-1] else ALL[-1]
            until(f"what {right.user} has", functools.partial(_has, made.kube(right.user), one), SECONDS)
        yield made


def _has(kube: Kube, right: Right) -> bool:
    attributes = {"group": right.group, "resource": right.resource, "verb": right.verb, "namespace": right.namespace}
    body = {"spec": {"resourceAttributes": attributes}}
    return kube.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)["status"]["allowed"]


@pytest.fixture
def place(api: ApiCluster) -> t.Iterator[Corner]:
    """Nodes with everything that asks for a right: a tight budget, a DaemonSet, a volume."""
    corner = Corner(api.kube())
    corner.daemonset("agent")
    corner.deployment("web", 2)
    corner.pdb("web", {"app": "web"}, maxUnavailable=1)
    volume(corner)
    yield corner
    api.kube().delete(f"/api/v1/persistentvolumes/{corner.namespace}")
    corner.remove()


def volume(corner: Corner) -> None:
    """A volume that can be used on the second node only, and a pod of the first one that claims it."""
    name, kube = corner.namespace, corner.kube
    size = {"storage": "1Gi"}
    expression = {"key": "corner", "operator": "In", "values": [name]}
    kube.post(
        "/api/v1/persistentvolumes",
        {
            "metadata": {"name": name},
            "spec": {
                "capacity": size,
                "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/data"},
                "claimRef": {"namespace": name, "name": "data"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}},
            },
        },
    )
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "",
        "volumeName": name,
        "resources": {"requests": size},
    }
    path = f"/api/v1/namespaces/{name}/persistentvolumeclaims"
    kube.post(path, {"metadata": {"name": "data"}, "spec": claim})
    until("the claim's volume", lambda: (kube.get(f"{path}/data").get("status") or {}).get("phase") == "Bound", SECONDS)
    corner.owned_pods("data", 1, claim="data")


class Maintainer:
    """Everything that drain.yml, uncordon.yml and health.yml do; ``told`` is all that this user gets to read."""

    def __init__(self, api: ApiCluster, user: str, corner: Corner) -> None:
        self._always = {"kubeconfig": str(api.kubeconfig(user))}
        self._node = corner.nodes[0]
        self.told = ""

    def health(self) -> Result:
        return self._call(k8s_health_info, hosts={"w1": {"cluster_ca": []}})

    def drain(self, state: str = "drain", check: bool = False, **options: t.Any) -> Result:
        how = {"ignore_daemonsets": True, "wait_timeout": 300, "wait_volume_detach": 300, **options}
        return self._call(k8s_drain, check=check, name=self._node, state=state, delete_options=how)

    def cordon_one_of(self, most: int) -> Result:
        return self._call(k8s_drain, name=self._node, state="cordon", max_cordoned=most)

    def everything(self) -> bool:
        """Whether all of it ended well."""
        results = [self.health(), self.drain(check=True), self.drain(), self.health(), self.drain("uncordon")]
        return not any(result.get("failed") for result in results)

    def _call(self, module: t.Any, **options: t.Any) -> Result:
        result = modules.call(module, **self._always, **options)
        self.told += " ".join([str(result.get("msg", "")), str(result.get("warnings", "")), *result.get("summary", [])])
        return result


def test_the_roles_are_enough_and_everything_in_them_is_used(api: ApiCluster, place: Corner) -> None:
    maintainer, before = Maintainer(api, "maintainer", place), len(events(api))
    assert maintainer.everything(), maintainer.told
    assert [name.rpartition("-")[0] for name in place.names(place.nodes[0])] == ["agent"]
    # A watch is written down when it has ended.
    until("the use of all rights", lambda: {right_of(event) for event in events(api)[before:]} >= set(ALL), SECONDS)
    mine = events(api)[before:]
    assert [event for event in mine if event["responseStatus"]["code"] == 403] == []
    assert {right_of(event) for event in mine} == set(ALL)


def events(api: ApiCluster) -> list[Object]:
    """What the maintainer has asked for; the last line may be one that is being written."""
    lines = api.audit_log.read_text().rpartition("\n")[0].splitlines() if api.audit_log.exists() else []
    found = [json.loads(line) for line in lines]
    return [event for event in found if event["user"]["username"] == "maintainer" and "objectRef" in event]


def right_of(event: Object) -> Right:
    about = event["objectRef"]
    resource = "/".join(about[key] for key in ("resource", "subresource") if key in about)
    inside = about.get("namespace", "") if resource in ("leases", "configmaps") else ""
    return Right(inside, about.get("apiGroup", ""), resource, event["verb"])


# What a user without the right gets to read. Where nothing fails and nobody is told, it is only slower.
NO_ROOM = "whether pods find room on other nodes is not known"
NO_VOLUMES = "whether volumes are bound to their nodes is not known"
TOLD: dict[Right, tuple[bool, tuple[str, ...]]] = {
    Right("", "", "nodes", "get"): (False, ('cannot get resource "nodes"',)),
    Right("", "", "nodes", "list"): (True, (NO_ROOM, 'cannot list resource "nodes"', "let this user list nodes")),
    Right("", "", "nodes", "patch"): (False, ('cannot patch resource "nodes"',)),
    Right("", "", "pods", "list"): (False, ('cannot list resource "pods"', "let this user list pods")),
    Right("", "", "pods", "watch"): (True, ()),
    Right("", "", "pods/eviction", "create"): (False, ('cannot create resource "pods/eviction"',)),
    Right("", "policy", "poddisruptionbudgets", "list"): (
        True,
        ("poddisruptionbudgets may not be listed, so what they allow is found out only by trying",),
    ),
    Right("", "policy", "poddisruptionbudgets", "watch"): (True, ()),
    Right("", "apps", "daemonsets", "list"): (
        True,
        (
            "daemonsets may not be listed, so all that pods name are taken to exist",
            "let this user list daemonsets.apps",
        ),
    ),
    Right("", "apps", "deployments", "list"): (True, ("let this user list deployments.apps",)),
    Right("", "apps", "statefulsets", "list"): (True, ("let this user list statefulsets.apps",)),
    Right("", "", "persistentvolumeclaims", "get"): (
        True,
        (NO_VOLUMES, 'cannot get resource "persistentvolumeclaims"'),
    ),
    Right("", "", "persistentvolumes", "get"): (True, (NO_VOLUMES, 'cannot get resource "persistentvolumes"')),
    Right("", "storage.k8s.io", "volumeattachments", "list"): (
        True,
        ("whether volumes are still attached is not known", 'cannot list resource "volumeattachments"'),
    ),
    Right("", "apiregistration.k8s.io", "apiservices", "list"): (True, ("let this user list apiservices.apireg",)),
    Right("kube-node-lease", "coordination.k8s.io", "leases", "list"): (
        True,
        ("leases.coordination.k8s.io in kube-node",),
    ),
    Right("kube-system", "", "configmaps", "list"): (True, ("let this user list configmap kube-root-ca.crt",)),
    Right("kube-system", "coordination.k8s.io", "leases", "list"): (
        True,
        ("leases.coordination.k8s.io in kube-system",),
    ),
}


def test_every_right_has_its_case() -> None:
    assert set(TOLD) == set(ALL)


@pytest.mark.parametrize("right", ALL, ids=lambda right: right.user)
def test_without_one_right_it_fails_or_says_what_is_missing(api: ApiCluster, place: Corner, right: Right) -> None:
    succeeds, phrases = TOLD[right]
    maintainer = Maintainer(api, right.user, place)
    assert maintainer.everything() == succeeds, maintainer.told
    assert [phrase for phrase in phrases if phrase not in maintainer.told] == [], maintainer.told


def test_who_may_not_count_nodes_cannot_keep_to_a_limit(api: ApiCluster, place: Corner) -> None:
    maintainer = Maintainer(api, Right("", "", "nodes", "list").user, place)
    assert maintainer.cordon_one_of(100).get("failed")
    assert "could not be counted for max_cordoned=100" in maintainer.told
    assert "let this user list nodes" in maintainer.told
    assert not place.node()["spec"].get("unschedulable")


def test_to_delete_pods_past_their_budgets_is_a_right_of_its_own(api: ApiCluster, place: Corner) -> None:
    maintainer = Maintainer(api, "maintainer", place)
    assert maintainer.drain(disable_eviction=True).get("failed")
    assert 'cannot delete resource "pods"' in maintainer.told
    role = next(document for document in DOCUMENTS if document["metadata"]["name"] == f"{GROUP}-past-budgets")
    binding = next(document for document in DOCUMENTS if document["kind"] == "ClusterRoleBinding")
    name = role["metadata"]["name"]
    more = {**binding, "metadata": {"name": name}, "roleRef": {**binding["roleRef"], "name": name}}
    api.kube().post(path_of(more), more)
    until("the right to delete pods", lambda: not maintainer.drain(disable_eviction=True).get("failed"), SECONDS)
