# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How kube-apiserver lays out its keys.

``/registry/RESOURCE/[NAMESPACE/]NAME``, with the group before the resource where it has a dot: custom resources and
those of aggregated groups. Four resources of old have another name there (kube-apiserver's
default_storage_factory_builder.go). Names have no slash, so that everything before a key's last one tells what it is
an object of.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

REGISTRY = b"/registry/"
# The UID of this object is the identity of a Kubernetes cluster.
KUBE_SYSTEM = b"/registry/namespaces/kube-system"
# One for each API server that runs, under its address, for 15 s at a time.
API_SERVERS = b"/registry/masterleases/"
_RENAMED = {b"controllers": "replicationcontrollers", b"ingress": "ingresses", b"minions": "nodes"}
_NESTED = {b"endpoints": "endpoints", b"specs": "services"}
_DIRECTORIES = {
    **{resource: name.decode() for name, resource in _RENAMED.items()},
    **{resource: f"services/{name.decode()}" for name, resource in _NESTED.items()},
}


class Place(t.NamedTuple):
    """What a key is an object of; ``namespace`` is empty where it is in none."""

    resource: str
    namespace: str


def place(key: bytes) -> Place:
    """A resource is spelled as in the names of CustomResourceDefinitions: ``pods``, ``widgets.example.com``.

    What is not Kubernetes' is told by its first path segment.
    """
    if not key.startswith(REGISTRY):
        start = 1 if key.startswith(b"/") else 0
        end = key.find(b"/", start)
        return Place(text(key if end < 0 else key[:end]), "")
    first, *rest = key[len(REGISTRY) :].split(b"/")
    if first == b"services" and len(rest) > 1 and rest[0] in _NESTED:
        resource, rest = _NESTED[rest[0]], rest[1:]
    elif b"." in first and len(rest) > 1:
        resource, rest = f"{text(rest[0])}.{text(first)}", rest[1:]
    else:
        resource = _RENAMED.get(first) or text(first)
    return Place(resource, text(rest[0]) if len(rest) > 1 else "")


def name(key: bytes) -> str:
    return text(key[key.rfind(b"/") + 1 :])


def keys(resource: str, namespace: str, object_name: str) -> list[bytes]:
    """Where an object may be: built-in resources have no group in their keys, whatever it is."""
    plain, _dot, group = resource.partition(".")
    directories = ([f"{group}/{plain}"] if group else []) + [_DIRECTORIES.get(plain, plain)]
    rest = [namespace, object_name] if namespace else [object_name]
    return ["/".join([REGISTRY.decode() + directory, *rest]).encode() for directory in directories]


def text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
