"""Why a ticket's deadlines are what they are: the chain from policy to due time, for somebody who disputes
it.

Read side only (plain SQL). The structure holds the policies asked in order and whether each matches the
ticket as it stands now, then for each clock: its policy and calendar, every span with its length and its open
pieces, the sum, the deadline, and the steps fired and to come. Moments are aware UTC, durations open seconds.
`document` makes JSON of it, `tkt.sla.explain_text` text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.sla.calendar import Calendar
from tkt.sla.match import Asked, asked, asked_document, chosen
from tkt.sla.policy import Policy, read_policy
from tkt.sla.steps import Fired, coming
from tkt.store.read_desk import setting
from tkt.store.read_tickets import TicketRow, ticket
from tkt.times import from_micros, rfc3339, utcnow

if TYPE_CHECKING:
    from tkt.store.read import Reader


class Piece(NamedTuple):
    """Open time within a span."""

    opens: datetime
    closes: datetime


class SpecialDay(NamedTuple):
    """A date on which the calendar has other hours than on that weekday, and why."""

    date: str
    reason: str


class SpanStory(NamedTuple):
    """A stretch of a clock: running or paused, from when to when (None: still), its open seconds, its open
    pieces, and the special days of its calendar in it.
    """

    state: str
    started_at: datetime
    ended_at: datetime | None
    seconds: int
    pieces: tuple[Piece, ...]
    special_days: tuple[SpecialDay, ...]
    policy: str
    calendar: str
    target_seconds: int
    cause: str


class StepStory(NamedTuple):
    """A step: when it is to come (None: not while the clock stands still), and when it fired.

    One that repeats is told each time, the `n`th, with how many before it were `missed`. `skipped`: its condition
    `when` did not hold, nothing was done.
    """

    key: str
    actions: tuple[str, ...]
    at: datetime | None
    fired_at: datetime | None
    n: int = 1
    when: str = ""
    skipped: bool = False
    missed: int = 0


class ClockStory(NamedTuple):
    """One clock and how its deadline came about."""

    metric: str
    cycle: int
    state: str
    policy: str
    policy_version: int
    calendar: str
    zone: str
    target_seconds: int
    carried_seconds: int
    used_seconds: int
    started_at: datetime
    due_at: datetime | None
    met_at: datetime | None
    breached_at: datetime | None
    cancelled_at: datetime | None
    by_change: bool
    reason: str
    spans: tuple[SpanStory, ...]
    pieces_left: tuple[Piece, ...]
    special_days_left: tuple[SpecialDay, ...]
    steps: tuple[StepStory, ...]

    @property
    def left_seconds(self) -> int:
        """What is left of the target; negative once it is overdrawn."""
        return self.target_seconds - self.carried_seconds - self.used_seconds


class Explanation(NamedTuple):
    """A ticket, the policies asked for it as it stands now, and its clocks in the order they started."""

    ticket: TicketRow
    zone: str
    now: datetime
    policies: tuple[Asked, ...]
    clocks: tuple[ClockStory, ...]

    @property
    def chosen(self) -> str:
        """The policy that holds for the ticket as it stands now; empty when nothing is promised."""
        return chosen(self.policies)


def explain(reader: Reader, number: int, now: datetime | None = None) -> Explanation:
    """The whole chain for one ticket. Raises NotFound."""
    now = now or utcnow()
    row = ticket(reader, number)
    library = _Library(reader)
    clocks = reader.rows(f"{_CLOCKS} WHERE ticket = ? ORDER BY started_at, id", (number,))
    told = tuple(_clock_story(reader, library, _ClockRow(*one), now) for one in clocks)
    return Explanation(row, setting(reader, "desk.timezone", "UTC"), now, asked(reader, row, now), told)


def document(explanation: Explanation) -> dict[str, Any]:
    """The explanation as JSON values: moments RFC 3339 in UTC, durations seconds."""
    return {
        "number": explanation.ticket.number,
        "at": rfc3339(explanation.now),
        "policy": explanation.chosen or None,
        "policies": asked_document(explanation.policies),
        "clocks": [_plain(one) | {"left_seconds": one.left_seconds} for one in explanation.clocks],
    }


class _Library:
    """Definitions by row id, each version read once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rows: dict[int, tuple[str, int, dict[str, Any]]] = {}
        self._calendars: dict[int | None, Calendar] = {None: Calendar.always()}

    def policy(self, identifier: int) -> Policy:
        name, _, body = self._definition(identifier)
        return read_policy(identifier, name, body)

    def version(self, identifier: int) -> int:
        return self._definition(identifier)[1]

    def calendar(self, identifier: int | None) -> Calendar:
        if identifier is not None and identifier not in self._calendars:
            name, _, body = self._definition(identifier)
            self._calendars[identifier] = Calendar.from_definition(name, body)
        return self._calendars[identifier]

    def _definition(self, identifier: int) -> tuple[str, int, dict[str, Any]]:
        if identifier not in self._rows:
            sql = "SELECT name, version, CAST(body AS TEXT) FROM definition WHERE id = ?"
            name, version, body = self._reader.rows(sql, (identifier,))[0]
            self._rows[identifier] = name, version, json.loads(body)
        return self._rows[identifier]


# --- clocks -----------------------------------------------------------------------------------------------

_CLOCKS = """
SELECT id, metric, cycle, policy_id, calendar_id, state, started_at, target_seconds, carried_seconds,
used_seconds,
       running_since, due_at, met_at, breached_at, cancelled_at, by_change, reason
FROM clock
"""
_SPANS = """
SELECT state, started_at, ended_at, seconds, policy_id, calendar_id, target_seconds, cause
FROM clock_span WHERE clock_id = ? ORDER BY started_at, id
"""


_STEPS = "SELECT step, n, due_at, fired_at, skipped FROM clock_step WHERE clock_id = ? ORDER BY due_at, step, n"


class _ClockRow:
    """A clock as it is stored, its moments made aware."""

    def __init__(self, *row: Any) -> None:
        (self.id, self.metric, self.cycle, self.policy_id, self.calendar_id, self.state) = row[:6]
        self.started_at = from_micros(row[6])
        self.target_seconds, self.carried_seconds, self.used_seconds = row[7:10]
        self.running_since, self.due_at, self.met_at = map(_moment, row[10:13])
        self.breached_at, self.cancelled_at = map(_moment, row[13:15])
        self.by_change, self.reason = bool(row[15]), row[16]


def _clock_story(reader: Reader, library: _Library, row: _ClockRow, now: datetime) -> ClockStory:
    policy, calendar = library.policy(row.policy_id), library.calendar(row.calendar_id)
    spans = tuple(_span_story(library, one, now) for one in reader.rows(_SPANS, (row.id,)))
    running = row.running_since is not None and row.breached_at is None
    rest = (calendar, now, row.due_at) if running and row.due_at and row.due_at > now else None
    return ClockStory(
        metric=row.metric,
        cycle=row.cycle,
        state=row.state,
        policy=policy.name,
        policy_version=library.version(row.policy_id),
        calendar=calendar.name,
        zone=str(calendar.zone),
        target_seconds=row.target_seconds,
        carried_seconds=row.carried_seconds,
        used_seconds=sum(span.seconds for span in spans if span.state == "running"),
        started_at=row.started_at,
        due_at=row.due_at,
        met_at=row.met_at,
        breached_at=row.breached_at,
        cancelled_at=row.cancelled_at,
        by_change=row.by_change,
        reason=row.reason,
        spans=spans,
        pieces_left=_pieces(*rest) if rest else (),
        special_days_left=_special_days(*rest) if rest else (),
        steps=_steps(reader, row, calendar, policy),
    )


def _span_story(library: _Library, row: Sequence[Any], now: datetime) -> SpanStory:
    state, started, ended, seconds, policy_id, calendar_id, target, cause = row
    start, end = from_micros(started), _moment(ended)
    calendar = library.calendar(calendar_id)
    stretch = calendar, start, end or now
    counted = seconds if end else calendar.between(start, now)
    policy = library.policy(policy_id).name
    return SpanStory(
        state, start, end, counted, _pieces(*stretch), _special_days(*stretch), policy, calendar.name, target, cause
    )


def _pieces(calendar: Calendar, start: datetime, end: datetime) -> tuple[Piece, ...]:
    return tuple(Piece(opens, closes) for opens, closes in calendar.spans(start, end))


def _special_days(calendar: Calendar, start: datetime, end: datetime) -> tuple[SpecialDay, ...]:
    return tuple(SpecialDay(day.isoformat(), reason) for day, reason in calendar.special_days(start, end))


def _steps(reader: Reader, row: _ClockRow, calendar: Calendar, policy: Policy) -> tuple[StepStory, ...]:
    known = {step.key: step for step in policy.steps_of(row.metric)}
    told: list[StepStory] = []
    fired: dict[str, dict[int, datetime]] = {}
    for key, n, due, at, skipped in reader.rows(_STEPS, (row.id,)):
        step, moment = known.get(key), from_micros(due)
        before = fired.setdefault(key, {})
        missed = n - max(before, default=0) - 1
        before[n] = moment
        actions, when = (step.actions, step.when) if step else ((), "")
        told.append(StepStory(key, actions, moment, from_micros(at), n, when, bool(skipped), missed))
    if row.met_at or row.cancelled_at:
        return tuple(told)
    return (*told, *_to_come(row, calendar, policy, fired))


def _to_come(row: _ClockRow, calendar: Calendar, policy: Policy, fired: Fired) -> Iterator[StepStory]:
    """The next time of each step that is not through."""
    moments = {one.step.key: one.at for one in coming(row, calendar, policy, fired)}
    for step in policy.steps_of(row.metric):
        n = max(fired.get(step.key, {}), default=0) + 1
        if step.most is None or n <= step.most:
            yield StepStory(step.key, step.actions, moments.get(step.key), None, n, step.when)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _plain(value: Any) -> Any:
    """NamedTuples as objects, moments as RFC 3339."""
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(one) for name, one in value._asdict().items()}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value
