"""Mail in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from tkt.store.tables.row import Row, document, key, moment, ref


class Intake(Row, table=True):
    """One message taken from a mailbox: written, with its raw bytes, before anything else happens.

    `source` tells which message of which mailbox it was ("UIDVALIDITY:UID", a Maildir name, an mbox offset), so
    that a crash between storing and flagging doubles nothing. `state`: stored, ticket, entry, machine, duplicate,
    quarantined, dropped.
    """

    __table_args__ = (
        UniqueConstraint("mailbox", "source"),
        Index("ix_intake_message_id", "message_id"),
        Index("ix_intake_digest", "digest"),
        Index(
            "ix_intake_state",
            "state",
            "id",
            sqlite_where=text("state IN ('stored', 'quarantined')"),
        ),
    )
    id: int | None = key()
    mailbox: str
    source: str
    digest: str = Field(foreign_key="blob.digest")
    message_id: str = ""
    received_at: datetime = moment()
    state: str = "stored"
    reason: str = ""
    attempts: int = 0
    ticket: int | None = ref("ticket.number", nullable=True)
    entry_id: int | None = ref("entry.id", nullable=True)


class MailboxState(Row, table=True):
    """How far a mailbox folder has been read (RFC 3501: UIDs are valid together with UIDVALIDITY).

    `checked_at`: last read to its end. While it can't be read, `error` says why, `failing_since` since when, and
    `next_at` when it is tried again, if that is known.
    """

    __tablename__ = "mailbox_state"
    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uidvalidity: int = Field(default=0, sa_type=BigInteger)
    last_uid: int = Field(default=0, sa_type=BigInteger)
    checked_at: datetime | None = moment(nullable=True)
    error: str = ""
    failing_since: datetime | None = moment(nullable=True)
    next_at: datetime | None = moment(nullable=True)


class Outbox(Row, table=True):
    """One mail that is to leave, written in the transaction that caused it, delivered afterwards.

    `kind`: reply, confirmation, notification, report. `state`: waiting, sending, sent, failed, recalled,
    collected (its words went into another notification to the same person), dropped (by hand). A row in
    `sending` belongs to its sender until `next_at`, then anybody may try again. What the message consists of stands
    in `mail` (subject, text, headers); a reply's text and attachments are those of its entry.
    """

    __table_args__ = (
        Index(
            "ix_outbox_next",
            "next_at",
            "id",
            sqlite_where=text("state IN ('waiting', 'sending')"),
        ),
    )
    id: int | None = key()
    kind: str
    ticket: int | None = ref("ticket.number", nullable=True, index=True)
    entry_id: int | None = ref("entry.id", nullable=True, index=True)
    change: str = Field(default="", index=True)
    mailbox: str = ""
    recipients: list[str] = document(list)
    message_id: str = Field(unique=True)
    mail: dict[str, Any] = document(dict)
    state: str = "waiting"
    attempts: int = 0
    created_at: datetime = moment()
    next_at: datetime = moment()
    sent_at: datetime | None = moment(nullable=True)
    error: str = ""
