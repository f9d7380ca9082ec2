# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a forecast is made from, with as few requests as it takes.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._kube import KubeError
from . import budgets, explain, filters, ownership, pods, unready
from .budgets import Verdict
from .duration import against, one_after_the_other, predict
from .elsewhere.vacancies import Vacancies
from .filters import Look
from .forecast import Forecast, forecast
from .job import Call
from .news import Silence
from .node import Missing
from .node import get as get_node
from .order import place
from .ownership import Node
from .paths import BUDGETS, DAEMONSETS, PODS, PODS_OF
from .pods import Pod


class Survey:
    """``warnings`` is told what nobody let us read. What is of the whole cluster is read once, until ``forget``."""

    def __init__(self, call: Call, warnings: list[str]) -> None:
        self._warnings = warnings
        self._kube = call.kube
        self._job = call.job
        self._clock = call.clock
        self._versions: dict[str, str] = {}
        self._lists: dict[str, list[dict[str, t.Any]] | None] = {}

    def pods_on(self, node: str) -> list[dict[str, t.Any]]:
        found = self._kube.list(PODS, self._of_the_node(node))
        self._versions[node] = found.version
        return found

    @property
    def by_labels(self) -> bool:
        """Whether a pod is left out as soon as its labels no longer match."""
        return bool(self._job.selector)

    def all_on(self, node: str) -> list[dict[str, t.Any]]:
        """Whatever their labels are by now."""
        return self._kube.list(PODS, {"fieldSelector": f"spec.nodeName={node}"})

    def follow_pods(self, news: Silence, node: str) -> None:
        """What happens to those of ``pods_on`` since they were read."""
        news.follow(PODS, self._of_the_node(node), self._versions[node])

    def hears_pods(self, news: Silence, node: str) -> bool:
        return news.hears(PODS, self._of_the_node(node))

    def silent(self, nodes: t.Iterable[str]) -> dict[str, str]:
        """Of these nodes the ones that are not Ready, and since when."""
        since = {}
        for name in nodes:
            # The pods of a node that was deleted are deleted, too, some time later.
            with contextlib.suppress(Missing):
                since[name] = explain.silent_since(get_node(self._kube, name))
        return {name: when for name, when in since.items() if when}

    def _of_the_node(self, node: str) -> dict[str, str]:
        query = {"fieldSelector": f"spec.nodeName={node}"}
        if self._job.selector:
            query["labelSelector"] = self._job.selector
        return query

    def forget(self) -> None:
        """What was read may be old by now."""
        self._lists.clear()

    @property
    def known_budgets(self) -> list[dict[str, t.Any]]:
        """Those that the forecast read; none where nothing asks them."""
        return self._lists.get(BUDGETS) or []

    def forecast(self, found: t.Sequence[Pod], nodes: t.Sequence[Node]) -> Forecast:
        """``found``: the pods of ``nodes``, which are to be emptied at once."""
        look = Look(self._job.guards, self._clock.utc(), self._daemonsets(found, nodes))
        plan = forecast(found, look, ways=self._job.means.ways)
        if plan.with_action(filters.EVICT) and not self._job.means.disable_eviction:
            known = self._list(BUDGETS, "what they allow is found out only by trying") or []
            plan = forecast(found, look, known, self._job.means.ways)
            plan = dataclasses.replace(plan, verdicts=tuple(self.with_causes(plan.verdicts, known)))
        grace = self._job.means.grace_period
        parts = plan.parts(lambda pod: place(pod, self._job.means.order))
        prediction = one_after_the_other([predict(part, grace, look.now) for part in parts])
        return dataclasses.replace(plan, prediction=against(prediction, self._job.means.timeout))

    def without_room(self, plans: t.Iterable[Forecast], nodes: t.Container[str]) -> list[dict[str, str]]:
        """Pods that find no room elsewhere, when none goes to ``nodes``, and why."""
        going = [decision.pod for plan in plans for decision in plan.with_action(filters.EVICT)]
        return [pods.entry(pod, why) for pod, why in Vacancies(self._kube, nodes, self._warn).missing(going)]

    def with_causes(self, verdicts: t.Iterable[Verdict], known: t.Iterable[budgets.Object]) -> t.Iterator[Verdict]:
        """Where a budget waits for its pods, some of them, and what each waits for."""
        selectors = {budgets.key(budget): (budget.get("spec") or {}).get("selector") for budget in known}
        for verdict in verdicts:
            selector = selectors.get(verdict.key)
            causes = self._causes(verdict, selector) if verdict.verdict == budgets.BLOCKED and selector else ""
            yield dataclasses.replace(verdict, reason=f"{verdict.reason}: {causes}") if causes else verdict

    def _causes(self, verdict: Verdict, selector: budgets.Object) -> str:
        query = {"labelSelector": budgets.query(selector)}
        try:
            return unready.causes(self._kube.list(PODS_OF.format(verdict.namespace), query))
        except KubeError:
            # The verdict stands without them.
            return ""

    def newcomers(self, found: t.Iterable[Pod]) -> list[Pod]:
        """Of the pods that came later, those that a drain would have sent away."""
        look = Look(self._job.guards, self._clock.utc())
        return [
            pod for pod in found if filters.decide(pod, look).action in (filters.EVICT, filters.FINISH, filters.REFUSE)
        ]

    def _daemonsets(self, found: t.Sequence[Pod], nodes: t.Sequence[Node]) -> set[str] | None:
        """Those that exist. A node that was drained before, and has nothing else on it, needs no question."""
        if not any(pods.daemonset(pod) for pod in found):
            return set()
        owner = self._job.me.owner
        drained = {node["metadata"]["name"] for node in nodes if ownership.is_held(node, owner)}
        if all(pods.node_of(pod) in drained and (pods.daemonset(pod) or pods.mirror(pod)) for pod in found):
            return None
        existing = self._list(DAEMONSETS, "all that pods name are taken to exist")
        return (
            None
            if existing is None
            else {f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in existing}
        )

    def _list(self, path: str, consequence: str) -> list[dict[str, t.Any]] | None:
        if path not in self._lists:
            self._lists[path] = self._ask(path, consequence)
        return self._lists[path]

    def _ask(self, path: str, consequence: str) -> list[dict[str, t.Any]] | None:
        try:
            return self._kube.list(path)
        except KubeError as error:
            if error.status != 403:
                raise
            self._warn(f"{path.rsplit('/', 1)[1]} may not be listed, so {consequence}: {error.message}")
            return None

    def _warn(self, warning: str) -> None:
        if warning not in self._warnings:
            self._warnings.append(warning)
