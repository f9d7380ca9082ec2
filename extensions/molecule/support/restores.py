# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scenarios of restores share: a cluster's story that is taken back, and restores met in their phases."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.plan import FINAL
from ansible_collections.kubeops.maintenance.tests.api.program import MORTAL
from ansible_collections.kubeops.maintenance.tests.lab import podman, traffic

from . import backups, cluster

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

    from .run import Run

Start = t.Callable[..., "Run"]

PHASE = Path(__file__).parent / "phase.py"
DATA = "/var/lib/etcd"
BACKUPS = "/var/backups/kubeops/etcd"
NAMESPACE = "story"
CONFIG_MAPS = backups.CONFIG_MAPS.format(NAMESPACE)
FIRST, SECOND = {f"first-{number}" for number in range(20)}, {f"second-{number}" for number in range(20)}
DELETED = {"first-0", "first-1"}
LATER = (FIRST | SECOND) - DELETED
# Kubernetes' own in every namespace.
OWN = "kube-root-ca.crt"
# What a refused run must leave alone: data, manifests, units, snapshots, and every process as it is.
MEMBER_STATE = f"""
stat -c '%n %i %U %a' {DATA} {DATA}/member
ls -A {DATA} {DATA}/kubeops-restore 2>/dev/null || true
find /etc/kubernetes /etc/systemd/system {BACKUPS} -type f -printf '%p %i %s %T@\\n' 2>/dev/null | sort
pgrep --list-full 'etcd|kube' | awk '{{ print $1, $2 }}'
"""


def starter(play: Start, playbook: str, **always: t.Any) -> Start:
    """A playbook as tests start it, with variables."""

    def work(*arguments: str, **variables: t.Any) -> Run:
        return play(playbook, f"--extra-vars={json.dumps({**always, **variables})}", *arguments)

    return work


def state(lab: Lab, *nodes: str) -> dict[str, list[str]]:
    return {node: cluster.shell(lab, node, MEMBER_STATE).splitlines() for node in nodes}


def snapshots(lab: Lab, node: str) -> list[str]:
    """Their names, oldest first."""
    return cluster.shell(lab, node, f"ls {BACKUPS} 2>/dev/null | grep '[.]db$' || true").split()


def plan(lab: Lab, node: str) -> dict[str, t.Any]:
    """Of the newest restore of a member, empty where there is none."""
    read = f"cat $(ls -d {DATA}/kubeops-restore/*/ 2>/dev/null | tail -1)/plan.json 2>/dev/null || echo '{{}}'"
    found: dict[str, t.Any] = json.loads(cluster.shell(lab, node, read))
    return found


def phases(lab: Lab, members: t.Sequence[str]) -> list[str]:
    return [str(plan(lab, member).get("phase", "")) for member in members]


class Met:
    """A restore in one of its phases on one member, and nobody goes on with it there until it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def wait(self) -> None:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"it was not met: exit status {self._process.wait()}"
        print(f"met {line.strip()}")

    def tell(self, word: str) -> None:
        """``kill``, or ``go on``."""
        self._process.communicate(f"{word}\n", timeout=300)
        assert self._process.returncode == 0


@contextlib.contextmanager
def met(lab: Lab, node: str, phase: str) -> t.Iterator[Met]:
    """The next restore of that member, as soon as it is in this phase."""
    words = (*MORTAL, "podman", "exec", "--interactive", lab.container(node), "python3", "-c", PHASE.read_text())
    last = plan(lab, node)
    # One that has not ended is the one that goes on.
    known = str(last["id"]) if last.get("phase") in FINAL else ""
    process = subprocess.Popen(
        [*words, f"{DATA}/kubeops-restore", phase, known],
        env=os.environ | podman.SETTINGS,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Met(process)
    finally:
        process.kill()
        process.communicate()


def killed(lab: Lab, node: str, phase: str, start: t.Callable[[], Run]) -> None:
    """A run that dies in this phase on this member, and with it what it does there."""
    with met(lab, node, phase) as meeting:
        run = start()
        meeting.wait()
        run.kill()
        meeting.tell("kill")
    run.until_gone()


class Story:
    """What a cluster goes through before and after its snapshot, and what is left of that when it is restored."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.client = backups.kube(lab)
        self._kubectl = functools.partial(traffic.kubectl, lab, f"--namespace={NAMESPACE}")

    def begin(self) -> None:
        """The namespace, the first objects, and pods that run."""
        self.client.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        self._write(FIRST)
        self._deploy("keeper")

    def go_on(self) -> None:
        """After the snapshot, again and again: new objects and pods, and some of the first ones are deleted."""
        if self.names() == LATER:
            return
        self._write(SECOND)
        for name in DELETED:
            self.client.delete(f"{CONFIG_MAPS}/{name}")
        self._kubectl("delete", "deployment/keeper", "--cascade=foreground", "--timeout=300s")
        self._deploy("ghost")

    def is_taken_back(self) -> None:
        assert self.names() == FIRST
        assert self._deployments() == {"keeper"}
        self._kubectl("rollout", "status", "deployment/keeper", "--timeout=300s")
        # Somebody watches again: the controllers make pods, the scheduler and a kubelet start them.
        self._kubectl("scale", "deployment/keeper", "--replicas=2")
        self._kubectl("rollout", "status", "deployment/keeper", "--timeout=300s")
        self._kubectl("scale", "deployment/keeper", "--replicas=1")
        assert self.running("ghost") == []

    def went_on(self) -> None:
        """As if nothing had happened."""
        assert self.names() == LATER
        assert self._deployments() == {"ghost"}
        assert self.running("ghost")

    def end(self) -> None:
        self.client.delete(f"/api/v1/namespaces/{NAMESPACE}")

    def names(self) -> set[str]:
        return {found["metadata"]["name"] for found in self.client.list(CONFIG_MAPS)} - {OWN}

    def running(self, deployment: str) -> list[str]:
        """Processes of its pods, on whatever node, whether the API knows of them or not."""
        script = (
            f"grep --files-with-matches --null --text 'story={deployment}' /proc/[0-9]*/environ 2>/dev/null || true"
        )
        return [
            f"{node.name}: {file}"
            for node in self._lab.kubernetes
            for file in cluster.shell(self._lab, node.name, script).split("\0")
            if file
        ]

    def _write(self, names: t.Iterable[str]) -> None:
        for name in sorted(names):
            self.client.post(CONFIG_MAPS, {"metadata": {"name": name}, "data": {"it": name}})

    def _deploy(self, name: str) -> None:
        container = {
            "name": "web",
            "image": "mirror.lab:5000/web:1.0.0",
            "env": [{"name": "story", "value": name}],
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
        }
        template = {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [container], "tolerations": [{"operator": "Exists"}]},
        }
        spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
        made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
        self._kubectl("apply", "--filename=-", stdin=json.dumps(made))
        self._kubectl("rollout", "status", f"deployment/{name}", "--timeout=300s")

    def _deployments(self) -> set[str]:
        found = self.client.list(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")
        return {one["metadata"]["name"] for one in found}
