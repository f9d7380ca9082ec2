# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files that kubeadm writes for a kubelet: which of them are behind, and which flags a newer kubelet refuses.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import pathlib
import re
import shutil
import tempfile
import typing as t

from .._errors import MaintenanceError
from . import output
from .commands import Commands
from .paths import Paths
from .versions import Version

CONFIG = "config.yaml"
INSTANCE = "instance-config.yaml"
FLAGS = "kubeadm-flags.env"

PHASE = ("kubeadm", "upgrade", "node", "phase", "kubelet-config")

# Flags that kubelets no longer have from a minor on. kubeadm takes this one out in 1.35 only: a node that comes from
# 1.34 to a later minor keeps it, and its kubelet does not start.
_GONE = {(1, 35): ("pod-infra-container-image",)}


def behind(commands: Commands, paths: Paths) -> list[str]:
    """Files that kubeadm would change now.

    kubeadm is asked to write them somewhere else: config.yaml bears no version, so only its content tells.
    """
    with tempfile.TemporaryDirectory(prefix="kubeops-") as name:
        folder = pathlib.Path(name)
        for own in (INSTANCE, FLAGS):
            if (paths.kubelet_dir / own).exists():
                shutil.copy(paths.kubelet_dir / own, folder / own)
        environment = ["PATH=" + os.environ.get("PATH", os.defpath), "HOME=/root", "LANG=C"]
        dry_run = ("env", "-i", *environment, f"KUBEADM_UPGRADE_DRYRUN_DIR={folder}", *PHASE, "--dry-run")
        result = commands.run(*dry_run)
        if not result.ok:
            said = output.classify([*result.out.splitlines(), *result.err.splitlines()])
            raise MaintenanceError(f"{' '.join(PHASE)} --dry-run failed: {' | '.join(said.decisive)}")
        return [own for own in (CONFIG, INSTANCE, FLAGS) if _differs(folder / own, paths.kubelet_dir / own)]


def _differs(rendered: pathlib.Path, present: pathlib.Path) -> bool:
    if not rendered.exists():
        return False
    return not present.exists() or rendered.read_bytes() != present.read_bytes()


def gone_flags(target: Version) -> tuple[str, ...]:
    return tuple(flag for since, flags in _GONE.items() if (target.major, target.minor) >= since for flag in flags)


def without_flags(text: str, flags: t.Iterable[str]) -> str:
    """kubeadm-flags.env without some flags: ``KUBELET_KUBEADM_ARGS="--a=1 --b=2"``."""
    for flag in flags:
        text = re.sub(rf"\s*--{re.escape(flag)}(?:=[^\s\"]*)?(?=[\s\"]|$)", "", text)
    return re.sub(r'="[ \t]+', '="', text)


def replace(path: pathlib.Path, text: str, keep_as: pathlib.Path) -> None:
    """A new content in one step, the old one kept beside under another name."""
    new = path.with_name(f".{path.name}.kubeops")
    new.write_text(text)
    shutil.copymode(path, new)
    if not keep_as.exists():
        os.link(path, keep_as)
    os.replace(new, path)


def changed_after(paths: Paths, started: float) -> list[str]:
    """Files that were written after the kubelet started: it does not know their content.

    kubelet.conf is not among them: a kubelet that joins writes it itself, after its start.
    """
    own = [paths.kubelet_dir / name for name in (CONFIG, INSTANCE, FLAGS)]
    return [str(path) for path in own if path.exists() and path.stat().st_mtime > started]
