"""What the event log knows about a ticket's past, for a promise that is made later than the ticket.

A ticket that no policy matched may match one when its type or priority is set: what is promised then still
runs from its creation, without the time during which it waited. Looked up only in that case.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from tkt.store.definitions import Definitions
from tkt.store.tables import Entry, Event

Status = tuple[str, str]
"""A status and its kind."""


def statuses(
    session: Session, definitions: Definitions, number: int, present: str, since: datetime
) -> list[tuple[Status, datetime]]:
    """Each status the ticket had from `since` on and from when, up to the `present` one before the change
    under way.
    """
    query = select(Event).where(Event.ticket == number, Event.field == "status", Event.verb != "rule")
    changes = [(str(event.old), event.at) for event in session.exec(query.order_by(col(Event.id)))]
    return in_order(definitions, changes, present, since)


def in_order(
    definitions: Definitions, changes: Sequence[tuple[str, datetime]], present: str, since: datetime
) -> list[tuple[Status, datetime]]:
    """The statuses from `since` on: `changes` are the one that ended and when, for each change of the status."""
    names = [old for old, _ in changes] + [present]
    moments = [since] + [max(at, since) for _, at in changes]
    kinds = definitions.statuses
    return [((name, kinds.get(name, "open")), moment) for name, moment in zip(names, moments, strict=True)]


def opened_by_machine(session: Session, number: int) -> bool:
    """Whether the ticket began with an automatic mail: then no promise runs by itself."""
    query = select(Entry.machine).where(Entry.ticket == number, Entry.position == 1)
    return bool(session.exec(query).first())
