# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the schedule does what it is there for: pure, on what `systemd.read` found on each host.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from .._check import WARN, Check
from . import systemd

Entry = t.Mapping[str, t.Any]
# Host -> its entries.
Hosts = t.Mapping[str, t.Sequence[Entry]]
AGAIN = "run the playbook backup with etcd_backup_schedule"
_WORDS = {"backup": "snapshot", "drill": "drill"}


def lines(hosts: Hosts, newest: t.Optional[str], now: datetime.datetime) -> list[str]:
    """What is scheduled, then what is wrong with it; nothing where nothing is.

    ``newest``: when the newest snapshot of all hosts was taken, empty where there is none, None where nobody looked.
    """
    told = [f"{host}: {_told(entry)}" for host, entries in hosts.items() for entry in entries if entry["installed"]]
    return told + [check.sentence() for check in checks(hosts, newest, now)]


def checks(hosts: Hosts, newest: t.Optional[str], now: datetime.datetime) -> list[Check]:
    found = [check for host, entries in hosts.items() for entry in entries for check in _runs(host, entry)]
    for name in systemd.NAMES:
        found += _agree(
            name, {host: entry for host, entries in hosts.items() for entry in entries if entry["name"] == name}
        )
    if newest is not None:
        found += _fresh(hosts, newest, now)
    return found


def _told(entry: Entry) -> str:
    what = _WORDS[entry["name"]]
    text = f"next {what} {entry['next'] or 'at no time'}"
    if entry["running"]:
        return f"{text}, one is running since {entry['began']}"
    if not entry["began"]:
        return f"{text}, none since the machine has started"
    if entry["result"] != "success":
        return f"{text}, last {entry['began']} failed ({entry['result']})"
    return f"{text}, last {entry['began']} ended well{': ' if entry['said'] else ''}{entry['said']}"


def _runs(host: str, entry: Entry) -> t.Iterator[Check]:
    timer, service = systemd.timer(entry["name"]), systemd.service(entry["name"])
    name = f"schedule of the {_WORDS[entry['name']]}"
    if entry["installed"] and not (entry["active"] and entry["enabled"]):
        state = ", ".join(word for word in ("active", "enabled") if not entry[word])
        yield Check(name, WARN, host, f"{timer} is not {state}", f"systemctl enable --now {timer}")
    if entry["failed"]:
        fix = f"systemctl status {service}; journalctl -u {service}"
        why = entry["said"].removeprefix("FAILED: ") or entry["result"]
        yield Check(name, WARN, host, f"{service} failed at {entry['began']}: {why}", fix)
    if entry["untold"]:
        unit = systemd.notice(entry["name"])
        yield Check("failure notice", WARN, host, f"{unit} failed, too", f"journalctl -u '{unit}'")


def _agree(name: str, entries: t.Mapping[str, Entry]) -> t.Iterator[Check]:
    """Members take turns, so a timer on some of them alone misses the others' turns."""
    there = [host for host, entry in entries.items() if entry["installed"]]
    missing = [host for host in entries if host not in there]
    subject = f"schedule of the {_WORDS[name]}"
    if there and missing:
        evidence = f"no timer here, {', '.join(there)} leave this member's turns to it"
        yield from (Check(subject, WARN, host, evidence, AGAIN) for host in missing)
    times = {host: entries[host]["next"] for host in there if entries[host]["next"]}
    if len(set(times.values())) > 1:
        evidence = ", ".join(f"{host} at {time}" for host, time in times.items())
        fix = f"give all of them one schedule ({AGAIN}), that ends in UTC where their time zones differ"
        yield Check(subject, WARN, "timers", f"they do not elapse together: {evidence}", fix)


def _fresh(hosts: Hosts, newest: str, now: datetime.datetime) -> t.Iterator[Check]:
    """The period is what lies between the last time and the next one."""
    timers = [entry for entries in hosts.values() for entry in entries if entry["name"] == "backup" and entry["next"]]
    periods = [time_of(entry["next"]) - time_of(entry["last"]) for entry in timers if entry["last"]]
    if not periods:
        return
    age, limit = (now - time_of(newest) if newest else None), 2 * max(periods)
    if age is None or age > limit:
        since = f"is {_span(age)} old" if age else "is not there"
        evidence = f"the newest {since}, two periods are {_span(limit)}"
        fix = "look at the runs of the members whose turns it was: systemctl status kubeops-etcd-backup.service"
        yield Check("newest snapshot", WARN, "all hosts", evidence, fix)


def time_of(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _span(length: datetime.timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    hours, days = minutes // 60, minutes // 1440
    return f"{days} days" if days >= 2 else f"{hours} h" if hours >= 2 else f"{minutes} min"
