# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""_kube against a real TLS server on the loopback."""

from __future__ import annotations

import base64
import email.utils
import os
import pathlib
import stat
import sys
import tempfile
import threading
import time

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubeops.maintenance.plugins.module_utils import _kube, _kube_http
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError, connect
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube_proxy import Proxy
from ansible_collections.kubeops.maintenance.tests.ports import free_ports
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.apiserver import (
    Authority,
    ConnectProxy,
    Server,
    kubeconfig,
)
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kubernetes.config import incluster_config, kube_config

# Nobody is asked for its passphrase.
ENCRYPTED = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.BestAvailableEncryption(b"passphrase"),
)
NODE = {"kind": "Node", "metadata": {"name": "w1"}}


def node(_request):
    return 200, NODE, {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def quiet_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("K8S_AUTH_", "KUBE")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def authority(tmp_path):
    (tmp_path / "lab-ca").mkdir()
    return Authority(tmp_path / "lab-ca")


@pytest.fixture
def serve(authority):
    servers = []

    def start(answer=node, **names):
        servers.append(Server(authority, answer, **names))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def closed_port():
    (port,) = free_ports(1)
    return f"https://127.0.0.1:{port}"


def certificate_data(authority, name="kubernetes-admin"):
    certificate, key = (base64.b64encode(pathlib.Path(path).read_bytes()).decode() for path in authority.issue(name))
    return {"client-certificate-data": certificate, "client-key-data": key}


# Who we are


def test_token_and_ca_from_options(serve, authority):
    server = serve()
    kube = connect({"host": server.url, "api_key": "s3cret", "ca_cert": authority.ca})
    assert kube.get("/api/v1/nodes/w1") == NODE
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert kube.server == server.url


def test_certificates_of_a_dict_are_gone_before_the_first_request(serve, authority, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    modes = []
    real = _kube._tls

    def spy(access):
        modes.extend(stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "temporary").glob("*/*"))
        return real(access)

    monkeypatch.setattr(_kube, "_tls", spy)
    server = serve()
    kube = connect({"kubeconfig": kubeconfig(server.url, authority, certificate_data(authority))})
    assert modes == [0o600] * 3
    assert list((tmp_path / "temporary").iterdir()) == []
    kube.get("/")
    assert server.requests[0].client == "kubernetes-admin"


@pytest.mark.parametrize("key", [b"no key", ENCRYPTED])
def test_certificates_are_gone_when_they_are_of_no_use(authority, tmp_path, monkeypatch, key):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    user = {**certificate_data(authority), "client-key-data": base64.b64encode(key).decode()}
    with pytest.raises(KubeError, match="certificates that cannot be used"):
        connect({"kubeconfig": kubeconfig("https://127.0.0.1:1", authority, user)})
    assert list((tmp_path / "temporary").iterdir()) == []


def test_kubeconfig_file_with_paths_relative_to_it_and_a_context(serve, authority, tmp_path):
    server = serve()
    authority.issue("operator")
    config = kubeconfig(
        server.url, authority, {"client-certificate": "lab-ca/operator.crt", "client-key": "lab-ca/operator.key"}
    )
    config["contexts"].append({"name": "other", "context": {"cluster": "lab", "user": "nobody"}})
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    for context, client in ((None, "operator"), ("admin@lab", "operator"), ("other", "")):
        connect({"kubeconfig": str(tmp_path / "config"), "context": context}).get("/")
        assert server.requests[-1].client == client


EXPIRING = """
import json, pathlib
counter = pathlib.Path({counter!r})
calls = len(counter.read_text()) + 1 if counter.exists() else 1
counter.write_text("x" * calls)
status = dict(token="token-%d" % calls, expirationTimestamp="%d-01-01T00:00:00Z" % (2020 if calls == 1 else 2999))
print(json.dumps(dict(apiVersion="client.authentication.k8s.io/v1", kind="ExecCredential", status=status)))
"""


def test_exec_plugin(serve, authority, tmp_path):
    server = serve()
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", EXPIRING.format(counter=str(tmp_path / "calls"))],
        "interactiveMode": "Never",
    }
    kube = connect({"kubeconfig": kubeconfig(server.url, authority, {"exec": plugin})})
    for _call in range(3):
        kube.get("/")
    # The first token is of the past when it comes to be used; the second is good for long.
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer token-2"] * 3


def test_exec_plugin_that_fails_is_told(authority):
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", "raise SystemExit('login first')"],
    }
    with pytest.raises(KubeError, match=r"no credentials for user admin.*login first"):
        connect({"kubeconfig": kubeconfig("https://127.0.0.1:1", authority, {"exec": plugin})})


def test_options_go_over_the_kubeconfig(serve, authority):
    server = serve()
    config = kubeconfig("https://192.0.2.1:6443", authority, {"token": "of-the-file"})
    connect({"kubeconfig": config, "host": server.url + "/", "api_key": "of-the-option"}).get("/api")
    assert server.requests[0].headers["Authorization"] == "Bearer of-the-option"
    assert server.requests[0].path == "/api"


def test_in_a_pod(serve, authority, tmp_path, monkeypatch):
    server = serve()
    (tmp_path / "token").write_text("of-the-service-account")
    monkeypatch.setattr(_kube.kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "nothing"))
    with pytest.raises(KubeError, match="K8S_AUTH_KUBECONFIG"):
        connect({})
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", authority.ca)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", server.url.rsplit(":", 1)[1])
    connect({}).get("/")
    assert server.requests[0].headers["Authorization"].lower() == "bearer of-the-service-account"


def test_only_the_secrets_of_a_kubeconfig_are_masked(authority):
    user = {
        **certificate_data(authority),
        "username": "admin",
        "password": "pw",
        "exec": {"command": "login-helper", "apiVersion": "v1", "env": [{"name": "ACCOUNT", "value": "s3cret"}]},
    }
    config = kubeconfig("https://192.0.2.1:6443", authority, user)
    with patch_module_args({"kubeconfig": config, "api_key": "lab", "client_key": "/etc/key"}):
        module = _kube.api_module({})
    assert module.no_log_values == {
        user["client-certificate-data"], user["client-key-data"], "pw", "s3cret", "lab"
    }  # fmt: skip


@pytest.mark.parametrize(("value", "masked"), [("/etc/kubernetes/admin.conf", set()), ("a: b\nc: d", {"a: b\nc: d"})])
def test_a_path_is_no_secret(value, masked):
    with patch_module_args({"kubeconfig": value}):
        assert _kube.api_module({}).no_log_values == masked


def test_passwords_in_addresses_are_masked():
    addresses = {"proxy": "http://me:p%40ss@proxy:3128", "host": "https://me:host-pw@api:6443"}
    with patch_module_args({**addresses, "servers": ["https://[broken", "https://10.0.0.1:6443"]}):
        assert _kube.api_module({}).no_log_values == {"p%40ss", "p@ss", "host-pw"}


VARIABLES = {
    "KUBECONFIG": "kubeconfig",
    "HOST": "host",
    "API_KEY": "api_key",
    "USERNAME": "username",
    "PASSWORD": "password",
    "CA_CERT": "ca_cert",
    "SSL_CA_CERT": "ca_cert",
    "CLIENT_CERT": "client_cert",
    "CERT_FILE": "client_cert",
    "CLIENT_KEY": "client_key",
    "KEY_FILE": "client_key",
    "IMPERSONATE_USER": "impersonate_user",
    "PROXY": "proxy",
    "NO_PROXY": "no_proxy",
}


@pytest.mark.parametrize(("variable", "option"), VARIABLES.items())
def test_the_environment_is_a_fallback(monkeypatch, variable, option):
    monkeypatch.setenv(f"K8S_AUTH_{variable}", "/theirs")
    with patch_module_args({}):
        assert _kube.api_module({}).params[option] == "/theirs"
    with patch_module_args({option: "/mine"}):
        assert _kube.api_module({}).params[option] == "/mine"


def test_the_environment_is_a_fallback_for_what_is_no_text(monkeypatch):
    monkeypatch.setenv("K8S_AUTH_PERSIST_CONFIG", "yes")
    monkeypatch.setenv("K8S_AUTH_IMPERSONATE_GROUPS", "admins,auditors")
    monkeypatch.setenv("K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH", "me:pw")
    with patch_module_args({}):
        module = _kube.api_module({})
    assert module.params["persist_config"] is True
    assert module.params["impersonate_groups"] == ["admins", "auditors"]
    assert module.params["proxy_headers"] == {"proxy_basic_auth": "me:pw", "basic_auth": None, "user_agent": None}
    assert module.no_log_values == {"me:pw"}


def test_basic_authentication(serve, authority):
    server = serve()
    options = {"host": server.url, "ca_cert": authority.ca, "username": "jo", "password": "s3cret"}
    connect(options).get("/")
    connect({**options, "api_key": "token"}).get("/")
    assert [request.headers["Authorization"] for request in server.requests] == [
        f"Basic {base64.b64encode(b'jo:s3cret').decode()}",
        "Bearer token",
    ]


NOBODY = dict.fromkeys(("Impersonate-User", "Impersonate-Uid", "Impersonate-Group", "Impersonate-Extra-a%2Fb"))


@pytest.mark.parametrize(
    ("said", "options", "sent"),
    [
        ({}, {}, {}),
        ({}, {"impersonate_user": "jo"}, {"Impersonate-User": ["jo"]}),
        (
            {"as": "kim", "as-groups": ["old"]},
            {"impersonate_user": "jo", "impersonate_groups": ["admins", "auditors"]},
            {"Impersonate-User": ["jo"], "Impersonate-Group": ["admins", "auditors"]},
        ),
        (
            {"as": "kim", "as-uid": "1", "as-groups": ["a", "b"], "as-user-extra": {"A/b": ["x", "y"]}},
            {},
            {
                "Impersonate-User": ["kim"],
                "Impersonate-Uid": ["1"],
                "Impersonate-Group": ["a", "b"],
                "Impersonate-Extra-a%2Fb": ["x", "y"],
            },
        ),
    ],
)
def test_acting_as_somebody_else(serve, authority, said, options, sent):
    server = serve()
    connect({"kubeconfig": kubeconfig(server.url, authority, {"token": "t", **said}), **options}).get("/")
    headers = server.requests[0].headers
    assert {name: headers.get_all(name) for name in NOBODY} == {**NOBODY, **sent}
    assert headers["Authorization"] == "Bearer t"


@pytest.mark.parametrize(("persist", "kept"), [(True, "new"), (None, "old")])
def test_a_renewed_token_is_kept_where_somebody_wants_it(serve, authority, tmp_path, monkeypatch, persist, kept):
    def renew(_loader, provider):
        provider["config"].value["id-token"] = "new"

    monkeypatch.setattr(kube_config.KubeConfigLoader, "_refresh_oidc", renew)
    expired = ".".join(base64.b64encode(part).decode().rstrip("=") for part in (b"{}", b'{"exp": 1}', b"x"))
    provider = {"name": "oidc", "config": {"id-token": expired, "idp-certificate-authority-data": "Cg=="}}
    server = serve()
    config = kubeconfig(server.url, authority, {"auth-provider": provider})
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    connect({"kubeconfig": str(tmp_path / "config"), "persist_config": persist}).get("/")
    assert server.requests[0].headers["Authorization"] == "Bearer new"
    written = yaml.safe_load((tmp_path / "config").read_text())["users"][0]["user"]["auth-provider"]["config"]
    assert written["id-token"] == {"new": "new", "old": expired}[kept]


# TLS


def test_unknown_ca_is_refused(serve, tmp_path):
    server = serve()
    (tmp_path / "other-ca").mkdir()
    with pytest.raises(
        KubeError, match=r"GET /: no answer from https://127.*certificate verify failed.*ca_cert"
    ) as caught:
        connect({"host": server.url, "ca_cert": Authority(tmp_path / "other-ca").ca}).get("/")
    assert caught.value.status == 0
    assert server.requests == []


def test_wrong_name_is_refused_and_tls_server_name_is_what_counts(serve, authority):
    server = serve(dns="kubernetes", address="")
    options = {"host": server.url, "ca_cert": authority.ca}
    with pytest.raises(KubeError, match="TLS"):
        connect(options).get("/")
    assert connect({**options, "tls_server_name": "kubernetes"}).get("/") == NODE
    assert server.tls_names[-1] == "kubernetes"
    with pytest.raises(KubeError, match="TLS"):
        connect({**options, "tls_server_name": "elsewhere"}).get("/")


def test_tls_server_name_of_a_kubeconfig(serve, authority):
    server = serve(dns="kubernetes", address="")
    config = kubeconfig(server.url, authority, {"token": "t"}, **{"tls-server-name": "kubernetes"})
    assert connect({"kubeconfig": config}).get("/") == NODE


def test_ca_without_key_identifiers_is_verified_like_any_other(tmp_path):
    (tmp_path / "old-ca").mkdir()
    old = Authority(tmp_path / "old-ca", old_style=True)
    server = Server(old, node)
    try:
        assert connect({"host": server.url, "ca_cert": old.ca}).get("/") == NODE
    finally:
        server.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"validate_certs": False}, "always verified"),
        ({"servers": ["http://127.0.0.1:8001"]}, "'http://127.0.0.1:8001' is no address of an API"),
        ({"servers": ["10.0.0.1:6443"]}, "'10.0.0.1:6443' is no address of an API"),
        ({"kubeconfig": "/nonexistent/config"}, "no kubeconfig at /nonexistent/config"),
        ({"kubeconfig": "kind: Config\nusers: []"}, "is a text"),
        ({"kubeconfig": {"kind": "Config"}}, "Expected key current-context"),
        ({"context": "nowhere"}, "Expected object with name nowhere in kubeconfig/contexts"),
        ({"username": "jo"}, "username and password are given together"),
        ({"password": "pw"}, "username and password are given together"),
        ({"impersonate_groups": ["admins"]}, "impersonate_groups are groups of an impersonate_user"),
        ({"ca_cert": "/nonexistent/ca.crt"}, "/nonexistent/ca.crt"),
    ],
)
def test_bad_options_are_refused(authority, change, message):
    options = {"kubeconfig": kubeconfig("https://127.0.0.1:1", authority, {"token": "t"}), **change}
    with pytest.raises(KubeError, match=message):
        connect(options)


def test_unverified_kubeconfig_is_refused(authority):
    config = kubeconfig("https://127.0.0.1:1", authority, {}, **{"insecure-skip-tls-verify": True})
    with pytest.raises(KubeError, match="insecure-skip-tls-verify"):
        connect({"kubeconfig": config})


def test_unverified_identity_provider_is_refused(authority):
    provider = {"name": "oidc", "config": {"id-token": "a.b.c", "idp-issuer-url": "https://192.0.2.1"}}
    config = kubeconfig("https://127.0.0.1:1", authority, {"auth-provider": provider})
    with pytest.raises(KubeError, match="idp-certificate-authority"):
        connect({"kubeconfig": config})


def test_no_secret_in_the_message_about_a_broken_kubeconfig(tmp_path):
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "lab", "user": "u"}}],
        "clusters": [{"name": "lab", "cluster": {"server": "https://127.0.0.1:1"}}],
        # A user whose token is one level too high.
        "users": [{"name": "u", "token": "s3cret"}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    with pytest.raises(KubeError) as caught:
        connect({"kubeconfig": str(tmp_path / "config")})
    assert "s3cret" not in caught.value.msg
    (tmp_path / "config").write_text("users: [s3cret")
    with pytest.raises(KubeError, match="no valid kubeconfig") as caught:
        connect({"kubeconfig": str(tmp_path / "config")})
    assert "s3cret" not in caught.value.msg


# Servers


def test_the_next_server_is_tried_and_kept(serve, authority):
    dead, alive = closed_port(), serve()
    config = kubeconfig("https://192.0.2.1:6443", authority, {"token": "t"})
    kube = connect({"kubeconfig": config, "servers": [dead, alive.url]})
    kube.post("/made", {"a": 1})
    assert kube.server == alive.url
    assert [(request.method, request.body) for request in alive.requests] == [("POST", {"a": 1})]


def test_all_servers_are_named_when_none_answers(authority):
    first, second = closed_port(), closed_port()
    with pytest.raises(KubeError) as caught:
        connect({"host": first, "servers": [first, second], "ca_cert": authority.ca}).get("/readyz")
    assert caught.value.status == 0
    assert caught.value.msg.startswith(f"GET /readyz: no answer from {first} (")
    assert f", {second} (" in caught.value.msg
    assert "Connection refused" in caught.value.msg


def test_a_change_that_may_have_begun_is_not_asked_of_the_next_server(serve, authority, monkeypatch):
    monkeypatch.setattr(_kube_http, "READ_TIMEOUT", 1)
    release = threading.Event()

    def slow(request):
        release.wait(60)
        return node(request)

    first, second = serve(slow), serve()
    kube = connect({"host": first.url, "servers": [first.url, second.url], "ca_cert": authority.ca})
    with pytest.raises(KubeError, match=r"PATCH /x: no answer from .* \(no answer within 1 s\)") as caught:
        kube.patch("/x", {})
    assert caught.value.status == 0
    assert kube.get("/x") == NODE
    release.set()
    assert [request.method for request in second.requests] == ["GET"]


# Answers


def status(code, message, **more):
    def answer(_request):
        content = {"kind": "Status", "code": code, "message": message, **more}
        return code, content, more.pop("headers", {})

    return answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            status(404, 'nodes "w9" not found', reason="NotFound"),
            {"status": 404, "reason": "NotFound", "message": 'nodes "w9" not found', "retry_after": None},
        ),
        (status(401, "Unauthorized", reason="Unauthorized"), {"status": 401, "message": "Unauthorized"}),
        (
            status(429, "no", reason="TooManyRequests", details={"causes": [{"reason": "DisruptionBudget"}]}),
            {"status": 429, "causes": [{"reason": "DisruptionBudget"}], "retry_after": None},
        ),
        (status(429, "no", details={"retryAfterSeconds": 10}), {"status": 429, "retry_after": 10.0}),
        (lambda _request: (429, "too many", {"Retry-After": "3"}), {"status": 429, "retry_after": 3.0}),
        (lambda _request: (503, "maintenance", {"Retry-After": "3600"}), {"status": 503, "retry_after": 30.0}),
        (status(429, "no", details={"retryAfterSeconds": 3600}), {"status": 429, "retry_after": 30.0}),
        (lambda _request: (503, "", {"Retry-After": "\u00b2"}), {"status": 503, "retry_after": None}),
        (
            lambda _request: (502, "<html>bad gateway</html>", {}),
            {"status": 502, "message": "<html>bad gateway</html>"},
        ),
        (lambda _request: (503, "", {}), {"status": 503, "message": "Service Unavailable"}),
        (lambda _request: (500, "[1]", {}), {"status": 500, "message": "[1]"}),
        # What gateways say in JSON of their own.
        (status(503, "down", details=[{"at": "gateway"}]), {"status": 503, "message": "down", "causes": []}),
        (status(503, "down", details={"causes": ["x"]}), {"status": 503, "causes": []}),
        (lambda _request: (302, "", {"Location": "https://192.0.2.9/login"}), {"status": 302, "message": "Found"}),
    ],
)
def test_refusals_carry_what_the_server_said(serve, authority, answer, expected):
    server = serve(answer)
    with pytest.raises(KubeError) as caught:
        connect({"host": server.url, "ca_cert": authority.ca}).get("/api/v1/nodes/w9")
    assert {key: getattr(caught.value, key) for key in expected} == expected
    assert caught.value.msg.startswith(f"GET /api/v1/nodes/w9 at {server.url}: {expected['status']} ")


def test_an_answer_that_is_no_object(serve, authority):
    server = serve(lambda _request: (200, "<html>login</html>", {"Content-Type": "text/html"}))
    kube = connect({"host": server.url, "ca_cert": authority.ca})
    with pytest.raises(KubeError, match=r"text/html\) is no Kubernetes object"):
        kube.get("/")
    assert kube.raw("/readyz") == "<html>login</html>"


def test_an_answer_that_is_no_list_is_no_empty_list(serve, authority):
    server = serve(lambda _request: (200, {"error": "sign in first"}, {}))
    with pytest.raises(KubeError, match=r"GET /api/v1/pods at .* no list of Kubernetes objects") as caught:
        connect({"host": server.url, "ca_cert": authority.ca}).list("/api/v1/pods")
    assert caught.value.status == 0


def test_lists_are_read_in_pages_and_anew_when_the_token_expires(serve, authority):
    pages = [
        (200, {"items": [1], "metadata": {"continue": "a b"}}, {}),
        (410, {"kind": "Status", "message": "expired"}, {}),
        (200, {"items": [2, 3], "metadata": {"continue": "c", "resourceVersion": "7"}}, {}),
        (200, {"items": [4], "metadata": {"resourceVersion": "7"}}, {}),
    ]
    server = serve(lambda _request: pages.pop(0))
    kube = connect({"host": server.url, "ca_cert": authority.ca})
    found = kube.list("/api/v1/pods", {"fieldSelector": "spec.nodeName=w1"})
    assert found == [2, 3, 4]
    assert found.version == "7"
    query = "/api/v1/pods?fieldSelector=spec.nodeName%3Dw1&limit=500"
    assert [request.path for request in server.requests] == [
        query,
        query + "&continue=a+b",
        query,
        query + "&continue=c",
    ]


def test_pages_come_one_by_one(serve, authority):
    answers = [(200, {"items": [1], "metadata": {"continue": "a"}}, {}), (200, {"items": None}, {})]
    server = serve(lambda _request: answers.pop(0))
    pages = connect({"host": server.url, "ca_cert": authority.ca}).pages("/api/v1/nodes")
    assert next(pages) == [1]
    assert len(server.requests) == 1
    assert list(pages) == [[]]


def test_the_servers_time_comes_with_every_answer(serve, authority):
    kube = connect({"host": serve().url, "ca_cert": authority.ca})
    assert kube.date == ""
    kube.get("/")
    sent = email.utils.parsedate_to_datetime(kube.date)
    assert abs(sent.timestamp() - time.time()) < 60
    assert 0 <= time.monotonic() - kube.heard[1] < 60


def test_a_refusal_may_be_of_a_proxy_whose_clock_nobody_goes_by(serve, authority):
    kube = connect({"host": serve(lambda _request: (502, "bad gateway", {})).url, "ca_cert": authority.ca})
    with pytest.raises(KubeError):
        kube.get("/")
    assert kube.date == ""


def test_bodies_and_content_types(serve, authority):
    server = serve()
    kube = connect({"host": server.url, "ca_cert": authority.ca})
    kube.patch("/a", {"spec": None})
    kube.patch("/a", [{"op": "test"}], content_type="application/json-patch+json")
    kube.delete("/a")
    kube.delete("/a", {"preconditions": {"uid": "1"}})
    assert [(request.method, request.body, request.headers.get("Content-Type")) for request in server.requests] == [
        ("PATCH", {"spec": None}, "application/merge-patch+json"),
        ("PATCH", [{"op": "test"}], "application/json-patch+json"),
        ("DELETE", None, None),
        ("DELETE", {"preconditions": {"uid": "1"}}, "application/json"),
    ]


# Proxies


@pytest.mark.parametrize(
    ("server", "no_proxy", "direct"),
    [
        ("https://10.1.2.3:6443", "", False),
        ("https://10.1.2.3:6443", "example.com,10.0.0.0/8", True),
        ("https://10.1.2.3:6443", "10.1.2.3", True),
        ("https://10.1.2.3:6443", "10.1.2.3:443", False),
        ("https://10.1.2.3:6443", "10.1.2.3:6443", True),
        ("https://api.example.com:6443", "example.com", True),
        ("https://api.example.com:6443", ".example.com", True),
        ("https://api.example.com:6443", "ample.com, other", False),
        ("https://api.example.com:6443", "*", True),
        ("https://[fd00::1]:6443", "fd00::/8", True),
        ("https://127.0.0.1:6443", "", True),
        ("https://[::1]:6443", "", True),
        ("https://localhost:6443", "", True),
    ],
)
def test_the_environments_proxy_is_used_where_it_applies(monkeypatch, server, no_proxy, direct):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert Proxy().url_for(server) == ("" if direct else "http://proxy.example.com:3128")


def test_a_proxy_that_does_not_answer_is_not_taken_for_the_server(authority, monkeypatch):
    monkeypatch.setenv("https_proxy", closed_port().replace("https", "http"))
    with pytest.raises(KubeError, match=r"192\.0\.2\.1:6443 \(.*proxy") as caught:
        connect({"host": "https://192.0.2.1:6443", "ca_cert": authority.ca}).get("/")
    assert caught.value.status == 0


@pytest.mark.parametrize(
    ("no_proxy", "asked"),
    [(None, 1), ("example.com", 1), ("example.com,127.0.0.0/8", 0)],
)
def test_a_proxy_that_is_named_is_used_for_what_is_not_excepted(serve, authority, monkeypatch, no_proxy, asked):
    # Not of the named one's concern.
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = serve()
    headers = {"proxy_basic_auth": "me:pw", "basic_auth": None, "user_agent": "ours/1"}
    with ConnectProxy() as proxy:
        connect(
            {
                "kubeconfig": kubeconfig(server.url, authority, {"token": "t"}, **{"proxy-url": "http://192.0.2.1:1"}),
                "proxy": proxy.url,
                "no_proxy": no_proxy,
                "proxy_headers": headers,
            }
        ).get("/")
    assert len(server.requests) == 1
    assert len(proxy.asked) == asked
    for head in proxy.asked:
        assert head.startswith(f"CONNECT {server.url.removeprefix('https://')} ")
        assert f"proxy-authorization: basic {base64.b64encode(b'me:pw').decode()}".lower() in head.lower()
        assert "user-agent: ours/1" in head.lower()
        assert "Bearer" not in head


def test_no_proxy_goes_over_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8")
    assert Proxy().url_for("https://10.1.2.3:6443") == ""
    assert Proxy(exceptions="192.0.2.0/24").url_for("https://10.1.2.3:6443") == "http://proxy.example.com:3128"
    assert Proxy(exceptions="192.0.2.0/24").url_for("https://192.0.2.1:6443") == ""
