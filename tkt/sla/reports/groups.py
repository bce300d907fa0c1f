"""What a report can be split by: the team, the hour … of each promise, and the order in which groups are shown.

A ticket's own words are those it has now. Hour and weekday are those in which the promise began, on the wall of its
calendar's zone where it names a calendar, else of the desk's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo

from tkt.errors import UsageError
from tkt.sla.calendar import Calendar
from tkt.sla.reports.reading import Promise
from tkt.store.constants import PRIORITIES
from tkt.times import from_micros

ALL = "all"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HEAT = "weekday,hour"
"""The dimension of a week's hours, "mon 09": there where both hour and weekday are asked for."""

DIMENSIONS = ("team", "priority", "policy", "agent", "category", "channel", "customer.tier", "hour", "weekday")

_OWN: dict[str, Callable[[Promise], str]] = {
    ALL: lambda one: "",
    "team": lambda one: one.team,
    "priority": lambda one: one.priority,
    "policy": lambda one: one.policy,
    "agent": lambda one: one.agent,
    "category": lambda one: one.category,
    "channel": lambda one: one.channel,
    "customer.tier": lambda one: one.tier,
}


class Grouping:
    """The dimensions of one report; `of` gives a promise's group in each."""

    def __init__(self, by: Sequence[str], zone: tzinfo, calendar: Callable[[int | None], Calendar]) -> None:
        self.dimensions = _dimensions(by)
        self._timed = not {"hour", "weekday"}.isdisjoint(self.dimensions)
        self._zone = zone
        self._calendar = calendar

    @property
    def by_tier(self) -> bool:
        return "customer.tier" in self.dimensions

    def of(self, one: Promise) -> list[tuple[str, str]]:
        """(dimension, group) for each dimension; an empty group is nobody's."""
        began = self._began(one) if self._timed else {}
        return [(name, began[name] if name in began else _OWN[name](one)) for name in self.dimensions]

    def _began(self, one: Promise) -> dict[str, str]:
        zone = self._zone
        if one.calendar_id is not None:
            zone = self._calendar(one.calendar_id).zone
        local = from_micros(one.started_at).astimezone(zone)
        day, hour = WEEKDAYS[local.weekday()], f"{local.hour:02}"
        return {"hour": hour, "weekday": day, HEAT: f"{day} {hour}"}


def zone_named(name: str) -> tzinfo:
    """The desk's zone."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def rank(dimension: str, group: str) -> tuple[int, str]:
    """Most urgent priority first, a week from Monday on; names in alphabetical order, nobody last."""
    if dimension == "priority":
        return -PRIORITIES[group], group
    if dimension in ("weekday", HEAT):
        return WEEKDAYS.index(group[:3]), group
    return not group, group


def _dimensions(by: Sequence[str]) -> tuple[str, ...]:
    for name in by:
        if name not in DIMENSIONS:
            raise UsageError(f"a report is by {', '.join(DIMENSIONS)}, not by '{name}'")
    heat = (HEAT,) if {"hour", "weekday"} <= set(by) else ()
    return tuple(dict.fromkeys((ALL, *by, *heat)))
