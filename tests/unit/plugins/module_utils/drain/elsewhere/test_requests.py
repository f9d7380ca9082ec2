# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.elsewhere import requests
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_pod
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

GI = 1024**3


@pytest.mark.parametrize(
    ("resource", "quantity", "number"),
    [
        ("cpu", "1", 1000),
        ("cpu", 2, 2000),
        ("cpu", "100m", 100),
        ("cpu", "0.5", 500),
        ("cpu", "0.0001", 1),
        ("cpu", "1500u", 2),
        ("cpu", "100n", 1),
        ("cpu", "1e-3", 1),
        ("memory", "1.5Gi", 3 * GI // 2),
        ("memory", "128974848", 128974848),
        ("memory", "129e6", 129000000),
        ("memory", "129M", 129000000),
        ("memory", "1E", 10**18),
        ("memory", "1E3", 1000),
        ("memory", "1k", 1000),
        ("memory", "1Ki", 1024),
        ("memory", "0.5", 1),
        ("memory", "100m", 1),
        ("memory", "-1", -1),
        ("pods", "110", 110),
        ("example.com/gpu", "3", 3),
    ],
)
def test_quantities(resource, quantity, number):
    assert requests.amount(resource, quantity) == number


@pytest.mark.parametrize("quantity", ["", "Gi", "1ki", "1 Gi", "1.2.3", "1Gi2", "ten"])
def test_what_is_no_quantity(quantity):
    with pytest.raises(ValueError, match="no quantity"):
        requests.amount("memory", quantity)


@given(
    st.decimals(0, 10**9, allow_nan=False, places=3),
    st.sampled_from(["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti"]),
)
def test_quantities_are_those_of_the_client_library(number, suffix):
    exact = Fraction(parse_quantity(f"{number:f}{suffix}"))
    assert requests.amount("memory", f"{number:f}{suffix}") == math.ceil(exact)
    assert requests.amount("cpu", f"{number:f}{suffix}") == math.ceil(exact * 1000)


@pytest.mark.parametrize(
    ("resource", "number", "text"),
    [
        ("cpu", 1500, "1.5"),
        ("cpu", 2000, "2"),
        ("cpu", 250, "0.25"),
        ("cpu", 0, "0"),
        ("memory", 2 * GI, "2Gi"),
        ("memory", int(1.2 * GI), "1.2Gi"),
        ("memory", 1023, "1023"),
        ("memory", 1024, "1Ki"),
        ("memory", 0, "0"),
        ("ephemeral-storage", 10 * GI, "10Gi"),
        ("hugepages-2Mi", 4 * 1024**2, "4Mi"),
        ("example.com/gpu", 2048, "2048"),
        ("pods", 110, "110"),
    ],
)
def test_numbers_for_people(resource, number, text):
    assert requests.shown(resource, number) == text


def container(cpu=None, **more):
    return {"name": "c", **({"resources": {"requests": {"cpu": cpu}}} if cpu else {}), **more}


def sidecar(cpu):
    return container(cpu, restartPolicy="Always")


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [container()]}, None),
        ({"containers": [container("1"), container("500m")]}, 1500),
        # The start needs more than what runs afterwards, or less.
        ({"containers": [container("1")], "initContainers": [container("3"), container("2")]}, 3000),
        ({"containers": [container("4")], "initContainers": [container("3"), container("2")]}, 4000),
        # Sidecars run on, and beside each step of the start that comes after them.
        ({"containers": [container("1")], "initContainers": [sidecar("1")]}, 2000),
        ({"containers": [container("1")], "initContainers": [sidecar("1"), container("3")]}, 4000),
        ({"containers": [container("1")], "initContainers": [container("3"), sidecar("1")]}, 3000),
        ({"containers": [container("1")], "initContainers": [container("2"), sidecar("1"), sidecar("1")]}, 3000),
        # The pod's own word counts, and what its runtime adds.
        ({"containers": [container("1")], "resources": {"requests": {"cpu": "5"}}}, 5000),
        ({"containers": [container("4")], "resources": {"requests": {"cpu": "3"}}}, 3000),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, 1250),
        ({"containers": [container("1")], "overhead": {"cpu": "1"}, "resources": {"requests": {"cpu": "2"}}}, 3000),
        ({}, None),
    ],
)
def test_what_a_pod_asks_for(spec, cpu):
    assert requests.asked({"spec": spec}) == {"pods": 1, **({"cpu": cpu} if cpu else {})}


def test_only_some_resources_are_asked_for_by_the_pod_itself():
    own = {"requests": {"hugepages-2Mi": "4Mi", "memory": "1Ki", "example.com/gpu": "7"}}
    given_by_containers = {"resources": {"requests": {"example.com/gpu": "1", "memory": "2Ki"}}}
    asked = requests.asked({"spec": {"containers": [given_by_containers], "resources": own}})
    assert asked == {"pods": 1, "example.com/gpu": 1, "memory": 1024, "hugepages-2Mi": 4 * 1024**2}


def test_host_ports_are_those_of_what_runs_on():
    spec = {
        "containers": [{"ports": [{"containerPort": 80}, {"hostPort": 80, "hostIP": "127.0.0.1", "protocol": "UDP"}]}],
        "initContainers": [{"ports": [{"hostPort": 1}]}, {"restartPolicy": "Always", "ports": [{"hostPort": 2}]}],
    }
    assert requests.host_ports({"spec": spec}) == {("UDP", 80, "127.0.0.1"), ("TCP", 2, "0.0.0.0")}
    assert requests.host_ports(make_pod("p")) == set()


@pytest.mark.parametrize(
    ("other", "conflict"),
    [
        (("TCP", 80, "10.0.0.1"), True),
        (("TCP", 80, "0.0.0.0"), True),
        (("TCP", 80, "10.0.0.2"), False),
        (("UDP", 80, "10.0.0.1"), False),
        (("TCP", 81, "10.0.0.1"), False),
    ],
)
def test_a_port_is_in_use(other, conflict):
    one = ("TCP", 80, "10.0.0.1")
    assert requests.in_use({one}, {other}) is requests.in_use({other}, {one}) is conflict
