# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks listeners on this very node: never through a proxy.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t
import urllib.error
import urllib.request

Get = t.Callable[[str], tuple[int, str]]

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def get(url: str) -> tuple[int, str]:
    """Status and body; status 0 where nobody answers, with the reason as body."""
    try:
        with _DIRECT.open(url, timeout=5) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except (OSError, ValueError) as error:
        return 0, str(getattr(error, "reason", error))
