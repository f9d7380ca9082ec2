# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine's limit goes up and never down, and whoever looks is told."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.kubeops.maintenance.tests.lab import inotify


@pytest.mark.parametrize(("before", "after"), [("128", "512"), ("511", "512"), ("512", "512"), ("8192", "8192")])
def test_the_limit_only_goes_up(
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: str,
    after: str,
) -> None:
    monkeypatch.setattr(inotify, "LIMIT", tmp_path / "limit")
    inotify.LIMIT.write_text(f"{before}\n")
    inotify.make_room()
    assert inotify.LIMIT.read_text().strip() == after
    assert (f"{before} -> {after}" in capsys.readouterr().out) is (before != after)


def test_a_machine_that_refuses_is_no_hindrance(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(inotify, "LIMIT", tmp_path / "limit")
    inotify.LIMIT.write_text("128\n")
    monkeypatch.setattr(pathlib.Path, "write_text", refuse)
    inotify.make_room()
    said = capsys.readouterr().out
    assert "stays at 128" in said
    assert "Read-only file system" in said
