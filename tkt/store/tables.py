"""What is stored: every table of tkt, declared once.

Grouped as people (agents, teams, customers), the desk's declared configuration, tickets with their conversation, the
event log, mail in and out, and the SLA ledger. Migrations are held against these declarations by a test, and so is the
read side's SQL. Nothing is ever deleted by a verb: rows are retired, withdrawn or cancelled.

Partial indexes are declared with SQLite's word for it; `tkt.store.migrate` repeats it for Postgres, whose dialect every
command would otherwise import.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from tkt.store.types import Deadline, Document, Moment, RowId


def _key() -> Any:
    return Field(default=None, primary_key=True, sa_type=RowId)


def _ref(target: str, *, index: bool = False, nullable: bool = False) -> Any:
    options: dict[str, Any] = {"default": None} if nullable else {}
    return Field(foreign_key=target, sa_type=RowId, index=index, nullable=nullable, **options)


def _moment(*, nullable: bool = False, index: bool = False) -> Any:
    options: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_type=Moment, nullable=nullable, index=index, **options)


def _document(factory: type[list[Any]] | type[dict[str, Any]]) -> Any:
    return Field(default_factory=factory, sa_type=Document, nullable=False)


class Row(SQLModel):
    """What every table has in common: rows are made by our own code, so nothing of pydantic's validation is built."""

    model_config = {"defer_build": True}


# --- people -----------------------------------------------------------------------------------------------------------


class Agent(Row, table=True):
    """Somebody who works at the desk. Retired agents stay, because history names them."""

    id: int | None = _key()
    name: str = Field(unique=True)
    email: str | None = Field(default=None, index=True)
    role: str = "agent"
    skills: list[str] = _document(list)
    active: bool = True
    assigned_at: datetime | None = _moment(nullable=True)


class Team(Row, table=True):
    id: int | None = _key()
    name: str = Field(unique=True)
    calendar: str = ""
    assign: str = "manual"
    position: int = 0
    active: bool = True


class TeamMember(Row, table=True):
    __tablename__ = "team_member"
    team_id: int = Field(foreign_key="team.id", primary_key=True, sa_type=RowId)
    agent_id: int = Field(foreign_key="agent.id", primary_key=True, sa_type=RowId, index=True)


class Company(Row, table=True):
    id: int | None = _key()
    name: str = Field(unique=True)
    tier: str = ""


class Person(Row, table=True):
    """A customer; `language` is what their own mails were written in ("en", "de", "zh") or empty."""

    id: int | None = _key()
    name: str = ""
    tier: str = ""
    language: str = ""
    company_id: int | None = _ref("company.id", nullable=True, index=True)
    created_at: datetime = _moment()


class Address(Row, table=True):
    """A customer's mail address, lower case. One person may have several; one address belongs to one person."""

    address: str = Field(primary_key=True)
    person_id: int = _ref("person.id", index=True)
    acknowledged_at: datetime | None = _moment(nullable=True)
    acknowledged_count: int = 0


# --- configuration ----------------------------------------------------------------------------------------------------


class Setting(Row, table=True):
    """The desk's own facts: its name, time zone, signing secret, configuration generation."""

    key: str = Field(primary_key=True)
    value: str = ""


class Definition(Row, table=True):
    """One version of one thing that desk.toml declares: a calendar, sla, rule, macro, field, status or mailbox.

    A change makes a new version and retires the old one; clocks point at the version they were computed with.
    """

    __table_args__ = (
        UniqueConstraint("kind", "name", "version"),
        Index("ix_definition_active", "kind", "position", sqlite_where=text("active")),
    )
    id: int | None = _key()
    kind: str
    name: str
    version: int = 1
    position: int = 0
    body: dict[str, Any] = _document(dict)
    active: bool = True
    created_at: datetime = _moment()


class ConfigVersion(Row, table=True):
    """An applied desk.toml: the text, who applied it and when, and the plan in words."""

    __tablename__ = "config_version"
    id: int | None = _key()
    at: datetime = _moment()
    actor: str
    text: str
    plan: list[str] = _document(list)


# --- tickets ----------------------------------------------------------------------------------------------------------


class Ticket(Row, table=True):
    """A request. `number` is permanent and never reused; `version` grows by one with every change."""

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
    number: int | None = _key()
    subject: str
    status: str = "new"
    status_kind: str = "open"
    priority: int = 2
    type: str = ""
    category: str = ""
    channel: str = "cli"
    mailbox: str = ""
    language: str = ""
    team_id: int | None = _ref("team.id", nullable=True)
    assignee_id: int | None = _ref("agent.id", nullable=True)
    requester_id: int | None = _ref("person.id", nullable=True)
    parent: int | None = _ref("ticket.number", nullable=True, index=True)
    merged_into: int | None = _ref("ticket.number", nullable=True)
    key: str | None = Field(default=None, unique=True)
    created_at: datetime = _moment(index=True)
    updated_at: datetime = _moment()
    first_response_at: datetime | None = _moment(nullable=True)
    resolved_at: datetime | None = _moment(nullable=True)
    closed_at: datetime | None = _moment(nullable=True)
    unanswered_since: datetime | None = _moment(nullable=True)
    due_at: datetime | None = Field(default=None, sa_type=Deadline, nullable=False)
    manual_due_at: datetime | None = _moment(nullable=True)
    snoozed_until: datetime | None = _moment(nullable=True)
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
    id: int | None = _key()
    ticket: int = _ref("ticket.number")
    position: int
    kind: str
    at: datetime = _moment()
    sent_at: datetime | None = _moment(nullable=True)
    agent_id: int | None = _ref("agent.id", nullable=True)
    person_id: int | None = _ref("person.id", nullable=True)
    author: str = ""
    author_address: str = ""
    reply_to: str = ""
    recipients: list[str] = _document(list)
    text: str = ""
    message_id: str | None = Field(default=None, index=True)
    machine: str = ""
    delivery: str = ""
    raw: str | None = Field(default=None, foreign_key="blob.digest")
    withdrawn_at: datetime | None = _moment(nullable=True)


class Blob(Row, table=True):
    """Bytes, addressed by their SHA-256 in hex: raw mails and attachments, each stored once."""

    digest: str = Field(primary_key=True)
    size: int = Field(sa_type=BigInteger)
    data: bytes = Field(sa_type=LargeBinary)


class Attachment(Row, table=True):
    """A file of an entry. `name` is the sender's, made safe for any folder; `inline` files belong to the text."""

    id: int | None = _key()
    entry_id: int = _ref("entry.id", index=True)
    name: str
    type: str
    size: int = Field(sa_type=BigInteger)
    digest: str = Field(foreign_key="blob.digest")
    inline: bool = False
    content_id: str = ""


# --- the log ----------------------------------------------------------------------------------------------------------


class Event(Row, table=True):
    """One changed field (or one happening) of one change; append-only and complete.

    `change` is shared by all events of one transaction's verb and its reactions; `cause` names the rule, mail or
    SLA step that made it happen and is empty for a person's own doing. `old` and `new` are JSON values.
    """

    __table_args__ = (
        Index("ix_event_ticket", "ticket", "id"),
        Index("ix_event_actor", "actor", "id"),
        Index("ix_event_change", "change"),
        Index("ix_event_at", "at"),
        {"sqlite_autoincrement": True},
    )
    id: int | None = _key()
    at: datetime = _moment()
    change: str
    actor: str
    ticket: int | None = _ref("ticket.number", nullable=True)
    entry: int | None = Field(default=None, sa_type=RowId)
    verb: str
    field: str = ""
    old: Any = Field(default=None, sa_type=Document)
    new: Any = Field(default=None, sa_type=Document)
    cause: str = ""
    undoes: str | None = Field(default=None, index=True)


# --- mail -------------------------------------------------------------------------------------------------------------


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
    id: int | None = _key()
    mailbox: str
    source: str
    digest: str = Field(foreign_key="blob.digest")
    message_id: str = ""
    received_at: datetime = _moment()
    state: str = "stored"
    reason: str = ""
    attempts: int = 0
    ticket: int | None = _ref("ticket.number", nullable=True)
    entry_id: int | None = _ref("entry.id", nullable=True)


class MailboxState(Row, table=True):
    """How far a mailbox folder has been read (RFC 3501: UIDs are valid together with UIDVALIDITY)."""

    __tablename__ = "mailbox_state"
    mailbox: str = Field(primary_key=True)
    folder: str = Field(primary_key=True)
    uidvalidity: int = Field(default=0, sa_type=BigInteger)
    last_uid: int = Field(default=0, sa_type=BigInteger)
    checked_at: datetime | None = _moment(nullable=True)
    error: str = ""


class Outbox(Row, table=True):
    """One mail that is to leave, written in the transaction that caused it, delivered afterwards.

    `kind`: reply, confirmation, notification, report. `state`: waiting, sending, sent, failed, recalled. A row in
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
    id: int | None = _key()
    kind: str
    ticket: int | None = _ref("ticket.number", nullable=True, index=True)
    entry_id: int | None = _ref("entry.id", nullable=True, index=True)
    change: str = Field(default="", index=True)
    mailbox: str = ""
    recipients: list[str] = _document(list)
    message_id: str = Field(unique=True)
    mail: dict[str, Any] = _document(dict)
    state: str = "waiting"
    attempts: int = 0
    created_at: datetime = _moment()
    next_at: datetime = _moment()
    sent_at: datetime | None = _moment(nullable=True)
    error: str = ""


# --- the SLA ledger ---------------------------------------------------------------------------------------------------


class Clock(Row, table=True):
    """One promise on one ticket: (ticket, metric, cycle). Seconds are open time of its calendar.

    `used_seconds` sums the finished running spans, `carried_seconds` what an earlier cycle had used. `running_since` is
    set while it runs. `due_at` is set while it runs and after it was met or breached; a paused clock has none.
    `next_check_at` is the earliest moment at which the check has something to do. Met and breached are never rewritten;
    a breached clock that is met later has both moments.
    """

    __table_args__ = (
        UniqueConstraint("ticket", "metric", "cycle"),
        Index("ix_clock_next_check", "next_check_at", sqlite_where=text("next_check_at IS NOT NULL")),
        Index("ix_clock_started", "started_at"),
    )
    id: int | None = _key()
    ticket: int = _ref("ticket.number")
    metric: str
    cycle: int = 1
    policy_id: int = _ref("definition.id")
    calendar_id: int | None = _ref("definition.id", nullable=True)
    state: str = "running"
    started_at: datetime = _moment()
    target_seconds: int = Field(sa_type=BigInteger)
    carried_seconds: int = Field(default=0, sa_type=BigInteger)
    used_seconds: int = Field(default=0, sa_type=BigInteger)
    running_since: datetime | None = _moment(nullable=True)
    due_at: datetime | None = _moment(nullable=True)
    next_check_at: datetime | None = _moment(nullable=True)
    met_at: datetime | None = _moment(nullable=True)
    breached_at: datetime | None = _moment(nullable=True)
    cancelled_at: datetime | None = _moment(nullable=True)
    by_change: bool = False
    reason: str = ""


class ClockSpan(Row, table=True):
    """A finished or current stretch of a clock: running or paused, under which policy, calendar and target, and why."""

    __tablename__ = "clock_span"
    id: int | None = _key()
    clock_id: int = _ref("clock.id", index=True)
    state: str
    started_at: datetime = _moment()
    ended_at: datetime | None = _moment(nullable=True)
    seconds: int = Field(default=0, sa_type=BigInteger)
    policy_id: int = _ref("definition.id")
    calendar_id: int | None = _ref("definition.id", nullable=True)
    target_seconds: int = Field(sa_type=BigInteger)
    cause: str = ""


class ClockStep(Row, table=True):
    """A reminder or escalation that has fired: its key makes it fire once, whoever checks and however often."""

    __tablename__ = "clock_step"
    clock_id: int = Field(foreign_key="clock.id", primary_key=True, sa_type=RowId)
    step: str = Field(primary_key=True)
    due_at: datetime = _moment()
    fired_at: datetime = _moment()
