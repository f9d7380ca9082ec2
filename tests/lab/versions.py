# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of Kubernetes as the lab is asked for them. Pure functions."""

from __future__ import annotations

import re
import typing as t

from .process import LabError

DEFAULT = "1.36.4,1.37.1"
# etcd 3.7, which Kubernetes 1.37 brings, wants every member at 3.6.11 or later before it. Clusters whose kubeadm
# would choose an older 3.6 start on this one.
ETCD_STEPPING_STONE = "3.6.16"


def parse(text: str) -> list[str]:
    """`1.36.4,1.37.1`, in this order, each once."""
    versions = list(dict.fromkeys(part.strip().removeprefix("v") for part in text.split(",") if part.strip()))
    for version in versions:
        if not re.fullmatch(r"1\.\d+\.\d+", version):
            raise LabError(f"`{version}` is no version of Kubernetes: give versions like {DEFAULT}")
    if not versions:
        raise LabError(f"no version of Kubernetes was given: give versions like {DEFAULT}")
    return versions


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def by_minor(versions: t.Iterable[str]) -> dict[str, list[str]]:
    """Package repositories hold one minor each."""
    groups: dict[str, list[str]] = {}
    for version in versions:
        groups.setdefault(minor(version), []).append(version)
    return groups


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def etcd_to_start_on(wanted: str) -> str:
    """The etcd of a new cluster whose kubeadm wants ``wanted``."""
    stone = numbers(ETCD_STEPPING_STONE)
    below = numbers(wanted)[:2] == stone[:2] and numbers(wanted) < stone
    return ETCD_STEPPING_STONE if below else wanted
