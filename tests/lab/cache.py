# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place where the lab keeps what it has built or downloaded.

A product is a file or folder whose name carries a key of everything that it was made from. It is built in ``work/``,
written to disk and only then renamed: what has its final name is whole, and nothing else counts.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import typing as t
from pathlib import Path

from .process import LabError
from .progress import stage

CONTENTS = ("go", "images", "mirror", "packages", "programs", "signing-key.asc", "work", ".lock")


def default_root() -> Path:
    if chosen := os.environ.get("LAB_CACHE"):
        return Path(chosen).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubeops-lab"


def key(recipe: t.Any) -> str:
    """A short name for everything that a product is made from (plain data)."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:10]


def digest(*paths: Path) -> str:
    """A digest of the content of files and folders, for sources that belong to a recipe."""
    total = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                total.update(str(file.relative_to(path.parent)).encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


class Cache:
    """Products by kind and name, below one root."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()
        self.work = self.root / "work"

    def path(self, kind: str, name: str, recipe: t.Any) -> Path:
        return self.root / kind / f"{name}-{key(recipe)}"

    def make(self, product: Path, title: str, build: t.Callable[[Path], None]) -> bool:
        """Build what is missing; tells whether anything had to be done."""
        if product.exists():
            return False
        part = self.workplace() / product.name
        product.parent.mkdir(parents=True, exist_ok=True)
        with stage(title):
            build(part)
            if not part.exists():
                raise LabError(f"{title}: nothing was built at {part}")
            sync(part)
            part.rename(product)
            sync_directory(product.parent)
        part.parent.rmdir()
        return True

    def workplace(self) -> Path:
        """A new folder below the only one that may hold things half made."""
        self.work.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=self.work))

    @contextlib.contextmanager
    def locked(self) -> t.Iterator[None]:
        """One command at a time fills the cache: a second one waits and then finds everything there."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            remove(self.work)
            try:
                yield
            finally:
                remove(self.work)

    def clean(self) -> None:
        """Remove what the lab keeps here, and nothing else that may lie in the folder."""
        with self.locked():
            for name in CONTENTS:
                remove(self.root / name)
        with contextlib.suppress(OSError):
            self.root.rmdir()


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Write a file, or a folder with all that is in it, to disk."""
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file() and not file.is_symlink():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
    for folder in [path, *path.rglob("*")] if path.is_dir() else []:
        if folder.is_dir() and not folder.is_symlink():
            sync_directory(folder)


def sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
