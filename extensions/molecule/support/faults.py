# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults that are real and can be taken back. Each is there while its context lasts."""

from __future__ import annotations

import contextlib
import json
import typing as t

from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

from . import cluster

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

BACKUPS = "/var/backups/kubeops/etcd"
ETCD = (
    "curl --silent --show-error --fail --cacert /etc/kubernetes/pki/etcd/ca.crt "
    "--cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key "
    "https://127.0.0.1:2379/v3"
)
HEALTH = "curl --silent --fail http://127.0.0.1:2381/health"

Fault = t.Callable[["Lab"], t.ContextManager[None]]


@contextlib.contextmanager
def none(lab: Lab) -> t.Iterator[None]:
    """Nothing is broken: what is asked for is wrong."""
    yield


@contextlib.contextmanager
def kubelet_stopped(lab: Lab) -> t.Iterator[None]:
    """w2 is NotReady."""
    cluster.shell(lab, "w2", "systemctl stop kubelet")
    try:
        cluster.until_ready(lab, "w2", wanted=False)
        yield
    finally:
        cluster.shell(lab, "w2", "systemctl start kubelet")
        cluster.until_ready(lab, "w2", wanted=True)


@contextlib.contextmanager
def etcd_alarm(lab: Lab) -> t.Iterator[None]:
    """cp1's etcd member says that its database is full, takes no writes and calls itself unhealthy."""
    status = json.loads(cluster.shell(lab, "cp1", f"{ETCD}/maintenance/status --data '{{}}'"))
    alarm = {"memberID": status["header"]["member_id"], "alarm": "NOSPACE"}

    def switch(action: str) -> None:
        cluster.shell(lab, "cp1", f"{ETCD}/maintenance/alarm --data '{json.dumps({**alarm, 'action': action})}'")

    switch("ACTIVATE")
    try:
        yield
    finally:
        switch("DEACTIVATE")
        until("etcd is healthy again", lambda: cluster.shell(lab, "cp1", HEALTH))


@contextlib.contextmanager
def small_disk(lab: Lab) -> t.Iterator[None]:
    """The filesystem for snapshots has room for 1 MiB."""
    cluster.shell(lab, "cp1", f"mkdir -p {BACKUPS} && mount -t tmpfs -o size=1m tmpfs {BACKUPS}")
    try:
        yield
    finally:
        cluster.shell(lab, "cp1", f"umount {BACKUPS}")


@contextlib.contextmanager
def other_identity(lab: Lab) -> t.Iterator[None]:
    """w2 shows the certificate of a node w9 that nobody knows, like a machine cloned from another cluster's."""
    conf = "/etc/kubernetes/kubelet.conf"
    stranger = cluster.shell(lab, "cp1", "kubeadm kubeconfig user --client-name system:node:w9 --org system:nodes")
    cluster.shell(lab, "w2", f"mv {conf} {conf}.lab && cat > {conf} <<'END'\n{stranger}\nEND")
    try:
        yield
    finally:
        cluster.shell(lab, "w2", f"mv {conf}.lab {conf}")
