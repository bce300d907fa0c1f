"""Why a promise was broken: its open time, divided by what the ticket was waiting for, from the event log.

Every second of the time used, until the promise was met or given up, or until now, belongs to the first of these that
held then:

- `waiting`: in a status of the kind waiting that the policy doesn't pause for; the detail is the status;
- `reopened`: the ticket had been resolved or closed before;
- `team`: no agent had it, in the queue of the team that is the detail;
- `assignment`: no agent had it, and no team;
- `handover`: it came from another agent or team, and the one who has it has not touched it yet;
- `agent`: its agent had it, and did not answer or finish it.

So they add up to the time used, and the largest is the cause; of equal ones the one named first above. Time in which
the clock stood still counts nowhere. What the ticket was is told by its history: an undone resolving is no reopening.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.sla.calendar import Calendar
from tkt.sla.reports.reading import Promise

if TYPE_CHECKING:
    from tkt.store.read import Reader

CAUSES = ("waiting", "reopened", "team", "assignment", "handover", "agent")

SECOND = 1_000_000
_DONE = ("resolved", "closed")


class Share(NamedTuple):
    """Open seconds that went to one cause."""

    cause: str
    detail: str
    seconds: int


State = tuple[str, str]
"""A cause and its detail."""


class _Happening(NamedTuple):
    at: int
    actor: str
    field: str
    old: str
    new: str
    undone: bool


class _Span(NamedTuple):
    start: int
    end: int
    calendar_id: int | None


class Causes:
    """Divides broken promises, many at a time; `calendar` gives calendars by their id, `kinds` statuses' kinds."""

    def __init__(
        self, reader: Reader, kinds: Mapping[str, str], calendar: Callable[[int | None], Calendar], now: int
    ) -> None:
        self._reader = reader
        self._kinds = kinds
        self._calendar = calendar
        self._now = now

    def of(self, broken: Sequence[Promise]) -> dict[int, tuple[Share, ...]]:
        """Where the time of each went, by the clock's id, the largest share first; never without any."""
        before = self._earlier_cycles([one for one in broken if one.carried_seconds])
        wanted = {clock for one in broken for clock in (one.id, *before.get(one.id, ()))}
        spans, histories = self._spans(wanted), self._histories({one.ticket for one in broken})
        return {
            one.id: self._divide(
                one,
                [span for clock in (*before.get(one.id, ()), one.id) for span in spans.get(clock, ())],
                histories.get(one.ticket, []),
            )
            for one in broken
        }

    def _divide(self, one: Promise, spans: Iterable[_Span], history: Sequence[_Happening]) -> tuple[Share, ...]:
        states = timeline(one, history, self._kinds)
        moments = [moment for moment, _ in states]
        spent: dict[State, int] = defaultdict(int)
        for span in spans:
            for state, seconds in self._pieces(span, moments, [state for _, state in states]):
                spent[state] += seconds
        if not any(spent.values()):  # broken before any time had passed
            spent = {states[bisect_right(moments, one.breached_at or 0) - 1][1]: 0}
        shares = [Share(*state, seconds) for state, seconds in spent.items() if seconds or len(spent) == 1]
        return tuple(sorted(shares, key=lambda share: (-share.seconds, CAUSES.index(share.cause), share.detail)))

    def _pieces(self, span: _Span, moments: Sequence[int], states: Sequence[State]) -> Iterator[tuple[State, int]]:
        """The whole open seconds of each state in a span; they add up to the span's, which are cut likewise."""
        calendar, place = self._calendar(span.calendar_id), bisect_right(moments, span.start) - 1
        passed, start = 0, span.start
        while start < span.end:
            end = min(moments[place + 1], span.end) if place + 1 < len(moments) else span.end
            until = passed + calendar.between_micros(start, end)
            yield states[place], until // SECOND - passed // SECOND
            passed, start, place = until, end, place + 1

    # --- what is read -----------------------------------------------------------------------------------------------

    def _earlier_cycles(self, carrying: Sequence[Promise]) -> dict[int, tuple[int, ...]]:
        """The clocks whose time was carried into these, by the id of each: the cycles before, back to the first that
        carried nothing itself.
        """
        known: dict[tuple[int, str, int], tuple[int, int]] = {}
        sql = "SELECT ticket, metric, cycle, id, carried_seconds FROM clock WHERE ticket IN"
        for ticket, metric, cycle, clock, carried in self._rows(sql, {one.ticket for one in carrying}):
            known[ticket, metric, cycle] = clock, carried
        return {one.id: tuple(_chain(known, one)) for one in carrying}

    def _spans(self, clocks: set[int]) -> dict[int, list[_Span]]:
        found: dict[int, list[_Span]] = defaultdict(list)
        sql = (
            "SELECT clock_id, started_at, ended_at, calendar_id FROM clock_span WHERE state = 'running' AND clock_id IN"
        )
        for clock, start, end, calendar in self._rows(sql, clocks):
            found[clock].append(_Span(start, self._now if end is None else end, calendar))
        return found

    def _histories(self, tickets: set[int]) -> dict[int, list[_Happening]]:
        found: dict[int, list[_Happening]] = defaultdict(list)
        for ticket, _, at, verb, actor, field, old, new, undoes in sorted(self._rows(_EVENTS, tickets)):
            told = field if verb not in _TOLD_ONLY and field in ("status", "team", "assignee") else ""
            words = (_word(old), _word(new)) if told else ("", "")
            found[ticket].append(_Happening(at, actor, told, *words, undoes is not None))
        return found

    def _rows(self, sql: str, values: set[int]) -> list[tuple[Any, ...]]:
        if not values:
            return []
        return self._reader.rows(f"{sql} ({', '.join('?' * len(values))})", sorted(values))


_EVENTS = (
    "SELECT ticket, id, at, verb, actor, field, CAST(old AS TEXT), CAST(new AS TEXT), undoes FROM event WHERE ticket IN"
)
_TOLD_ONLY = ("rule", "sla", "skipped", "notify")
"""Verbs whose events tell what happened and change no field, whatever they name."""


def timeline(one: Promise, history: Sequence[_Happening], kinds: Mapping[str, str]) -> list[tuple[int, State]]:
    """From when on the ticket was in which state, the first one since ever. What it was in the beginning is what its
    first changes say that it was before; without any, what it is now.
    """
    standing = _Standing(one, history, kinds)
    states = [(0, standing.state)]
    for happening in history:
        standing.follow(happening)
        moment = max(happening.at, states[-1][0])  # another host's clock may be behind
        if standing.state != states[-1][1]:
            states.append((moment, standing.state))
    return states


class _Standing:
    """How a ticket stands at one moment of its history."""

    def __init__(self, one: Promise, history: Sequence[_Happening], kinds: Mapping[str, str]) -> None:
        present = {"status": one.status, "team": one.team, "assignee": one.agent}
        first = {happening.field: happening.old for happening in reversed(history) if happening.field}
        self._now = present | first
        self._kinds = kinds
        self._last_agent = self._now["assignee"]
        self._reopened = self._handed_over = False

    def follow(self, happening: _Happening) -> None:
        """Go past one event."""
        if happening.field == "status":
            was, now = (self._kinds.get(name, "open") in _DONE for name in (happening.old, happening.new))
            self._reopened = self._reopened or (was and not now and not happening.undone)
        elif happening.field == "team":
            self._handed_over = self._handed_over or bool(happening.old and happening.new)
        elif happening.field == "assignee" and happening.new:
            another = bool(self._last_agent) and self._last_agent != happening.new
            self._handed_over, self._last_agent = self._handed_over or another, happening.new
        if happening.field:
            self._now[happening.field] = happening.new
        if happening.actor == self._now["assignee"]:
            self._handed_over = False

    @property
    def state(self) -> State:
        status, team, agent = self._now["status"], self._now["team"], self._now["assignee"]
        if self._kinds.get(status, "open") == "waiting":
            return "waiting", status
        if self._reopened:
            return "reopened", ""
        if not agent:
            return ("team", team) if team else ("assignment", "")
        return ("handover" if self._handed_over else "agent"), ""


def _chain(known: Mapping[tuple[int, str, int], tuple[int, int]], one: Promise) -> Iterator[int]:
    """The ids of the cycles whose time one carries, the latest first."""
    cycle, carried = one.cycle, one.carried_seconds
    while carried and (one.ticket, one.metric, cycle - 1) in known:
        cycle -= 1
        clock, carried = known[one.ticket, one.metric, cycle]
        yield clock


def _word(value: str | None) -> str:
    """A name as the history keeps it, in JSON; nobody's is empty."""
    return str(json.loads(value) or "") if value else ""
