# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way to a cluster's API, and the only importer of ``kubernetes``.

The package finds out who we are and where the cluster is (contexts, exec plugins, files or data). Its generated models
are not used: objects look here as they do in the API's documentation and in ``kubectl get -o json``.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import base64
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

from ansible.module_utils.basic import missing_required_lib

from ._errors import MaintenanceError
from ._kube_http import Kube, KubeError
from ._kube_options import ARGUMENT_SPEC, api_module
from ._kube_proxy import Proxy

MISSING: str | None = None
try:
    import yaml
    from kubernetes.config import kube_config, load_incluster_config
    from kubernetes.config.config_exception import ConfigException
except ImportError:
    MISSING = traceback.format_exc()

__all__ = ["ARGUMENT_SPEC", "Kube", "KubeError", "api_module", "connect"]


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
    _override_credentials(params, access)
    servers = [server.rstrip("/") for server in params.get("servers") or [access.host]]
    for server in servers:
        if urllib.parse.urlsplit(server).scheme != "https":
            raise KubeError(f"{server!r} is no address of an API: https://ADDRESS:PORT is wanted")
    return Kube(
        servers,
        tls,
        authorization=access.authorization,
        tls_server_name=params.get("tls_server_name") or access.tls_server_name,
        proxy=Proxy(params.get("proxy") or access.proxy, params.get("no_proxy"), params.get("proxy_headers")),
        headers=access.impersonation,
    )


def _override_credentials(params: t.Mapping[str, t.Any], access: _Access) -> None:
    """Who the options say that we are, over the user of the kubeconfig."""
    user, password = params.get("username"), params.get("password")
    if bool(user) != bool(password):
        raise KubeError("username and password are given together, or none of them")
    if params.get("api_key"):
        access.api_key, access.refresh_api_key_hook = {"BearerToken": f"Bearer {params['api_key']}"}, None
    elif user:
        login = base64.b64encode(f"{user}:{password}".encode()).decode()
        access.api_key, access.refresh_api_key_hook = {"BearerToken": f"Basic {login}"}, None
    other, groups = params.get("impersonate_user"), params.get("impersonate_groups")
    if groups and not other:
        raise KubeError("impersonate_groups are groups of an impersonate_user, which is missing")
    if other:
        access.impersonation = _impersonation({"as": other, "as-groups": groups})


def _impersonation(user: t.Mapping[str, t.Any]) -> list[tuple[str, str]]:
    """Headers for what a kubeconfig says under a user, which the package does not read: it would act as the user."""
    headers = [("Impersonate-User", user.get("as")), ("Impersonate-Uid", user.get("as-uid"))]
    headers += [("Impersonate-Group", group) for group in user.get("as-groups") or []]
    for key, values in (user.get("as-user-extra") or {}).items():
        headers += [(f"Impersonate-Extra-{urllib.parse.quote(key.lower(), safe='')}", value) for value in values]
    return [(name, value) for name, value in headers if value]


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
    impersonation: list[tuple[str, str]] = dataclasses.field(default_factory=list)
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
        keep = None
        if isinstance(kubeconfig, dict):
            found = kube_config.ConfigNode(source, kubeconfig)
        else:
            files = kube_config.KubeConfigMerger(source)
            found, keep = files.config, files.save_changes if params.get("persist_config") else None
        if found:
            _load_kubeconfig(found, params.get("context"), access, folder, keep)
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


def _load_kubeconfig(
    found: t.Any, context: str | None, access: _Access, folder: str, keep: t.Callable[[], None] | None
) -> None:
    # Relative paths are relative to the file that says them.
    loader = kube_config.KubeConfigLoader(
        found, active_context=context, config_base_path=None, temp_file_path=folder, config_persister=keep
    )
    user = loader.current_context["context"].get("user")
    entry = found["users"].get_with_name(user, safe=True) if user and found.safe_get("users") else None
    said_of_user = (entry.value.get("user") or {}) if entry else {}
    access.impersonation = _impersonation(said_of_user)
    provider = said_of_user.get("auth-provider")
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
