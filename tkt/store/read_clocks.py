"""The SLA clocks of tickets, read: for JSON, and which promise a ticket's deadline belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.store.read_tickets import in_portions, marks
from tkt.times import from_micros, rfc3339, to_micros, utcnow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tkt.store.read import Reader


class ClockRow(NamedTuple):
    """One clock; moments in microseconds UTC, `spent_seconds` open time used until now, of all cycles."""

    ticket: int
    metric: str
    policy: str
    cycle: int
    state: str
    due_at: int | None
    target_seconds: int
    spent_seconds: int
    met_at: int | None
    breached_at: int | None


def clocks_of(reader: Reader, numbers: Sequence[int], now: int | None = None) -> dict[int, list[ClockRow]]:
    """The clocks of these tickets in the order they started; tickets without one are left out."""
    now = to_micros(utcnow()) if now is None else now
    calendars = _Calendars(reader)
    found: dict[int, list[ClockRow]] = {}
    for some in in_portions(numbers):
        for row in reader.rows(f"{_SELECT}WHERE k.ticket IN ({marks(some)}) ORDER BY k.id", some):
            *head, target, spent, since, calendar, met, breached = row
            spent += calendars.between(calendar, since, now)
            found.setdefault(row[0], []).append(ClockRow._make([*head, target, spent, met, breached]))
    return found


_SELECT = """
SELECT k.ticket, k.metric, d.name, k.cycle, k.state, k.due_at, k.target_seconds,
       k.carried_seconds + k.used_seconds, k.running_since, k.calendar_id, k.met_at, k.breached_at
FROM clock k JOIN definition d ON d.id = k.policy_id
"""


def next_metrics(reader: Reader, numbers: Sequence[int]) -> dict[int, str]:
    """For tickets whose deadline is a promise: which one is due first (`first_response`, …)."""
    found: dict[int, str] = {}
    for some in in_portions(numbers):
        sql = (
            f"SELECT ticket, metric FROM clock WHERE ticket IN ({marks(some)}) AND running_since IS NOT NULL"
            " AND met_at IS NULL AND due_at IS NOT NULL ORDER BY due_at DESC, id DESC"
        )
        found.update((ticket, metric) for ticket, metric in reader.rows(sql, some))
    return found


def clock_documents(reader: Reader, numbers: Sequence[int], now: int | None = None) -> dict[int, list[dict[str, Any]]]:
    """The clocks as the contract's JSON spells them."""
    return {
        ticket: [_document(clock) for clock in clocks] for ticket, clocks in clocks_of(reader, numbers, now).items()
    }


def _document(clock: ClockRow) -> dict[str, Any]:
    found: dict[str, Any] = clock._asdict()
    del found["ticket"]
    for name in ("due_at", "met_at", "breached_at"):
        found[name] = None if found[name] is None else rfc3339(from_micros(found[name]))
    return found


class _Calendars:
    """Open seconds by calendar version. A calendar is loaded only when a clock runs by one; 24x7 needs none."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._loaded: dict[int, Any] = {}

    def between(self, calendar: int | None, since: int | None, now: int) -> int:
        if since is None or now <= since:
            return 0
        if calendar is None:
            return (now - since) // 1_000_000
        if calendar not in self._loaded:
            self._loaded[calendar] = self._load(calendar)
        return int(self._loaded[calendar].between_micros(since, now)) // 1_000_000

    def _load(self, calendar: int) -> Any:
        import json

        from tkt.sla.calendar import Calendar

        sql = "SELECT name, CAST(body AS TEXT) FROM definition WHERE id = ?"
        name, body = self._reader.rows(sql, (calendar,))[0]
        return Calendar.from_definition(name, json.loads(body))
