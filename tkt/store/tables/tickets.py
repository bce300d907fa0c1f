"""Tickets, who takes part in them, their conversation and its files."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field

from tkt.store.tables.row import Row, document, key, moment, ref
from tkt.store.types import Deadline, RowId


class Ticket(Row, table=True):
    """A request. `number` is permanent and never reused; `version` grows by one with every change.

    `unanswered_count` are the customer's messages since an agent's last public answer, `reopened_count` how often it
    was resolved or closed and then opened again.
    """

    __table_args__ = (
        Index("ix_ticket_kind_due", "status_kind", "due_at", "number"),
        Index("ix_ticket_kind_updated", "status_kind", "updated_at", "number"),
        Index("ix_ticket_kind_priority", "status_kind", "priority", "due_at", "number"),
        Index("ix_ticket_assignee", "assignee_id", "status_kind", "due_at", "number"),
        Index("ix_ticket_team", "team_id", "status_kind", "due_at", "number"),
        Index("ix_ticket_requester", "requester_id", "number"),
        Index("ix_ticket_updated", "updated_at", "number"),
        {"sqlite_autoincrement": True},
    )
    number: int | None = key()
    subject: str
    status: str = "new"
    status_kind: str = "open"
    priority: int = 2
    type: str = ""
    category: str = ""
    channel: str = "cli"
    mailbox: str = ""
    language: str = ""
    team_id: int | None = ref("team.id", nullable=True)
    assignee_id: int | None = ref("agent.id", nullable=True)
    requester_id: int | None = ref("person.id", nullable=True)
    parent: int | None = ref("ticket.number", nullable=True, index=True)
    merged_into: int | None = ref("ticket.number", nullable=True)
    key: str | None = Field(default=None, unique=True)
    created_at: datetime = moment(index=True)
    updated_at: datetime = moment()
    first_response_at: datetime | None = moment(nullable=True)
    resolved_at: datetime | None = moment(nullable=True)
    closed_at: datetime | None = moment(nullable=True)
    unanswered_since: datetime | None = moment(nullable=True)
    unanswered_count: int = 0
    reopened_count: int = 0
    due_at: datetime | None = Field(default=None, sa_type=Deadline, nullable=False)
    manual_due_at: datetime | None = moment(nullable=True)
    snoozed_until: datetime | None = moment(nullable=True)
    unread: bool = False
    undelivered: bool = False
    breached: bool = False
    attachments: int = 0
    entries: int = 0
    version: int = 1


class TicketTag(Row, table=True):
    __tablename__ = "ticket_tag"
    __table_args__ = (Index("ix_ticket_tag_tag", "tag", "ticket"),)
    ticket: int = Field(foreign_key="ticket.number", primary_key=True, sa_type=RowId)
    tag: str = Field(primary_key=True)


class TicketField(Row, table=True):
    """A custom field's value, as text in the field type's canonical form."""

    __tablename__ = "ticket_field"
    __table_args__ = (Index("ix_ticket_field_value", "name", "value", "ticket"),)
    ticket: int = Field(foreign_key="ticket.number", primary_key=True, sa_type=RowId)
    name: str = Field(primary_key=True)
    value: str


class Follower(Row, table=True):
    """Somebody who takes part in a ticket besides its requester: a customer who was CC'd, by address."""

    ticket: int = Field(foreign_key="ticket.number", primary_key=True, sa_type=RowId)
    address: str = Field(primary_key=True)
    name: str = ""


class Watcher(Row, table=True):
    """An agent who follows a ticket that need not be theirs: they are told of what customers write on it."""

    ticket: int = Field(foreign_key="ticket.number", primary_key=True, sa_type=RowId)
    agent_id: int = Field(foreign_key="agent.id", primary_key=True, sa_type=RowId, index=True)


class TicketTeam(Row, table=True):
    """A further team that a ticket concerns, besides its own: one mail went to the mailboxes of both."""

    __tablename__ = "ticket_team"
    ticket: int = Field(foreign_key="ticket.number", primary_key=True, sa_type=RowId)
    team_id: int = Field(foreign_key="team.id", primary_key=True, sa_type=RowId, index=True)


class TicketLink(Row, table=True):
    """`ticket` stands in a relation to `other`: "follow-up" (written after the other was closed) or "related"."""

    __tablename__ = "ticket_link"
    ticket: int = Field(foreign_key="ticket.number", primary_key=True, sa_type=RowId)
    other: int = Field(foreign_key="ticket.number", primary_key=True, sa_type=RowId, index=True)
    kind: str


class Entry(Row, table=True):
    """One message of the conversation. `kind`: inbound, reply, note, call, chat, system.

    `machine` holds why a mail was taken for automatic ("auto-reply: …") or is empty. `delivery` is empty, or for what
    leaves by mail: waiting, sent, failed, recalled. `position` counts a ticket's entries from 1.
    """

    __table_args__ = (UniqueConstraint("ticket", "position"),)
    id: int | None = key()
    ticket: int = ref("ticket.number")
    position: int
    kind: str
    at: datetime = moment()
    sent_at: datetime | None = moment(nullable=True)
    agent_id: int | None = ref("agent.id", nullable=True)
    person_id: int | None = ref("person.id", nullable=True)
    author: str = ""
    author_address: str = ""
    reply_to: str = ""
    recipients: list[str] = document(list)
    text: str = ""
    message_id: str | None = Field(default=None, index=True)
    machine: str = ""
    delivery: str = ""
    raw: str | None = Field(default=None, foreign_key="blob.digest")
    withdrawn_at: datetime | None = moment(nullable=True)


class Blob(Row, table=True):
    """Bytes, addressed by their SHA-256 in hex: raw mails and attachments, each stored once."""

    digest: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    data: bytes = Field(sa_type=LargeBinary)


class Attachment(Row, table=True):
    """A file of an entry. `name` is the sender's, made safe for any folder; `inline` files belong to the text.

    `logo`: an image of a signature, known because it has come before.
    """

    id: int | None = key()
    entry_id: int = ref("entry.id", index=True)
    name: str
    type: str
    size: int = Field(sa_type=BigInteger)
    digest: str = Field(foreign_key="blob.digest", index=True)
    inline: bool = False
    logo: bool = False
    content_id: str = ""
