# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore is refused for, each as a sentence: hosts, members, and the snapshot of another cluster.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import ids, plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.order import Order
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import store
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore import past

Info = t.Mapping[str, t.Any]
Infos = t.Mapping[str, Info]


def hosts(infos: Infos, wanted: t.Sequence[str]) -> list[str]:
    """All of them have to answer: what one of them runs beside the others would not be what they run."""
    reasons = [] if wanted else ["there is no host with a member of etcd in the inventory"]
    for host in wanted:
        info = infos.get(host, {})
        if "member" not in info:
            reasons.append(
                f"{host}: did not answer: {info.get('msg') or 'it was not asked'}. Where it is gone for good, take it"
                " out of the inventory, and name its member in restore_gone"
            )
        elif not info["member"]:
            reasons.append(
                f"{host}: runs no member of etcd: systemd has no etcd.service, and the kubelet has no etcd.yaml."
                " Where somebody has moved that away, move it back; else take the host out of the group etcd"
            )
    return reasons


def members(infos: Infos) -> list[str]:
    """Two hosts that are one member would be restored over each other."""
    users: dict[str, list[str]] = collections.defaultdict(list)
    for host, info in infos.items():
        for word in {f"the member {info['member']['name']}", *info["member"]["peer_urls"]}:
            users[word].append(host)
    found = [f"{' and '.join(those)} are both {word}" for word, those in sorted(users.items()) if len(those) > 1]
    none = [f"{host}: its member has no --initial-advertise-peer-urls" for host in infos if not _urls(infos[host])]
    return found + none


def several(infos: Infos) -> list[str]:
    """Hosts of two clusters would become one, whichever of them the snapshot is of."""
    found = {host: str((info["live"] or {}).get("kube_system_uid") or "") for host, info in infos.items()}
    if len({*found.values()} - {""}) < 2:
        return []
    told = ", ".join(f"{host} of {uid}" for host, uid in found.items() if uid)
    return [f"these hosts are of several clusters: {told}. Say which one is meant (-e cluster=NAME, a group's name)"]


def cut_off(infos: Infos) -> list[str]:
    """After a restore each member is compared with all others, from every host, and nothing else is proof. What would
    keep them from that is known before anything is stopped.
    """
    reasons = []
    answers = {host: info["live"] for host, info in infos.items() if (info["live"] or {}).get("answers")}
    alive = {url: host for host in answers for url in _urls(infos[host])}
    for host, known in answers.items():
        for one in known["members"]:
            other = next((alive[url] for url in one["peer_urls"] if url in alive), "")
            if other and one["trouble"]:
                reasons.append(
                    f"{host}: etcd/{one['name']} answers on {other}, and not from here, so the two could not be"
                    f" compared: {one['trouble']}. Open its client port to all members, or put right its"
                    " --advertise-client-urls"
                )
    for host, info in infos.items():
        if host not in answers and "certificate" in str(info.get("trouble")).lower():
            reasons.append(
                f"{host}: its etcd cannot be asked, and no restore would change that: {info['trouble']}. Renew or put"
                " right the certificates (kubeadm certs check-expiration), which may be all that there is to do"
            )
    return reasons


def apiservers(infos: Infos) -> list[str]:
    """``infos``: of control planes without a member, too. One that nobody stops writes into what is not proven yet, and
    would serve what it remembers after all went back.
    """
    known = {one for info in infos.values() for one in (info.get("live") or {}).get("apiservers", ())}
    ours = [host for host, info in infos.items() if info.get("encryption")]
    if len(known) <= len(ours):
        return []
    there = f"{len(known)} API servers use this etcd ({', '.join(sorted(known))})"
    return [
        f"{there}, and {len(ours)} hosts of this run have one ({', '.join(ours) or 'none'}). Add the others to"
        " the group kube_control_plane of the inventory; one that was ended is forgotten after 15 s"
    ]


def serving_again(infos: Infos, order: Order, phases: t.Mapping[str, str]) -> list[str]:
    """A restore that was left in the middle, and whose members have served since, is no restore to go on with."""
    return [
        f"{host}: its etcd serves what it had before, though the restore {order.id} is {phase} there: somebody has"
        " started it again, and what was written since would be lost. Take that restore back first (restore_undo=true),"
        " which loses nothing, and then begin a new one"
        for host, phase in phases.items()
        if plan.reached(phase, plan.STOPPED)
        and not plan.reached(phase, plan.COMMITTED)
        and (infos[host]["live"] or {}).get("answers")
        and infos[host]["live"]["cluster_id"] != ids.cluster(order)
    ]


def without_host(infos: Infos, gone: t.Sequence[str]) -> list[str]:
    """Members that would go on with the old data beside the restored ones, and with a quorum where they are most."""
    ours = {url for info in infos.values() for url in _urls(info)}
    missing = {
        str(one["name"] or one["id"]): " ".join(one["peer_urls"])
        for info in infos.values()
        for one in (info["live"] or {}).get("members", ())
        if not ours & set(one["peer_urls"])
    }
    return [
        f"etcd's member {name} ({urls}) is on no host of this run. Add its host to the inventory; or, where it is gone"
        f" for good, remove it (etcdctl member remove), or name it in restore_gone"
        for name, urls in sorted(missing.items())
        if name not in gone
    ]


def chosen(
    candidates: t.Sequence[tuple[str, Info]], offered: t.Sequence[Info], wanted: str
) -> tuple[t.Optional[Info], list[str]]:
    """The snapshot that is meant, as its sidecar says. ``candidates``: host and what it has."""
    those = [("restore_from", one) for one in offered if not one.get("trouble")]
    there = [(host, one) for host, one in [*candidates, *those] if wanted in (store.NEWEST, one.get("name"))]
    if not there:
        what = "a snapshot" if wanted == store.NEWEST else wanted
        useless = [
            str(one["trouble"]) for one in offered if one.get("trouble") and wanted in (store.NEWEST, one.get("name"))
        ]
        return None, [
            f"no host has {what}, with its sidecar and as large as that says. snapshots.yml lists what there is; with"
            " restore_from it is brought from a folder of the controller",
            *(f"restore_from cannot bring it: {trouble}" for trouble in useless),
        ]
    newest = max(there, key=lambda one: (not store.is_future(past.taken(one[1])), past.taken(one[1])))[1]
    same = [(host, one) for host, one in there if one.get("name") == newest.get("name")]
    if len({one.get("sha256") for _host, one in same}) > 1:
        told = ", ".join(f"{str(one.get('sha256'))[:12]} on {host}" for host, one in same)
        return newest, [f"{newest['name']}: is not the same file everywhere: {told}. Verify them (snapshots.yml)"]
    unknown = [name for name in ("revision", "live_keys") if not isinstance(newest.get(name), int)]
    if unknown:
        return None, [f"{newest['name']}: its sidecar does not say {' and '.join(unknown)}: somebody has changed it"]
    damaged = next((one["damaged"] for _host, one in same if one.get("damaged")), None)
    if damaged:
        return newest, [f"{newest['name']}: could not be restored in a drill: {damaged.get('reason')}. Choose another"]
    return newest, []


def cluster(infos: Infos, sidecar: Info, meant: str) -> list[str]:
    """The snapshot has to be of this cluster. ``meant``: the cluster that the user names, to say that it is."""
    name, its = sidecar["name"], store.cluster(sidecar)
    explicit = f"If it is the one that you mean: restore_cluster_uid={its}"
    if meant:
        return [] if meant == its else [f"{name}: is of the cluster {its} and not of {meant}, which you name"]
    live = {host: found for host, found in ((host, past.alive(infos[host], sidecar)) for host in infos) if found}
    others = [f"{host} is of {found}" for host, found in live.items() if found != its]
    if others:
        return [f"{name}: is of another cluster, {its}: {', '.join(others)}. {explicit}"]
    if live:
        return []
    known = {one for info in infos.values() for one in past.clusters(info)}
    if known == {its}:
        return []
    if known:
        return [
            f"{name}: no member that is alive says which cluster this is, and there are snapshots of several here:"
            f" {', '.join(sorted(known | {its}))}. {explicit}"
        ]
    return [f"{name}: is of the cluster {its}, and nothing here says that this is that cluster. {explicit}"]


def keys(control_planes: Infos, sidecar: Info) -> list[str]:
    """A member looks itself whether its apiserver can read the snapshot; where those are elsewhere, nobody does."""
    needed = {(str(one.get("provider")), str(one.get("key"))) for one in sidecar.get("encryption") or ()}
    reasons = []
    for host, info in control_planes.items():
        there = info.get("encryption")
        if there and there["keys"] is not None:
            missing = sorted(needed - {tuple(one) for one in there["keys"]})
            told = ", ".join(f"{provider} key {key}" for provider, key in missing)
            where = there["file"] or "no EncryptionConfiguration"
            if missing:
                reasons.append(
                    f"{host}: its API server ({where}) could not read what the snapshot has encrypted: {told}. Add the"
                    " keys to every control plane; the file that was saved with the snapshot has them"
                )
    return reasons


def _urls(info: Info) -> t.Sequence[str]:
    return t.cast(t.Sequence[str], info["member"]["peer_urls"])
