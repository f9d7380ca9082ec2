# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: a real cluster is upgraded as users do it, and a web service on it does not miss a request.

KEEP=1 leaves the lab for a look around.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import hold, life, traffic, versions  # noqa: E402
from lab.cache import Cache  # noqa: E402
from lab.lab import PROJECT, Lab  # noqa: E402
from lab.process import LabError  # noqa: E402

NAME = "demo"
BEFORE, AFTER = versions.parse(versions.DEFAULT)
BOLD, GREEN, RED, PLAIN = ("\033[1m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("",) * 4
BEAT = 10  # seconds between two words of the prober


def scene(text: str) -> None:
    print(f"\n{BOLD}▶ {text}{PLAIN}", flush=True)


def upgrade(lab: Lab) -> tuple[int, list[str]]:
    """Run the upgrade and show what it prints as it comes; its exit status and its lines."""
    command = ["ansible-playbook", "-i", str(lab.inventory.relative_to(PROJECT)), "kubeops.maintenance.upgrade"]
    command += ["-e", f"kubernetes_version={AFTER}"]
    print("$", *command, flush=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "ANSIBLE_FORCE_COLOR": "1" if BOLD else "0"}
    lines = []
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as run:
        try:
            for line in t.cast("t.IO[str]", run.stdout):
                lines.append(re.sub(r"\033\[[0-9;]*m", "", line.rstrip("\n")))
                print(line, end="", flush=True)
        except BaseException:
            run.terminate()  # whoever stops the demo does not wait for the upgrade
            raise
    return run.returncode, lines


@contextlib.contextmanager
def pulse(lab: Lab) -> t.Iterator[None]:
    """Meanwhile, every few seconds: how the web service fares."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            web = traffic.report(lab)["web"]
            colour = RED if web["failures"] else GREEN
            print(f"{colour}    ~ web service: {web['requests']} requests, {web['failures']} failed{PLAIN}", flush=True)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def last_table(lines: t.Sequence[str]) -> list[str]:
    """The table at the end of the run, up to the line in which Ansible says that it was shown."""
    headings = [number for number, line in enumerate(lines) if re.match("node +from +to ", line)]
    rest = lines[headings[-1] :] if headings else []
    return list(itertools.takewhile(lambda line: not line.startswith("ok: "), rest))


def perform() -> tuple[int, list[str]]:
    """The whole demo; exit status and the last lines."""
    scene(f"A real kubeadm cluster of Kubernetes {BEFORE} in containers: one control plane, two workers")
    life.down(NAME)
    lab = life.up(Cache(), NAME, "single", [BEFORE, AFTER], BEFORE)
    scene("A web service with two replicas and a disruption budget on it")
    traffic.deploy(lab)
    print(traffic.kubectl(lab, "get", "nodes"))
    print(traffic.kubectl(lab, "--namespace=web", "get", "pods", "--output=wide"))
    scene(
        "Ten new connections a second to it from now on, from outside the cluster, one second for each, no second try"
    )
    traffic.start(lab)
    scene(f"The upgrade to Kubernetes {AFTER}, by the command that users type")
    with pulse(lab):
        code, lines = upgrade(lab)
    scene("The cluster now")
    print(traffic.kubectl(lab, "get", "nodes"), flush=True)
    report = traffic.stop(lab)
    table = last_table(lines) or ["The run ended without its table."]
    promise = code == 0 and len(table) > 1 and report["web"]["failures"] == 0
    return 0 if promise else code or 1, [*table, "", traffic.describe(report)]


def main() -> int:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    keep = os.environ.get("KEEP") == "1"
    try:
        hold.take(NAME)  # for the rest of this process
    except LabError as error:
        print(f"{RED}{error}{PLAIN}", file=sys.stderr)
        return 1
    code, ending = 1, ["The demo did not come to its end."]
    try:
        code, ending = perform()
    except LabError as error:
        print(f"{RED}{error}{PLAIN}", file=sys.stderr)
    except KeyboardInterrupt:
        code = 130
    finally:
        if not keep:
            life.down(NAME)
    scene(f"{'Done' if code == 0 else 'Failed'} after {(time.monotonic() - began) / 60:.1f} minutes")
    print(*ending, sep="\n")
    if keep:
        print(
            f"\nThe lab stays: `make lab-shell LAB={NAME} NODE=cp1`, and `make lab-down LAB={NAME}` when you are done."
        )
    return code


if __name__ == "__main__":
    sys.exit(main())
