"""Is the ledger what the history makes of it? Every clock recomputed from the event log, next to the stored one.

A clock is a function of the log: nothing else moves it. So this finds what a bug, a damaged file or a hand in the
database did to a promise. It only tells: a promise that was kept or broken is never rewritten.

Tickets are read in portions, each at one moment of the store, so that who works on the desk meanwhile makes no
difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session

from tkt.sla.ledger import AnyClock, OpenClock
from tkt.sla.replaying.customer_past import read_customers
from tkt.sla.replaying.eras import Eras, read_eras, read_names
from tkt.sla.replaying.past import PORTION, Past, read_pasts
from tkt.sla.replaying.replay import Replayed, replay
from tkt.sla.replaying.ticket_past import due_at
from tkt.store.engine import Store
from tkt.store.rows import rows
from tkt.times import from_micros

Progress = Callable[[int, int], None]
"""Told how many of how many tickets are done."""


class Difference(NamedTuple):
    """A value that the history does not explain; `metric` is empty for one of the ticket's own. `field` may name a span
    ("span 2 seconds"). Values are JSON values; None where there is nothing.
    """

    ticket: int
    metric: str
    cycle: int
    field: str
    stored: Any
    recomputed: Any


class Unknown(NamedTuple):
    """A ticket whose clocks can't be recomputed, and why."""

    ticket: int
    reason: str


class Checked(NamedTuple):
    """What was found on so many tickets."""

    tickets: int
    clocks: int
    differences: list[Difference]
    unknown: list[Unknown]


def check(store: Store, numbers: Sequence[int], progress: Progress = lambda done, total: None) -> Checked:
    """Recompute the clocks of these tickets and compare. Raises StoreBusy, StoreUnreachable."""
    found = Checked(0, 0, [], [])
    desk = _Desk()
    for start in range(0, len(numbers), PORTION):
        with store.reading(frozen=True) as session:
            found = _add(found, _check(session, desk.eras(session), numbers[start : start + PORTION]))
        progress(min(start + PORTION, len(numbers)), len(numbers))
    return found


def document(found: Checked) -> dict[str, Any]:
    """What was found, as JSON values."""
    return {
        "tickets": found.tickets,
        "clocks": found.clocks,
        "differences": [one._asdict() for one in found.differences],
        "unknown": [one._asdict() for one in found.unknown],
    }


def compare(stored: Sequence[AnyClockSpans], replayed: Replayed, past: Past) -> Iterator[Difference]:
    """What differs on one ticket."""
    number = past.ticket.number
    ours = {(one.clock["metric"], one.clock["cycle"]): one for one in stored}
    theirs = {(one.clock["metric"], one.clock["cycle"]): one for one in map(told, replayed.clocks)}
    for metric, cycle in sorted(ours.keys() | theirs.keys()):
        pair = ours.get((metric, cycle)), theirs.get((metric, cycle))
        for field, one, other in _fields(*pair):
            yield Difference(number, metric, cycle, field, one, other)
    for field, have, want in (
        ("due_at", due_at(past), replayed.due_at),
        ("breached", past.ticket.breached, replayed.breached),
    ):
        if have != want:
            yield Difference(number, "", 0, field, _plain(have), _plain(want))


class AnyClockSpans(NamedTuple):
    """A clock and its spans as plain values by name."""

    clock: dict[str, Any]
    spans: list[dict[str, Any]]


def told(opened: OpenClock) -> AnyClockSpans:
    """A recomputed clock as plain values."""
    clock: AnyClock = opened.clock
    return AnyClockSpans(
        {name: getattr(clock, name) for name in CLOCK},
        [{name: getattr(span, name) for name in SPAN} for span in opened.new_spans],
    )


def stored_clocks(session: Session, numbers: Sequence[int]) -> dict[int, list[AnyClockSpans]]:
    """The clocks in the store, by ticket."""
    spans: dict[int, list[dict[str, Any]]] = {}
    for clock_id, *values in _in(session, _SPANS, numbers):
        spans.setdefault(clock_id, []).append(_read(SPAN, values))
    found: dict[int, list[AnyClockSpans]] = {}
    for clock_id, number, *values in _in(session, _CLOCKS, numbers):
        found.setdefault(number, []).append(AnyClockSpans(_read(CLOCK, values), spans.get(clock_id, [])))
    return found


class _Desk:
    """The desk's eras, read again when its configuration has changed meanwhile."""

    def __init__(self) -> None:
        self._generation = ""
        self._eras: Eras | None = None

    def eras(self, session: Session) -> Eras:
        found = rows(session, "SELECT value FROM setting WHERE key = 'generation'")
        generation = found[0][0] if found else "0"
        if self._eras is None or generation != self._generation:
            self._generation, self._eras = generation, read_all(session)
        return self._eras


def read_all(session: Session) -> Eras:
    """The desk's eras."""
    return Eras(read_eras(session), read_names(session), read_customers(session))


def _check(session: Session, eras: Eras, numbers: Sequence[int]) -> Checked:
    stored = stored_clocks(session, numbers)
    found = Checked(0, sum(map(len, stored.values())), [], [])
    for past in read_pasts(session, numbers):
        clocks = stored.get(past.ticket.number, [])
        replayed = replay(session, past, eras)
        problem = replayed.problem or replayed.gap
        if problem and (clocks or replayed.clocks):
            found.unknown.append(Unknown(past.ticket.number, problem))
        elif not problem:
            found.differences.extend(compare(clocks, replayed, past))
        found = found._replace(tickets=found.tickets + 1)
    return found


def _add(one: Checked, other: Checked) -> Checked:
    return Checked(
        one.tickets + other.tickets,
        one.clocks + other.clocks,
        one.differences + other.differences,
        one.unknown + other.unknown,
    )


def _fields(stored: AnyClockSpans | None, recomputed: AnyClockSpans | None) -> Iterator[tuple[str, Any, Any]]:
    if stored is None or recomputed is None:
        missing = "clock", stored and stored.clock["state"], recomputed and recomputed.clock["state"]
        yield missing
        return
    yield from _differing("", stored.clock, recomputed.clock)
    if len(stored.spans) != len(recomputed.spans):
        yield "spans", len(stored.spans), len(recomputed.spans)
    for place, (one, other) in enumerate(zip(stored.spans, recomputed.spans, strict=False), 1):
        yield from _differing(f"span {place} ", one, other)


def _differing(before: str, one: dict[str, Any], other: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name, value in one.items():
        if value != other[name]:
            yield before + name, _plain(value), _plain(other[name])


def _plain(value: Any) -> Any:
    """A moment as RFC 3339, with its fraction of a second if it has one."""
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


CLOCK = (
    "metric", "cycle", "policy_id", "calendar_id", "state", "started_at", "target_seconds", "carried_seconds",
    "used_seconds", "running_since", "due_at", "met_at", "breached_at", "cancelled_at", "by_change", "reason",
)  # fmt: skip
SPAN = (
    "state", "started_at", "ended_at", "seconds", "policy_id", "calendar_id", "target_seconds", "cause",
)  # fmt: skip
_MOMENTS = frozenset(
    ("started_at", "ended_at", "running_since", "due_at", "met_at", "breached_at", "cancelled_at"),
)
_CLOCKS = f"SELECT id, ticket, {', '.join(CLOCK)} FROM clock WHERE ticket IN ? ORDER BY id"
_SPANS = f"""
SELECT clock_id, {", ".join(f"s.{name}" for name in SPAN)}
FROM clock_span s JOIN clock k ON k.id = s.clock_id WHERE k.ticket IN ? ORDER BY s.id
"""


def _read(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    found = dict(zip(names, values, strict=True))
    for name in _MOMENTS & found.keys():
        found[name] = None if found[name] is None else from_micros(found[name])
    if "by_change" in found:
        found["by_change"] = bool(found["by_change"])
    return found


def _in(session: Session, sql: str, numbers: Sequence[int]) -> list[Any]:
    return rows(session, sql.replace("IN ?", f"IN ({', '.join('?' * len(numbers))})"), list(numbers))
