# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds programs from Go modules, through the Go proxy that the machine is set up for.

Everything that Go keeps lies in the lab's cache: the modules (which stay: their sources are worth reading) and the
compiler's cache, which takes twice the space and is removed when all programs are built.
"""

from __future__ import annotations

import concurrent.futures
import functools
import json
import os
import re
import shutil
import typing as t
from pathlib import Path

from ..cache import Cache, digest, remove
from ..process import LabError, output
from ..progress import stage
from .recipes import Recipe, default_binary, staging_modules, throwaway_module, wanted_go

# Writable modules can be removed like any other file.
MODULE_FLAGS = ("-mod=mod", "-modcacherw")


class Programs:
    """The programs of all recipes: built when they are missing, found by recipe."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.compiler_cache = cache.root / "go" / "build"
        self.environment = {
            "GOMODCACHE": str(cache.root / "go" / "mod"),
            "GOCACHE": str(self.compiler_cache),
            "CGO_ENABLED": "0",
            # Memory for time: a compiler that frees nothing below this much takes a quarter less of it.
            "GOGC": os.environ.get("GOGC", "off"),
            "GOMEMLIMIT": os.environ.get("GOMEMLIMIT", "3GiB"),
        }

    def folder(self, recipe: Recipe) -> Path:
        made_from = {
            "programs": dict(recipe.programs),
            "modules": dict(recipe.modules),
            "linker": recipe.linker_flags,
            "source": digest(recipe.source) if recipe.source else None,
        }
        return self.cache.path("programs", f"{recipe.name}-{recipe.version}", made_from)

    def build(self, recipes: t.Sequence[Recipe]) -> None:
        """Build what is missing, one after the other; the next one's modules come down while the compiler works."""
        missing = [recipe for recipe in recipes if not self.folder(recipe).exists()]
        if not missing:
            return
        work = self.cache.workplace()
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as downloads:
            fetched = [downloads.submit(self._fetch, recipe, work / recipe.title) for recipe in missing]
            try:
                for recipe, module in zip(missing, fetched, strict=True):
                    with stage(f"modules of {recipe.title} (waiting for)"):
                        workplace = module.result()
                    build = functools.partial(self._compile, recipe, workplace)
                    self.cache.make(self.folder(recipe), f"build {recipe.title}", build)
            finally:
                downloads.shutdown(cancel_futures=True)

    def forget_compiler_cache(self) -> None:
        remove(self.compiler_cache)

    def _go(self, *words: str | Path, cwd: Path) -> str:
        return output("go", *words, cwd=cwd, env=self.environment)

    def _fetch(self, recipe: Recipe, workplace: Path) -> Path:
        """Lay out the throw-away module and download every module that its programs need, and no other."""
        if recipe.source:
            shutil.copytree(recipe.source, workplace / recipe.source.name)
        workplace.mkdir(exist_ok=True)
        go = self._go("env", "GOVERSION", cwd=workplace).removeprefix("go").split()[0]
        staging: list[str] = []
        for module, version in recipe.modules.items():
            facts = json.loads(
                self._go("mod", "download", "-modcacherw", "-json", f"{module}@{version}", cwd=workplace)
            )
            go_mod = Path(facts["GoMod"]).read_text()
            check_go(go, wanted_go(go_mod), recipe.title)
            if module == "k8s.io/kubernetes":
                staging = staging_modules(go_mod)
        (workplace / "go.mod").write_text(throwaway_module(recipe, go, staging))
        self._go("list", *MODULE_FLAGS, "-deps", *recipe.programs.values(), cwd=workplace)
        return workplace

    def _compile(self, recipe: Recipe, workplace: Path, part: Path) -> None:
        part.mkdir()
        self._go(
            "build",
            *MODULE_FLAGS,
            "-trimpath",
            "-gcflags=all=-dwarf=false",  # the linker would only throw it away
            f"-ldflags={recipe.linker_flags}",
            "-o",
            f"{part}{os.sep}",
            *recipe.programs.values(),
            cwd=workplace,
        )
        for program, package in recipe.programs.items():
            (part / default_binary(package)).rename(part / program)


def check_go(found: str, wanted: str, title: str) -> None:
    """Say plainly which Go is missing; with GOTOOLCHAIN=auto Go gets it by itself."""

    def numbers(version: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", version)]

    if numbers(found) < numbers(wanted) and output("go", "env", "GOTOOLCHAIN") == "local":
        raise LabError(
            f"{title} asks for Go {wanted} or newer, and `go version` says {found}. "
            f"Install Go {wanted} and put it first on PATH (or let Go fetch it: GOTOOLCHAIN=auto)."
        )


def wanted_images(kubeadm: Path, version: str) -> dict[str, str]:
    """What a version of Kubernetes wants beside itself, as its own kubeadm says: image -> tag."""
    listing = output(kubeadm, "config", "images", "list", "--kubernetes-version", f"v{version}")
    names = (line.rsplit("/", 1)[-1].partition(":") for line in listing.splitlines())
    return {name: tag for name, _, tag in names if name in ("etcd", "coredns", "pause")}
