# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command: one function per verb."""

from __future__ import annotations

import argparse
import os
import sys

from . import versions
from .cache import Cache
from .process import LabError
from .supply.build import supply


def main() -> int:
    parser = argparse.ArgumentParser(prog="lab")
    parser.add_argument("verb", choices=["supply"])
    parser.add_argument("--versions", default=os.environ.get("LAB_VERSIONS", versions.DEFAULT))
    parser.add_argument("--version")
    options = parser.parse_args()
    try:
        all_versions = versions.parse(options.versions)
        print(supply(Cache(), all_versions, options.version or all_versions[0]))
    except LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0
