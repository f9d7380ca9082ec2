# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python tests/lab/traffic deploy|start|stop --name NAME`."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lab import traffic  # noqa: E402
from lab.lab import known  # noqa: E402
from lab.process import LabError  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(prog="traffic")
    parser.add_argument("verb", choices=["deploy", "start", "stop"])
    parser.add_argument("--name", default="lab")
    options = parser.parse_args()
    try:
        lab = known(options.name)
        if options.verb == "stop":
            print(traffic.describe(traffic.stop(lab)))
        else:
            {"deploy": traffic.deploy, "start": traffic.start}[options.verb](lab)
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


sys.exit(main())
