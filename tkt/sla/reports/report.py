"""How well the desk kept its promises in a period, and why it broke some: for a manager, from plain SQL.

What is counted how is told in `figures`, why promises were broken in `causes`, by what it can be split in
`groups`. The ledger is read in windows (`reading`), under one snapshot: what a report holds in memory is
a few numbers for each promise and dimension, and the worst breaches.

Moments are aware UTC, durations seconds. `document` makes JSON and CSV of it, `text` text, `html`
a page for a mail.
"""

from __future__ import annotations

import heapq
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from tkt.errors import UsageError
from tkt.sla.calendar import Calendar
from tkt.sla.reports.causes import Causes, Share
from tkt.sla.reports.figures import Late, Line, Tally
from tkt.sla.reports.groups import Grouping, rank, zone_named
from tkt.sla.reports.reading import Period, Promise, windows
from tkt.store.constants import METRICS
from tkt.store.read_clauses import EVERYTHING, Where
from tkt.times import from_micros, to_micros, utcnow

if TYPE_CHECKING:
    from tkt.store.read import Reader

PERIOD = timedelta(days=30)
"""How far back a report looks when nobody says from when."""

WORST = 20
"""So many broken promises are listed where nobody says how many."""

BY = ("team", "priority", "policy")
"""The dimensions where nobody names any."""


class Breach(NamedTuple):
    """A broken promise; `late_seconds` is open time after the deadline until it was met or given up, or until now.

    `shares` divide the time used (`tkt.sla.reports.causes`), the cause first; `change` is what broke it by itself.
    """

    ticket: int
    subject: str
    metric: str
    policy: str
    team: str
    assignee: str
    priority: str
    due_at: datetime
    met_at: datetime | None
    late_seconds: int
    by_change: bool
    change: str
    is_open: bool
    out_of_hours: bool
    shares: tuple[Share, ...]


class Report(NamedTuple):
    """Attainment in all (`dimension` is "all") and by each dimension asked for; how many promises were broken, and the
    worst of them, the latest first.
    """

    start: datetime
    end: datetime
    query: str
    zone: str
    lines: tuple[Line, ...]
    breached: int
    breaches: tuple[Breach, ...]


def check_period(start: datetime, end: datetime, now: datetime) -> None:
    """Raise UsageError for a period that ends before it starts, or that has not begun."""
    if start >= now:
        raise UsageError("the period has not begun yet: --from lies in the future")
    if start >= end:
        raise UsageError("the period ends before it starts: --from must be earlier than --to")


def report(
    reader: Reader,
    where: Where = EVERYTHING,
    start: datetime | None = None,
    end: datetime | None = None,
    by: Sequence[str] = BY,
    *,
    query: str = "",
    worst: int = WORST,
    now: datetime | None = None,
    progress: Callable[[float], None] | None = None,
) -> Report:
    """The report on the tickets that match `where` (`query` is its text) from `start` up to, not including, `end`, with
    so many of the `worst` breaches (0: all). `progress` is told, from 0 to 1, how far it is.

    Raises UsageError for a dimension that is none, and for a period that is none (`check_period`).
    """
    now = now or utcnow()
    end = end or now
    start = start or end - PERIOD
    check_period(start, end, now)
    period = Period(to_micros(start), to_micros(end), to_micros(now))
    with reader.snapshot():
        count = _Count(reader, period, by, worst)
        for window in windows(reader, where, period, count.grouping.by_tier, progress):
            count.add(window)
    return Report(start, end, query, count.zone, tuple(count.lines()), count.breached, tuple(count.worst()))


class _Count:
    """A report being counted."""

    def __init__(self, reader: Reader, period: Period, by: Sequence[str], worst: int) -> None:
        words = reader.vocabulary(period.now)
        calendars = _Calendars(reader)
        self.zone = words.zone
        self.grouping = Grouping(by, zone_named(words.zone), calendars.get)
        self.breached = 0
        self._period = period
        self._most = worst
        self._calendar = calendars.get
        self._causes = Causes(reader, words.statuses, calendars.get, period.now)
        self._tallies: defaultdict[tuple[str, str, str], Tally] = defaultdict(Tally)
        self._worst: list[tuple[int, int, Breach]] = []

    def add(self, window: Sequence[Promise]) -> None:
        broken = [one for one in window if self._period.holds(one.breached_at)]
        shares = self._causes.of(broken)
        late = {one.id: self._late(one, shares[one.id]) for one in broken}
        for one in window:
            for dimension, group in self.grouping.of(one):
                self._tallies[dimension, group, one.metric].add(one, self._period, late.get(one.id))
        self.breached += len(broken)
        self._keep_worst((one, late[one.id]) for one in broken)

    def lines(self) -> Iterator[Line]:
        """Dimensions as they were asked for, groups in their natural order, the metrics in theirs."""
        for dimension in self.grouping.dimensions:
            there = [key for key in self._tallies if key[0] == dimension]
            for key in sorted(there, key=lambda key: (rank(dimension, key[1]), METRICS.index(key[2]))):
                yield self._tallies[key].line(*key)

    def worst(self) -> list[Breach]:
        return [breach for _, _, breach in sorted(self._worst, key=lambda kept: (-kept[0], -kept[1]))]

    def _late(self, one: Promise, shares: tuple[Share, ...]) -> Late:
        calendar = self._calendar(one.calendar_id)
        due = one.due_at if one.due_at is not None else one.breached_at or self._period.now
        until = one.ended_at if one.ended_at is not None else self._period.now
        closed = not calendar.is_open(from_micros(one.started_at))
        return Late(calendar.between_micros(due, until) // 1_000_000, closed, shares)

    def _keep_worst(self, broken: Iterable[tuple[Promise, Late]]) -> None:
        """Of equally late ones the oldest promise."""
        for one, late in broken:
            kept = late.seconds, -one.id, _breach(one, late)
            if not self._most or len(self._worst) < self._most:
                heapq.heappush(self._worst, kept)
            else:
                heapq.heappushpop(self._worst, kept)


def _breach(one: Promise, late: Late) -> Breach:
    return Breach(
        ticket=one.ticket,
        subject=one.subject,
        metric=one.metric,
        policy=one.policy,
        team=one.team,
        assignee=one.agent,
        priority=one.priority,
        due_at=from_micros(one.due_at if one.due_at is not None else one.breached_at or 0),
        met_at=from_micros(one.met_at) if one.met_at is not None else None,
        late_seconds=late.seconds,
        by_change=one.by_change,
        change=one.reason if one.by_change else "",
        is_open=one.ended_at is None,
        out_of_hours=late.out_of_hours,
        shares=late.shares,
    )


class _Calendars:
    """Each version of a calendar, read once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[int | None, Calendar] = {None: Calendar.always()}

    def get(self, identifier: int | None) -> Calendar:
        if identifier not in self._known:
            sql = "SELECT name, CAST(body AS TEXT) FROM definition WHERE id = ?"
            name, body = self._reader.rows(sql, (identifier,))[0]
            self._known[identifier] = Calendar.from_definition(name, json.loads(body))
        return self._known[identifier]
