# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps a web service under traffic and an API in sight, and keeps account of both.

Every request has a connection of its own, a limit and no second try. Requests leave on a fixed schedule, each in a
thread, so that a slow answer does not lower the rate. The account is a JSON file that is replaced as a whole.

One file, standard library only, Python 3.9: it is copied to where the traffic is to come from.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import signal
import socket
import ssl
import threading
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

SHOWN_FAILURES = 10


@dataclasses.dataclass(frozen=True)
class Sample:
    """One request: when it left (seconds since the epoch), how long it took, who answered or what went wrong."""

    at: float
    seconds: float
    answer: str = ""
    error: str = ""
    late: float = 0.0  # behind the schedule when it left: large when the prober itself did not get the processor

    @property
    def end(self) -> float:
        return self.at + self.seconds


# --- the account: pure functions of the samples, in whatever order they came


def longest_gap(samples: t.Sequence[Sample]) -> float:
    """The longest time without an answer, from the first request to the end of the last one."""
    if not samples:
        return 0.0
    gap, last = 0.0, min(sample.at for sample in samples)
    for moment in [
        *sorted(sample.end for sample in samples if not sample.error),
        max(sample.end for sample in samples),
    ]:
        gap, last = max(gap, moment - last), moment
    return gap


def absences(samples: t.Sequence[Sample]) -> list[float]:
    """How long it was away each time: from the first request that failed to the next one that did not."""
    found = []
    since = None
    for sample in sorted(samples, key=lambda sample: sample.at):
        if sample.error and since is None:
            since = sample.at
        elif not sample.error and since is not None:
            found.append(sample.at - since)
            since = None
    if since is not None:
        found.append(max(sample.end for sample in samples) - since)
    return found


def traffic_account(samples: t.Sequence[Sample]) -> dict[str, t.Any]:
    failed = sorted((sample for sample in samples if sample.error), key=lambda sample: sample.at)
    return {
        "requests": len(samples),
        "failures": len(failed),
        "failed": [{"at": clock(sample.at), "reason": sample.error} for sample in failed[:SHOWN_FAILURES]],
        "longest_gap": round(longest_gap(samples), 3),
        "slowest": round(max((sample.seconds for sample in samples), default=0.0), 3),
        "latest": round(max((sample.late for sample in samples), default=0.0), 3),
        "answered_by": len({sample.answer for sample in samples if not sample.error}),
    }


def absence_account(samples: t.Sequence[Sample]) -> dict[str, t.Any]:
    away = absences(samples)
    return {
        "requests": len(samples),
        "times": len(away),
        "longest": round(max(away, default=0.0), 3),
        "total": round(sum(away), 3),
    }


def describe(report: t.Mapping[str, t.Any]) -> list[str]:
    """The report for people."""
    web, api = report["web"], report["api"]
    lines = [f"failed at {failure['at']}: {failure['reason']}" for failure in web["failed"]]
    if web["failures"] > len(web["failed"]):
        lines.append(f"... and {web['failures'] - len(web['failed'])} more")
    if api:
        lines.append(
            f"API: {api['requests']} requests, away {api['longest']:.1f} s at the longest, {api['total']:.1f} s in all"
        )
    lines.append(
        f"web service: {web['requests']} requests in {report['seconds']:.0f} s to {web['answered_by']} pods, "
        f"longest gap {web['longest_gap']:.2f} s, {web['failures']} failed requests"
    )
    return lines


def clock(moment: float) -> str:
    return f"{time.strftime('%H:%M:%S', time.gmtime(moment))}.{int(moment % 1 * 1000):03d}Z"


# --- the requests


def reason(error: Exception) -> str:
    """What went wrong, without the wrapping."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    inner = getattr(error, "reason", error)
    if isinstance(inner, socket.timeout):
        return "no answer within the limit"
    return str(inner) or type(inner).__name__


class Target:
    """An address that is asked `rate` times a second."""

    def __init__(self, url: str, rate: float, limit: float, ca: str | None = None) -> None:
        self.url, self.rate, self.limit = url, rate, limit
        self.samples: list[Sample] = []
        # No proxy of the environment gets between, and no connection is kept: urllib closes each.
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)),
        )

    def ask(self, due: float) -> None:
        at, begin = time.time(), time.monotonic()
        answer = error = ""
        try:
            with self.opener.open(self.url, timeout=self.limit) as response:
                answer = response.read(1024).decode(errors="replace").strip()
        except Exception as problem:  # noqa: BLE001 whatever it was, the request was not answered
            error = reason(problem)
        seconds = time.monotonic() - begin
        if not error and seconds > self.limit:  # each step kept the limit, all of them together did not
            error = f"answered after {seconds:.2f} s"
        self.samples.append(Sample(at, seconds, answer, error, max(0.0, begin - due)))

    def run(self, over: t.Callable[[], bool]) -> None:
        """Ask on the schedule until it is over: a tick that comes late is made up for, none is left out."""
        begin, asked = time.monotonic(), 0
        # A request lasts three limits at most (connect, TLS, answer), so that none waits for a thread.
        with concurrent.futures.ThreadPoolExecutor(max_workers=int(4 * self.rate * self.limit) + 2) as threads:
            while not over():
                due = begin + asked / self.rate
                time.sleep(max(0.0, due - time.monotonic()))
                threads.submit(self.ask, due)
                asked += 1


def write(path: Path, report: t.Mapping[str, t.Any]) -> None:
    """Readers see the old report or the new one, never a part."""
    part = path.with_name(path.name + ".part")
    with part.open("w") as file:
        json.dump(report, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def probe(
    web: Target, api: Target | None, at_least: int, at_most: float, stop: t.Callable[[], bool], path: Path
) -> None:
    """Keep the traffic up until it is told to stop and has made enough requests, or has lasted the longest allowed."""
    begin = time.monotonic()

    def over() -> bool:
        spent = time.monotonic() - begin
        return spent >= at_most or (stop() and len(web.samples) >= at_least)

    def report(finished: bool) -> dict[str, t.Any]:
        return {
            "finished": finished,
            "seconds": round(time.monotonic() - begin, 1),
            "web": traffic_account(list(web.samples)),
            "api": absence_account(list(api.samples)) if api else None,
        }

    threads = [threading.Thread(target=target.run, args=(over,)) for target in (web, api) if target]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        write(path, report(finished=False))
        threads[0].join(timeout=2)
    for thread in threads:
        thread.join()
    write(path, report(finished=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=Path, required=True, help="where the account goes (JSON)")
    parser.add_argument("--web", required=True, help="address of the web service")
    parser.add_argument("--api", help="address of the API's /readyz")
    parser.add_argument("--api-ca", help="file with the CA that the API's certificate must come from")
    parser.add_argument("--rate", type=float, default=10, help="requests a second to the web service")
    parser.add_argument("--api-rate", type=float, default=5, help="requests a second to the API")
    parser.add_argument("--limit", type=float, default=1, help="seconds that a request may take")
    parser.add_argument("--at-least", type=int, default=500, help="requests to make, even when SIGTERM comes before")
    parser.add_argument("--at-most", type=float, default=3600, help="seconds after which it ends whatever happens")
    options = parser.parse_args()

    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    web = Target(options.web, options.rate, options.limit)
    api = Target(options.api, options.api_rate, options.limit, options.api_ca) if options.api else None
    probe(web, api, options.at_least, options.at_most, told.is_set, options.report)
    with contextlib.suppress(BrokenPipeError):
        print("\n".join(describe(json.loads(options.report.read_text()))))


if __name__ == "__main__":
    main()
