"""Messages that could not be read or filed: look at them, try them again, or let them stay out.

Nothing is deleted: a dropped message keeps its row and its bytes, so that it is not taken in again.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select

from tkt.channels.mail.archive import importing
from tkt.channels.mail.filing.senders import FORGED
from tkt.channels.mail.receiving import intake
from tkt.desk.unit import Desk
from tkt.errors import Conflict, NotFound
from tkt.store.blobs import content_of
from tkt.store.tables import Blob, Intake


class Quarantined(NamedTuple):
    """One message: its number among all that came in, where it came from, its size in bytes, why it is here."""

    id: int
    mailbox: str
    source: str
    received_at: datetime
    size: int
    reason: str


def quarantined(desk: Desk) -> list[Quarantined]:
    """All messages in quarantine, oldest first."""
    with desk.store.transaction() as session:
        held = select(Intake, Blob.size).join(Blob).where(Intake.state == "quarantined").order_by(col(Intake.id))
        return [
            Quarantined(row.id or 0, row.mailbox, row.source, row.received_at, size, row.reason)
            for row, size in session.exec(held)
        ]


def raw_message(desk: Desk, identifier: int) -> bytes:
    """A quarantined message as it came in. Raises NotFound, Conflict."""
    with desk.store.transaction() as session:
        return content_of(session, _held(session, identifier).digest)


def retry(desk: Desk, identifier: int) -> intake.Outcome:
    """Process a quarantined message again. One that our server calls forged is let in by that: filed, but in nobody's
    name. Raises NotFound, Conflict, StoreBusy, StoreUnreachable.
    """
    with desk.store.transaction() as session:
        row = _held(session, identifier)
        archived = row.source.startswith(intake.IMPORTED)
        if not archived:
            let_in = row.reason.startswith(FORGED)
            row.state, row.reason, row.attempts = "stored", intake.LET_IN if let_in else "", 0
    if archived:
        return importing.take_again(desk, identifier)
    return intake.process_again(desk, identifier)


def drop(desk: Desk, identifier: int) -> None:
    """Let a quarantined message stay out. Raises NotFound, Conflict."""
    with desk.store.transaction() as session:
        _held(session, identifier).state = "dropped"


def counts(session: Session) -> dict[str, int]:
    """How many messages wait for their processing ("stored") and how many are in quarantine."""
    states = col(Intake.state)
    found = select(states, func.count()).where(states.in_(("stored", "quarantined"))).group_by(states)
    return {"stored": 0, "quarantined": 0} | dict(session.exec(found).all())


def _held(session: Session, identifier: int) -> Intake:
    row = session.get(Intake, identifier)
    if row is None:
        raise NotFound(f"no message {identifier} has come in; 'tkt mail quarantine list' shows what is there")
    if row.state != "quarantined":
        where = f"; it is on #{row.ticket}" if row.ticket else ""
        raise Conflict(f"message {identifier} is not in quarantine{where}")
    return row
