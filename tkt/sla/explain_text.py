"""The explanation of a ticket's deadlines as lines of text, in the desk's own time zone.

Every part that somebody wrote passes `safe_line`. The sums are those of the ledger: what a person adds up
from the pieces is what stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tkt.safe_text import safe_line
from tkt.sla.explain import ClockStory, Explanation, Piece, SpanStory, SpecialDay, StepStory
from tkt.sla.match import asked_lines
from tkt.sla.open_time import format_open_time
from tkt.sla.policy import WITHDRAWN
from tkt.sla.steps import time_in_words

ENDS = 3
"""Open pieces named at each end of a long stretch; those between are summed up in one line."""

SPECIAL = 6
"""So many special days of a stretch are named, the last ones."""


def lines(explanation: Explanation) -> Iterator[str]:
    """The whole explanation, line by line."""
    zone = ZoneInfo(explanation.zone)
    ticket = explanation.ticket
    yield f"#{ticket.number} {safe_line(ticket.subject)}"
    facts = (ticket.status, ticket.priority, ticket.team or "no team", ticket.category or "no category")
    yield f"{safe_line(', '.join(facts))}; times are {explanation.zone}, {_moment(explanation.now, zone)} now"
    yield ""
    yield from asked_lines(explanation.policies)
    for clock in explanation.clocks:
        yield ""
        yield from _clock(clock, explanation.now, zone)
    if not explanation.clocks:
        yield ""
        yield "No clock runs for this ticket."


def _clock(clock: ClockStory, now: datetime, zone: tzinfo) -> Iterator[str]:
    cycle = f", cycle {clock.cycle}" if clock.cycle > 1 else ""
    yield f"{clock.metric}{cycle}: {_state(clock, now, zone)}"
    version = f"{safe_line(clock.policy)} (version {clock.policy_version})"
    target = format_open_time(clock.target_seconds)
    yield f"  promised: {target} of {safe_line(clock.calendar)} ({clock.zone}), policy {version}"
    if clock.carried_seconds:
        yield f"  carried over from the cycle before: {_exact(clock.carried_seconds)}"
    yield from _spans(clock, now, zone)
    yield from _sum(clock, zone)
    for step in clock.steps:
        yield f"  step {time_in_words(step.key, step.n, step.missed)}: {_step(step, now, zone)}"


def _state(clock: ClockStory, now: datetime, zone: tzinfo) -> str:
    if clock.breached_at:
        withdrawn = clock.reason == WITHDRAWN
        why = "" if withdrawn else f" ({safe_line(clock.reason)})"
        change = f" by change{why}" if clock.by_change else ""
        met = f", met {_moment(clock.met_at, zone)}" if clock.met_at else ""
        taken_back = ", then withdrawn" if withdrawn else ""
        return f"breached {_moment(clock.breached_at, zone)}{change}{met}{taken_back}"
    if clock.met_at:
        taken_back = f", then {safe_line(clock.reason)}" if clock.reason else ""
        return f"met {_moment(clock.met_at, zone)}{taken_back}"
    if clock.cancelled_at:
        return f"cancelled {_moment(clock.cancelled_at, zone)}: {safe_line(clock.reason)}"
    if clock.due_at is None:
        return "paused, not due"
    passed = " (passed, not checked yet)" if clock.due_at <= now else ""
    return f"running, due {_moment(clock.due_at, zone)}{passed}"


def _spans(clock: ClockStory, now: datetime, zone: tzinfo) -> Iterator[str]:
    deadline = None if clock.by_change else clock.breached_at or clock.due_at
    used = clock.carried_seconds
    for before, span in zip((None, *clock.spans), clock.spans, strict=False):
        yield from _span(span, before, zone)
        if span.state == "running":
            yield from _counted(span, span.ended_at or now, deadline, used, zone)
            used += span.seconds


def _span(span: SpanStory, before: SpanStory | None, zone: tzinfo) -> Iterator[str]:
    end = _moment(span.ended_at, zone) if span.ended_at else "now"
    counted = _exact(span.seconds) if span.state == "running" else f"not counted: {_exact(span.seconds)}"
    yield f"  {span.state:<7} {_moment(span.started_at, zone)} - {end}  {counted}  [{safe_line(span.cause)}]"
    if before is not None and _terms(before) != _terms(span):
        yield f"          from here on {_terms(span)}"


def _counted(span: SpanStory, end: datetime, deadline: datetime | None, used: int, zone: tzinfo) -> Iterator[str]:
    """The open pieces of a stretch, unless the clock on the wall says as much; up to a deadline that lies in it, with
    the sum by then (`used` before the stretch), and from there on.
    """
    if deadline is not None and span.started_at < deadline < end:
        until = tuple(Piece(opens, min(closes, deadline)) for opens, closes in span.pieces if opens < deadline)
        since = tuple(Piece(max(opens, deadline), closes) for opens, closes in span.pieces if closes > deadline)
        yield from _pieces(until, zone)
        yield f"      the deadline, {_moment(deadline, zone)}: {_exact(used + _length(until))} used"
        yield from _pieces(since, zone)
    elif span.pieces == ((span.started_at, end),) and not _turned(span.started_at, end, zone):
        return
    elif span.started_at < end:
        yield from _pieces(span.pieces, zone) if span.pieces else ["      closed all the time"]
    yield from _special(span.special_days)


def _terms(span: SpanStory) -> str:
    target = format_open_time(span.target_seconds)
    return f"{target} of {safe_line(span.calendar)} are promised, policy {safe_line(span.policy)}"


def _pieces(pieces: tuple[Piece, ...], zone: tzinfo) -> Iterator[str]:
    between = pieces[ENDS:-ENDS] if len(pieces) > 2 * ENDS + 1 else ()
    for piece in pieces[:ENDS] if between else pieces:
        yield _piece(piece, zone)
    if between:
        yield f"      … {len(between)} more open pieces, together {_exact(_length(between))}"
        for piece in pieces[-ENDS:]:
            yield _piece(piece, zone)


def _special(days: Sequence[SpecialDay]) -> Iterator[str]:
    """Why dates in between count otherwise than their weekday, the latest where there are many."""
    told = [f"{date.fromisoformat(day):%a} {day} ({safe_line(reason)})" for day, reason in days[-SPECIAL:]]
    if told:
        more = ["…"] if len(days) > len(told) else []
        yield f"      special days: {', '.join(more + told)}"


def _piece(piece: Piece, zone: tzinfo) -> str:
    start, end = (moment.astimezone(zone) for moment in piece)
    shown = f"{end:%H:%M:%S}" if end.date() == start.date() else _moment(end, zone)
    return f"      open {_moment(start, zone)} - {shown}  {_exact(_length([piece]))}{_turned(start, end, zone)}"


def _turned(start: datetime, end: datetime, zone: tzinfo) -> str:
    """By how much the clocks were turned in between, without which a pencil comes to something else."""
    offsets = (moment.astimezone(zone).utcoffset() or timedelta() for moment in (end, start))
    turned = int((next(offsets) - next(offsets)).total_seconds())
    return f" (clocks {'forward' if turned > 0 else 'back'} {_exact(abs(turned))})" if turned else ""


def _length(pieces: Iterable[Piece]) -> int:
    return int(sum((closes - opens for opens, closes in pieces), timedelta()).total_seconds())


def _sum(clock: ClockStory, zone: tzinfo) -> Iterator[str]:
    used = clock.carried_seconds + clock.used_seconds
    left = clock.left_seconds
    rest = f"{_exact(left)} left" if left >= 0 else f"{_exact(-left)} too many"
    yield f"  sum: {_exact(used)} used of {_exact(clock.target_seconds)}, {rest}"
    if clock.due_at and not clock.breached_at and not clock.met_at:
        yield f"  due: {_moment(clock.due_at, zone)}"
        yield from _pieces(clock.pieces_left, zone)
        yield from _special(clock.special_days_left)


def _step(step: StepStory, now: datetime, zone: tzinfo) -> str:
    what = safe_line(", ".join(step.actions)) or "nothing any more"
    what += f" if {safe_line(step.when)}" if step.when else ""
    if step.skipped:
        return f"passed over {_moment(step.fired_at, zone)}, its condition did not hold: {what}"
    if step.fired_at:
        due = f", was due {_moment(step.at, zone)}" if step.at != step.fired_at else ""
        return f"fired {_moment(step.fired_at, zone)}{due}: {what}"
    if step.at is None:
        return f"when it runs again: {what}"
    return f"{'to come' if step.at > now else 'due since'} {_moment(step.at, zone)}: {what}"


def _moment(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S}" if moment else "never"


def _exact(seconds: int) -> str:
    """A duration to the second, hours as large as they are: "26:03:10" can be added up, "1d 2h" is ambiguous."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
