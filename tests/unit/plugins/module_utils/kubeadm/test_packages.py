# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import packages
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.packages import APT, DNF
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import parse

from .fake_node import FakeCommands

BASE = "https://pkgs.example/core:/stable:/v1.37"

PACKAGES = """\
Package: kubeadm
Version: 1.37.1-1.1
Architecture: amd64
Description: Command-line utility
 Version: 9.9.9

Package: kubeadm
Version: 1.37.1-10.1
Architecture: amd64

Package: kubeadm
Version: 1.37.1-9.1
Architecture: amd64

Package: kubeadm
Version: 1.37.1-99.1
Architecture: arm64

Package: kubelet
Version: 1.37.1-1.1
Architecture: amd64

Package: kubelet
Version: 1.37.0-1.1
Architecture: amd64

Package: cri-tools
Version: 1.37.1-1.1
Architecture: amd64
"""

REPOMD = """\
<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo">
  <data type="filelists"><location href="repodata/1-filelists.xml.gz"/></data>
  <data type="primary"><location href="repodata/1-primary.xml.gz"/></data>
</repomd>
"""

PRIMARY = """\
<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" packages="3">
<package type="rpm"><name>kubeadm</name><arch>x86_64</arch><version epoch="0" ver="1.37.1" rel="150500.1.1"/></package>
<package type="rpm"><name>kubeadm</name><arch>x86_64</arch><version epoch="0" ver="1.37.0" rel="150500.1.1"/></package>
<package type="rpm"><name>kubelet</name><arch>aarch64</arch><version epoch="0" ver="1.37.1" rel="150500.1.1"/></package>
</metadata>
"""


class Site:
    """A web server that has these files and no others."""

    def __init__(self, **files: bytes) -> None:
        self.files = {f"{BASE}/{path}": content for path, content in files.items()}
        self.asked: list[str] = []

    def __call__(self, url: str) -> bytes | None:
        self.asked.append(url)
        return self.files.get(url)


@pytest.mark.parametrize("packed", [False, True])
def test_the_newest_revision_of_a_version_for_this_architecture(packed: bool) -> None:
    index = PACKAGES.encode()
    site = Site(**({"deb/Packages.gz": gzip.compress(index)} if packed else {"deb/Packages": index}))
    found = packages.available("https://pkgs.example/", parse("1.37.1"), APT, "x86_64", site)
    assert found == {"kubeadm": "1.37.1-10.1", "kubelet": "1.37.1-1.1", "kubectl": None}


def test_an_rpm_repository() -> None:
    site = Site(
        **{"rpm/repodata/repomd.xml": REPOMD.encode(), "rpm/repodata/1-primary.xml.gz": gzip.compress(PRIMARY.encode())}
    )
    found = packages.available("https://pkgs.example", parse("1.37.1"), DNF, "x86_64", site)
    assert found == {"kubeadm": "1.37.1-150500.1.1", "kubelet": None, "kubectl": None}


@pytest.mark.parametrize("manager", [APT, DNF])
def test_a_minor_that_the_repository_does_not_have(manager: str) -> None:
    found = packages.available("https://pkgs.example", parse("1.37.1"), manager, "x86_64", Site())
    assert found == {"kubeadm": None, "kubelet": None, "kubectl": None}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"rpm/repodata/repomd.xml": b"<html>"}, "is no XML"),
        (
            {"rpm/repodata/repomd.xml": b'<repomd xmlns="http://linux.duke.edu/metadata/repo"/>'},
            "names no list of packages",
        ),
        ({"rpm/repodata/repomd.xml": REPOMD.encode()}, "not there, though repomd.xml names it"),
        (
            {"rpm/repodata/repomd.xml": REPOMD.encode(), "rpm/repodata/1-primary.xml.gz": b"\x28\xb5\x2f\xfd"},
            "gzip is",
        ),
    ],
)
def test_an_rpm_repository_that_cannot_be_read(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(MaintenanceError, match=message):
        packages.available("https://pkgs.example", parse("1.37.1"), DNF, "x86_64", Site(**files))


def test_a_repository_that_cannot_be_reached_is_named() -> None:
    # Port 9 (discard) on the loopback: nobody listens.
    with pytest.raises(MaintenanceError, match=r"package repository http://127.0.0.1:9/x cannot be reached"):
        packages.fetch("http://127.0.0.1:9/x")


@pytest.mark.parametrize("credentials", ["joe:geheim", "joe", "joe:ge@heim", "joe:ge%40heim"])
def test_credentials_in_a_url_are_not_told(credentials: str) -> None:
    url = f"http://{credentials}@127.0.0.1:9/x"
    assert packages.credentials(url) == [credentials]
    assert packages.without_credentials(url) == "http://127.0.0.1:9/x"
    with pytest.raises(MaintenanceError, match=r"package repository http://127.0.0.1:9/x cannot be reached") as caught:
        packages.fetch(url)
    assert "joe" not in caught.value.msg


@pytest.mark.parametrize("files", [{}, {"rpm/repodata/repomd.xml": b"<html>"}])
def test_credentials_are_not_told_of_an_index_that_cannot_be_read(files: dict[str, bytes]) -> None:
    base = BASE.replace("//", "//joe:geheim@", 1)
    site = {f"{base}/rpm/repodata/repomd.xml": REPOMD.encode(), **{f"{base}/{k}": v for k, v in files.items()}}
    with pytest.raises(MaintenanceError, match=r"package repository https://pkgs.example/core") as caught:
        packages.available("https://joe:geheim@pkgs.example", parse("1.37.1"), DNF, "x86_64", site.get)
    assert "geheim" not in caught.value.msg


@pytest.mark.parametrize(
    "url", ["https://pkgs.example/a@b", "https://pkgs.example/?a=b@c", "https://[2001:db8::1]:8443"]
)
def test_a_url_without_credentials_stays(url: str) -> None:
    assert packages.credentials(url) == []
    assert packages.without_credentials(url) == url


DPKG = "installed kubeadm 1.36.4-1.1\ninstalled kubelet 1.36.4-1.1\nconfig-files kubectl 1.35.8-1.1\n"


def test_what_dpkg_has_installed_and_apt_holds() -> None:
    commands = FakeCommands()
    commands.answers("dpkg-query", out=DPKG, err="dpkg-query: no packages found", rc=1)
    commands.answers("apt-mark showhold", out="kubelet\nlinux-image\n")
    assert packages.installed(commands, APT) == {
        "kubeadm": {"version": "1.36.4", "package": "1.36.4-1.1", "held": False},
        "kubelet": {"version": "1.36.4", "package": "1.36.4-1.1", "held": True},
        "kubectl": None,
    }


@pytest.mark.parametrize(
    ("path", "text", "held"),
    [
        ("etc/yum.repos.d/kubernetes.repo", "[kubernetes]\nexclude=kubelet kubeadm kubectl cri-tools\n", True),
        ("etc/yum.repos.d/kubernetes.repo", "[kubernetes]\nexcludepkgs = kubectl,kubelet\n", True),
        ("etc/yum.repos.d/kubernetes.repo", "[kubernetes]\nexclude=kubelet-extra\n", False),
        ("etc/dnf/plugins/versionlock.list", "kubelet-0:1.36.4-150500.1.1.*\n", True),
        ("etc/dnf/versionlock.toml", '[[packages]]\nname = "kubelet"\n', True),
    ],
)
def test_what_holds_a_package_where_dnf_rules(tmp_path: pathlib.Path, path: str, text: str, held: bool) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    commands = FakeCommands()
    commands.answers("rpm", out="installed kubelet 1.36.4-150500.1.1\npackage kubeadm is not installed\n", rc=1)
    found = packages.installed(commands, DNF, str(tmp_path))
    assert found["kubelet"] == {"version": "1.36.4", "package": "1.36.4-150500.1.1", "held": held}
    assert found["kubeadm"] is None


@pytest.mark.parametrize(("programs", "manager"), [({"dpkg-query", "rpm"}, APT), ({"rpm"}, DNF)])
def test_whose_packages_rule_here(programs: set[str], manager: str) -> None:
    assert packages.manager(FakeCommands(programs)) == manager


def test_a_node_of_neither() -> None:
    with pytest.raises(MaintenanceError, match="neither dpkg nor rpm"):
        packages.manager(FakeCommands(set()))
