"""How well the desk kept its promises in a period: for a manager, from plain SQL.

- A promise counts in the period in which it was decided: kept when it was met in time then, broken when its
  deadline passed then without it. Attainment = kept / (kept + broken).
- What a change broke (a higher priority with no time left) is counted apart, and so is what still runs now.
  Cancelled promises and answers that were taken back don't count.
- Times used are those of promises met in the period, late ones too: open time of their calendar, all cycles,
  and time on the wall since the first cycle began.

Moments are aware UTC, durations seconds. `document` and `rows` make JSON and CSV of it, `tkt.sla.report_text`
text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.errors import UsageError
from tkt.sla.calendar import Calendar
from tkt.sla.policy import WITHDRAWN
from tkt.store.constants import METRICS, PRIORITIES, PRIORITY_NAMES
from tkt.store.read_clauses import EVERYTHING, Where
from tkt.times import from_micros, rfc3339, to_micros, utcnow

if TYPE_CHECKING:
    from tkt.store.read import Reader

PERIOD = timedelta(days=30)
"""How far back a report looks when nobody says from when."""


class Decided(NamedTuple):
    """One promise of the report; moments in microseconds UTC."""

    ticket: int
    subject: str
    metric: str
    team: str
    priority: str
    policy: str
    assignee: str
    state: str
    due_at: int | None
    met_at: int | None
    ended_at: int | None
    breached_at: int | None
    by_change: bool
    used_seconds: int
    wall_seconds: int
    calendar_id: int | None


class Line(NamedTuple):
    """One metric of one group. `attainment` is 0 to 1, None where nothing was decided; times None where
    nothing was met.
    """

    dimension: str
    group: str
    metric: str
    attainment: float | None
    kept: int
    broken: int
    by_change: int
    running: int
    average_seconds: int | None
    median_seconds: int | None
    average_wall_seconds: int | None
    median_wall_seconds: int | None


class Breach(NamedTuple):
    """A broken promise; `late_seconds` is open time after the deadline until it was met or given up, or until
    now.
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


class Report(NamedTuple):
    """Attainment in all (`dimension` is "all") and by each dimension asked for, and the breaches, the latest
    first.
    """

    start: datetime
    end: datetime
    query: str
    lines: tuple[Line, ...]
    breaches: tuple[Breach, ...]


def report(
    reader: Reader,
    where: Where = EVERYTHING,
    start: datetime | None = None,
    end: datetime | None = None,
    by: Sequence[str] = ("team", "priority", "policy"),
    *,
    query: str = "",
    now: datetime | None = None,
) -> Report:
    """The report on the tickets that match `where` (`query` is its text) from `start` up to, not including,
    `end`.

    Raises UsageError for a dimension that is none, and for a period that ends before it starts.
    """
    now = now or utcnow()
    end = end or now
    start = start or end - PERIOD
    if start >= end:
        raise UsageError("the period ends before it starts: --from must be earlier than --to")
    for dimension in by:
        if dimension not in DIMENSIONS:
            raise UsageError(f"a report is by {', '.join(DIMENSIONS)}, not by '{dimension}'")
    found = _promises(reader, where, to_micros(start), to_micros(end))
    lines = [line for dimension in ("all", *by) for line in _lines(dimension, found, start, end)]
    broken = [one for one in found if _broken_in(one, start, end)]
    breaches = _breaches(reader, broken, to_micros(now))
    return Report(start, end, query, tuple(lines), tuple(breaches))


def document(found: Report) -> dict[str, Any]:
    """The report as JSON values."""
    groups: dict[str, dict[str, list[Any]]] = {}
    for line in found.lines:
        values = line._asdict()
        dimension, group = values.pop("dimension"), values.pop("group")
        groups.setdefault(dimension, {}).setdefault(group, []).append(values)
    return {
        "from": rfc3339(found.start),
        "to": rfc3339(found.end),
        "query": found.query,
        "metrics": groups.pop("all", {}).get("", []),
        "by": {
            dimension: [{dimension: group or None, "metrics": lines} for group, lines in of.items()]
            for dimension, of in groups.items()
        },
        "breaches": [_breach_document(one) for one in found.breaches],
    }


def rows(found: Report) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Header and rows of the attainment lines, for CSV."""
    return Line._fields, [tuple(line) for line in found.lines]


def _breach_document(breach: Breach) -> dict[str, Any]:
    met = rfc3339(breach.met_at) if breach.met_at else None
    return breach._asdict() | {"due_at": rfc3339(breach.due_at), "met_at": met}


# --- what was promised ------------------------------------------------------------------------------------

_PROMISES = """
SELECT k.ticket, t.subject, k.metric, coalesce(m.name, ''), t.priority, d.name, coalesce(a.name, ''), k.state,
       k.due_at, k.met_at, coalesce(k.met_at, k.cancelled_at), k.breached_at, k.by_change,
       k.carried_seconds + k.used_seconds,
       coalesce(k.met_at, 0) - CASE WHEN k.cycle = 1 OR k.metric = 'next_response' THEN k.started_at ELSE
         (SELECT min(f.started_at) FROM clock f WHERE f.ticket = k.ticket AND f.metric = k.metric) END,
       k.calendar_id
FROM clock k JOIN ticket t ON t.number = k.ticket JOIN definition d ON d.id = k.policy_id
LEFT JOIN team m ON m.id = t.team_id LEFT JOIN agent a ON a.id = t.assignee_id
WHERE (k.state IN ('running', 'paused') OR (k.met_at >= ? AND k.met_at < ?)
       OR (k.breached_at >= ? AND k.breached_at < ?))
  AND k.reason <> ? AND
"""


def _promises(reader: Reader, where: Where, start: int, end: int) -> list[Decided]:
    """The promises that were decided in the period, and those that are still open."""
    sql = f"{_PROMISES} ({where.sql}) ORDER BY k.id"
    found = reader.rows(sql, (start, end, start, end, WITHDRAWN, *where.params))
    return [_decided(row) for row in found]


def _decided(row: tuple[Any, ...]) -> Decided:
    values = list(row)
    values[4] = PRIORITY_NAMES[values[4]]
    values[12] = bool(values[12])
    values[14] = values[14] // 1_000_000
    return Decided(*values)


def _met_in(one: Decided, start: datetime, end: datetime) -> bool:
    return one.met_at is not None and to_micros(start) <= one.met_at < to_micros(end)


def _broken_in(one: Decided, start: datetime, end: datetime) -> bool:
    return one.breached_at is not None and to_micros(start) <= one.breached_at < to_micros(end)


# --- attainment -------------------------------------------------------------------------------------------

DIMENSIONS: dict[str, Callable[[Decided], str]] = {
    "team": lambda one: one.team,
    "priority": lambda one: one.priority,
    "policy": lambda one: one.policy,
}
"""What a report can be split by."""


def _lines(dimension: str, found: Iterable[Decided], start: datetime, end: datetime) -> list[Line]:
    """The lines of one dimension: groups in their natural order, the metrics in theirs."""
    groups: dict[tuple[str, str], list[Decided]] = {}
    for one in found:
        group = DIMENSIONS[dimension](one) if dimension != "all" else ""
        groups.setdefault((group, one.metric), []).append(one)
    order = sorted(groups, key=lambda key: (*_rank(dimension, key[0]), METRICS.index(key[1])))
    return [_line(dimension, *key, groups[key], start, end) for key in order]


def _rank(dimension: str, group: str) -> tuple[int, str]:
    """Most urgent priority first; names in alphabetical order, nobody last."""
    if dimension == "priority":
        return -PRIORITIES[group], group
    return not group, group


def _line(dimension: str, group: str, metric: str, found: Sequence[Decided], start: datetime, end: datetime) -> Line:
    met = [one for one in found if _met_in(one, start, end)]
    kept = sum(one.state == "met" for one in met)
    missed = [one for one in found if _broken_in(one, start, end)]
    broken = sum(not one.by_change for one in missed)
    used, wall = [one.used_seconds for one in met], [one.wall_seconds for one in met]
    return Line(
        dimension,
        group,
        metric,
        round(kept / (kept + broken), 4) if kept + broken else None,
        kept,
        broken,
        len(missed) - broken,
        sum(one.state in ("running", "paused") for one in found),
        *(_rounded(of, values) for values in (used, wall) for of in (fmean, median)),
    )


def _rounded(of: Callable[[Sequence[int]], float], values: Sequence[int]) -> int | None:
    return round(of(values)) if values else None


# --- breaches ---------------------------------------------------------------------------------------------


def _breaches(reader: Reader, broken: Iterable[Decided], now: int) -> list[Breach]:
    calendars: dict[int | None, Calendar] = {None: Calendar.always()}
    told = [_breach(reader, calendars, one, now) for one in broken]
    return sorted(told, key=lambda one: (-one.late_seconds, one.ticket, one.metric))


def _breach(reader: Reader, calendars: dict[int | None, Calendar], one: Decided, now: int) -> Breach:
    due = one.due_at if one.due_at is not None else one.breached_at or now
    if one.calendar_id not in calendars:
        sql = "SELECT name, CAST(body AS TEXT) FROM definition WHERE id = ?"
        name, body = reader.rows(sql, (one.calendar_id,))[0]
        calendars[one.calendar_id] = Calendar.from_definition(name, json.loads(body))
    late = calendars[one.calendar_id].between_micros(due, one.ended_at or now) // 1_000_000
    met = from_micros(one.met_at) if one.met_at is not None else None
    return Breach(
        one.ticket, one.subject, one.metric, one.policy, one.team, one.assignee, one.priority,
        from_micros(due), met, late, one.by_change,
    )  # fmt: skip
