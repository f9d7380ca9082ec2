# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A role's argument_specs.yml and defaults/main.yml say the same; Ansible itself compares them nowhere."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)


def load(path: pathlib.Path) -> dict[str, t.Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {} if path.exists() else {}


def defaults_of(role: pathlib.Path) -> dict[str, t.Any]:
    return load(role / "defaults" / "main.yml")


def options_of(role: pathlib.Path) -> list[tuple[str, dict[str, t.Any]]]:
    """Name and specification of every option, of every entry point."""
    specs = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    return [item for entry_point in specs.values() for item in (entry_point.get("options") or {}).items()]


@each_role
def test_role_is_complete(role: pathlib.Path) -> None:
    files = ("README.md", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml")
    assert [name for name in files if not (role / name).is_file()] == []


@each_role
def test_every_specified_entry_point_is_there(role: pathlib.Path) -> None:
    entry_points = load(role / "meta" / "argument_specs.yml").get("argument_specs", {})
    assert "main" in entry_points
    assert [name for name in entry_points if not (role / "tasks" / f"{name}.yml").is_file()] == []


@each_role
def test_specification_and_defaults_agree(role: pathlib.Path) -> None:
    specified: dict[str, t.Any] = {}
    for name, option in options_of(role):
        if "default" in option:
            assert specified.setdefault(name, option["default"]) == option["default"], f"two defaults of {name}"
    assert specified == defaults_of(role)


@each_role
def test_a_required_option_has_no_default(role: pathlib.Path) -> None:
    required = {name for name, option in options_of(role) if option.get("required")}
    assert required & defaults_of(role).keys() == set()


@each_role
def test_public_variables_carry_the_prefix_of_the_role(role: pathlib.Path) -> None:
    public = defaults_of(role).keys() | {name for name, _option in options_of(role)}
    assert [name for name in sorted(public) if not name.startswith(f"{role.name}_")] == []


@each_role
def test_internal_variables_carry_the_internal_prefix_of_the_role(role: pathlib.Path) -> None:
    internal = load(role / "vars" / "main.yml")
    assert [name for name in internal if not name.startswith(f"__{role.name}_")] == []
