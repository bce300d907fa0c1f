"""A ticket's fields in the words of the history: how each is read, and how it is written back.

Events keep names ("network", "high"), not row ids: the log stays readable, JSON needs no look-ups, and undo writes the
old word back through the same door. Retired teams and agents keep their names, so old events can always be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from tkt.store.constants import PRIORITIES, PRIORITY_NAMES
from tkt.store.definitions import Definitions
from tkt.store.tables import Ticket
from tkt.times import rfc3339


class TicketField(NamedTuple):
    """Reads a field as a JSON value; writes such a value back."""

    read: Callable[[Ticket, Definitions], Any]
    write: Callable[[Ticket, Any, Definitions], None]


def _plain(column: str) -> TicketField:
    def read(ticket: Ticket, _definitions: Definitions) -> Any:
        return getattr(ticket, column)

    def write(ticket: Ticket, value: Any, _definitions: Definitions) -> None:
        setattr(ticket, column, value)

    return TicketField(read, write)


def _moment(column: str) -> TicketField:
    def read(ticket: Ticket, _definitions: Definitions) -> str | None:
        return exact(getattr(ticket, column))

    def write(ticket: Ticket, value: str | None, _definitions: Definitions) -> None:
        setattr(ticket, column, datetime.fromisoformat(value) if value else None)

    return TicketField(read, write)


def exact(moment: datetime | None) -> str | None:
    """RFC 3339 with the fraction of the second, if it has one, so that undo brings back the same moment."""
    if moment is None or not moment.microsecond:
        return rfc3339(moment) if moment else None
    return f"{rfc3339(moment)[:-1]}.{moment.microsecond:06}Z"


def _read_team(ticket: Ticket, definitions: Definitions) -> str | None:
    return definitions.team_names.get(ticket.team_id) if ticket.team_id else None


def _write_team(ticket: Ticket, name: str | None, definitions: Definitions) -> None:
    ticket.team_id = _id_of(name, definitions.team_names)


def _read_assignee(ticket: Ticket, definitions: Definitions) -> str | None:
    return definitions.agent_names.get(ticket.assignee_id) if ticket.assignee_id else None


def _write_assignee(ticket: Ticket, name: str | None, definitions: Definitions) -> None:
    ticket.assignee_id = _id_of(name, definitions.agent_names)


def _id_of(name: str | None, names: dict[int, str]) -> int | None:
    return next((key for key, known in names.items() if known == name), None) if name else None


def _read_priority(ticket: Ticket, _definitions: Definitions) -> str:
    return PRIORITY_NAMES[ticket.priority]


def _write_priority(ticket: Ticket, name: str, _definitions: Definitions) -> None:
    ticket.priority = PRIORITIES[name]


def _write_status(ticket: Ticket, name: str, definitions: Definitions) -> None:
    ticket.status = name
    ticket.status_kind = definitions.statuses.get(name, "open")


FIELDS: dict[str, TicketField] = {
    "subject": _plain("subject"),
    "status": TicketField(_plain("status").read, _write_status),
    "priority": TicketField(_read_priority, _write_priority),
    "team": TicketField(_read_team, _write_team),
    "assignee": TicketField(_read_assignee, _write_assignee),
    "category": _plain("category"),
    "type": _plain("type"),
    "due": _moment("manual_due_at"),
    "snooze": _moment("snoozed_until"),
    "undelivered": _plain("undelivered"),
    "resolved": _moment("resolved_at"),
    "closed": _moment("closed_at"),
    "unanswered": _moment("unanswered_since"),
    "merged": _plain("merged_into"),
    "parent": _plain("parent"),
}

FOLLOWING = ("resolved", "closed", "unanswered")
"""Moments that follow from what was done: recorded, so that undo brings them back, but nothing that rules answer."""
