#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_files
short_description: Gather the files of a control plane for a snapshot of etcd that is taken on another machine
version_added: 0.1.0
description:
  - Where etcd runs on machines of its own, a snapshot is taken where there is neither the PKI of the cluster nor the
    EncryptionConfiguration, without which encrypted objects are worth nothing. This module makes an archive of them on
    a control plane, as M(kubeops.maintenance.etcd_snapshot) makes one of the files of its own node, and brings it to
    the controller. O(kubeops.maintenance.etcd_snapshot#module:control_plane) takes it from there.
  - The archive is encrypted on the control plane, and nothing readable leaves it, unless O(files=plain).
  - Nothing is written on the control plane.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  files:
    description:
      - V(encrypted) makes an archive that only the O(recipients) can read. Without any, none is made.
      - V(plain) makes an archive with every private key of the cluster in it.
      - V(none) makes none.
    type: str
    choices: [encrypted, plain, none]
    default: encrypted
  recipients:
    description:
      - Who may decrypt the archive, see O(kubeops.maintenance.etcd_snapshot#module:recipients). C(age) or C(openssl)
        has to be on the control plane.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - kubeops.maintenance._etcd.MANIFESTS
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
    details: The archive is made, and not brought to the controller.
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - The archive lies in a file below C(local_tmp) that only the user can read who runs Ansible. Ansible removes it when
    it ends; remove it before where it is not encrypted.
  - With C(ANSIBLE_DEBUG) its content would be printed, so the task is refused then.
seealso:
  - module: kubeops.maintenance.etcd_snapshot
"""

EXAMPLES = r"""
- name: Gather the files of a control plane
  kubeops.maintenance.etcd_snapshot_files:
    recipients:
      - age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
  become: true
  delegate_to: cp1
  register: gathered

- name: Take a snapshot on the machine of etcd, with these files
  kubeops.maintenance.etcd_snapshot:
    recipients:
      - age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
    control_plane: "{{ gathered.control_plane }}"
  become: true
"""

RETURN = r"""
control_plane:
  description: The archive. Empty where none was made.
  returned: success
  type: dict
  contains:
    src:
      description: Where it is on the controller. Missing in check mode.
      type: str
    node:
      description: Whose files are in it.
      type: str
    size:
      description: Its size in bytes.
      type: int
    sha256:
      description: Its checksum, as C(sha256sum) prints it.
      type: str
    encryption:
      description: C(age), C(cms) or C(none).
      type: str
    recipients:
      description: Who may decrypt it, as keys, or as C(sha256:) fingerprints of certificates.
      type: list
      elements: str
    paths:
      description: What is in it.
      type: list
      elements: str
    left_out:
      description: What is not in it, as C(path) and C(reason).
      type: list
      elements: dict
    encryption_keys:
      description: C(provider) and name of each C(key) in the EncryptionConfiguration that is saved, not the keys
        themselves. V(null) where that could not be read.
      type: list
      elements: dict
"""

import base64
import platform
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.archive import archive
from ..module_utils._etcd.member import unit

ARGUMENT_SPEC: dict[str, t.Any] = {
    "files": {"type": "str", "choices": list(archive.FILES), "default": archive.ENCRYPTED},
    "recipients": {"type": "list", "elements": "str", "default": []},
    **arguments.MANIFESTS,
}


def work(module: AnsibleModule) -> dict[str, t.Any]:
    """``data`` is for the action plugin, which returns the rest."""
    options = module.params
    request = archive.Request(options["files"], tuple(options["recipients"]))
    shown = unit.show(module.run_command)
    found = archive.gathered(request, options["manifest_dir"], shown, platform.node())
    if not found:
        return {"changed": False, "control_plane": {}, "data": ""}
    content, told = found
    data = "" if module.check_mode else base64.b64encode(content).decode()
    return {"changed": False, "control_plane": told, "data": data}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: work(module))


if __name__ == "__main__":
    main()
