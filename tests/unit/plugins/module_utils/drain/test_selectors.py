# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Label selectors as people write them."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import budgets, selectors
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from hypothesis import given
from hypothesis import strategies as st

DB = {"app": "db", "example.com/tier": "a"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("app=db", True),
        ("app == db", True),
        ("app=web", False),
        ("app!=web", True),
        ("other!=web", True),
        ("app=", False),
        ("app in (web, db)", True),
        ("app in(db)", True),
        ("app notin (web,db)", False),
        ("other notin (web)", True),
        ("app", True),
        ("!app", False),
        (" ! other ", True),
        ("app=db,example.com/tier in (a,b),!canary", True),
        ("app=db,example.com/tier in (b,c)", False),
        ("in", False),
    ],
)
def test_what_is_selected(text, matches):
    assert budgets.selects(selectors.parse(text), DB) is matches


@pytest.mark.parametrize(
    "text",
    ["", ",", "app=db,", "app=a b", "app in db", "app in (", "app>1", "=db", "-app", "app-=b", "a/b/c", "!app=db"],
)
def test_what_is_no_selector(text):
    with pytest.raises(MaintenanceError, match="is no label selector"):
        selectors.parse(text)


NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
RULES = st.builds(
    lambda key, operator, values: {
        "key": key,
        "operator": operator,
        "values": values if operator in ("In", "NotIn") else [],
    },
    NAMES,
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.lists(NAMES, min_size=1, max_size=3),
)


@given(st.lists(RULES, min_size=1, max_size=4))
def test_what_is_written_is_read_again(rules):
    assert selectors.parse(budgets.query({"matchExpressions": rules})) == {"matchExpressions": rules}
