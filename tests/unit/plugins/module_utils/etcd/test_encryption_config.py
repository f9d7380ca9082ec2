# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import encryption_config

# As the documentation of Kubernetes has it.
DOCUMENTED = """
---
# CAUTION: this is an example configuration.
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources:
      - secrets
      - configmaps
      - pandas.awesome.bears.example # a custom resource API
      - '*.apps'
    providers:
      - identity: {} # plain text
      - aesgcm:
          keys:
            - name: key1
              secret: c2VjcmV0IGlzIHNlY3VyZQ==
            - name: "key 2"
              secret: dGhpcyBpcyBwYXNzd29yZA==
      - aescbc:
          keys:
            - secret: c2VjcmV0IGlzIHNlY3VyZQ==
              name: key1 # the old one
      - secretbox:
          keys:
          - name: 'key3'
            secret: YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=
  - resources: ["events"]
    providers:
    - kms:
        apiVersion: v2
        name: my-kms
        endpoint: unix:///var/run/kms.sock
        timeout: 3s
    - identity: {}
"""
KEYS = {("aesgcm", "key1"), ("aesgcm", "key 2"), ("aescbc", "key1"), ("secretbox", "key3"), ("kms", "my-kms")}


def test_yaml() -> None:
    assert encryption_config.keys(DOCUMENTED) == KEYS


def test_json() -> None:
    keys = {"keys": [{"name": "key1", "secret": "x"}]}
    providers = [{"aescbc": keys}, {"kms": {"name": "my-kms", "endpoint": "y"}}, {"identity": {}}]
    text = json.dumps({"resources": [{"resources": ["secrets"], "providers": providers}]})
    assert encryption_config.keys(text) == {("aescbc", "key1"), ("kms", "my-kms")}


@pytest.mark.parametrize(
    "text", ["", "kind: EncryptionConfiguration\n", "resources:\n- providers:\n  - identity: {}\n"]
)
def test_no_key(text: str) -> None:
    assert encryption_config.keys(text) == set()


@pytest.mark.parametrize(
    ("line", "replaced"),
    [
        ("          keys:\n            - name: key1", "          keys: [{name: key1, secret: x}]"),
        ("      - aesgcm:\n", "      - aesgcm: {keys: []}\n"),
        ("      - aesgcm:\n", "      - aesgcm: &anchor\n"),
        ("      - aesgcm:\n", "      - aesgcm: *anchor\n"),
        ("name: key1\n", "name: >-\n"),
        ("name: key1\n", "name: *anchor\n"),
        ("name: key1\n", 'name: "key\\u0031"\n'),
        ("name: key1\n", "name:\n"),
        ("      - aesgcm:\n", "      - ? aesgcm\n"),
        ("      - aesgcm:\n", "      - <<: *anchor\n"),
    ],
)
def test_what_lines_do_not_tell_is_not_guessed(line: str, replaced: str) -> None:
    assert line in DOCUMENTED
    assert encryption_config.keys(DOCUMENTED.replace(line, replaced, 1)) is None


@pytest.mark.parametrize("text", ["{", "{}", '{"resources": 1}', '{"resources": [{"providers": [{"aescbc": {}}]}]}'])
def test_json_that_is_something_else(text: str) -> None:
    assert encryption_config.keys(text) is None
