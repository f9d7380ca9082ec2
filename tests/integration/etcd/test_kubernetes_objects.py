# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots of a cluster with a real apiserver: what they tell is what the API tells, and what is extracted from them
is what the API takes back.
"""

from __future__ import annotations

import base64
import http.client
import json
import pathlib
import ssl
import subprocess
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot_extract, etcd_snapshot_info
from ansible_collections.kubeops.maintenance.tests.api import cluster, modules
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

KEY = base64.b64encode(b"k" * 32).decode()
ENCRYPTION = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "EncryptionConfiguration",
    "resources": [
        {
            "resources": ["secrets"],
            "providers": [{"aescbc": {"keys": [{"name": "key1", "secret": KEY}]}}, {"identity": {}}],
        }
    ],
}
WIDGETS = {
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
# What is no resource of its own in etcd, or comes and goes without anybody asking for it.
OTHERS = {"componentstatuses", "events"}
NAMESPACE = "shop"
PATHS = {
    "secrets": f"/api/v1/namespaces/{NAMESPACE}/secrets",
    "configmaps": f"/api/v1/namespaces/{NAMESPACE}/configmaps",
    "services": f"/api/v1/namespaces/{NAMESPACE}/services",
    "widgets.example.com": f"/apis/example.com/v1/namespaces/{NAMESPACE}/widgets",
}
SECONDS = 300


class World:
    """The cluster, and two snapshots: between them some objects came, went and changed."""

    def __init__(self, api: ApiCluster, folder: pathlib.Path) -> None:
        self.api, self.kube, self._folder = api, api.kube(), folder
        self.kube.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        self.kube.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGETS)
        until("the resource widgets", lambda: self._served("/apis/example.com/v1"), SECONDS)
        # Kubernetes' own in every namespace, which the controllers come to when they come to it.
        until("a ConfigMap of its own", lambda: self.kube.list(PATHS["configmaps"]), SECONDS)
        self.make("secrets", "tls", data={"password": base64.b64encode(b"hunter2").decode()})
        self.make("configmaps", "settings", data={"colour": "green"})
        self.make("services", "web", spec={"ports": [{"port": 80}]})
        self.make("widgets.example.com", "gear", apiVersion="example.com/v1", kind="Widget", spec={"teeth": 12})
        self.before, self.counted = until("a snapshot of what was counted", self._settled, SECONDS)
        for resource, name in (("secrets", "tls"), ("configmaps", "settings"), ("widgets.example.com", "gear")):
            self.kube.delete(f"{PATHS[resource]}/{name}")
        self.kube.patch(f"{PATHS['services']}/web", {"metadata": {"labels": {"a": "b"}}})
        self.make("configmaps", "later", data={})
        self.after = self.snapshot("after.db")

    def make(self, resource: str, name: str, **content: t.Any) -> None:
        self.kube.post(PATHS[resource], {"metadata": {"name": name}, **content})

    def snapshot(self, name: str) -> pathlib.Path:
        path = self._folder / name
        self.etcdctl("snapshot", "save", str(path))
        return path

    def etcdctl(self, *words: str, given: bytes = b"") -> None:
        command = [cluster.supply().etcd / "etcdctl", f"--endpoints=http://127.0.0.1:{self.api.etcd_port}", *words]
        subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, input=given)

    def post(self, path: str, kind: str, content: bytes) -> int:
        """As it is, without a client library in between."""
        context = ssl.create_default_context(cafile=self.api.pki.ca)
        connection = http.client.HTTPSConnection("127.0.0.1", self.api.port, timeout=SECONDS, context=context)
        headers = {"Content-Type": kind, "Authorization": f"Bearer {self.api.tokens['admin']}"}
        try:
            connection.request("POST", path, content, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def count(self) -> dict[str, int]:
        """How many objects of each resource the API lists."""
        groups = [group["preferredVersion"]["groupVersion"] for group in self.kube.get("/apis")["groups"]]
        found = {}
        for place in ["/api/v1", *(f"/apis/{one}" for one in groups)]:
            for resource in self.kube.get(place)["resources"]:
                name = resource["name"]
                if "/" not in name and "list" in resource["verbs"] and name not in OTHERS:
                    group = place.split("/")[2] if place.startswith("/apis/") else ""
                    custom = group in ("example.com", "apiextensions.k8s.io", "apiregistration.k8s.io")
                    found[f"{name}.{group}" if custom else name] = len(self.kube.list(f"{place}/{name}"))
        return {name: number for name, number in found.items() if number}

    def _settled(self) -> tuple[pathlib.Path, dict[str, int]] | None:
        counted = self.count()
        path = self._folder / "before.db"
        path.unlink(missing_ok=True)
        self.snapshot(path.name)
        return (path, counted) if self.count() == counted else None

    def _served(self, path: str) -> bool:
        try:
            return bool(self.kube.get(path)["resources"])
        except KubeError:
            return False


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    with cluster.running(tmp_path_factory.mktemp("encrypted"), encryption=ENCRYPTION) as api:
        yield World(api, tmp_path_factory.mktemp("snapshots"))


def extract(snapshot: pathlib.Path, dest: pathlib.Path, resource: str, name: str) -> modules.Result:
    where = {"resource": resource, "namespace": NAMESPACE, "name": name}
    result = modules.call(etcd_snapshot_extract, snapshot=str(snapshot), dest=str(dest), **where)
    assert not result.get("failed"), result["msg"]
    return result


def test_what_a_snapshot_holds_is_what_the_api_lists(world: World) -> None:
    result = modules.call(etcd_snapshot_info, path=str(world.before), inspect=True)
    assert result["ok"], result["summary"]
    contents = result["snapshots"][0]["contents"]
    found = {one["resource"]: one for one in contents["resources"]}
    # What has no API of its own: compaction, the apiserver's own bookkeeping of addresses and ports.
    own = {"compact_rev_key", "ranges", "events", "masterleases", "peerserverleases"}
    assert {name: one["objects"] for name, one in found.items() if name not in own} == world.counted
    assert len(world.counted) > 15
    assert found["configmaps"]["namespaces"][NAMESPACE] >= 1
    assert contents["encryption"] == [{"provider": "aescbc", "key": "key1", "resources": ["secrets"]}]
    uid = world.kube.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    assert contents["kube_system_uid"] == uid


def test_what_came_went_and_changed(world: World) -> None:
    wanted = {"from": str(world.before), "to": str(world.after)}
    found = modules.call(etcd_snapshot_info, diff=wanted)["difference"]
    ours = {one["resource"]: one for one in found["resources"] if one["namespace"] == NAMESPACE}
    assert found["same_cluster"]
    assert ours["secrets"]["removed_names"] == ["tls"]
    assert ours["widgets.example.com"]["removed_names"] == ["gear"]
    assert (ours["configmaps"]["removed_names"], ours["configmaps"]["added_names"]) == (["settings"], ["later"])
    assert ours["services"]["changed_names"] == ["web"]


@pytest.mark.parametrize(
    ("resource", "name", "kind", "content_type"),
    [
        ("configmaps", "settings", ("v1", "ConfigMap"), "application/vnd.kubernetes.protobuf"),
        ("widgets.example.com", "gear", ("example.com/v1", "Widget"), "application/json"),
    ],
)
def test_the_api_takes_an_extracted_object_back(
    world: World, tmp_path: pathlib.Path, resource: str, name: str, kind: tuple[str, str], content_type: str
) -> None:
    result = extract(world.before, tmp_path / "object", resource, name)
    assert (result["api_version"], result["kind"]) == kind
    assert world.post(PATHS[resource], content_type, (tmp_path / "object").read_bytes()) == 201
    again = world.kube.get(f"{PATHS[resource]}/{name}")
    assert again.get("data", again.get("spec")) in ({"colour": "green"}, {"teeth": 12})


def test_an_encrypted_object_comes_back_through_etcd(world: World, tmp_path: pathlib.Path) -> None:
    result = extract(world.before, tmp_path / "secret", "secrets", "tls")
    assert (result["format"], result["encryption"]) == ("encrypted", {"provider": "aescbc", "key": "key1"})
    assert "only a kube-apiserver that has this key" in result["note"]
    content = (tmp_path / "secret").read_bytes()
    assert b"hunter2" not in content
    world.etcdctl("put", result["key"], given=content)
    until("the Secret", lambda: password(world) == b"hunter2", SECONDS)


def password(world: World) -> bytes:
    try:
        return base64.b64decode(world.kube.get(f"{PATHS['secrets']}/tls")["data"]["password"])
    except KubeError:
        return b""


def test_no_content_stands_in_a_result(world: World, tmp_path: pathlib.Path) -> None:
    results = [
        modules.call(etcd_snapshot_info, path=str(world.before), inspect=True),
        modules.call(etcd_snapshot_info, diff={"from": str(world.after), "to": str(world.before)}),
        extract(world.before, tmp_path / "x", "widgets.example.com", "gear"),
        extract(world.before, tmp_path / "y", "configmaps", "settings"),
    ]
    said = json.dumps(results)
    assert b"green" in (tmp_path / "y").read_bytes()
    assert not any(content in said for content in ("green", "teeth", "hunter2"))
