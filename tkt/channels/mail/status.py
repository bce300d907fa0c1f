"""How the mail is doing: what was read when, what waits to be filed or sent, and why."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from tkt.channels.mail import quarantine
from tkt.channels.mail.mailboxes import Mailbox, mailboxes
from tkt.desk.unit import Desk
from tkt.store.tables import MailboxState, Outbox


class MailboxStatus(NamedTuple):
    """A mailbox: when its folder was last read to the end (None: never), how far, and what went wrong since."""

    name: str
    address: str
    folder: str
    reads: bool
    sends: bool
    checked_at: datetime | None
    last: int
    error: str


class OutgoingStatus(NamedTuple):
    """A mail that has not left: "waiting", "sending" or "failed", its attempts, when it is next tried, and why."""

    id: int
    kind: str
    ticket: int | None
    recipients: tuple[str, ...]
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime
    error: str


class MailStatus(NamedTuple):
    """`stored` and `quarantined` count messages that came in and are on no ticket yet."""

    mailboxes: list[MailboxStatus]
    stored: int
    quarantined: int
    outgoing: list[OutgoingStatus]


def mail_status(desk: Desk) -> MailStatus:
    """The state of all mailboxes and of everything that has not left."""
    with desk.look() as change:
        boxes = mailboxes(change.definitions)
        counted = quarantine.counts(change.session)
        return MailStatus(
            [one for box in boxes for one in _folders(change.session, box)],
            counted["stored"],
            counted["quarantined"],
            _outgoing(change.session),
        )


def _folders(session: Session, box: Mailbox) -> list[MailboxStatus]:
    """One line for each folder that was read; a mailbox without any has one all the same."""
    rows = session.exec(select(MailboxState).where(MailboxState.mailbox == box.name)).all()
    named = [row for row in rows if row.folder] or list(rows) or [MailboxState(mailbox=box.name, folder="")]
    reads, sends = box.source is not None, box.sender is not None
    return [
        MailboxStatus(box.name, box.address, row.folder, reads, sends, row.checked_at, row.last_uid, row.error)
        for row in named
    ]


def _outgoing(session: Session) -> list[OutgoingStatus]:
    unsent = select(Outbox).where(col(Outbox.state).in_(("waiting", "sending", "failed"))).order_by(col(Outbox.id))
    return [
        OutgoingStatus(
            row.id or 0,
            row.kind,
            row.ticket,
            tuple(row.recipients),
            row.state,
            row.attempts,
            row.created_at,
            row.next_at,
            row.error,
        )
        for row in session.exec(unsent)
    ]
