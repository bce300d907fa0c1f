"""What would have been kept and broken if other policies and calendars had been in force all the time.

The real history of every ticket is gone through again (`replay`) under the new definitions; the old side is the ledger
as it stands. Both are counted alike: a promise in the period in which it was decided, kept when it was met in
time, broken when its deadline passed without it; what a change broke stands apart.

What people, rules and steps did stays as it was: a ticket that an escalation made urgent is urgent from then on, and
reminders and escalations of the new policies do nothing. Nothing is written.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from statistics import median
from typing import Any, NamedTuple

from sqlmodel import Session

from tkt.sla.calendar import Calendar
from tkt.sla.policies import calendar_of
from tkt.sla.policy import WITHDRAWN
from tkt.sla.replaying.eras import Eras
from tkt.sla.replaying.past import PORTION, read_pasts
from tkt.sla.replaying.replay import replay
from tkt.store.definitions import Definitions
from tkt.store.rows import rows
from tkt.times import from_micros


class Period(NamedTuple):
    """From one moment up to, not including, another; `now` is when what is open is judged."""

    start: datetime
    end: datetime
    now: datetime


class Decided(NamedTuple):
    """One promise: how it went in the period ("kept", "broken", "by change", "open"), under which policy, due when, and
    how many open seconds too late.
    """

    metric: str
    policy: str
    verdict: str
    due_at: datetime | None
    late_seconds: int


class Figures:
    """What one metric of one policy came to; `late` are the open seconds of those broken, one by one."""

    def __init__(self) -> None:
        self.kept = self.broken = self.by_change = self.running = 0
        self.late = array("q")

    def count(self, one: Decided) -> None:
        """One promise more."""
        name = _COUNTED[one.verdict]
        setattr(self, name, getattr(self, name) + 1)
        if one.verdict == "broken":
            self.late.append(one.late_seconds)

    def add(self, other: Figures) -> None:
        """All of another's."""
        for name in _COUNTED.values():
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.late.extend(other.late)

    @property
    def attainment(self) -> float | None:
        """0 to 1; None where nothing was decided."""
        decided = self.kept + self.broken
        return round(self.kept / decided, 4) if decided else None

    @property
    def median_late_seconds(self) -> int | None:
        """The median lateness of those broken."""
        return round(median(self.late)) if self.late else None


_COUNTED = {"kept": "kept", "broken": "broken", "by change": "by_change", "open": "running"}


class Flip(NamedTuple):
    """A promise that would have gone the other way: `broken` says whether it would have been broken, or kept."""

    ticket: int
    metric: str
    broken: bool
    old_policy: str
    new_policy: str
    old_due_at: datetime | None
    new_due_at: datetime | None


Side = dict[tuple[str, str], Figures]
"""Figures by (metric, policy)."""


class Outcome(NamedTuple):
    """Both sides of so many tickets. `left_out` are tickets whose history can't be gone through, with the reason: they
    are counted on neither side.
    """

    tickets: int
    left_out: list[tuple[int, str]]
    old: Side
    new: Side
    flips: list[Flip]


def simulate(session: Session, numbers: Sequence[int], eras: Eras, period: Period) -> Outcome:
    """Both sides for these tickets; `eras` is the one of the new definitions."""
    found = Outcome(0, [], {}, {}, [])
    definitions = Definitions("stored", [], {})
    for start in range(0, len(numbers), PORTION):
        some = numbers[start : start + PORTION]
        stored = _stored(session, definitions, some, period)
        for past in read_pasts(session, some):
            number = past.ticket.number
            replayed = replay(session, past, eras)
            if replayed.problem:
                found.left_out.append((number, replayed.problem))
                continue
            old = stored.get(number, [])
            new = [_judged(one.clock, one.policy.name, one.calendar, period) for one in replayed.clocks]
            _count(found.old, old)
            _count(found.new, new)
            found.flips.extend(_flips(number, old, new))
            found = found._replace(tickets=found.tickets + 1)
    return found


def add(whole: Outcome, part: Outcome) -> Outcome:
    """The sum of two outcomes; `whole` is used up."""
    for side, other in ((whole.old, part.old), (whole.new, part.new)):
        for key, figures in other.items():
            side.setdefault(key, Figures()).add(figures)
    whole.left_out.extend(part.left_out)
    whole.flips.extend(part.flips)
    return whole._replace(tickets=whole.tickets + part.tickets)


def over_policies(side: Side, metric: str) -> Figures:
    """The figures of a metric, whatever the policy."""
    found = Figures()
    for (name, _), figures in side.items():
        if name == metric:
            found.add(figures)
    return found


# --- one promise ------------------------------------------------------------------------------------------


def _judged(clock: Any, policy: str, calendar: Calendar, period: Period) -> Decided:
    """How a clock's promise went. `clock` has the names of `tkt.store.tables.Clock`."""
    broken_at = clock.breached_at
    if clock.state == "running" and clock.due_at is not None and clock.due_at <= period.now:
        broken_at = clock.due_at  # nobody has looked since
    verdict, late = "", 0
    if clock.reason == WITHDRAWN:
        verdict = ""
    elif broken_at is not None:
        if period.start <= broken_at < period.end:
            verdict = "by change" if clock.by_change else "broken"
            ended = clock.met_at or clock.cancelled_at or period.now
            late = calendar.between(broken_at, max(broken_at, ended)) if verdict == "broken" else 0
    elif clock.state == "met":
        verdict = "kept" if period.start <= clock.met_at < period.end else ""
    elif clock.state in ("running", "paused"):
        verdict = "open"
    return Decided(clock.metric, policy, verdict, clock.due_at, late)


class _StoredClock(NamedTuple):
    metric: str
    state: str
    reason: str
    by_change: bool
    due_at: datetime | None
    met_at: datetime | None
    breached_at: datetime | None
    cancelled_at: datetime | None


def _stored(
    session: Session, definitions: Definitions, numbers: Sequence[int], period: Period
) -> dict[int, list[Decided]]:
    """The promises of the ledger, by ticket."""
    found: dict[int, list[Decided]] = {}
    marks = ", ".join("?" * len(numbers))
    for number, policy, calendar_id, metric, state, reason, by_change, *moments in rows(
        session, _CLOCKS.format(marks), list(numbers)
    ):
        clock = _StoredClock(metric, state, reason, bool(by_change), *map(_moment, moments))
        calendar = calendar_of(session, definitions, calendar_id)
        found.setdefault(number, []).append(_judged(clock, policy, calendar, period))
    return found


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


_CLOCKS = """
SELECT k.ticket, d.name, k.calendar_id, k.metric, k.state, k.reason, k.by_change, k.due_at, k.met_at, k.breached_at,
       k.cancelled_at
FROM clock k JOIN definition d ON d.id = k.policy_id WHERE k.ticket IN ({}) ORDER BY k.id
"""


# --- many -------------------------------------------------------------------------------------------------


def _count(side: Side, decided: Iterable[Decided]) -> None:
    for one in decided:
        if one.verdict:
            side.setdefault((one.metric, one.policy), Figures()).count(one)


def _flips(number: int, old: Sequence[Decided], new: Sequence[Decided]) -> Iterator[Flip]:
    for metric in dict.fromkeys(one.metric for one in old):
        before, after = _outcome(old, metric), _outcome(new, metric)
        if before and after and (before.verdict == "kept") != (after.verdict == "kept"):
            broken = after.verdict != "kept"
            yield Flip(number, metric, broken, before.policy, after.policy, before.due_at, after.due_at)


def _outcome(decided: Sequence[Decided], metric: str) -> Decided | None:
    """How a metric went on a ticket in all: broken if one of its promises was, else kept; None if undecided."""
    mine = [one for one in decided if one.metric == metric and one.verdict in ("kept", "broken", "by change")]
    return next((one for one in mine if one.verdict != "kept"), mine[-1] if mine else None)
