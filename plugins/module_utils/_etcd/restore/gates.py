# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether all members serve what was restored, before anybody else may use it.

Members that were restored from different files, or one that goes on with its old data, look healthy to etcd. So each
is asked by itself, and what it says is compared with the plan.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import typing as t

from ..._check import FAIL, PASS, SKIP, Check, failures
from ..._errors import MaintenanceError
from ..._wait import Deadline, WaitTimeout, until
from ..database import contents
from ..database.layout import KUBE_SYSTEM
from ..member import cluster_health, state
from ..member.cluster import Cluster, Connect, survey
from ..member.gateway import Gateway, GatewayError
from ..member.local_member import LocalMember
from . import ids
from .order import Order

_BACK = "all members go back to what they used before: state rolled_back (-e restore_undo=true)"


def passed(local: LocalMember, order: Order, deadline: Deadline, connect: Connect = Gateway) -> list[Check]:
    """The checks, none of which fails. Raise MaintenanceError with what does.

    Members that are still starting are waited for. Data that is wrong does not become right, so nothing waits for that.
    """
    seen: list[Check] = []

    def attempt() -> t.Optional[bool]:
        try:
            found = survey([local], True, connect)
        except MaintenanceError as error:
            seen[:] = [Check("etcd members answer", FAIL, f"etcd/{local.name}", error.msg, _BACK)]
            return None
        seen[:] = serving(found, order)
        if failures(seen):
            return None
        seen.extend(same(found, order))
        try:
            seen.extend(holds(connect(local), order))
        except GatewayError as error:
            seen.append(Check("etcd data as planned", FAIL, f"etcd/{local.name}", error.msg, _BACK))
            return None
        # What could not be compared this time may be the next.
        return True if all(check.status != SKIP for check in seen) else None

    with contextlib.suppress(WaitTimeout):
        until(attempt, deadline, lambda: "", interval=0.5)
    wrong = [check for check in seen if check.status in (FAIL, SKIP)]
    if wrong:
        sentences = "; ".join(check.sentence() for check in wrong)
        raise MaintenanceError(
            f"restore {order.id}: the restored cluster is not what it has to be"
            f" ({deadline.elapsed:.0f} of {deadline.seconds:.0f} s): {sentences}",
            checks=[check.as_dict() for check in seen],
        )
    return seen


def serving(found: Cluster, order: Order) -> list[Check]:
    """What members that start come to, sooner or later."""
    return [
        *(cluster_health.answers(seen) for seen in found.members),
        cluster_health.leader(found),
        _applied(found, order),
    ]


def same(found: Cluster, order: Order) -> list[Check]:
    """One cluster, of these members, with one content."""
    return [_members(found, order), _identity(found, order), cluster_health.alarms(found), _equal(found, order)]


def holds(gateway: Gateway, order: Order) -> list[Check]:
    """At the revision that was restored: leases that run out meanwhile take keys with them."""
    wanted = order.snapshot
    keys = gateway.count(order.revision)
    uid = contents.uid_of(gateway.value(KUBE_SYSTEM))
    subject = f"restore {order.id}"
    return [
        _check(
            "etcd keys as planned",
            keys == wanted.keys,
            subject,
            f"{keys} keys at revision {order.revision}, the snapshot has {wanted.keys}",
        ),
        _check(
            "etcd cluster as planned",
            uid == wanted.kube_system_uid,
            subject,
            f"kube-system has the UID {uid or 'none'}, in the snapshot {wanted.kube_system_uid or 'none'}",
        ),
    ]


def _check(name: str, good: bool, subject: str, evidence: str) -> Check:
    return Check(name, PASS if good else FAIL, subject, evidence, "" if good else _BACK)


def _applied(found: Cluster, order: Order) -> Check:
    low = [seen for seen in found.answering if t.cast(state.Status, seen.status).revision < order.revision]
    said = ", ".join(f"{seen.name} at {t.cast(state.Status, seen.status).revision}" for seen in low or found.answering)
    return _check("etcd revision raised", not low, "etcd", f"{said}; {order.revision} was restored")


def _members(found: Cluster, order: Order) -> Check:
    wanted = sorted((one.name, tuple(sorted(one.peer_urls))) for one in order.members)
    there = sorted((seen.member.name, tuple(sorted(seen.member.peer_urls))) for seen in found.members)
    learners = [seen.name for seen in found.members if seen.member.is_learner]
    evidence = ", ".join(str(seen.member) for seen in found.members)
    if there != wanted:
        evidence += f"; planned are {', '.join(f'{name} ({chr(32).join(urls)})' for name, urls in wanted)}"
    return _check("etcd members as planned", there == wanted and not learners, "etcd", evidence)


def _identity(found: Cluster, order: Order) -> Check:
    """No member of the old cluster, or of another restore, is among them."""
    wanted = ids.cluster(order)
    others = [seen for seen in found.answering if t.cast(state.Status, seen.status).cluster_id != wanted]
    evidence = f"all members are in the cluster {wanted}, which the token {order.token} makes"
    if others:
        said = ", ".join(f"{seen.name} is in {t.cast(state.Status, seen.status).cluster_id}" for seen in others)
        evidence = f"{said}, and not in the cluster {wanted} that the token {order.token} makes"
    return _check("etcd is the restored cluster", not others, "etcd", evidence)


def _equal(found: Cluster, order: Order) -> Check:
    """A member alone has nobody to differ from."""
    compared = cluster_health.equal(found)
    if compared.status == SKIP and len(order.members) == len(found.hashes) == 1:
        return Check(compared.name, PASS, compared.object, "there is one member")
    if compared.status == PASS and len(found.hashes) != len(order.members):
        return Check(compared.name, SKIP, compared.object, f"{len(found.hashes)} of {len(order.members)} were compared")
    if compared.status == FAIL:
        return Check(compared.name, FAIL, compared.object, compared.evidence, _BACK)
    return compared
