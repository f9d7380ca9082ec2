# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import versions
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import Version
from hypothesis import given
from hypothesis import strategies as st

numbers = st.integers(0, 99999)
all_versions = st.builds(Version, numbers, numbers, numbers)


@given(all_versions)
def test_what_is_written_is_read_again(version: Version) -> None:
    assert versions.parse(str(version)) == versions.parse(version.tag) == version
    assert versions.find(f"{version}-1.1") == versions.of_image(f"host:5000/etcd:{version}-0@sha256:0") == version


@given(all_versions, all_versions)
def test_versions_are_ordered_as_numbers(one: Version, other: Version) -> None:
    numbers = [(v.major, v.minor, v.patch) for v in (one, other)]
    assert (one < other) == (numbers[0] < numbers[1])
    assert one.minors_after(other) == -other.minors_after(one)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.37",
        "v1",
        "1.37.1.2",
        "1.37.x",
        "1.37.01",
        "latest",
        "1.37.1-1.1",
        "1.37.1;reboot",
        "vv1.37.1",
        "1.37.1\n2",
    ],
)
def test_no_other_text_is_a_version(text: str) -> None:
    with pytest.raises(MaintenanceError, match="write|Write"):
        versions.parse(text, "kubernetes_version")


@pytest.mark.parametrize(
    ("image", "tag", "version"),
    [
        ("registry.k8s.io/kube-apiserver:v1.36.4", "v1.36.4", Version(1, 36, 4)),
        ("10.89.7.2:5000/etcd:3.6.16-0", "3.6.16-0", Version(3, 6, 16)),
        ("registry.k8s.io/coredns/coredns:v1.14.2@sha256:ab", "v1.14.2", Version(1, 14, 2)),
        ("10.89.7.2:5000/coredns", "", None),
        ("coredns:latest", "latest", None),
    ],
)
def test_the_tag_of_an_image(image: str, tag: str, version: Version | None) -> None:
    assert versions.tag(image) == tag
    assert versions.of_image(image) == version


def test_the_revisions_of_a_package_are_ordered_as_numbers() -> None:
    packages = ["1.36.4-1.1", "1.36.4-150500.1.1", "1.36.4-10.1", "1.36.4-2.1"]
    assert sorted(packages, key=versions.package_revision) == [
        "1.36.4-1.1",
        "1.36.4-2.1",
        "1.36.4-10.1",
        "1.36.4-150500.1.1",
    ]


@pytest.mark.parametrize("package", ["1.36.4-1.1", "1.36.4-150500.1.1", "0:1.36.4-1.1"])
def test_the_version_of_a_package(package: str) -> None:
    assert versions.find(package) == Version(1, 36, 4)


@pytest.mark.parametrize("text", [None, "", "none", "<none>", "3.6", "abc1.2.3"])
def test_where_there_is_no_version(text: str | None) -> None:
    assert versions.find(text) is None
