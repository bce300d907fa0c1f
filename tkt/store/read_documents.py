"""The JSON of a ticket, as the public contract spells it: RFC 3339 in UTC, durations in seconds.

`list_documents` gives many tickets without their entries in a handful of queries; `ticket_document` one with
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tkt.store.read_clocks import clock_documents
from tkt.store.read_entries import File, Message, conversation
from tkt.store.read_people import followers_of, watchers_of
from tkt.store.read_tickets import in_portions, marks, tags_of, teams_of, ticket
from tkt.times import from_micros, rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tkt.store.read import Reader
    from tkt.store.read_tickets import TicketRow


def ticket_document(reader: Reader, number: int, now: int | None = None) -> dict[str, Any]:
    """One ticket as `show --json` prints it, with who follows it, and its entries but those taken back. Raises
    NotFound.

    `now` (microseconds UTC, default this moment) is when the running clocks are read.
    """
    with reader.snapshot():
        row = ticket(reader, number)
        document = list_documents(reader, [row], now)[0]
        document["undelivered"] = _undelivered(reader, number) if row.undelivered else None
        messages = conversation(reader, number)
        document["watchers"] = watchers_of(reader, number)
        document["followers"] = [{"name": one.name or None, "email": one.email} for one in followers_of(reader, number)]
    document["entries"] = [_entry(message) for message in messages if message.withdrawn_at is None]
    return document


def _undelivered(reader: Reader, number: int) -> str:
    """Whom the latest mail that came back did not reach, and why."""
    found = reader.row(_LATEST_FAILURE, (number,))
    return found[0] if found else "a mail came back"


_LATEST_FAILURE = """
SELECT error FROM outbox
WHERE ticket = ? AND state IN ('failed', 'sent') AND kind <> 'notification' AND error <> '' ORDER BY id DESC LIMIT 1
"""


def list_documents(reader: Reader, rows: Sequence[TicketRow], now: int | None = None) -> list[dict[str, Any]]:
    """Tickets as `list --json` prints them: everything but their entries."""
    numbers = [row.number for row in rows]
    tags, teams, fields = tags_of(reader, numbers), teams_of(reader, numbers), fields_of(reader, numbers)
    clocks = clock_documents(reader, numbers, now)
    return [
        _document(
            row,
            tags.get(row.number, []),
            teams.get(row.number, []),
            fields.get(row.number, {}),
            clocks.get(row.number, []),
        )
        for row in rows
    ]


def fields_of(reader: Reader, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The custom fields of these tickets, each value in its declared type; tickets without one are left out."""
    found: dict[int, dict[str, Any]] = {}
    for some in in_portions(numbers):
        sql = f"SELECT ticket, name, value FROM ticket_field WHERE ticket IN ({marks(some)}) ORDER BY name"
        for number, name, value in reader.rows(sql, some):
            found.setdefault(number, {})[name] = value
    if found:
        _give_types(reader, found)
    return found


def _give_types(reader: Reader, found: dict[int, dict[str, Any]]) -> None:
    import json

    declared = reader.rows("SELECT name, CAST(body AS TEXT) FROM definition WHERE kind = 'field' AND active")
    types = {name: json.loads(body).get("type", "string") for name, body in declared}
    for fields in found.values():
        for name, text in fields.items():
            fields[name] = _typed(text, types.get(name, "string"))


def _typed(text: str, kind: str) -> Any:
    """The value of a canonical text; a text that an earlier declaration left behind stays a text."""
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind == "integer" and text.lstrip("-").isdecimal():
        return int(text)
    return text  # decimals too: JSON readers would make them binary floating point


def _document(
    row: TicketRow, tags: list[str], teams: list[str], fields: dict[str, Any], clocks: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "number": row.number,
        "subject": row.subject,
        "status": row.status,
        "status_kind": row.status_kind,
        "priority": row.priority,
        "type": row.type or None,
        "category": row.category or None,
        "team": row.team or None,
        "teams": teams,
        "assignee": row.assignee or None,
        "requester": _requester(row),
        "channel": row.channel,
        "tags": tags,
        "fields": fields,
        "parent": row.parent,
        "merged_into": row.merged_into,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "first_response_at": moment(row.first_response_at),
        "resolved_at": moment(row.resolved_at),
        "closed_at": moment(row.closed_at),
        "due_at": moment(row.due_at),
        "version": row.version,
        "sla": clocks,
    }


def _requester(row: TicketRow) -> dict[str, str | None]:
    return {
        "name": row.requester_name or None,
        "email": row.requester_email or None,
        "company": row.company or None,
        "tier": row.tier or None,
    }


def _entry(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "kind": message.kind,
        "author": message.author,
        "at": moment(message.at),
        "text": message.text,
        "delivery": message.delivery or None,
        "attachments": [_file(file) for file in message.attachments],
    }


def _file(file: File) -> dict[str, Any]:
    document: dict[str, Any] = {"name": file.name, "type": file.type, "size": file.size}
    return document | {"logo": True} if file.logo else document


def moment(micros: int | None) -> str | None:
    """A moment of the store as JSON spells it."""
    return None if micros is None else rfc3339(from_micros(micros))
