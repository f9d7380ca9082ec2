# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every option of kubernetes.core's k8s_drain is one of ours: its name, aliases, type, default and choices.

What they do is seen by the target kubernetes_core_k8s_drain.
"""

from __future__ import annotations

import copy
import importlib
import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import ARGUMENT_SPEC
from ansible_collections.kubeops.maintenance.plugins.modules import k8s_drain

Spec = t.Mapping[str, t.Any]
Table = dict[str, dict[str, t.Any]]

ROOT = Path(__file__).parents[3]
# What differs, and why.
ON_PURPOSE = {
    ("validate_certs", "default"): "theirs is the kubeconfig's; here certificates are always verified",
    ("kubeconfig", "no_log"): "theirs looks for secrets in it by itself, as api_module does",
    ("delete_options.wait_timeout", "default"): "theirs does not wait then; who goes on after a drain wants it done",
}


def table(spec: Spec, before: str = "") -> Table:
    """Option -> what can be compared of it, suboptions too."""
    found: Table = {}
    for name, option in spec.items():
        path = before + name
        found[path] = {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "default": option.get("default"),
            "choices": set(option.get("choices") or ()),
            "aliases": set(option.get("aliases") or ()),
            "no_log": bool(option.get("no_log")),
        }
        found.update(table(option.get("options") or {}, path + "."))
    return found


def required(spec: Spec) -> set[str]:
    return {name for name, option in spec.items() if option.get("required")}


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> Spec:
    found = subprocess.run([ROOT / "scripts/kubernetes-core"], check=True, capture_output=True, text=True)
    monkeypatch.syspath_prepend(found.stdout.strip())
    return t.cast(
        Spec, importlib.import_module("ansible_collections.kubernetes.core.plugins.modules.k8s_drain").argspec()
    )


# A copy, before any test: Ansible writes into the spec of a module that runs in this process, and into its defaults.
SPEC = copy.deepcopy({**ARGUMENT_SPEC, **k8s_drain.ARGUMENT_SPEC})
OURS = table(SPEC)


def test_what_a_task_says_to_theirs_it_can_say_to_ours(theirs: Spec) -> None:
    there = table(theirs)
    assert len(there) == 30
    assert there.keys() - OURS.keys() == set()
    assert {
        (name, what)
        for name, option in there.items()
        for what, value in option.items()
        if not _same(OURS[name][what], value)
    } == ON_PURPOSE.keys()
    assert required(SPEC) <= required(theirs)


def _same(ours: t.Any, theirs: t.Any) -> bool:
    return theirs <= ours if isinstance(theirs, set) else bool(ours == theirs)
