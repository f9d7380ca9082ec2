# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m ansible_collections.kubeops.maintenance.tests.api COMMAND...`: a command that has a cluster while it runs.

It finds it, as its administrator, by K8S_AUTH_KUBECONFIG and KUBECONFIG. Two nodes are there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ..lab.process import LabError
from . import cluster
from .corner import Corner


def main(command: list[str]) -> int:
    if not command:
        sys.exit(__doc__)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="kubeops-api-") as folder,
            cluster.running(Path(folder) / "cluster") as api,
        ):
            Corner(api.kube(), nodes=2)
            kubeconfig = str(api.kubeconfig())
            environment = {**os.environ, "K8S_AUTH_KUBECONFIG": kubeconfig, "KUBECONFIG": kubeconfig}
            return subprocess.run(command, env=environment, check=False).returncode
    except LabError as error:
        sys.exit(f"failed: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
