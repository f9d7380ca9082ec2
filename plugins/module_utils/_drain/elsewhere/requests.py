# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pods ask of a node, in the scheduler's arithmetic: whole numbers, rounded up, so that sums are exact.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import decimal
import functools
import math
import re
import typing as t

from ..pods import Pod

Amounts = dict[str, int]
# Protocol, port and address of each.
Ports = set[tuple[str, int, str]]

CPU = "cpu"
PODS = "pods"
ANY = "0.0.0.0"
_POWERS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?")
# Of these a pod may say itself how much it wants, whatever its containers say.
_POD_LEVEL = re.compile("cpu|memory|hugepages-.*")


@functools.lru_cache(maxsize=4096)
def amount(resource: str, quantity: str | int | float) -> int:
    """Thousandths of cpu, ones of anything else."""
    found = _QUANTITY.fullmatch(str(quantity))
    if not found:
        raise ValueError(f"{quantity!r} is no quantity")
    number, exponent, suffix = found.groups("")
    value = decimal.Decimal(number + exponent)
    if suffix in _BINARY:
        value *= 1024 ** (_BINARY.index(suffix) + 1)
    else:
        value = value.scaleb(_POWERS[suffix])
    return math.ceil(value * 1000 if resource == CPU else value)


def shown(resource: str, number: int) -> str:
    """As people write it, to two digits after the point."""
    if resource == CPU:
        return f"{number / 1000:.2f}".rstrip("0").rstrip(".")
    if resource == "memory" or resource.startswith(("ephemeral-storage", "hugepages-")):
        power = max(0, min(len(_BINARY), (abs(number).bit_length() - 1) // 10))
        text = f"{number / 1024**power:.2f}".rstrip("0").rstrip(".")
        return text + (_BINARY[power - 1] if power else "")
    return str(number)


def asked(pod: Pod) -> Amounts:
    """What the scheduler reserves: enough for the containers together, and for each step of the start before them."""
    spec = pod.get("spec") or {}
    total: Amounts = {PODS: 1}
    for container in spec.get("containers") or ():
        _add(total, _requests(container))
    sidecars: Amounts = {}
    start: Amounts = {}
    for container in spec.get("initContainers") or ():
        own = _requests(container)
        if _is_sidecar(container):
            _add(sidecars, own)
            _add(total, own)
        else:
            _add(own, sidecars)
            at_least(start, own)
    at_least(total, start)
    total.update({name: number for name, number in _requests(spec).items() if _POD_LEVEL.fullmatch(name)})
    _add(total, _amounts(spec.get("overhead")))
    return total


def offered(node: t.Mapping[str, t.Any]) -> Amounts:
    return _amounts((node.get("status") or {}).get("allocatable"))


def host_ports(pod: Pod) -> Ports:
    spec = pod.get("spec") or {}
    running = [*(spec.get("containers") or ()), *filter(_is_sidecar, spec.get("initContainers") or ())]
    return {
        (port.get("protocol") or "TCP", port["hostPort"], port.get("hostIP") or ANY)
        for container in running
        for port in container.get("ports") or ()
        if port.get("hostPort")
    }


def in_use(wanted: Ports, used: Ports) -> bool:
    return any(
        one[:2] == other[:2] and (one[2] == other[2] or ANY in (one[2], other[2])) for one in wanted for other in used
    )


def _requests(of: t.Mapping[str, t.Any]) -> Amounts:
    return _amounts((of.get("resources") or {}).get("requests"))


def _amounts(quantities: t.Mapping[str, t.Any] | None) -> Amounts:
    return {name: amount(name, quantity) for name, quantity in (quantities or {}).items()}


def _is_sidecar(container: t.Mapping[str, t.Any]) -> bool:
    return container.get("restartPolicy") == "Always"


def _add(total: Amounts, more: Amounts) -> None:
    for name, number in more.items():
        total[name] = total.get(name, 0) + number


def at_least(total: Amounts, least: Amounts) -> None:
    """Raises each number to that of the other."""
    for name, number in least.items():
        total[name] = max(total.get(name, 0), number)
