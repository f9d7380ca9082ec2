# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running other programs, and the lab's one exception."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import typing as t
from pathlib import Path


class LabError(Exception):
    """Something that a person has to know, ready to be printed."""


def run(
    *command: str | Path,
    cwd: Path | None = None,
    env: t.Mapping[str, str] | None = None,
    stdin: str | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run a program and give its output; failing, say which one and what it printed last."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise LabError(
            f"program {words[0]} is missing (tests/lab/system-packages.txt says what the lab needs)"
        ) from None
    if check and done.returncode:
        last = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-15:])
        raise LabError(f"`{' '.join(words)[:300]}` failed with exit status {done.returncode}:\n{last}")
    return done


def output(*command: str | Path, **options: t.Any) -> str:
    """What a program prints, without the last newline."""
    return run(*command, **options).stdout.strip()


def in_parallel(work: t.Callable[[t.Any], None], things: t.Iterable[t.Any]) -> None:
    """Do the same with every thing at once; the first failure is raised when all have ended."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=16) as pool:
        for future in [pool.submit(work, thing) for thing in things]:
            future.result()
