"""The event log, read: a ticket's history, and what happened since a place in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tkt.store.read import Reader


class EventRow(NamedTuple):
    """One event, as `tkt.store.tables.Event` describes it; `at` in microseconds UTC, `old` and `new` JSON values."""

    id: int
    at: int
    change: str
    actor: str
    ticket: int | None
    entry: int | None
    verb: str
    field: str
    old: Any
    new: Any
    cause: str
    undoes: str | None


_SELECT = (
    "SELECT id, at, change, actor, ticket, entry, verb, field, CAST(old AS TEXT), CAST(new AS TEXT),"
    " cause, undoes FROM event "
)


def history(reader: Reader, number: int) -> list[EventRow]:
    """Everything that happened to a ticket, oldest first."""
    return _events(reader, "WHERE ticket = ? ORDER BY id", (number,))


def events_after(reader: Reader, identifier: int, limit: int = 1000) -> list[EventRow]:
    """The next events after that id, in the order of the log."""
    return _events(reader, "WHERE id > ? ORDER BY id LIMIT ?", (identifier, limit))


def events_since(reader: Reader, micros: int, limit: int = 1000) -> list[EventRow]:
    """The first events at or after that moment; go on with `events_after` the last one's id."""
    row = reader.row("SELECT min(id) FROM event WHERE at >= ?", (micros,))
    return [] if row is None or row[0] is None else events_after(reader, row[0] - 1, limit)


def last_event(reader: Reader) -> int:
    """The id of the newest event, 0 when nothing has happened yet."""
    row = reader.row("SELECT max(id) FROM event")
    return 0 if row is None or row[0] is None else int(row[0])


def changed_tickets(reader: Reader, identifier: int) -> tuple[int, set[int]]:
    """(newest event id, the tickets it and those since `identifier` touched): what a live view reads again."""
    newest = last_event(reader)
    sql = "SELECT DISTINCT ticket FROM event WHERE id > ? AND id <= ? AND ticket IS NOT NULL"
    return newest, {row[0] for row in reader.rows(sql, (identifier, newest))}


def _events(reader: Reader, rest: str, params: Sequence[Any]) -> list[EventRow]:
    import json

    return [
        EventRow(*row[:8], *(None if value is None else json.loads(value) for value in row[8:10]), *row[10:])
        for row in reader.rows(_SELECT + rest, params)
    ]
