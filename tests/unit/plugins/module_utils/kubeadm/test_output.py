# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# ruff: noqa: E501

"""Lines as kubeadm 1.36 and 1.37 print them."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import output

PREFLIGHT = """\
[upgrade] Reading configuration from the "kubeadm-config" ConfigMap in namespace "kube-system"...
[upgrade/preflight] Running preflight checks
[upgrade] Running cluster health checks
error: error execution phase preflight: [preflight] Some fatal errors occurred:
\t[ERROR CreateJob]: Job "upgrade-health-check-1763630000123" in the namespace "kube-system" did not complete in 1m0s: no condition of type Complete
[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`
To see the stack trace of this error execute with --v=5 or higher
"""

COPY = """\
[upgrade/etcd] Upgrading to TLS for etcd
error: error execution phase control-plane: failed to perform etcd upgrade: failed to back up etcd data, \
output: "cp: cannot stat '/var/lib/etcd/member/wal/1.tmp': No such file or directory\\n": exit status 1
"""

HASH = """\
[upgrade/staticpods] Moving new manifest to "/etc/kubernetes/manifests/kube-apiserver.yaml" and backing up old manifest to "/etc/x"
[upgrade/staticpods] Waiting for the kubelet to restart the component
error: error execution phase control-plane: couldn't upgrade control plane. kubeadm has tried to recover \
everything into the earlier state. Errors faced: static Pod hash for component kube-apiserver on Node cp1 did not change after 5m0s: timed out
"""


@pytest.mark.parametrize(
    ("text", "decisive", "transient", "rolled_back"),
    [
        (PREFLIGHT, "[ERROR CreateJob]: Job", "the pod of kubeadm's health check Job did not complete in time", False),
        (COPY, "failed to back up etcd data", "etcd rotated its write-ahead log while kubeadm copied", False),
        (HASH, "did not change after 5m0s", "", True),
        (
            "[upgrade/etcd] Failed to upgrade etcd: x\nfatal error when trying: rolled the state back\n",
            "Failed to",
            "",
            True,
        ),
        ("flock: failed to execute kubeadm\n", "flock: failed", "", False),
        ("some\nlast\nwords\nhere\n", "last", "", False),
        ("", "", "", False),
    ],
)
def test_the_lines_that_decide(text: str, decisive: str, transient: str, rolled_back: bool) -> None:
    said = output.classify(text.splitlines())
    assert decisive in " | ".join(said.decisive)
    assert said.transient.startswith(transient)
    assert bool(said.transient) == bool(transient)
    assert said.rolled_back == rolled_back
    assert all("Reading configuration" not in line and "stack trace" not in line for line in said.decisive)


def test_many_lines_are_cut_and_repeated_ones_told_once() -> None:
    said = output.classify([f"[ERROR Port-{number // 2}]: in use" for number in range(100)])
    assert len(said.decisive) == 8
    assert said.decisive[:2] == ("[ERROR Port-0]: in use", "[ERROR Port-1]: in use")
