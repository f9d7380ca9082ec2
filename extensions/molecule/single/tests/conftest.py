# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The upgrade as tests start it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import TARGET, Run


@pytest.fixture
def start(play: t.Callable[..., Run]) -> t.Callable[..., Run]:
    def work(*arguments: str, version: str = TARGET, **others: t.Any) -> Run:
        return play("upgrade", f"--extra-vars=kubernetes_version={version}", *arguments, **others)

    return work
