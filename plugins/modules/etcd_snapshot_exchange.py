#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_exchange
short_description: The node's half of bringing snapshots to the controller and from there to other nodes
version_added: 0.1.0
description:
  - Is called by M(kubeops.maintenance.etcd_snapshot_fetch) and M(kubeops.maintenance.etcd_snapshot_send), many times
    for one snapshot. Use these in plays. Only O(state=noted) is meant to be called by itself.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  state:
    description:
      - V(listed) says which snapshots are here, with their sidecars.
      - V(read) returns the next piece of a file.
      - V(expected) says what of a snapshot is here already, and looks whether there is room for the rest.
      - V(written) adds a piece to a file.
      - V(published) verifies a snapshot that has arrived and gives its files their names. Where a member runs with the
        very programs that the snapshot was taken with, they are kept beside it.
      - V(noted) writes into a snapshot's sidecar where there are copies of it.
    type: str
    choices: [listed, read, expected, written, published, noted]
    required: true
  names:
    description:
      - With O(state=listed), file names of snapshots. By default all of the cluster that the newest one is of.
    type: list
    elements: str
    default: []
  name:
    description:
      - File name of the snapshot.
    type: str
  file:
    description:
      - File name of the snapshot or of what is beside it.
    type: str
  offset:
    description:
      - Where the piece begins.
    type: int
    default: 0
  piece:
    description:
      - Where the piece lies on the node. It is deleted.
    type: path
  sidecar:
    description:
      - What the sidecar of the snapshot says.
    type: dict
  with_tools:
    description:
      - With O(state=listed), also say which programs are kept with the snapshots, with their sizes.
    type: bool
    default: false
  tools:
    description:
      - Names and sizes of programs. With these it is them that are expected, written and published, and not the
        snapshot.
    type: dict
  copies:
    description:
      - With O(state=noted), where there are copies.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - kubeops.maintenance._etcd.DIRECTORY
  - kubeops.maintenance._etcd.LOCK
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: O(state=written) and O(state=published) say each time that something has changed.
"""

EXAMPLES = r"""
- name: Write down that somebody has copied a snapshot to tape
  kubeops.maintenance.etcd_snapshot_exchange:
    state: noted
    name: etcd-cp1-20261120T101112.345Z-manual-rev10432.db
    copies:
      - tape 2026-47
  become: true
"""

RETURN = r"""
snapshots:
  description: Names and sidecars of the snapshots, and with O(with_tools) the programs that are kept with them.
  returned: O(state=listed)
  type: list
  elements: dict
data:
  description: A piece, packed and in base64.
  returned: O(state=read)
  type: str
size:
  description: Number of bytes in the piece that was read, or of the file that was written to.
  returned: O(state=read) or O(state=written)
  type: int
present:
  description: Whether the snapshot is here already.
  returned: O(state=expected)
  type: bool
here:
  description: For each file of the snapshot, how much of it is here already.
  returned: O(state=expected)
  type: dict
"""

import base64
import contextlib
import os
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import MaintenanceError, run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.copies import copies, exchange, tools
from ..module_utils._etcd.member import lock, programs, topology, unit
from ..module_utils._etcd.member.programs import NAMES
from ..module_utils._etcd.snapshots import store, vault


def listed(options: dict[str, t.Any], _check_mode: bool) -> dict[str, t.Any]:
    store.check_directory(options["dir"])
    found = [
        {
            "name": os.path.basename(path),
            "sidecar": said,
            **({"tools": tools.sizes(tools.files(options["dir"], said))} if options["with_tools"] else {}),
        }
        for path, said in copies.chosen(options["dir"], options["names"])
    ]
    return {"changed": False, "snapshots": found}


def read(options: dict[str, t.Any], _check_mode: bool) -> dict[str, t.Any]:
    ((path, sidecar),) = copies.chosen(options["dir"], [options["name"]])
    kept = tools.files(options["dir"], sidecar) if options["file"] in NAMES else []
    for one in [*copies.files(path, sidecar), *kept]:
        if one.name == options["file"]:
            piece = bytearray()
            size = exchange.pack(one.path, options["offset"], piece.extend, exchange.ANSWER)
            return {"changed": False, "data": base64.b64encode(piece).decode(), "size": size}
    raise MaintenanceError(f"{options['file']!r} is no file of {options['name']}")


def arrives(options: dict[str, t.Any]) -> exchange.Arrival:
    wanted = (options["dir"], options["name"], options["sidecar"])
    return tools.Tools(*wanted, options["tools"]) if options["tools"] else exchange.Arrival(*wanted)


def expected(options: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    arrival = arrives(options)
    if arrival.is_here():
        return {"changed": False, "present": True, "here": {}}
    return {"changed": False, "present": False, "here": {} if check_mode else arrival.begin()}


def written(options: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    arrival = arrives(options)
    if check_mode:
        return {"changed": True, "size": options["offset"]}
    try:
        with open(options["piece"], "rb") as file:
            size = arrival.append(options["file"], options["offset"], exchange.unpack(exchange.steps(file)))
    finally:
        with contextlib.suppress(OSError):
            os.unlink(options["piece"])
    return {"changed": True, "size": size}


def published(options: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    arrival = arrives(options)
    if not check_mode:
        with lock.member_lock("arrival of a snapshot", options["lock_timeout"]):
            arrival.publish()
            if not options["tools"]:
                tools.keep(options["dir"], options["sidecar"], own(options))
    return {"changed": True}


def own(options: dict[str, t.Any]) -> dict[str, programs.Program]:
    """The programs of this host's member, none where none runs."""
    try:
        local = topology.find(shown=options["unit"])
    except MaintenanceError:
        return {}
    return programs.of_member(local.data_dir, vault.version_for(options["sidecar"])) if local else {}


def noted(options: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    ((path, sidecar),) = copies.chosen(options["dir"], [options["name"]])
    new = [to for to in options["copies"] if not copies.had(sidecar, to)]
    if new and not check_mode:
        with lock.member_lock("note of copies", options["lock_timeout"]):
            for to in new:
                copies.note(path, to)
    return {"changed": bool(new)}


STATES = {
    "listed": listed,
    "read": read,
    "expected": expected,
    "written": written,
    "published": published,
    "noted": noted,
}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": list(STATES), "required": True},
            **arguments.DIRECTORY,
            "names": {"type": "list", "elements": "str", "default": []},
            "name": {"type": "str"},
            "file": {"type": "str"},
            "offset": {"type": "int", "default": 0},
            "piece": {"type": "path"},
            "sidecar": {"type": "dict"},
            "with_tools": {"type": "bool", "default": False},
            "tools": {"type": "dict"},
            "copies": {"type": "list", "elements": "str", "default": []},
            **arguments.LOCK,
        },
        required_if=[
            ("state", "read", ["name", "file"]),
            ("state", "expected", ["name", "sidecar"]),
            ("state", "written", ["name", "file", "piece", "sidecar"]),
            ("state", "published", ["name", "sidecar"]),
            ("state", "noted", ["name"]),
        ],
        supports_check_mode=True,
    )

    def work() -> dict[str, t.Any]:
        shown = unit.show(module.run_command) if module.params["state"] == "published" else ""
        options = {**module.params, "unit": shown}
        try:
            return STATES[module.params["state"]](options, module.check_mode)
        except OSError as error:
            where = error.filename or module.params["dir"]
            raise MaintenanceError(f"{where}: {error.strerror}") from error

    run_module(module, work)


if __name__ == "__main__":
    main()
