# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter of restores."""

from __future__ import annotations

import datetime
import secrets
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore.cluster_plan import Wish, make

Info = t.Mapping[str, t.Any]


def restore_plan(
    infos: t.Mapping[str, Info],
    snapshot: str,
    hosts: t.Sequence[str],
    undo: t.Union[bool, str] = False,
    cluster_uid: str = "",
    gone: t.Sequence[str] = (),
    offered: t.Sequence[Info] = (),
    recovered: bool = False,
) -> dict[str, t.Any]:
    if isinstance(gone, str):  # as -e restore_gone=cp3 is
        gone = gone.replace(",", " ").split()
    try:
        wish = Wish(snapshot, undo, cluster_uid, gone, offered, recovered)
        made: dict[str, t.Any] = make(infos, hosts, wish, _fresh())
    except MaintenanceError as error:
        raise AnsibleFilterError(error.msg) from error
    return made


def _fresh() -> str:
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"restore_plan": restore_plan}
