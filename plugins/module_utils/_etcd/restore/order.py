# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is restored: the part of a plan that is the same for all members, as the controller makes it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing as t

from ..._errors import MaintenanceError
from ..member import state
from ..snapshots import store

# It becomes the name of a folder.
ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")
_TIME = "%Y%m%dT%H%M%SZ"


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What its sidecar says. ``keys`` are those that live; ``kube_system_uid`` is empty where it is not known."""

    name: str
    sha256: str
    revision: int
    keys: int
    kube_system_uid: str
    etcd_version: str


@dataclasses.dataclass(frozen=True)
class Member:
    """A member of the restored cluster, and the inventory's host that it runs on."""

    host: str
    name: str
    peer_urls: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Order:
    """``bump``: so far is the revision raised above the snapshot's. ``live_revision``: the highest that was known of
    the cluster that is replaced, 0 for none; ``cluster_id``: its id, empty where no member answered. ``undoes``: the
    restore whose data from before the snapshot holds, empty for an ordinary snapshot.
    """

    id: str
    snapshot: Snapshot
    members: tuple[Member, ...]
    bump: int
    live_revision: int
    cluster_id: str
    undoes: str = ""

    @property
    def token(self) -> str:
        """Of the new cluster. With a token of its own its ids are its own, and no member of the old one talks to it."""
        return f"kubeops-restore-{self.id}"

    @property
    def revision(self) -> int:
        """At which the restored cluster goes on."""
        return self.snapshot.revision + self.bump

    @property
    def initial_cluster(self) -> str:
        return ",".join(f"{one.name}={url}" for one in self.members for url in one.peer_urls)

    def as_dict(self) -> dict[str, t.Any]:
        members = [{**dataclasses.asdict(one), "peer_urls": list(one.peer_urls)} for one in self.members]
        return {**dataclasses.asdict(self), "token": self.token, "members": members}


def parse(content: t.Mapping[str, t.Any]) -> Order:
    """Of a plan, whoever made it. Raise MaintenanceError where it is none."""
    try:
        found = Order(
            id=str(content["id"]),
            snapshot=Snapshot(**{one.name: content["snapshot"][one.name] for one in dataclasses.fields(Snapshot)}),
            members=tuple(
                Member(str(one["host"]), str(one["name"]), tuple(map(str, one["peer_urls"])))
                for one in content["members"]
            ),
            bump=int(content["bump"]),
            live_revision=int(content["live_revision"] or 0),
            cluster_id=str(content["cluster_id"]),
            undoes=str(content.get("undoes") or ""),
        )
        snapshot = dataclasses.replace(
            found.snapshot, revision=int(found.snapshot.revision), keys=int(found.snapshot.keys)
        )
    except state.MALFORMED as error:
        raise MaintenanceError(f"this is no plan of a restore: {type(error).__name__}: {error}") from error
    check_id(found.id)
    if not store.is_snapshot(snapshot.name):
        raise MaintenanceError(f"{snapshot.name!r} is no name of a snapshot")
    if not found.members or found.bump < 1:
        raise MaintenanceError(f"{found.id}: a restore has members, and a bump of 1 at least")
    return dataclasses.replace(found, snapshot=snapshot)


def check_id(identity: str) -> None:
    try:
        if ID.fullmatch(identity) and time_of(identity):
            return
    except ValueError:
        pass
    raise MaintenanceError(f"{identity!r} is no id of a restore, such as 20261121T183000Z-4f2a90")


def following(fresh: str, known: t.Iterable[str]) -> str:
    """An id that comes after all that are known, for ids are in the order of restores: ``fresh`` is of a clock, which
    may be behind.
    """
    newest = max(known, default="")
    if fresh > newest:
        return fresh
    time = time_of(newest) + datetime.timedelta(seconds=1)
    return f"{time:{_TIME}}{fresh[fresh.index('-') :]}"


def time_of(identity: str) -> datetime.datetime:
    """When it began, by the controller's clock."""
    when = datetime.datetime.strptime(identity.partition("-")[0], _TIME)
    return when.replace(tzinfo=datetime.timezone.utc)
