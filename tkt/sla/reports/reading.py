"""The promises a report counts, read in windows: clocks by the index on their start, never all at once.

Given are those that were met or broken in the period, and those that are still open. What no check has looked at yet is
told as it is: a running clock whose deadline has passed is broken. Cancelled promises and ends that were taken back are
left out. Moments are microseconds UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.sla.policy import WITHDRAWN
from tkt.store.constants import PRIORITY_NAMES

if TYPE_CHECKING:
    from tkt.store.read import Reader
    from tkt.store.read_clauses import Where

WINDOW = 2_000
"""Clocks in memory at once."""

OPEN = ("running", "paused")


class Period(NamedTuple):
    """From `start` up to, not including, `end`, as seen at `now`."""

    start: int
    end: int
    now: int

    def holds(self, moment: int | None) -> bool:
        return moment is not None and self.start <= moment < self.end


class Promise(NamedTuple):
    """One clock with what its ticket is now. `breached_at` is told even where no check has noticed it yet; `ended_at`
    is when it was met or given up.
    """

    id: int
    ticket: int
    subject: str
    metric: str
    cycle: int
    policy: str
    calendar_id: int | None
    state: str
    started_at: int
    due_at: int | None
    met_at: int | None
    ended_at: int | None
    breached_at: int | None
    by_change: bool
    reason: str
    carried_seconds: int
    used_seconds: int
    wall_seconds: int
    status: str
    priority: str
    team: str
    agent: str
    category: str
    channel: str
    tier: str

    @property
    def is_open(self) -> bool:
        """Whether it still runs or waits and is not broken."""
        return self.state in OPEN and self.breached_at is None


_WINDOW = """
SELECT * FROM clock
WHERE started_at >= ? AND started_at < ? AND (started_at > ? OR id > ?)
  AND (state IN ('running', 'paused') OR (met_at >= ? AND met_at < ?) OR (breached_at >= ? AND breached_at < ?))
ORDER BY started_at, id LIMIT ?
"""
_TIER = "coalesce(nullif(p.tier, ''), y.tier, '')"
_OF_REQUESTER = "LEFT JOIN person p ON p.id = t.requester_id LEFT JOIN company y ON y.id = p.company_id"
_BROKEN_UNSEEN = "k.state = 'running' AND k.due_at <= ?"


def _select(where: str, tier: bool) -> str:
    """The window's clocks, each with whether its ticket is asked for; one that is not still says how far we are."""
    return f"""
SELECT CASE WHEN k.reason <> ? AND ({where}) THEN 1 ELSE 0 END,
       k.id, k.ticket, t.subject, k.metric, k.cycle, d.name, k.calendar_id, k.state, k.started_at, k.due_at, k.met_at,
       coalesce(k.met_at, k.cancelled_at), coalesce(k.breached_at, CASE WHEN {_BROKEN_UNSEEN} THEN k.due_at END),
       k.by_change, k.reason, k.carried_seconds, k.used_seconds,
       coalesce(k.met_at, 0) - CASE WHEN k.cycle = 1 OR k.metric = 'next_response' THEN k.started_at ELSE
         (SELECT min(f.started_at) FROM clock f WHERE f.ticket = k.ticket AND f.metric = k.metric) END,
       t.status, t.priority, coalesce(m.name, ''), coalesce(a.name, ''), t.category, t.channel,
       {_TIER if tier else "''"}
FROM ({_WINDOW}) k JOIN ticket t ON t.number = k.ticket JOIN definition d ON d.id = k.policy_id
LEFT JOIN team m ON m.id = t.team_id LEFT JOIN agent a ON a.id = t.assignee_id {_OF_REQUESTER if tier else ""}
ORDER BY k.started_at, k.id
"""


def windows(
    reader: Reader, where: Where, period: Period, tier: bool, progress: Callable[[float], None] | None = None
) -> Iterator[list[Promise]]:
    """The promises that the report counts, some at a time, oldest first. `tier`: the customer's is asked for.

    `progress` is told, from 0 to 1, how far it is.
    """
    sql = _select(where.sql, tier)
    first = (reader.row("SELECT min(started_at) FROM clock") or (None,))[0] or 0
    at, after = first, 0
    while True:
        window = (at, period.end, at, after, *(period.start, period.end) * 2, WINDOW)
        found = reader.rows(sql, (WITHDRAWN, *where.params, period.now, *window))
        counted = (_promise(row[1:]) for row in found if row[0])
        yield [one for one in counted if one.is_open or period.holds(one.met_at) or period.holds(one.breached_at)]
        if len(found) < WINDOW:
            return
        after, at = found[-1][1], found[-1][9]
        if progress is not None:
            progress((at - first) / max(1, period.end - first))


def _promise(row: tuple[Any, ...]) -> Promise:
    values = list(row)
    values[13] = bool(values[13])
    values[17] = values[17] // 1_000_000
    values[19] = PRIORITY_NAMES[values[19]]
    return Promise(*values)
