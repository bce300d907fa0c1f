"""How the mail is doing: what was read when, what waits to be filed or sent (`outgoing`), and why."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, select

from tkt.channels.mail.mailboxes import Mailbox, mailboxes
from tkt.channels.mail.receiving import quarantine
from tkt.channels.mail.sending.outgoing import OutgoingStatus, outgoing
from tkt.desk.unit import Desk
from tkt.store.tables import MailboxState


class MailboxStatus(NamedTuple):
    """A mailbox: when its folder was last read to the end (None: never), how far, and what went wrong since: since
    when, and when it is tried again, if that is known.
    """

    name: str
    address: str
    folder: str
    reads: bool
    sends: bool
    checked_at: datetime | None
    last: int
    error: str
    failing_since: datetime | None
    next_at: datetime | None


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
            outgoing(change.session, desk.now()),
        )


def _folders(session: Session, box: Mailbox) -> list[MailboxStatus]:
    """One line for each folder that was read; a mailbox without any has one all the same."""
    rows = session.exec(select(MailboxState).where(MailboxState.mailbox == box.name)).all()
    named = [row for row in rows if row.folder] or list(rows) or [MailboxState(mailbox=box.name, folder="")]
    reads, sends = box.source is not None, box.sender is not None
    return [
        MailboxStatus(
            box.name,
            box.address,
            row.folder,
            reads,
            sends,
            row.checked_at,
            row.last_uid,
            row.error,
            row.failing_since,
            row.next_at,
        )
        for row in named
    ]
