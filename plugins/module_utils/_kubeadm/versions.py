# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions as kubeadm, images and packages write them.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._errors import MaintenanceError

_NUMBER = r"(0|[1-9]\d{0,4})"
_STRICT = re.compile(rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}")
# An image's tag or a package's version may go on: 3.6.16-0, 1.36.4-150500.1.1, 0:1.36.4-1.1.
_LOOSE = re.compile(rf"(?:\d+:)?v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:[-+_~].*)?")


@dataclasses.dataclass(frozen=True, order=True)
class Version:
    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def tag(self) -> str:
        """As kubeadm wants it: without the v it would render image tags without one."""
        return f"v{self}"

    @property
    def series(self) -> str:
        return f"{self.major}.{self.minor}"

    def minors_after(self, other: Version) -> int:
        """How many minors this version is newer than the other one, negative where it is older."""
        return (self.major - other.major) * 1000 + self.minor - other.minor


def parse(text: str, name: str = "version") -> Version:
    """A version that a person wrote: X.Y.Z or vX.Y.Z and nothing else."""
    found = _STRICT.fullmatch(text.strip())
    if not found:
        raise MaintenanceError(
            f'{name}: "{text}" is no version of Kubernetes. Write major, minor and patch, for example 1.37.1'
        )
    return Version(*(int(number) for number in found.groups()))


def find(text: t.Optional[str]) -> t.Optional[Version]:
    """The version in a tag, a package's version or a kubelet's (``v1.36.4``), None where there is none."""
    found = _LOOSE.fullmatch(text.strip()) if text else None
    return Version(*(int(number) for number in found.groups())) if found else None


def tag(image: str) -> str:
    """``registry:5000/etcd:3.6.16-0@sha256:...`` -> ``3.6.16-0``, empty where the image has no tag."""
    return image.split("@", 1)[0].rsplit("/", 1)[-1].partition(":")[2]


def of_image(image: t.Optional[str]) -> t.Optional[Version]:
    return find(tag(image)) if image else None


def package_revision(package: str) -> tuple[int, ...]:
    """Orders the packages of one version: ``1.36.4-2.1`` is newer than ``1.36.4-1.1``."""
    return tuple(int(number) for number in re.findall(r"\d+", package.partition("-")[2]))
