"""The status flow: what moving a ticket to a status does to it."""

from __future__ import annotations

from tkt.desk import values
from tkt.desk.fields import exact
from tkt.desk.unit import Change
from tkt.errors import Conflict
from tkt.store.tables import Ticket

DONE = ("resolved", "closed")
"""Kinds of a status in which nothing is left to do."""


def move(change: Change, ticket: Ticket, status: str) -> list[str]:
    """Change the status and the moments that depend on it, each recorded; ["status"], or nothing if it was so
    already.
    """
    status = values.status(change.definitions, status)
    if ticket.merged_into:
        raise Conflict(f"#{ticket.number} was merged into #{ticket.merged_into}; its status can't change")
    if status == ticket.status:
        return []
    was_done = ticket.status_kind in DONE
    changed = change.set(ticket, "status", status=status)
    done = ticket.status_kind in DONE
    ticket.reopened_count += was_done and not done
    closed = ticket.status_kind == "closed"
    moments = {
        "resolved": (ticket.resolved_at or change.at) if done else None,
        "closed": (ticket.closed_at or change.at) if closed else None,
        "unanswered": None if done else ticket.unanswered_since,
    }
    change.set(ticket, "status", **{name: exact(moment) for name, moment in moments.items()})
    return changed
