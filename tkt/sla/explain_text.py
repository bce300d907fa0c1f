"""The explanation of a ticket's deadlines as lines of text, in the desk's own time zone.

Every part that somebody wrote passes `safe_line`. The sums are those of the ledger: what a person adds up
from the pieces is what stands there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from tkt.safe_text import safe_line
from tkt.sla.explain import ClockStory, Explanation, Piece, SpanStory, StepStory
from tkt.sla.match import asked_lines
from tkt.sla.open_time import format_open_time
from tkt.sla.policy import WITHDRAWN

ENDS = 3
"""Open pieces named at each end of a long stretch; those between are summed up in one line."""


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
        yield from _clock(clock, zone)
    if not explanation.clocks:
        yield ""
        yield "No clock runs for this ticket."


def _clock(clock: ClockStory, zone: tzinfo) -> Iterator[str]:
    cycle = f", cycle {clock.cycle}" if clock.cycle > 1 else ""
    yield f"{clock.metric}{cycle}: {_state(clock, zone)}"
    version = f"{safe_line(clock.policy)} (version {clock.policy_version})"
    target = format_open_time(clock.target_seconds)
    yield f"  promised: {target} of {safe_line(clock.calendar)} ({clock.zone}), policy {version}"
    if clock.carried_seconds:
        yield f"  carried over from the cycle before: {format_open_time(clock.carried_seconds)}"
    for before, span in zip((None, *clock.spans), clock.spans, strict=False):
        yield from _span(span, before, zone)
    yield from _sum(clock, zone)
    for step in clock.steps:
        time = f" ({step.n})" if step.n > 1 else ""
        yield f"  step {step.key}{time}: {_step(step, zone)}"


def _state(clock: ClockStory, zone: tzinfo) -> str:
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
    return f"running, due {_moment(clock.due_at, zone)}" if clock.due_at else "paused, not due"


def _span(span: SpanStory, before: SpanStory | None, zone: tzinfo) -> Iterator[str]:
    end = _moment(span.ended_at, zone) if span.ended_at else "now"
    counted = _exact(span.seconds) if span.state == "running" else f"not counted: {_exact(span.seconds)}"
    yield f"  {span.state:<7} {_moment(span.started_at, zone)} - {end}  {counted}  [{safe_line(span.cause)}]"
    if before is not None and _terms(before) != _terms(span):
        yield f"          from here on {_terms(span)}"
    if span.state == "running" and len(span.pieces) > 1:
        yield from _pieces(span.pieces, zone)


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


def _piece(piece: Piece, zone: tzinfo) -> str:
    start, end = (moment.astimezone(zone) for moment in piece)
    shown = f"{end:%H:%M:%S}" if end.date() == start.date() else _moment(end, zone)
    return f"      open {_moment(start, zone)} - {shown}  {_exact(_length([piece]))}"


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


def _step(step: StepStory, zone: tzinfo) -> str:
    what = safe_line(", ".join(step.actions)) or "nothing any more"
    what += f" if {safe_line(step.when)}" if step.when else ""
    if step.skipped:
        return f"passed over {_moment(step.fired_at, zone)}, its condition did not hold: {what}"
    if step.fired_at:
        due = f", was due {_moment(step.at, zone)}" if step.at != step.fired_at else ""
        return f"fired {_moment(step.fired_at, zone)}{due}: {what}"
    return f"to come {_moment(step.at, zone)}: {what}" if step.at else f"when it runs again: {what}"


def _moment(moment: datetime | None, zone: tzinfo) -> str:
    return f"{moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S}" if moment else "never"


def _exact(seconds: int) -> str:
    """A duration to the second, hours as large as they are: "26:03:10" can be added up, "1d 2h" is ambiguous."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
