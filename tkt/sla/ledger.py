"""The SLA ledger: clocks and their spans, and what may happen to one clock.

A clock is opened, paused, resumed, given new terms, met, breached or cancelled; each leaves a span that says
from when to when, for how long and why. A met or breached clock keeps its deadline, policy and target for
good; a breached one goes on counting until it is met, so that lateness and time used are known. Whole open
seconds are counted per span, cut: the spans of a clock add up with a pencil.

Leaves to others: what a change of the ticket means for its clocks (`tkt.sla.clocks`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Insert, insert, literal
from sqlmodel import Session, SQLModel, select

from tkt.errors import TktError
from tkt.sla.calendar import Calendar, NoOpenTime
from tkt.sla.policies import Terms, calendar_of, policy_of
from tkt.sla.policy import WITHDRAWN, Policy
from tkt.sla.steps import NOTHING, Fired, next_check
from tkt.sla.ticket_state import TicketState
from tkt.store.definitions import Definitions
from tkt.store.rows import keep_all, keep_numbered, loaded, rewrite
from tkt.store.tables import Clock, ClockSpan


class NewClock:
    """A row for `clock` that is not stored yet. A plain object, because every mail that comes in makes two of them and
    a SQLModel object costs ten times as much."""

    def __init__(self, ticket: int, metric: str, cycle: int, terms: Terms, carried_seconds: int) -> None:
        self.id: int | None = None
        self.ticket = ticket
        self.metric = metric
        self.cycle = cycle
        self.policy_id = terms.policy.id
        self.calendar_id = terms.calendar_id
        self.state = "running"
        self.started_at: datetime
        self.target_seconds = terms.target
        self.carried_seconds = carried_seconds
        self.used_seconds = 0
        self.running_since: datetime | None = None
        self.due_at: datetime | None = None
        self.next_check_at: datetime | None = None
        self.met_at: datetime | None = None
        self.breached_at: datetime | None = None
        self.cancelled_at: datetime | None = None
        self.by_change = False
        self.reason = ""


class NewSpan:
    """A row for `clock_span` that is not stored yet, under the present terms of its clock."""

    def __init__(self, clock: Clock | NewClock, state: str, at: datetime, cause: str) -> None:
        self.clock_id = clock.id or 0
        self.state = state
        self.started_at = at
        self.ended_at: datetime | None = None
        self.seconds = 0
        self.policy_id = clock.policy_id
        self.calendar_id = clock.calendar_id
        self.target_seconds = clock.target_seconds
        self.cause = cause


AnyClock = Clock | NewClock
"""A clock of the ledger, stored or not."""


class OpenClock:
    """One clock that still counts, with its current span."""

    def __init__(self, clock: AnyClock, span: ClockSpan | NewSpan, policy: Policy, calendar: Calendar) -> None:
        self.clock = clock
        self.span = span
        self.policy = policy
        self.calendar = calendar
        self.new_spans: list[NewSpan] = []
        self.goes_on_from: int | None = None
        """The clock of an earlier cycle whose fired steps count for this one."""

    @property
    def metric(self) -> str:
        return self.clock.metric

    @property
    def paused(self) -> bool:
        return self.clock.running_since is None

    @property
    def breached(self) -> bool:
        return self.clock.state == "breached"

    @property
    def left(self) -> int:
        """Open seconds left at the start of the current span; 0 or less when nothing is."""
        return self.clock.target_seconds - self.clock.carried_seconds - self.clock.used_seconds

    def breach_if_due(self, at: datetime) -> bool:
        """Mark the breach, at the deadline, if that has come; whether it has."""
        clock = self.clock
        if clock.state != "running" or clock.due_at is None or clock.due_at > at:
            return False
        clock.state, clock.breached_at = "breached", clock.due_at
        return True

    def pause(self, at: datetime, cause: str) -> None:
        """Stand still from `at`."""
        self._next_span("paused", at, cause)
        if not self.breached:
            self.clock.state, self.clock.due_at = "paused", None

    def resume(self, at: datetime, cause: str) -> None:
        """Run again from `at`: due when what was left has passed."""
        self._next_span("running", at, cause)
        if not self.breached:
            self._set_due(self.clock.running_since or at)

    def change_terms(self, terms: Terms, at: datetime, cause: str) -> bool:
        """Hold the clock to new terms from `at` on; whether that breaks it at once. A breached clock keeps
        its own.

        Where only the policy's version differs (another step, another name) the deadline is not computed
        anew.
        """
        if self.breached:
            return False
        clock = self.clock
        same = (terms.target, terms.calendar_id) == (clock.target_seconds, clock.calendar_id)
        self.policy, clock.policy_id = terms.policy, terms.policy.id
        if same:
            return False
        self._close_span(at)
        self.calendar, clock.calendar_id = terms.calendar, terms.calendar_id
        clock.target_seconds = terms.target
        self._open_span(self.span.state, at, cause)
        return self.set_due_or_break(at, cause)

    def set_due_or_break(self, at: datetime, cause: str) -> bool:
        """Compute the deadline from what is left at `at`; with nothing left the change itself is the breach."""
        clock = self.clock
        if self.left <= 0:
            clock.state, clock.due_at, clock.breached_at = "breached", at, at
            clock.by_change, clock.reason = True, cause
            return True
        if clock.running_since is not None:
            self._set_due(clock.running_since)
        return False

    def go_on_from(self, last: AnyClock) -> None:
        """Be the same promise as an earlier cycle that ended without a verdict, or whose fulfilment was taken
        back: what was broken stays broken since then, what was fired stays fired.
        """
        self.goes_on_from = last.id
        if last.state == "breached":
            clock = self.clock
            clock.state, clock.due_at, clock.breached_at = "breached", last.due_at, last.breached_at
            clock.by_change, clock.reason = last.by_change, last.reason
        if last.met_at is not None or last.state == "breached":
            last.reason = WITHDRAWN

    def recall(self, still: bool, moment: datetime, cause: str) -> None:
        """Count a stretch of the past of a promise made later: from `moment` on it stood still, or ran."""
        if still != self.paused:
            self._next_span("paused" if still else "running", moment, cause)

    def settle(self, at: datetime, cause: str) -> bool:
        """End the past at `at` and run from there; whether nothing is left."""
        self._next_span("running", at, cause)
        return self.set_due_or_break(at, cause)

    def meet(self, at: datetime) -> bool:
        """The promise is fulfilled; whether it was broken before, without anybody having noticed. In time
        means by the deadline, that moment included."""
        late = self.clock.due_at is not None and self.clock.due_at < at and self.breach_if_due(at)
        self._close_span(at)
        self.clock.met_at = self.span.ended_at
        if not self.breached:
            self.clock.state = "met"
        return late

    def cancel(self, at: datetime, reason: str) -> None:
        """Nobody waits for this any more. A clock that was broken before stays so, and stops counting."""
        self._close_span(at)
        self.clock.cancelled_at = self.span.ended_at
        if not self.breached:
            self.clock.state, self.clock.due_at, self.clock.reason = "cancelled", None, reason

    def plan_check(self, fired: Fired = NOTHING) -> None:
        """Note when the check has next to look at this clock, on which these steps have `fired` already."""
        self.clock.next_check_at = next_check(self.clock, self.calendar, self.policy, fired)

    def _set_due(self, at: datetime) -> None:
        try:
            self.clock.due_at = self.calendar.add(at, self.left)
        except NoOpenTime as error:
            raise TktError(f"no deadline for {self.metric}: {error}") from error
        self.clock.state = "running"

    def _next_span(self, state: str, at: datetime, cause: str) -> None:
        self._close_span(at)
        self._open_span(state, at, cause)

    def _close_span(self, at: datetime) -> None:
        span, clock = self.span, self.clock
        span.ended_at = max(at, span.started_at)  # another host's clock may be behind
        span.seconds = self.calendar.between(span.started_at, span.ended_at)
        if span.state == "running":
            clock.used_seconds += span.seconds
        clock.running_since = None

    def _open_span(self, state: str, at: datetime, cause: str) -> None:
        """Begin a span; one that lasted no time is overwritten, so that one change leaves one span."""
        clock = self.clock
        at = max(at, self.span.started_at)
        clock.running_since = at if state == "running" else None
        if self.span.started_at == at:
            self._overwrite_span(state, cause)
            return
        begun = NewSpan(clock, state, at, cause)
        self.span = begun
        self.new_spans.append(begun)

    def _overwrite_span(self, state: str, cause: str) -> None:
        span, clock = self.span, self.clock
        span.state, span.ended_at, span.seconds = state, None, 0
        span.policy_id, span.calendar_id, span.target_seconds = (
            clock.policy_id, clock.calendar_id, clock.target_seconds,
        )  # fmt: skip
        span.cause = cause if cause == span.cause else f"{span.cause}; {cause}"


def begin(
    ticket: TicketState,
    metric: str,
    terms: Terms,
    at: datetime,
    cause: str,
    *,
    cycle: int = 1,
    carried: int = 0,
) -> OpenClock:
    """A new clock that runs from `at`, with the seconds an earlier cycle had used; `write` stores it."""
    clock = NewClock(ticket.number or 0, metric, cycle, terms, carried)
    clock.started_at = clock.running_since = at
    span = NewSpan(clock, "running", at, cause)
    opened = OpenClock(clock, span, terms.policy, terms.calendar)
    opened.new_spans.append(span)
    return opened


def load(session: Session, definitions: Definitions, number: int) -> list[OpenClock]:
    """The ticket's clocks that still count, oldest first; one statement."""
    return load_many(session, definitions, [number])[number]


def load_many(session: Session, definitions: Definitions, numbers: Collection[int]) -> dict[int, list[OpenClock]]:
    """The same of each of these tickets; one statement for all."""
    found: dict[int, list[OpenClock]] = {number: [] for number in numbers}
    rest = _OPEN.format(", ".join("?" * len(found)))
    for clock, span in loaded(session, rest, list(found), Clock, ClockSpan) if found else ():
        found[clock.ticket].append(_opened(session, definitions, clock, span))
    return found


_OPEN = (
    "clock JOIN clock_span ON clock_span.clock_id = clock.id AND clock_span.ended_at IS NULL"
    " WHERE clock.ticket IN ({}) ORDER BY clock.id"
)


def last_cycle(session: Session, number: int, metric: str) -> Clock | None:
    """The latest clock of this metric, in whatever state."""
    found = loaded(session, _LATEST, (number, metric), Clock)
    return found[0][0] if found else None


_LATEST = "clock WHERE ticket = ? AND metric = ? ORDER BY cycle DESC LIMIT 1"


def write(session: Session, clocks: list[OpenClock]) -> None:
    """Store new clocks and spans, a statement each, and what has changed of the old ones."""
    fresh = [opened.clock for opened in clocks if isinstance(opened.clock, NewClock)]
    identifiers = keep_numbered(session, Clock, [_values(_CLOCK, clock) for clock in fresh])
    for clock, identifier in zip(fresh, identifiers, strict=True):
        clock.id = identifier
    spans = [(span, opened.clock.id) for opened in clocks for span in opened.new_spans]
    for span, clock_id in spans:
        span.clock_id = clock_id or 0
    keep_all(session, ClockSpan, [_values(_SPAN, span) for span, _ in spans])
    for opened in clocks:
        if opened.goes_on_from is not None:
            session.connection().execute(_fired_steps(opened.goes_on_from, opened.clock.id or 0))
    if len(fresh) < len(clocks):
        rewrite(session, [row for row in session.dirty if isinstance(row, (Clock, ClockSpan))])


_STEP = SQLModel.metadata.tables["clock_step"]
_CLOCK, _SPAN = (
    [column.name for column in SQLModel.metadata.tables[name].columns if column.name != "id"]
    for name in ("clock", "clock_span")
)


def _fired_steps(before: int, clock: int) -> Insert:
    """Copies the rows of the steps fired on the clock `before` to this one."""
    others = [column for column in _STEP.c if column.name != "clock_id"]
    fired = select(literal(clock), *others).where(_STEP.c.clock_id == before)
    return insert(_STEP).from_select(["clock_id", *(column.name for column in others)], fired)


def _values(columns: list[str], row: NewClock | NewSpan) -> dict[str, Any]:
    return {column: getattr(row, column) for column in columns}


def _opened(session: Session, definitions: Definitions, clock: Clock, span: ClockSpan) -> OpenClock:
    policy = policy_of(session, definitions, clock.policy_id)
    return OpenClock(clock, span, policy, calendar_of(session, definitions, clock.calendar_id))
