"""When a clock's reminders and escalations come, and when it next needs looking at.

A step lies a distance of open time from the deadline; one that repeats comes again after each further `every` of open
time. While a clock is paused it has no deadline, so no steps either; a clock that was paused after its breach counts on
from where it stood. What of a repeated step was missed is one firing, the last, which knows how many it stands for.
Pure: the ledger asks with its rows, `tkt sla explain` with what it read.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from tkt.sla.calendar import Calendar, NoOpenTime
from tkt.sla.policy import Policy, Step

Fired = Mapping[str, Mapping[int, datetime]]
"""By step and number: when each firing that the ledger knows was due."""

NOTHING: Fired = {}


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


class Firing(NamedTuple):
    """The `n`th time that a step comes (from 1), and how many before it were `missed`."""

    at: datetime
    step: Step
    n: int = 1
    missed: int = 0


def time_in_words(key: str, n: int, missed: int) -> str:
    """Which step, and which time of one that repeats: "+0m every 2h (time 4, 2 before it missed)"."""
    before = f", {missed} before it missed" if missed else ""
    return f"{key} (time {n}{before})" if n > 1 else key


def coming(clock: Timed, calendar: Calendar, policy: Policy, fired: Fired = NOTHING) -> list[Firing]:
    """The next firing of each step that is not through, earliest first; none while the clock stands still."""
    found = (course.firing(course.first) for course in _courses(clock, calendar, policy, fired))
    return sorted((one for one in found if one is not None), key=lambda one: one.at)


def due(clock: Timed, calendar: Calendar, policy: Policy, fired: Fired, now: datetime) -> list[Firing]:
    """What has come by `now` and is not in the ledger, earliest first: of each step the last, for all that were
    missed.
    """
    found = (course.last_until(now) for course in _courses(clock, calendar, policy, fired))
    return sorted((one for one in found if one is not None), key=lambda one: one.at)


def next_check(clock: Timed, calendar: Calendar, policy: Policy, fired: Fired = NOTHING) -> datetime | None:
    """The earliest moment at which the clock is due or a step that has not `fired` comes; None for never."""
    due_at = [clock.due_at] if clock.state == "running" and clock.due_at else []
    return min(due_at + [one.at for one in coming(clock, calendar, policy, fired)], default=None)


class _Course:
    """One step on one clock: its nth time is `offset + (n - first) * every` of open time from `anchor`."""

    def __init__(self, calendar: Calendar, anchor: datetime, step: Step, offset: int, first: int) -> None:
        self.calendar = calendar
        self.anchor = anchor
        self.step = step
        self.offset = offset
        self.first = first

    def firing(self, n: int) -> Firing | None:
        """The nth time; None where it does not come any more."""
        if self.step.most is not None and n > self.step.most:
            return None
        moment = _shifted(self.calendar, self.anchor, self.offset + (n - self.first) * self.step.every)
        return None if moment is None else Firing(moment, self.step, n, n - self.first)

    def last_until(self, now: datetime) -> Firing | None:
        """The last time that has come by `now`, the first one that is not in the ledger or later."""
        n = self.first
        if self.step.every:
            n = max(
                n, n + (self._open_until(now) - self.offset) // self.step.every - 1
            )  # cut seconds: look at the next
            n = min(n, self.step.most or n)
        last: Firing | None = None
        while (one := self.firing(n)) is not None and one.at <= now:
            last, n = one, n + 1
            if not self.step.every:
                break
        return last

    def _open_until(self, now: datetime) -> int:
        """Open seconds from the anchor to `now`; negative before it."""
        if now >= self.anchor:
            return self.calendar.between(self.anchor, now)
        return -self.calendar.between(now, self.anchor)


def _courses(clock: Timed, calendar: Calendar, policy: Policy, fired: Fired) -> list[_Course]:
    """The steps that still come, each with its next number."""
    if clock.running_since is None or clock.due_at is None:
        return []
    anchor = _anchor(clock, calendar)
    found = []
    for step in policy.steps_of(clock.metric):
        known = fired.get(step.key, {})
        first = max(known, default=0) + 1
        if step.most is not None and first > step.most:
            continue
        found.append(_Course(calendar, anchor, step, _offset(clock, step, known, first), first))
    return found


def _offset(clock: Timed, step: Step, known: Mapping[int, datetime], first: int) -> int:
    """The open seconds from the anchor to the step's next time. Where the anchor is the last start of a clock that was
    broken by a change, what was fired before that start does not count.
    """
    if not _counts_from_start(clock):
        return step.offset + (first - 1) * step.every
    assert clock.running_since
    before = max((n for n, at in known.items() if at < clock.running_since), default=0)
    return (first - before) * step.every if before and step.every else step.offset + (first - 1) * step.every


def _counts_from_start(clock: Timed) -> bool:
    """Whether the clock was paused since a change broke it: how much was used when it broke is not kept."""
    assert clock.running_since
    return clock.by_change and clock.breached_at is not None and clock.running_since > clock.breached_at


def _anchor(clock: Timed, calendar: Calendar) -> datetime:
    """The deadline from which steps are counted: for a clock paused since its breach, moved by what the
    pauses took.
    """
    assert clock.due_at and clock.running_since
    if clock.breached_at is None or clock.running_since <= clock.breached_at:
        return clock.due_at
    if _counts_from_start(clock):
        return clock.running_since
    over = clock.carried_seconds + clock.used_seconds - clock.target_seconds
    return _shifted(calendar, clock.running_since, -over) or clock.due_at


def _shifted(calendar: Calendar, moment: datetime, seconds: int) -> datetime | None:
    """None where the calendar has not that much open time left (it opens on single days only)."""
    try:
        return calendar.add(moment, seconds)
    except NoOpenTime:
        return None
