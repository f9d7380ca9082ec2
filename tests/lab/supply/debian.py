# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian file systems, from the mirror that the machine's own apt uses."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ..process import LabError, output, run

SUITE = "bookworm"
UNNEEDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")


def mirror() -> str:
    """Where apt gets Debian itself from, among all that it is configured with."""
    if "LAB_DEBIAN_MIRROR" in os.environ:
        return os.environ["LAB_DEBIAN_MIRROR"]
    listing = output(
        "apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)", "Identifier: Packages"
    )
    for line in listing.splitlines():
        origin, label, codename, address = line.split("|")
        if origin == label == "Debian" and not codename.endswith(("-updates", "-backports")):
            return address.rstrip("/")
    raise LabError(
        "apt knows no Debian repository here (`apt-get indextargets` shows none after `apt-get update`): "
        "set LAB_DEBIAN_MIRROR to the address of one"
    )


def file_system(target: Path, variant: str, packages: t.Sequence[str], hook: str | None = None) -> None:
    """A tar file with these packages and what they depend on (mmdebstrap knows the variants)."""
    address = mirror()
    run(
        "mmdebstrap",
        "--quiet",
        "--format=tar",
        f"--variant={variant}",
        f"--include={','.join(packages)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in UNNEEDED),
        *([f"--customize-hook={hook}"] if hook else []),
        SUITE,
        target,
        f"deb {address} {SUITE} main",
        env={"DEBIAN_MIRROR": address},
    )
