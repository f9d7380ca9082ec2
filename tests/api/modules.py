# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module as Ansible does, without Ansible: options in, result out."""

from __future__ import annotations

import contextlib
import io
import json
import types
import typing as t

from ansible.module_utils.testing import patch_module_args

Result = dict[str, t.Any]


def call(module: types.ModuleType, *, check: bool = False, **options: t.Any) -> Result:
    """The result; ``failed`` is in it when the module failed."""
    said = io.StringIO()
    arguments = {**options, "_ansible_check_mode": check}
    with patch_module_args(arguments), contextlib.redirect_stdout(said):
        try:
            module.main()
        except SystemExit:
            pass
        else:
            raise AssertionError(f"{module.__name__} ended without a result")
    return t.cast(Result, json.loads(said.getvalue().splitlines()[-1]))
