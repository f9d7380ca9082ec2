# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: may change at any time.

from __future__ import annotations


class ModuleDocFragment:
    # The way to the API of a cluster.
    DOCUMENTATION = r"""
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file (several, with V(:) between them), or the content of one as a dictionary.
      - Without it, and without O(host), C(KUBECONFIG), C(~/.kube/config) and the service account of a pod are tried.
      - Where the task does not say it, the environment variable E(K8S_AUTH_KUBECONFIG) does.
    type: raw
  context:
    description:
      - Context of the kubeconfig. The default is its current context.
      - Where the task does not say it, the environment variable E(K8S_AUTH_CONTEXT) does.
    type: str
  host:
    description:
      - URL of the API, C(https://ADDRESS:PORT), over the one of the kubeconfig.
      - Where the task does not say it, the environment variable E(K8S_AUTH_HOST) does.
    type: str
  api_key:
    description:
      - Bearer token, over the user of the kubeconfig.
      - Where the task does not say it, the environment variable E(K8S_AUTH_API_KEY) does.
    type: str
  username:
    description:
      - Name for HTTP basic authentication, over the user of the kubeconfig, with O(password).
      - No apiserver knows it since Kubernetes 1.19. What stands before one may.
      - Where the task does not say it, the environment variable E(K8S_AUTH_USERNAME) does.
    type: str
  password:
    description:
      - Password for O(username).
      - Where the task does not say it, the environment variable E(K8S_AUTH_PASSWORD) does.
    type: str
  impersonate_user:
    description:
      - Act as this user, over the C(as) of the kubeconfig.
      - Where the task does not say it, the environment variable E(K8S_AUTH_IMPERSONATE_USER) does.
    type: str
  impersonate_groups:
    description:
      - Groups of O(impersonate_user).
      - Where the task does not say it, the environment variable E(K8S_AUTH_IMPERSONATE_GROUPS) does, with V(,) between
        them.
    type: list
    elements: str
  ca_cert:
    description:
      - File with the certificates of the authority that signed the API's certificate.
      - Where the task does not say it, the environment variables E(K8S_AUTH_CA_CERT) and E(K8S_AUTH_SSL_CA_CERT) do.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - File with the client certificate.
      - Where the task does not say it, the environment variables E(K8S_AUTH_CLIENT_CERT) and E(K8S_AUTH_CERT_FILE) do.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - File with the key of the client certificate, without a passphrase.
      - Where the task does not say it, the environment variables E(K8S_AUTH_CLIENT_KEY) and E(K8S_AUTH_KEY_FILE) do.
    type: path
    aliases: [key_file]
  proxy:
    description:
      - URL of the proxy, over the one of the kubeconfig (C(proxy-url)) and of the environment (E(HTTPS_PROXY)).
      - A login belongs in O(proxy_headers), where it is masked.
      - Where the task does not say it, the environment variable E(K8S_AUTH_PROXY) does.
    type: str
  no_proxy:
    description:
      - Names, domains, addresses and networks that are reached without a proxy, with V(,) between them.
      - Over the E(NO_PROXY) of the environment, which holds for the proxy of the environment only.
      - Where the task does not say it, the environment variable E(K8S_AUTH_NO_PROXY) does.
    type: str
  proxy_headers:
    description: What the proxy is told of us.
    type: dict
    suboptions:
      proxy_basic_auth:
        description:
          - V(USERNAME:PASSWORD) for the header C(Proxy-Authorization).
          - Where the task does not say it, the environment variable E(K8S_AUTH_PROXY_HEADERS_PROXY_BASIC_AUTH) does.
        type: str
      basic_auth:
        description:
          - V(USERNAME:PASSWORD) for the header C(Authorization).
          - Where the task does not say it, the environment variable E(K8S_AUTH_PROXY_HEADERS_BASIC_AUTH) does.
        type: str
      user_agent:
        description:
          - Value of the header C(User-Agent).
          - Where the task does not say it, the environment variable E(K8S_AUTH_PROXY_HEADERS_USER_AGENT) does.
        type: str
  persist_config:
    description:
      - Whether a token that the Python package renews with a kubeconfig's C(auth-provider) is written to that file.
      - Where the task does not say it, the environment variable E(K8S_AUTH_PERSIST_CONFIG) does.
    type: bool
  servers:
    description:
      - URLs of the same API, tried in turn instead of the kubeconfig's.
      - The one that answers is kept until it no longer does.
    type: list
    elements: str
  tls_server_name:
    description:
      - Name that the API's certificate must have, where it is not the one in the URL.
      - V(kubernetes) is in the certificates that kubeadm makes.
    type: str
  validate_certs:
    description:
      - Only V(true) is accepted, and E(K8S_AUTH_VERIFY_SSL) is not looked at. An authority that is not among the
        system's is named in O(ca_cert).
    type: bool
    default: true
    aliases: [verify_ssl]
requirements:
  - kubernetes >= 32.0.0 (Python package, where the module runs)
notes:
  - Without O(proxy) the proxy is that of the kubeconfig (C(proxy-url)), else of the environment (E(HTTPS_PROXY), and
    E(NO_PROXY), which may have networks in it; the loopback is never reached through it).
"""
