# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench-etcd`: a snapshot of 1 GB taken and verified by the collection and by etcd's own tools, side by side.

    python tests/bench/etcd.py [--mebibytes N] [--rounds N] [--folder FOLDER] [--case WORD ...]

Prints a table, writes build/bench/etcd.json, and fails when the collection's own figures miss what they have to reach.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / ".collections"
sys.path.insert(0, str(COLLECTIONS))

from ansible_collections.kubeops.maintenance.plugins.module_utils._columns import aligned  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.bench import etcd_load, measured  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.integration.etcd import real_etcd  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.lab.progress import say  # noqa: E402

RESULT = ROOT / "build" / "bench" / "etcd.json"
MODULE_UTILS = "ansible_collections.kubeops.maintenance.plugins.module_utils"
#: Of a control plane that has other things to do.
MOST_MB = 64
OURS = "kubeops"
#: A database of this size is read when the member starts.
PATIENCE = 300.0
VERIFY = f"""\
import sys
from {MODULE_UTILS}._etcd.snapshots import snapshot
snapshot.verify(sys.argv[1], namespaces=len(sys.argv) > 2)
"""
READ = """\
import sys
buffer = bytearray(1 << 20)
with open(sys.argv[1], "rb", buffering=0) as file:
    while file.readinto(buffer):
        pass
"""
SAVE = f"""\
import json, sys
from {MODULE_UTILS}._etcd.snapshots import backup
from {MODULE_UTILS}._etcd.snapshots.snapshot import Label
options = json.load(open(sys.argv[1]))
print(json.dumps(backup.run(backup.Request(label=Label("manual"), timeout=3600, **options))["snapshot"]))
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """``ratio``: to the case's first tool. The last three: of a member that is written to meanwhile."""

    case: str
    tool: str
    seconds: float
    ratio: float
    peak_rss_mb: float
    note: str = ""
    puts_median_ms: float | None = None
    puts_longest_ms: float | None = None


class Bench:
    """``path``: a snapshot of the filled member, made by etcd's own tool."""

    def __init__(self, etcd: real_etcd.Etcd, rounds: int) -> None:
        self.etcd, self._rounds = etcd, rounds
        self.path = etcd.root / "whole.db"
        self.rows: list[Row] = []
        self._python = [sys.executable, "-c"]

    def measure(self, case: str, rounds: int, tools: t.Mapping[str, t.Callable[[], measured.Measured]]) -> None:
        """In turn, several times what is short, so that a busy moment of the machine hits all of them."""
        found: dict[str, list[measured.Measured]] = {tool: [] for tool in tools}
        for number in range(rounds):
            say(f"{case}: round {number + 1} of {rounds}")
            for tool, run in tools.items():
                found[tool].append(run())
        seconds = {tool: statistics.median(one.seconds for one in runs) for tool, runs in found.items()}
        for tool, runs in found.items():
            self.rows.append(
                Row(
                    case=case,
                    tool=tool,
                    seconds=round(seconds[tool], 2),
                    ratio=round(seconds[tool] / seconds[next(iter(tools))], 2),
                    peak_rss_mb=round(max(one.peak_rss_mb for one in runs), 1),
                    note=_parts(runs[-1].said),
                )
            )

    def verify(self, case: str) -> None:
        utl = self.etcd.release.directory / "etcdutl"
        self.measure(
            case,
            self._rounds,
            {
                "etcdutl snapshot status": lambda: measured.run([utl, "snapshot", "status", self.path]),
                f"{OURS} verify": lambda: self._ours(VERIFY, str(self.path)),
                f"{OURS} inspect": lambda: self._ours(VERIFY, str(self.path), "namespaces"),
                "read the file once": lambda: self._ours(READ, str(self.path)),
                "sha256sum": lambda: measured.run(["sha256sum", self.path]),
            },
        )

    def save(self, case: str) -> None:
        self.measure(
            case,
            1,
            {
                "etcdctl snapshot save": self.etcdctl,
                f"{OURS} through the gateway": lambda: self.backup("gateway"),
                f"{OURS} through etcdctl": lambda: self.backup("etcdctl"),
            },
        )

    def stalls(self, case: str) -> None:
        """Each way once, and as long without any."""
        ways: dict[str, t.Callable[[], measured.Measured]] = {
            "no snapshot": lambda: measured.run(["sleep", str(max(5.0, self.rows[0].seconds))]),
            "etcdctl snapshot save": self.etcdctl,
            f"{OURS} through the gateway": lambda: self.backup("gateway"),
            f"{OURS} through etcdctl": lambda: self.backup("etcdctl"),
        }
        for tool, run in ways.items():
            say(f"{case}: {tool}")
            with etcd_load.Probe(self.etcd) as probe:
                ended = run()
            self.rows.append(
                Row(
                    case=case,
                    tool=tool,
                    seconds=round(ended.seconds, 2),
                    ratio=1.0,
                    peak_rss_mb=round(ended.peak_rss_mb, 1),
                    note=_parts(ended.said),
                    puts_median_ms=probe.median_ms,
                    puts_longest_ms=probe.longest_ms,
                )
            )
        base = next(row.puts_longest_ms or 1.0 for row in self.rows if row.case == case)
        self.rows = [
            dataclasses.replace(row, ratio=round((row.puts_longest_ms or 0) / base, 2)) if row.case == case else row
            for row in self.rows
        ]

    def etcdctl(self) -> measured.Measured:
        self.path.unlink(missing_ok=True)
        return measured.run([*self.etcd.ctl_words, "--command-timeout=3600s", "snapshot", "save", self.path])

    def backup(self, way: str) -> measured.Measured:
        """With verification, and removed again."""
        root = self.etcd.root
        options = {"directory": str(root / "backups"), "manifests": str(root), "lock_path": str(root / "lock")}
        (root / "options.json").write_text(json.dumps({**options, "save_with": way}))
        ended = self._ours(SAVE, str(root / "options.json"))
        for path in self.etcd.backups.glob("etcd-*"):
            path.unlink()
        return ended

    def _ours(self, program: str, *arguments: str) -> measured.Measured:
        return measured.run([*self._python, program, *arguments], PYTHONPATH=str(COLLECTIONS))


def _parts(said: str) -> str:
    """How long our two halves took."""
    with contextlib.suppress(ValueError, KeyError, IndexError, TypeError):
        taken = json.loads(said.splitlines()[-1])
        return f"save {taken['save_seconds']:.1f} s, verify {taken['verify_seconds']:.1f} s"
    return ""


def table(rows: t.Sequence[Row]) -> str:
    headings = ("case", "tool", "seconds", "ratio", "peak MB", "puts: median ms", "longest ms", "")
    lines = [
        (
            row.case,
            row.tool,
            f"{row.seconds:.2f}",
            f"{row.ratio:.2f}x",
            f"{row.peak_rss_mb:.0f}",
            "-" if row.puts_median_ms is None else f"{row.puts_median_ms:.1f}",
            "-" if row.puts_longest_ms is None else f"{row.puts_longest_ms:.0f}",
            row.note,
        )
        for row in rows
    ]
    return "\n".join(aligned([headings, *lines]))


def missed(rows: t.Sequence[Row]) -> list[str]:
    """What our rows do not reach. Through etcdctl the memory is mostly its own."""
    return [
        f"{row.case}: {row.tool}: {row.peak_rss_mb} MB, not {MOST_MB}"
        for row in rows
        if row.tool.startswith(OURS) and "etcdctl" not in row.tool and row.peak_rss_mb > MOST_MB
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare ways to take and to verify snapshots of etcd.")
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="keep the filled database there, and use it when it is there")
    parser.add_argument("--case", action="append", help="a part of the names of the cases to run")
    options = parser.parse_args()
    os.environ.update(etcd_load.SETTINGS)
    try:
        with contextlib.ExitStack() as stack:
            folder = options.folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="kubeops-bench-"))
            Path(folder).mkdir(mode=0o700, exist_ok=True)
            etcd = real_etcd.Etcd(real_etcd.releases()[-1], Path(folder) / "cp1")
            etcd.patience = PATIENCE
            if not etcd.data.exists():
                with etcd.running():
                    say(f"fill etcd {etcd.release.version} with {options.mebibytes} MiB")
                    etcd_load.fill(etcd, options.mebibytes << 20)
            # From here on as on a control plane: each change goes to the disk.
            etcd.flags = ()
            with etcd.running():
                bench = Bench(etcd, options.rounds)
                bench.etcdctl()
                keys = json.loads(etcd.release.snapshot_status(str(bench.path)).stdout)["totalKey"]
                size = f"{bench.path.stat().st_size / (1 << 30):.2f} GiB, {keys} objects"
                cases = {
                    f"verify {size}": bench.verify,
                    f"save {size}": bench.save,
                    f"write meanwhile {size}": bench.stalls,
                }
                for case, run in cases.items():
                    if any(word in case for word in options.case or [""]):
                        run(case)
    except LabError as error:
        say(f"failed: {error}")
        return 1
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps([dataclasses.asdict(row) for row in bench.rows], indent=2) + "\n")
    load = os.getloadavg()[0]
    print(f"\n{table(bench.rows)}\n\n{time.strftime('%F %T')}, load {load:.1f}, etcd {etcd.release.version}; {RESULT}")
    misses = missed(bench.rows)
    for sentence in misses:
        print(f"missed: {sentence}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
