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
  ca_cert:
    description:
      - File with the certificates of the authority that signed the API's certificate.
      - Where the task does not say it, the environment variable E(K8S_AUTH_SSL_CA_CERT) does.
    type: path
    aliases: [ssl_ca_cert]
  client_cert:
    description:
      - File with the client certificate.
      - Where the task does not say it, the environment variable E(K8S_AUTH_CERT_FILE) does.
    type: path
    aliases: [cert_file]
  client_key:
    description:
      - File with the key of the client certificate, without a passphrase.
      - Where the task does not say it, the environment variable E(K8S_AUTH_KEY_FILE) does.
    type: path
    aliases: [key_file]
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
      - Only V(true) is accepted. An authority that is not among the system's is named in O(ca_cert).
    type: bool
    default: true
    aliases: [verify_ssl]
requirements:
  - kubernetes >= 32.0.0 (Python package, where the module runs)
notes:
  - A proxy is that of the kubeconfig (C(proxy-url)), else of the environment (E(HTTPS_PROXY), and E(NO_PROXY),
    which may have networks in it). The loopback is always reached directly.
"""
