# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module from its options to its result, on a fake cluster."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubeops.maintenance.plugins.module_utils._health.checks import CHECKS
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.plugins.modules import k8s_health_info
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.fake import FakeKube
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.objects import (
    make_deployment,
    make_node,
)

OPTIONS = yaml.safe_load(k8s_health_info.DOCUMENTATION)["options"]
RETURNED = yaml.safe_load(k8s_health_info.RETURN)


@pytest.fixture
def call(monkeypatch, capsys):
    """Exit code and result of one call."""

    def run(kube, **params):
        monkeypatch.setattr(k8s_health_info, "connect", lambda _params: kube)
        monkeypatch.setattr(k8s_health_info, "Clock", lambda: kube.clock)
        with patch_module_args(params), pytest.raises(SystemExit) as ended:
            k8s_health_info.main()
        result = json.loads(capsys.readouterr().out)
        # Ansible's own, the warnings of other tests among them.
        return ended.value.code, {key: value for key, value in result.items() if key not in ("invocation", "warnings")}

    return run


def test_a_call_without_options(call):
    code, result = call(FakeKube())
    assert (code, result["ok"], result["changed"]) == (0, True, False)
    assert [check["name"] for check in result["checks"]] == list(CHECKS)
    assert set(result) == {*RETURNED, "changed"}
    assert set(result["checks"][0]) == set(RETURNED["checks"]["contains"])
    assert set(result["durations"]) == set(RETURNED["durations"]["contains"])


def test_findings_do_not_fail_the_module(call):
    code, result = call(FakeKube(nodes=[make_node(ready="False")]))
    assert (code, result["ok"]) == (0, False)


def test_one_result_is_the_baseline_of_the_next(call):
    kube = FakeKube(deployments=[make_deployment(available=1)])
    _code, before = call(kube)
    _code, after = call(kube, baseline=before["baseline"])
    assert (before["ok"], after["ok"]) == (False, True)


def test_the_whole_result_is_no_baseline(call):
    _code, before = call(FakeKube())
    code, result = call(FakeKube(), baseline=before)
    assert code == 1
    assert "hand over the key `baseline`" in result["msg"]


def test_the_order_of_the_checks_is_always_the_same(call):
    _code, result = call(FakeKube(), checks=["pending", "nodes"])
    assert [check["name"] for check in result["checks"]] == ["nodes", "pending"]


def test_every_option_arrives(call):
    kube = FakeKube(
        deployments=[make_deployment(available=0)],
        nodes=[make_node(annotation='{"owner": "me", "since": "2026-11-20T09:59:00Z"}')],
    )
    options = {"exclude_namespaces": ["shop"], "stale_after": 59, "wait_timeout": 7, "wait_sleep": 0}
    _code, result = call(kube, **options)
    assert [check["name"] for check in result["checks"] if check["status"] == "fail"] == ["cordons"]
    assert result["durations"]["total"] == 7


def test_an_api_that_does_not_answer_fails_with_the_keys_of_a_success(call):
    kube = FakeKube()
    kube.errors["nodes"] = KubeError("GET /api/v1/nodes: no answer from https://fake")
    code, result = call(kube)
    assert code == 1
    assert set(result) == {*RETURNED, "changed", "failed", "msg"}


def test_documentation_and_specification_agree():
    for name, option in k8s_health_info.ARGUMENT_SPEC.items():
        documented = {
            key: OPTIONS[name][key] for key in ("type", "elements", "choices", "default") if key in OPTIONS[name]
        }
        assert documented == option
