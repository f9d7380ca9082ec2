# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each check on what is well and on what is ill; the tables are beside this file, one for each kind of object."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health import nodes, pods, workloads
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.judging import finds, judge

WELL = nodes.WELL + pods.WELL + workloads.WELL
ILL = nodes.ILL + pods.ILL + workloads.ILL


@pytest.mark.parametrize(("name", "lists", "evidence"), WELL)
def test_well(name, lists, evidence):
    found = judge(name, **lists)
    assert list(found.findings) == []
    assert evidence in found.well


@pytest.mark.parametrize(("name", "lists", "status", "about", "evidence", "fix", "weight"), ILL)
def test_ill(name, lists, status, about, evidence, fix, weight):
    finds(judge(name, **lists), status, about, evidence, fix, weight)
