# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a cluster's API, and the only importer of ``kubernetes``.

The package finds out who we are and where the cluster is (contexts, exec plugins, files or data). Its generated models
are not used: objects look here as they do in the API's documentation and in ``kubectl get -o json``.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import ssl
import tempfile
import threading
import traceback
import typing as t
import urllib.parse

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from ._errors import MaintenanceError
from ._kube_http import Kube, KubeError

MISSING: str | None = None
try:
    import yaml
    from kubernetes.config import kube_config, load_incluster_config
    from kubernetes.config.config_exception import ConfigException
except ImportError:
    MISSING = traceback.format_exc()

__all__ = ["ARGUMENT_SPEC", "Kube", "KubeError", "api_module", "connect"]

ARGUMENT_SPEC: dict[str, t.Any] = {
    "kubeconfig": {"type": "raw", "no_log": True, "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
    "context": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_CONTEXT"])},
    "host": {"type": "str", "fallback": (env_fallback, ["K8S_AUTH_HOST"])},
    "api_key": {"type": "str", "no_log": True, "fallback": (env_fallback, ["K8S_AUTH_API_KEY"])},
    "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"], "fallback": (env_fallback, ["K8S_AUTH_SSL_CA_CERT"])},
    "client_cert": {"type": "path", "aliases": ["cert_file"], "fallback": (env_fallback, ["K8S_AUTH_CERT_FILE"])},
    # A path, no secret.
    "client_key": {
        "type": "path",
        "aliases": ["key_file"],
        "no_log": False,
        "fallback": (env_fallback, ["K8S_AUTH_KEY_FILE"]),
    },
    "servers": {"type": "list", "elements": "str"},
    "tls_server_name": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True, "aliases": ["verify_ssl"]},
}

# What a kubeconfig may say under `users` without a secret.
_PLAIN = frozenset(
    (
        "apiVersion",
        "as",
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
        secrets = set(_values(kubeconfig.get("users"), _PLAIN)) | {module.params["api_key"]}
        module.no_log_values -= set(_values(kubeconfig)) - secrets
    elif isinstance(kubeconfig, str) and "\n" not in kubeconfig:
        module.no_log_values.discard(kubeconfig)
    return module


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


def connect(params: t.Mapping[str, t.Any]) -> Kube:
    """The cluster that the options name. Nothing is sent before the first request."""
    if MISSING:
        raise MaintenanceError(missing_required_lib("kubernetes"), exception=MISSING)
    if params.get("validate_certs") is False:
        raise KubeError(
            "validate_certs=false is not possible: certificates are always verified. Name the CA in ca_cert"
        )
    access = _Access()
    with _scratch_folder() as folder:
        _load(params, access, folder)
        access.host = params.get("host") or access.host
        access.ssl_ca_cert = params.get("ca_cert") or access.ssl_ca_cert
        if params.get("client_cert"):
            access.cert_file, access.key_file = params["client_cert"], params.get("client_key")
        if not access.verify_ssl:
            raise KubeError(
                "the kubeconfig says insecure-skip-tls-verify, but certificates are always verified:"
                " give the cluster's certificate-authority, there or in ca_cert"
            )
        tls = _tls(access)
    if params.get("api_key"):
        access.api_key, access.refresh_api_key_hook = {"BearerToken": f"Bearer {params['api_key']}"}, None
    servers = [server.rstrip("/") for server in params.get("servers") or [access.host]]
    for server in servers:
        if urllib.parse.urlsplit(server).scheme != "https":
            raise KubeError(f"{server!r} is no address of an API: https://ADDRESS:PORT is wanted")
    return Kube(
        servers,
        tls,
        authorization=access.authorization,
        tls_server_name=params.get("tls_server_name") or access.tls_server_name,
        proxy=access.proxy,
    )


@contextlib.contextmanager
def _scratch_folder() -> t.Iterator[str]:
    """Where the package writes certificates that come as data: they live until the TLS library has read them."""
    with tempfile.TemporaryDirectory(prefix="kubeops-") as folder:
        try:
            yield folder
        finally:
            # Older versions of the package would offer the files again the next time, though they are gone.
            getattr(kube_config, "_cleanup_temp_files", lambda: None)()


@dataclasses.dataclass(repr=False)
class _Access:
    """What the package's loaders fill in, in place of its Configuration, which has its own ways with proxies."""

    host: str = ""
    ssl_ca_cert: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify_ssl: bool = True
    tls_server_name: str | None = None
    proxy: str | None = None
    api_key: dict[str, str] = dataclasses.field(default_factory=dict)
    refresh_api_key_hook: t.Callable[[_Access], None] | None = None
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def authorization(self) -> dict[str, str]:
        """The header for the next request; a token that expires is renewed before that."""
        with self.lock:
            if self.refresh_api_key_hook:
                self.refresh_api_key_hook(self)
            token = next(iter(self.api_key.values()), "")
            return {"Authorization": token} if token else {}


def _load(params: t.Mapping[str, t.Any], access: _Access, folder: str) -> None:
    """From the kubeconfig that is named; none where ``host`` says enough; else from the usual places."""
    kubeconfig = params.get("kubeconfig")
    if not kubeconfig and not params.get("context") and params.get("host"):
        return
    if isinstance(kubeconfig, str) and "\n" in kubeconfig:
        raise KubeError("kubeconfig is a text: give the path of the file, or its content as a dict (filter from_yaml)")
    source = "kubeconfig" if isinstance(kubeconfig, dict) else kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION
    try:
        if isinstance(kubeconfig, dict):
            found = kube_config.ConfigNode(source, kubeconfig)
        else:
            found = kube_config.KubeConfigMerger(source).config
        if found:
            _load_kubeconfig(found, params.get("context"), access, folder)
        elif kubeconfig or not os.environ.get("KUBERNETES_SERVICE_HOST"):
            raise KubeError(f"no kubeconfig at {source}: name one in kubeconfig or K8S_AUTH_KUBECONFIG, or give host")
        else:
            load_incluster_config(client_configuration=access)
    except OSError as error:
        raise KubeError(f"{source}: {error.filename}: {error.strerror}") from None
    except (AttributeError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise KubeError(f"{source} is no valid kubeconfig ({type(error).__name__})") from None
    except ConfigException as error:
        # Some of the package's messages quote the whole entry that is wrong, with the secrets in it.
        raise KubeError(f"{source}: {str(error).split('{', 1)[0]}") from None


def _load_kubeconfig(found: t.Any, context: str | None, access: _Access, folder: str) -> None:
    # Relative paths are relative to the file that says them.
    loader = kube_config.KubeConfigLoader(found, active_context=context, config_base_path=None, temp_file_path=folder)
    user = loader.current_context["context"].get("user")
    entry = found["users"].get_with_name(user, safe=True) if user and found.safe_get("users") else None
    provider = (entry.value.get("user") or {}).get("auth-provider") if entry else None
    if provider and not any(key.startswith("idp-certificate-authority") for key in provider.get("config") or {}):
        raise KubeError(
            f"user {user} of the kubeconfig has an auth-provider without idp-certificate-authority, whose certificate"
            " nobody would verify: name it, or use an exec plugin"
        )
    said = _Errors()
    logging.getLogger().addHandler(said)
    try:
        loader.load_and_set(access)
    finally:
        logging.getLogger().removeHandler(said)
    if said.messages:
        raise KubeError(f"no credentials for user {user} of the kubeconfig: {'; '.join(said.messages)}")


class _Errors(logging.Handler):
    """The package only logs that an exec plugin failed, and goes on as nobody."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def _tls(access: _Access) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=access.ssl_ca_cert)
        # Python 3.13 and later want key identifiers, which CAs of older clusters do not have and kubectl does not need.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if access.cert_file:
            # An encrypted key fails, where the TLS library would ask the terminal for the passphrase.
            context.load_cert_chain(access.cert_file, access.key_file, password=lambda: b"")
    except OSError as error:
        files = ", ".join(name for name in (access.ssl_ca_cert, access.cert_file, access.key_file) if name)
        raise KubeError(f"certificates that cannot be used ({files}): {error.strerror or error}") from None
    return context
