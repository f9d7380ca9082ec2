# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are filled in with facts of a lab: Jinja templates under files/."""

from __future__ import annotations

import typing as t
from pathlib import Path

import jinja2

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "files"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701  shell scripts and YAML, no HTML
)


def render(template: str, **facts: t.Any) -> str:
    return _environment.get_template(template).render(facts)
