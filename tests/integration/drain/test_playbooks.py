# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks, where only the API can be reached: no host answers, as with nodes that are silent."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.plugins.modules import k8s_drain
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner
from ansible_collections.kubeops.maintenance.tests.integration import playbook_run

OUT_OF_WORK = """
- hosts: kube_node
  gather_facts: false
  module_defaults:
    group/kubeops.maintenance.api:
      kubeconfig: "{{ kubeconfig }}"
  vars:
    drained_node: "{{ inventory_hostname }}"
    drained_baseline: {passed: [nodes]}
  tasks:
    - ansible.builtin.include_role:
        name: kubeops.maintenance.drained
    - ansible.builtin.include_role:
        name: kubeops.maintenance.drained
        tasks_from: release
      vars:
        drained_force: true
      when: inventory_hostname == ansible_play_hosts_all[0]
    - ansible.builtin.include_role:
        name: kubeops.maintenance.drained
        tasks_from: still
      vars:
        drained_baseline: {}
    - ansible.builtin.debug:
        msg: >-
          {{ inventory_hostname }} changed={{ drained_still is changed }} first={{ drained_result is changed }}
          baseline={{ drained_still.after.work.baseline.passed | join }}
"""


@pytest.fixture
def play(api_cluster: ApiCluster, corner: Corner, tmp_path: Path) -> t.Callable[..., playbook_run.Run]:
    """Runs a playbook, of the collection or a file, for all nodes of the corner. Hooks are of hosts, by their names."""

    def run(playbook: str | Path, *hooks: dict[str, t.Any], **variables: t.Any) -> playbook_run.Run:
        silent = {"ansible_host": "127.0.0.1", "ansible_port": 1}
        named = {"kubeconfig": str(api_cluster.kubeconfig()), "node_hooks": list(hooks)}
        groups = {"kube_control_plane": {"hosts": {"cp1": {}}}, "kube_node": {"hosts": dict.fromkeys(corner.nodes)}}
        name = playbook if isinstance(playbook, Path) else f"kubeops.maintenance.{playbook}"
        inventory = {"all": {"vars": {**silent, **named}, "children": groups}}
        ended = playbook_run.play(tmp_path, inventory, name, **{"nodes": "kube_node", **variables})
        return playbook_run.Run(ended.code, " ".join(ended.said.split()))

    return run


def unschedulable(corner: Corner) -> list[bool]:
    return [bool(corner.node(name)["spec"].get("unschedulable")) for name in corner.nodes]


def test_a_run_that_stops_says_which_nodes_stay_cordoned(corner: Corner, play: t.Any) -> None:
    corner.deployment("web", 2)
    first, second = corner.nodes
    hook = {"name": "fails", "when": "before_drain", "command": ["test", "{{ hooks_node }}", "=", first]}
    ended = play("drain", hook)
    assert ended.code == 2, ended.said
    assert f"all that were named stay cordoned: {first}, {second}." in ended.said
    assert unschedulable(corner) == [True, True]
    assert corner.names(first) == set()


def test_no_hook_is_run_for_a_node_that_is_not_given_back(
    api_cluster: ApiCluster, corner: Corner, play: t.Any, tmp_path: Path
) -> None:
    theirs, ours = corner.nodes
    for node, owner in ((theirs, "them"), (ours, "kubeops.maintenance.drain")):
        kubeconfig = str(api_cluster.kubeconfig())
        modules.call(k8s_drain, kubeconfig=kubeconfig, name=node, state="cordon", owner=owner)
    stages = ("before_uncordon", "after")
    ended = play(
        "uncordon",
        *(
            {"name": when, "when": when, "command": ["touch", f"{tmp_path}/{{{{ hooks_node }}}}-{when}"]}
            for when in stages
        ),
    )
    assert ended.code == 0, ended.said
    assert unschedulable(corner) == [True, False]
    assert {path.name for path in tmp_path.glob("corner-*")} == {f"{ours}-{when}" for when in stages}


def test_a_node_that_was_given_back_meanwhile_is_taken_again(corner: Corner, play: t.Any, tmp_path: Path) -> None:
    playbook = tmp_path / "still.yml"
    playbook.write_text(OUT_OF_WORK)
    ended = play(playbook)
    assert ended.code == 0, ended.said
    assert unschedulable(corner) == [True, True]
    for node, changed in zip(corner.nodes, (True, False), strict=True):
        assert f"{node} changed={changed} first=True baseline=nodes" in ended.said


@pytest.mark.parametrize("parallel", ["100%", *(pytest.param(one, marks=pytest.mark.slow) for one in ("1%", "0"))])
def test_nodes_drained_at_once_may_be_a_share(corner: Corner, play: t.Any, parallel: str) -> None:
    ended = play("drain", drain_parallel=parallel, max_cordoned=2)
    assert ended.code == 0, ended.said
    assert unschedulable(corner) == [True, True]
    turns = ended.said.count("TASK [kubeops.maintenance.drained : Cordon the node and drain it]")
    assert turns == (2 if parallel == "1%" else 1)


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"drain_parallel": "half"}, "drain_parallel=half is neither a number of nodes nor a share of them"),
        ({"max_cordoned": 1}, "2 nodes would be cordoned or not Ready, and max_cordoned=1 allows 1"),
    ],
)
def test_variables_that_refuse_a_drain(corner: Corner, play: t.Any, variables: dict[str, t.Any], why: str) -> None:
    ended = play("drain", **variables)
    assert ended.code == 2, ended.said
    assert why in ended.said
    assert unschedulable(corner) == [False, False]
