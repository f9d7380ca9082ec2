#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_upload
short_description: Copy snapshots of etcd to a remote through rclone, and read them back
version_added: 0.1.0
description:
  - Copies the snapshots in a directory, with the archives and sidecars beside them, to whatever C(rclone) reaches (S3,
    SFTP and many more; encrypted with a C(crypt) remote). The upload is of finished files, never of what etcd still
    sends.
  - A snapshot is uploaded when its files are, just now, what its sidecar describes. It counts when each of them was
    read back from the remote with the same size and sha256. Its sidecar is uploaded last, so whatever has one there is
    whole.
  - By default every snapshot of the cluster that the remote lacks is uploaded, newest first. So an upload that failed
    yesterday is made good today.
  - Nothing is ever deleted on the remote, and nothing is overwritten there but an upload that ended early, which is
    shorter and has no sidecar. How long copies are kept there is the remote's own matter, such as a lifecycle rule of a
    bucket. A snapshot that was there once and is gone since is not uploaded again, unless O(names) asks for it.
  - Each copy is noted in the sidecar of the snapshot on the node.
author:
  - kubeops.maintenance contributors (@kubeops)
requirements:
  - rclone 1.60 or later on the node
options:
  remote:
    description:
      - Where to, as C(NAME:PATH). The name is a section of rclone's configuration, the path a folder on the remote,
        with S3 beginning with the bucket. The folder is made where it is missing, a bucket is not.
      - Remotes that are described in the address itself are refused, because their secrets would be in it.
    type: str
    required: true
  config:
    description:
      - rclone's configuration on the node, which has the secrets of the remote. Refused where others than root can read
        or change it. The environment variables C(RCLONE_*) and C(AWS_*) do not count.
    type: path
    required: true
  names:
    description:
      - File names of the snapshots to copy, without their directory.
      - By default all of the cluster that the newest one is of.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds for everything. C(rclone) is killed then, and the next run goes on from there.
    type: int
    default: 3600
  lock_timeout:
    description:
      - Seconds to wait for another upload from this node, and for maintenance of the member.
    type: int
    default: 120
extends_documentation_fragment:
  - kubeops.maintenance._etcd.DIRECTORY
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
    details: Says what would be uploaded. The remote is looked at, and the files on the node are verified.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: kubeops.maintenance.etcd_snapshot
"""

EXAMPLES = r"""
# /etc/kubeops/rclone.conf, mode 0600:
#
#   [s3]
#   type = s3
#   provider = Minio
#   endpoint = https://s3.example.com
#   access_key_id = ...
#   secret_access_key = ...
#
#   [encrypted]
#   type = crypt
#   remote = s3:backups/etcd
#   password = ...   # from: rclone obscure

- name: Copy what the bucket lacks
  kubeops.maintenance.etcd_snapshot_upload:
    remote: "s3:backups/etcd/production"
    config: /etc/kubeops/rclone.conf
  become: true

- name: Copy one snapshot, encrypted
  kubeops.maintenance.etcd_snapshot_upload:
    remote: "encrypted:production"
    config: /etc/kubeops/rclone.conf
    names:
      - etcd-cp1-20261120T101112.345Z-manual-rev10432.db
  become: true
"""

RETURN = r"""
to:
  description: The O(remote).
  returned: always
  type: str
copied:
  description: File names of the snapshots that were uploaded and read back, or would be.
  returned: always
  type: list
  elements: str
present:
  description: File names of the snapshots that were there already.
  returned: always
  type: list
  elements: str
gone:
  description: File names of the snapshots that were there once and are not any more. They are not uploaded again.
  returned: always
  type: list
  elements: str
checks:
  description: What is wrong with single snapshots, here or there.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What was looked at.
      type: str
    status:
      description: V(fail).
      type: str
    object:
      description: Which copy it is about.
      type: str
    evidence:
      description: What was found.
      type: str
    fix:
      description: What to do about it.
      type: str
actions:
  description: What was done, in order; in check mode what would be done.
  returned: always
  type: list
  elements: str
  sample:
    - "upload etcd-cp1-20261120T101112.345Z-manual-rev10432.db to s3:backups/etcd and read it back: 4673568 bytes"
durations:
  description: Seconds for each part of the run.
  returned: always
  type: dict
  contains:
    lock:
      description: Waiting for another upload.
      type: float
    verify:
      description: Verifying the files on the node.
      type: float
    transfer:
      description: Uploading.
      type: float
    read_back:
      description: Reading back.
      type: float
    total:
      description: All of it.
      type: float
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.copies import remote


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **arguments.DIRECTORY,
            "remote": {"type": "str", "required": True},
            "config": {"type": "path", "required": True},
            "names": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 3600},
            **arguments.LOCK,
        },
        supports_check_mode=True,
    )
    options = module.params
    request = remote.Request(
        directory=options["dir"],
        remote=options["remote"],
        config=options["config"],
        names=options["names"],
        timeout=options["timeout"],
        lock_timeout=options["lock_timeout"],
        dry_run=module.check_mode,
    )
    run_module(module, lambda: remote.run(request))


if __name__ == "__main__":
    main()
