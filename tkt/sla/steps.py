"""When a clock's reminders and escalations come, and when it next needs looking at.

A step lies a distance of open time from the deadline. While a clock is paused it has no deadline, so no steps
either; a clock that was paused after its breach counts on from where it stood. Pure: the ledger asks with its
rows, `tkt sla explain` with what it read.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from tkt.sla.calendar import Calendar, NoOpenTime
from tkt.sla.policy import Policy, Step


class Timed(Protocol):
    """What of a clock matters here (see `tkt.store.tables.Clock`)."""

    metric: str
    state: str
    target_seconds: int
    carried_seconds: int
    used_seconds: int
    running_since: datetime | None
    due_at: datetime | None
    breached_at: datetime | None
    by_change: bool


def moments(clock: Timed, calendar: Calendar, policy: Policy) -> list[tuple[datetime, Step]]:
    """The moment of each step of a clock that runs, fired or not, earliest first; none while it stands still."""
    if clock.running_since is None or clock.due_at is None:
        return []
    anchor = _anchor(clock, calendar)
    found = ((_shifted(calendar, anchor, step.offset), step) for step in policy.steps_of(clock.metric))
    return [(moment, step) for moment, step in found if moment is not None]


def next_check(clock: Timed, calendar: Calendar, policy: Policy, fired: Collection[str] = ()) -> datetime | None:
    """The earliest moment at which the clock is due or a step that has not `fired` comes; None for never."""
    due = [clock.due_at] if clock.state == "running" and clock.due_at else []
    steps = [moment for moment, step in moments(clock, calendar, policy) if step.key not in fired]
    return min(due + steps, default=None)


def _anchor(clock: Timed, calendar: Calendar) -> datetime:
    """The deadline from which steps are counted: for a clock paused since its breach, moved by what the
    pauses took.
    """
    assert clock.due_at and clock.running_since
    if clock.breached_at is None or clock.running_since <= clock.breached_at:
        return clock.due_at
    if clock.by_change:
        return clock.running_since  # how much was used when it broke is not kept: count from the last start
    over = clock.carried_seconds + clock.used_seconds - clock.target_seconds
    return _shifted(calendar, clock.running_since, -over) or clock.due_at


def _shifted(calendar: Calendar, moment: datetime, seconds: int) -> datetime | None:
    """None where the calendar has not that much open time left (it opens on single days only)."""
    try:
        return calendar.add(moment, seconds)
    except NoOpenTime:
        return None
