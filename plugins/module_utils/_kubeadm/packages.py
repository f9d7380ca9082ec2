# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes packages: what is installed and held here, and what the repository of a minor offers.

The repository's index is read over HTTP, because the node is switched to that repository only after the plan is
accepted.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import gzip
import pathlib
import re
import typing as t
import urllib.error
from xml.etree import ElementTree

from ansible.module_utils.urls import open_url

from .._errors import MaintenanceError
from . import versions
from .commands import Commands
from .versions import Version

NAMES = ("kubeadm", "kubelet", "kubectl")
APT = "apt"
DNF = "dnf"

_DEB_ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64el", "armv7l": "armhf"}
_REPO = "{http://linux.duke.edu/metadata/repo}"
_COMMON = "{http://linux.duke.edu/metadata/common}"
_CREDENTIALS = re.compile(r"(?<=//)([^/?#\s]+)@")
_NO_SUCH_FILE = (403, 404)
_TIMEOUT = 30

Fetch = t.Callable[[str], t.Optional[bytes]]


def credentials(url: str) -> list[str]:
    """User and password that a repository's URL carries."""
    return _CREDENTIALS.findall(url)


def without_credentials(text: str) -> str:
    """For messages."""
    return _CREDENTIALS.sub("", text)


def _named(url: str) -> str:
    return f"package repository {without_credentials(url)}"


def fetch(url: str) -> t.Optional[bytes]:
    """The content behind a URL, None where the server says that there is none."""
    try:
        return bytes(open_url(url, timeout=_TIMEOUT).read())
    except urllib.error.HTTPError as error:
        if error.code in _NO_SUCH_FILE:
            return None
        raise MaintenanceError(f"{_named(url)} answers {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        reason = without_credentials(str(getattr(error, "reason", error)))
        raise MaintenanceError(
            f"{_named(url)} cannot be reached from this node: {reason}. "
            f"Check kubernetes_package_repository, name resolution, proxy and firewall"
        ) from error


def available(
    repository: str, version: Version, manager: str, machine: str, get: Fetch = fetch
) -> dict[str, t.Optional[str]]:
    """The newest package of each name that carries ``version``, None where the repository has none."""
    base = f"{repository.rstrip('/')}/core:/stable:/v{version.series}"
    found = _debian(f"{base}/deb", machine, get) if manager == APT else _rpm(f"{base}/rpm", machine, get)
    newest: dict[str, t.Optional[str]] = dict.fromkeys(NAMES)
    for name, package in found:
        known = newest.get(name)
        newer = known is None or versions.package_revision(package) > versions.package_revision(known)
        if name in newest and versions.find(package) == version and newer:
            newest[name] = package
    return newest


def _debian(base: str, machine: str, get: Fetch) -> t.Iterator[tuple[str, str]]:
    index = get(f"{base}/Packages")
    if index is None:
        packed = get(f"{base}/Packages.gz")
        # A minor that the repository does not have at all is an answer, not an error.
        index = gzip.decompress(packed) if packed else b""
    for stanza in index.decode("utf-8", "replace").split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture): *(\S+)", stanza, re.MULTILINE))
        if fields.get("Architecture", "all") in ("all", machine, _DEB_ARCHITECTURE.get(machine)):
            yield fields.get("Package", ""), fields.get("Version", "")


def _rpm(base: str, machine: str, get: Fetch) -> t.Iterator[tuple[str, str]]:
    listing = get(f"{base}/repodata/repomd.xml")
    if listing is None:
        return
    url = f"{base}/repodata/repomd.xml"
    primary = _xml(listing, url).find(f"{_REPO}data[@type='primary']/{_REPO}location")
    if primary is None:
        raise MaintenanceError(f"{_named(url)} names no list of packages (data of type primary)")
    url = f"{base}/{primary.get('href')}"
    packed = get(url)
    if packed is None:
        raise MaintenanceError(f"{_named(url)}: not there, though repomd.xml names it. Try again later")
    for package in _xml(_unpack(packed, url), url).iter(f"{_COMMON}package"):
        version = package.find(f"{_COMMON}version")
        if version is not None and package.findtext(f"{_COMMON}arch") in (machine, "noarch"):
            yield package.findtext(f"{_COMMON}name", ""), f"{version.get('ver')}-{version.get('rel')}"


def _unpack(packed: bytes, url: str) -> bytes:
    if packed[:2] == b"\x1f\x8b":
        return gzip.decompress(packed)
    if packed.lstrip()[:1] == b"<":
        return packed
    raise MaintenanceError(f"{_named(url)} is packed in a way that is not understood here; gzip is")


def _xml(text: bytes, url: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise MaintenanceError(f"{_named(url)} is no XML: {error}") from error


def manager(commands: Commands) -> str:
    for name, program in ((APT, "dpkg-query"), (DNF, "rpm")):
        if commands.has(program):
            return name
    raise MaintenanceError("this node has neither dpkg nor rpm: only packages of apt and dnf are understood")


def installed(commands: Commands, name: str, root: str = "/") -> dict[str, t.Optional[dict[str, t.Any]]]:
    """Version, package and hold of each of the packages, None for one that is not installed as a package."""
    if name == APT:
        # Exit code 1 says that one of them is unknown; the others are listed all the same.
        listed = commands.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n", *NAMES).out
        held = set(commands.run("apt-mark", "showhold").out.split())
    else:
        listed = commands.run("rpm", "-q", "--qf", "installed %{NAME} %{VERSION}-%{RELEASE}\n", *NAMES).out
        held = {package for package in NAMES if _locked(package, root)}
    found: dict[str, t.Optional[dict[str, t.Any]]] = dict.fromkeys(NAMES)
    for status, package, version in (line.split() for line in listed.splitlines() if line.count(" ") == 2):
        if status == "installed" and package in found:
            found[package] = {"version": str(versions.find(version)), "package": version, "held": package in held}
    return found


def _locked(package: str, root: str) -> bool:
    """dnf has no hold of its own: the repository excludes the package, or the versionlock plugin names it."""
    base = pathlib.Path(root) / "etc"
    for path in sorted((base / "yum.repos.d").glob("*.repo")):
        for names in re.findall(r"^exclude(?:pkgs)?\s*=\s*(.*)$", path.read_text(errors="replace"), re.MULTILINE):
            if package in re.split(r"[\s,]+", names):
                return True
    locks = (base / "dnf/plugins/versionlock.list", base / "dnf/versionlock.toml")
    return any(lock.exists() and re.search(rf"\b{package}\b", lock.read_text(errors="replace")) for lock in locks)
