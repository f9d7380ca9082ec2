# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the way to a cluster's API: those of kubernetes.core, with its names, and a few more.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import typing as t
import urllib.parse

from ansible.module_utils.basic import AnsibleModule, env_fallback


def _from(*names: str) -> tuple[t.Any, list[str]]:
    """The environment variables that say what the task does not."""
    return env_fallback, [f"K8S_AUTH_{name}" for name in names]


ARGUMENT_SPEC: dict[str, t.Any] = {
    "kubeconfig": {"type": "raw", "no_log": True, "fallback": _from("KUBECONFIG")},
    "context": {"type": "str", "fallback": _from("CONTEXT")},
    "host": {"type": "str", "fallback": _from("HOST")},
    "api_key": {"type": "str", "no_log": True, "fallback": _from("API_KEY")},
    "username": {"type": "str", "fallback": _from("USERNAME")},
    "password": {"type": "str", "no_log": True, "fallback": _from("PASSWORD")},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": _from("CA_CERT", "SSL_CA_CERT")},
    "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": _from("CLIENT_CERT", "CERT_FILE")},
    # A path, no secret.
    "client_key": {
        "type": "path",
        "aliases": ["key_file"],
        "no_log": False,
        "fallback": _from("CLIENT_KEY", "KEY_FILE"),
    },
    "impersonate_user": {"type": "str", "fallback": _from("IMPERSONATE_USER")},
    "impersonate_groups": {"type": "list", "elements": "str", "fallback": _from("IMPERSONATE_GROUPS")},
    "proxy": {"type": "str", "fallback": _from("PROXY")},
    "no_proxy": {"type": "str", "fallback": _from("NO_PROXY")},
    "proxy_headers": {
        "type": "dict",
        # So that the environment is looked at where the task says nothing about the proxy.
        "apply_defaults": True,
        "options": {
            "proxy_basic_auth": {"type": "str", "no_log": True, "fallback": _from("PROXY_HEADERS_PROXY_BASIC_AUTH")},
            "basic_auth": {"type": "str", "no_log": True, "fallback": _from("PROXY_HEADERS_BASIC_AUTH")},
            "user_agent": {"type": "str", "fallback": _from("PROXY_HEADERS_USER_AGENT")},
        },
    },
    "persist_config": {"type": "bool", "fallback": _from("PERSIST_CONFIG")},
    "servers": {"type": "list", "elements": "str"},
    "tls_server_name": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True, "aliases": ["verify_ssl"]},
}

# What a kubeconfig may say under `users` without a secret.
_PLAIN = frozenset(
    (
        "apiVersion",
        "as",
        "as-groups",
        "client-certificate",
        "client-key",
        "command",
        "interactiveMode",
        "name",
        "tokenFile",
        "username",
    )
)


def api_module(argument_spec: t.Mapping[str, t.Any], **kwargs: t.Any) -> t.Any:
    """An AnsibleModule with the options of the API.

    ``no_log`` would mask every single value of a kubeconfig given as a dict, "v1" and "kubernetes" among them, wherever
    they occur in a result. Here its secrets stay masked and nothing else.
    """
    module = AnsibleModule(argument_spec={**ARGUMENT_SPEC, **argument_spec}, **kwargs)
    kubeconfig = module.params["kubeconfig"]
    if isinstance(kubeconfig, dict):
        others = {name: module.params[name] for name in ("api_key", "password", "proxy_headers")}
        secrets = {*_values(kubeconfig.get("users"), _PLAIN), *_values(others, {"user_agent"})}
        module.no_log_values -= set(_values(kubeconfig)) - secrets
    elif isinstance(kubeconfig, str) and "\n" not in kubeconfig:
        module.no_log_values.discard(kubeconfig)
    module.no_log_values.update(
        _passwords([module.params["proxy"], module.params["host"], *(module.params["servers"] or ())])
    )
    return module


def _passwords(addresses: t.Iterable[str | None]) -> t.Iterator[str]:
    """In an address that says as whom it is to be used."""
    for address in filter(None, addresses):
        with contextlib.suppress(ValueError):
            password = urllib.parse.urlsplit(address).password
            if password:
                yield from (password, urllib.parse.unquote(password))


def _values(tree: t.Any, without: t.Container[str] = ()) -> t.Iterator[str]:
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key not in without:
                yield from _values(value, without)
    elif isinstance(tree, list):
        for value in tree:
            yield from _values(value, without)
    elif tree is not None and not isinstance(tree, bool):
        yield str(tree)
