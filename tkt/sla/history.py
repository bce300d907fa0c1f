"""What the event log knows about a ticket's past, for a promise that is made later than the ticket.

A ticket that no policy matched may match one when its type or priority is set: what is promised then still
runs from its creation, without the time during which it waited. Looked up only in that case.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from tkt.store.definitions import Definitions
from tkt.store.tables import Entry, Event, Ticket

Status = tuple[str, str]
"""A status and its kind."""


def statuses(
    session: Session, definitions: Definitions, ticket: Ticket, present: str, since: datetime
) -> list[tuple[Status, datetime]]:
    """Each status the ticket had from `since` on and from when, up to the `present` one before the change
    under way.
    """
    query = select(Event).where(Event.ticket == ticket.number, Event.field == "status")
    events = list(session.exec(query.order_by(col(Event.id))))
    names = [str(event.old) for event in events] + [present]
    moments = [since] + [max(event.at, since) for event in events]
    kinds = definitions.statuses
    return [((name, kinds.get(name, "open")), moment) for name, moment in zip(names, moments, strict=True)]


def opened_by_machine(session: Session, ticket: Ticket) -> bool:
    """Whether the ticket began with an automatic mail: then no promise runs by itself."""
    query = select(Entry.machine).where(Entry.ticket == ticket.number, Entry.position == 1)
    return bool(session.exec(query).first())
