"""What a `[[sla]]` table of desk.toml promises, read: match, calendar, pauses, targets, steps.

    {"match": "customer.tier:vip", "calendar": "office", "pause": ["waiting"], "pause_first_response": false,
     "targets": {"urgent": {"first_response": "15m"}, "default": {"first_response": "4h", "resolution":
     "24h"}}, "steps": [{"metric": "first_response", "at": "-10m", "do": ["notify:assignee"]}]}

A priority's table and "default" are merged metric by metric: what the priority leaves out, default promises.
Pure: no database. Leaves to others: checking what people write (`tkt.config`), choosing among policies
(`tkt.sla.policies`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tkt.store.constants import METRICS
from tkt.times import parse_duration

PAUSE = ("waiting",)
"""What pauses a clock where a policy does not say: statuses of this kind."""

RESPONSES = ("first_response", "next_response")

WITHDRAWN = "withdrawn"
"""The reason on a clock whose end was taken back: the next cycle tells how it went."""


class Step(NamedTuple):
    """A reminder or escalation: `offset` is open seconds from the deadline (negative: before it), `actions`
    its `do`, `when` the query that the ticket must fit. With `every` it comes again and again at that distance in
    open seconds: `times` in all (0: no limit), not beyond the offset `until` (None: no limit). What it tells
    neither waits for quiet hours nor is muted where it is `urgent`.

    `key` names it in the ledger. It is made of the distances, so that a step keeps its identity when its
    policy gets a new version, and never fires twice on one clock.
    """

    key: str
    metric: str
    offset: int
    actions: tuple[str, ...]
    every: int = 0
    times: int = 0
    until: int | None = None
    when: str = ""
    urgent: bool = False

    @property
    def most(self) -> int | None:
        """How often it comes at most; None: as long as the promise is open."""
        if not self.every:
            return 1
        limits = [self.times] if self.times else []
        if self.until is not None:
            limits.append((self.until - self.offset) // self.every + 1)
        return min(limits, default=None)


class Policy(NamedTuple):
    """One version of a policy. `targets` holds open seconds by priority and metric, the defaults already
    merged in.
    """

    id: int
    name: str
    match: str
    calendar: str
    pause: frozenset[str]
    pause_first_response: bool
    targets: Mapping[str, Mapping[str, int]]
    steps: tuple[Step, ...]

    def target(self, priority: str, metric: str) -> int | None:
        """Open seconds promised at this priority; None where nothing is promised."""
        return self.targets.get(priority, self.targets["default"]).get(metric)

    def pauses(self, metric: str, status: str, kind: str) -> bool:
        """Whether a clock of this metric stands still in this status (of this kind)."""
        if metric == "first_response" and not self.pause_first_response:
            return False
        return status in self.pause or kind in self.pause

    def steps_of(self, metric: str) -> list[Step]:
        """The steps of one metric in the order of their moments."""
        return sorted((step for step in self.steps if step.metric == metric), key=lambda step: step.offset)


def read_policy(identifier: int, name: str, body: Mapping[str, Any]) -> Policy:
    """The policy that a checked table declares. Raises UsageError for a duration that is none."""
    return Policy(
        id=identifier,
        name=name,
        match=str(body.get("match", "")),
        calendar=str(body.get("calendar", "")),
        pause=frozenset(body.get("pause", PAUSE)),
        pause_first_response=bool(body.get("pause_first_response", False)),
        targets=_targets(body.get("targets", {})),
        steps=tuple(_steps(body.get("steps", []))),
    )


def _targets(tables: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, int]]:
    default = tables.get("default", {})
    return {priority: _seconds({**default, **table}) for priority, table in {"default": {}, **tables}.items()}


def _seconds(table: Mapping[str, str]) -> dict[str, int]:
    return {metric: parse_duration(text) for metric, text in table.items() if metric in METRICS}


def _steps(tables: list[Mapping[str, Any]]) -> list[Step]:
    steps: list[Step] = []
    for table in tables:
        metric, offset = str(table["metric"]), parse_offset(str(table["at"]))
        every, until = parse_duration(table["every"]) if "every" in table else 0, table.get("until")
        same = sum((step.metric, step.offset, step.every) == (metric, offset, every) for step in steps)
        steps.append(
            Step(
                key=_key(offset, every) + (f" ({same + 1})" if same else ""),
                metric=metric,
                offset=offset,
                actions=tuple(table.get("do", ())),
                every=every,
                times=int(table.get("times", 0)),
                until=None if until is None else parse_offset(str(until)),
                when=str(table.get("when", "")),
                urgent=bool(table.get("urgent", False)),
            )
        )
    return steps


def _key(offset: int, every: int) -> str:
    return f"{format_offset(offset)} every {format_offset(every)[1:]}" if every else format_offset(offset)


def parse_offset(text: str) -> int:
    """Seconds of "-10m", "+0m", "+2h". Raises UsageError."""
    sign, distance = text.strip()[:1], text.strip()[1:]
    return -parse_duration(distance) if sign == "-" else parse_duration(distance)


def format_offset(seconds: int) -> str:
    """Whole and in one way for the same distance: "-10m", "+0m", "+1h30m"."""
    sign, rest, parts = ("-" if seconds < 0 else "+"), abs(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    return sign + ("".join(parts) or "0m")
