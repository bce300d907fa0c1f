"""How a list of tickets is found and shown: columns by name, formats, and what is said where a limit cuts it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.cli import context, moments, output
from tkt.cli.output import Cell
from tkt.errors import UsageError

if TYPE_CHECKING:
    from tkt.store.read import Reader
    from tkt.store.read_clauses import Where
    from tkt.store.read_tickets import TicketRow

DEFAULT_QUERY = "kind:open"
COUNTED = 10_000
"""Counting for "50 of …" stops here: a list must not cost more in a large desk."""


COLUMNS = ("number", "subject", "requester", "team", "assignee", "status", "priority", "age", "due")
"""What a terminal shows by default."""


class Found(NamedTuple):
    """The tickets of a list, and the condition they met."""

    rows: list[TicketRow]
    where: Where
    limit: int


def list_tickets(
    query: str, sort: str = "", limit: int = 50, *, ids: bool = False, json: bool = False, jsonl: bool = False,
    csv: bool = False, tsv: bool = False, columns: str = "",
) -> int:  # fmt: skip
    """Print the tickets that match; see `reading.list_`. Raises QueryError, UsageError."""
    if sum((ids, json, jsonl, csv, tsv)) > 1:
        raise UsageError("choose one of --ids, --json, --jsonl, --csv and --tsv")
    wanted = columns_named(columns)
    with context.reader() as reader:
        found = find(reader, query, sort, limit)
        if ids:
            for row in found.rows:
                output.line(str(row.number))
        elif json:
            output.as_json(documents(reader, found.rows))
        elif jsonl:
            output.as_jsonl(documents(reader, found.rows))
        elif csv or tsv:
            output.as_separated(wanted or ALL, plain_rows(reader, found.rows, wanted), tabs=tsv)
        else:
            show_table(reader, found.rows, wanted or COLUMNS)
        say_if_cut(reader, found)
    return 0


def find(reader: Reader, query: str, sort: str, limit: int) -> Found:
    """The tickets that match, in order. Raises QueryError, UsageError (sort key)."""
    from tkt.query.compile import compile_query
    from tkt.query.language import parse
    from tkt.query.sort import default_sort, parse_sort
    from tkt.store.read_tickets import page

    tree = parse(query or DEFAULT_QUERY)
    now = int(time.time() * moments.MICROS)
    where = compile_query(tree, reader.vocabulary(now), reader.dialect, reader.few)
    order = parse_sort(sort, tree) if sort else default_sort(tree)
    return Found(page(reader, where, order, limit or None), where, limit)


def documents(reader: Reader, rows: Sequence[TicketRow]) -> list[dict[str, Any]]:
    from tkt.store.read_documents import list_documents

    return list_documents(reader, rows)


def columns_named(text: str) -> tuple[str, ...]:
    """The columns of --columns. UsageError for one there isn't."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in _PLAIN:
            raise UsageError(f"there is no column '{name}'; known: {', '.join(_PLAIN)}")
    return names


def plain_rows(reader: Reader, rows: Sequence[TicketRow], columns: Sequence[str]) -> list[list[Any]]:
    """Values for scripts: times in RFC 3339, nothing cut."""
    tags = _tags(reader, rows, columns or ALL)
    return [[_PLAIN[name](row, tags) for name in columns or ALL] for row in rows]


def show_table(reader: Reader, rows: Sequence[TicketRow], columns: Sequence[str]) -> None:
    """A table for people, TSV in a pipe."""
    if not output.on_terminal():
        output.as_separated(columns, plain_rows(reader, rows, columns), tabs=True)
        return
    if not rows:
        output.words("no tickets match")
        return
    tags = _tags(reader, rows, columns)
    now = int(time.time() * moments.MICROS)
    cells = [[_cell(name, row, tags, now) for name in columns] for row in rows]
    stretch = columns.index("subject") if "subject" in columns else 0
    right = [at for at, name in enumerate(columns) if name in ("number", "age", "due")]
    output.as_table(columns, cells, stretch=stretch, right=right)


def say_if_cut(reader: Reader, found: Found) -> None:
    """ "50 of 1,204" on standard error where the limit has cut the list."""
    if not found.limit or len(found.rows) < found.limit:
        return
    from tkt.store.read_tickets import count

    total = count(reader, found.where, COUNTED)
    if total > found.limit:
        more = "more than " if total == COUNTED else ""
        output.words(f"{found.limit:,} of {more}{total:,}; -n 0 lists all")


def _tags(reader: Reader, rows: Sequence[TicketRow], columns: Sequence[str]) -> dict[int, list[str]]:
    if "tags" not in columns:
        return {}
    from tkt.store.read_tickets import tags_of

    return tags_of(reader, [row.number for row in rows])


def _moment(micros: int | None) -> str:
    from tkt.store.read_documents import moment

    return moment(micros) or ""


_PLAIN: dict[str, Callable[[TicketRow, dict[int, list[str]]], Any]] = {
    "number": lambda row, _: row.number,
    "subject": lambda row, _: row.subject,
    "status": lambda row, _: row.status,
    "priority": lambda row, _: row.priority,
    "type": lambda row, _: row.type,
    "category": lambda row, _: row.category,
    "team": lambda row, _: row.team,
    "assignee": lambda row, _: row.assignee,
    "requester": lambda row, _: row.requester_email or row.requester_name,
    "company": lambda row, _: row.company,
    "tier": lambda row, _: row.tier,
    "channel": lambda row, _: row.channel,
    "tags": lambda row, tags: tags.get(row.number, []),
    "created": lambda row, _: _moment(row.created_at),
    "updated": lambda row, _: _moment(row.updated_at),
    "age": lambda row, _: _moment(row.created_at),
    "due": lambda row, _: _moment(row.due_at),
    "breached": lambda row, _: row.breached,
    "unread": lambda row, _: row.unread,
    "attachments": lambda row, _: row.attachments,
}
"""Each column of a list: its value for scripts."""

ALL = tuple(name for name in _PLAIN if name != "age")


def _cell(name: str, row: TicketRow, tags: dict[int, list[str]], now: int) -> Cell:
    match name:
        case "number":
            return Cell(str(row.number), "bold" if row.unread else "")
        case "requester":
            return Cell(row.requester_name or row.requester_email)
        case "age":
            return Cell(moments.age_of(row.created_at, now))
        case "due":
            return Cell(moments.countdown(row.due_at, now), moments.urgency(row.due_at, now))
        case "created" | "updated":
            return Cell(moments.local(row.created_at if name == "created" else row.updated_at))
        case "priority":
            return Cell(row.priority, {"urgent": "red", "high": "yellow"}.get(row.priority, ""))
        case "status":
            return Cell(row.status, "dim" if row.status_kind in ("resolved", "closed") else "")
    value = _PLAIN[name](row, tags)
    return Cell(", ".join(value) if isinstance(value, list) else str(value))
