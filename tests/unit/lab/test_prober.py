# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The prober's account is the project's proof, so it is proven itself."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
import time
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.lab.traffic import prober
from ansible_collections.kubeops.maintenance.tests.lab.traffic.prober import Sample
from hypothesis import given
from hypothesis import strategies as st

if t.TYPE_CHECKING:
    import pathlib


def story(text: str) -> list[Sample]:
    """One request a second, each answered at once: ``..xx.`` is two answers, two failures, one answer."""
    return [Sample(at=at, seconds=0, error="" if mark == "." else "refused") for at, mark in enumerate(text)]


@pytest.mark.parametrize(
    ("text", "gap", "absences"),
    [
        ("", 0, []),
        (".", 0, []),
        ("....", 1, []),
        ("..x..", 2, [1]),
        ("..xxx..x.", 4, [3, 1]),
        ("xx..", 2, [2]),
        ("..xx", 2, [1]),
        ("xxx", 2, [2]),
    ],
)
def test_gaps_and_absences(text: str, gap: float, absences: list[float]) -> None:
    assert prober.longest_gap(story(text)) == gap
    assert prober.absences(story(text)) == absences


def test_a_slow_answer_is_a_gap_until_it_has_come() -> None:
    some = [Sample(at=0, seconds=0.1), Sample(at=1, seconds=0.9), Sample(at=2, seconds=0.1)]
    assert prober.longest_gap(some) == pytest.approx(1.8)


def test_a_failure_that_takes_its_time_is_an_absence_until_its_end() -> None:
    assert prober.absences([Sample(at=0, seconds=0), Sample(at=1, seconds=1, error="timeout")]) == [1]


samples = st.lists(
    st.builds(
        Sample,
        at=st.floats(0, 100),
        seconds=st.floats(0, 1),
        error=st.sampled_from(["", "", "refused"]),
        answer=st.sampled_from(["web-a", "web-b"]),
    ),
    max_size=30,
)


@given(samples, st.randoms())
def test_the_account_does_not_depend_on_the_order_of_the_answers(some: list[Sample], random: t.Any) -> None:
    # Two requests at the very same moment have no order that could be found again.
    some = list({sample.at: sample for sample in some}.values())
    mixed = random.sample(some, len(some))
    assert prober.traffic_account(some) == prober.traffic_account(mixed)
    assert prober.absence_account(some) == prober.absence_account(mixed)


@given(samples)
def test_nothing_is_lost_and_nothing_lasts_longer_than_the_whole(some: list[Sample]) -> None:
    account = prober.traffic_account(some)
    span = max((sample.end for sample in some), default=0) - min((sample.at for sample in some), default=0)
    assert account["requests"] == len(some)
    assert account["failures"] == sum(1 for sample in some if sample.error)
    assert len(account["failed"]) == min(account["failures"], prober.SHOWN_FAILURES)
    assert 0 <= prober.longest_gap(some) <= span
    assert sum(prober.absences(some)) <= span + 1e-9
    assert bool(prober.absences(some)) == (account["failures"] > 0)


@given(samples.filter(len), st.floats(0, 1))
def test_one_more_answer_in_between_never_lengthens_the_gap(some: list[Sample], where: float) -> None:
    begin, end = min(sample.at for sample in some), max(sample.end for sample in some)
    another = Sample(at=begin + where * (end - begin), seconds=0)
    assert prober.longest_gap([*some, another]) <= prober.longest_gap(some)


def test_the_report_ends_with_the_failures_counted() -> None:
    web = prober.traffic_account(story("." * 500 + "x" * 12))
    lines = prober.describe({"seconds": 51.2, "web": web, "api": prober.absence_account(story(".xx."))})
    assert lines[0] == "failed at 00:08:20.000Z: refused"
    assert lines[10:] == [
        "... and 2 more",
        "API: 4 requests, away 2.0 s at the longest, 2.0 s in all",
        "web service: 512 requests in 51 s to 1 pods, longest gap 12.00 s, 12 failed requests",
    ]


# Seconds. On a machine that is busy with other tests an answer takes its time.
PATIENCE = 30


class Service(http.server.BaseHTTPRequestHandler):
    """Answers as its path says: /ok, /slow (0.4 s), /broken (503)."""

    peers: t.ClassVar[set[tuple[str, int]]] = set()

    def do_GET(self) -> None:
        self.peers.add(self.client_address)
        if self.path == "/slow":
            time.sleep(0.4)
        self.send_response(503 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"pod\n")

    def log_message(self, *_: t.Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128  # what does not fit is dropped, and comes again after a second


@pytest.fixture
def service() -> t.Iterator[str]:
    Service.peers.clear()
    with Server(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def probe(path: pathlib.Path, url: str, **options: t.Any) -> dict[str, t.Any]:
    web = prober.Target(url, rate=50, limit=options.pop("limit", PATIENCE))
    defaults: dict[str, t.Any] = {"api": None, "at_least": 25, "at_most": 120, "stop": lambda: True, "path": path}
    prober.probe(web, **{**defaults, **options})
    return json.loads(path.read_text())


def test_every_request_has_a_connection_of_its_own(service: str, tmp_path: pathlib.Path) -> None:
    report = probe(tmp_path / "report.json", service)
    assert report["finished"] and report["web"]["failures"] == 0
    assert report["web"]["requests"] == len(Service.peers) >= 25
    assert report["web"]["answered_by"] == 1


def test_slow_answers_do_not_lower_the_rate(service: str, tmp_path: pathlib.Path) -> None:
    # One after the other, 100 answers of 0.4 s would take 40 s; on the schedule they take 2 s and the last answer.
    report = probe(tmp_path / "report.json", f"{service}/slow", at_least=100)
    assert report["web"]["failures"] == 0
    assert report["web"]["requests"] >= 100
    assert report["seconds"] < PATIENCE


def test_failures_say_what_happened_and_when(service: str, tmp_path: pathlib.Path) -> None:
    report = probe(tmp_path / "report.json", f"{service}/broken")
    assert report["web"]["failures"] == report["web"]["requests"] >= 25
    assert {failure["reason"] for failure in report["web"]["failed"]} == {"HTTP 503"}
    assert len(report["web"]["failed"]) == prober.SHOWN_FAILURES


def test_an_answer_beyond_the_limit_is_a_failure(service: str, tmp_path: pathlib.Path) -> None:
    report = probe(tmp_path / "report.json", f"{service}/slow", limit=0.1, at_least=5)
    assert {failure["reason"] for failure in report["web"]["failed"]} == {"no answer within the limit"}


def test_nobody_there_is_a_failure_and_an_absence_of_the_api(tmp_path: pathlib.Path) -> None:
    nobody = "http://127.0.0.1:1"
    report = probe(tmp_path / "report.json", nobody, api=prober.Target(nobody, rate=20, limit=1))
    assert "refused" in report["web"]["failed"][0]["reason"]
    assert report["api"]["times"] == 1
    assert report["api"]["total"] == report["api"]["longest"] > 0


def test_it_ends_after_the_longest_time_allowed_even_when_nobody_stops_it(service: str, tmp_path: pathlib.Path) -> None:
    report = probe(tmp_path / "report.json", service, at_least=10**9, at_most=0.5, stop=lambda: False)
    assert report["finished"] and report["seconds"] < PATIENCE
