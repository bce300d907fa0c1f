"""What is stored: every table of tkt, declared once.

Grouped as people (agents, teams, customers), the desk's declared configuration, tickets with their conversation, the
event log, mail in and out, the SLA ledger, and calls of webhooks. Migrations are held against these declarations by a
test, and so is the read side's SQL. Nothing is ever deleted by a verb: rows are retired, withdrawn or cancelled.

Partial indexes are declared with SQLite's word for it; `tkt.store.migrate` repeats it for Postgres, whose dialect every
command would otherwise import.
"""

from __future__ import annotations

from tkt.store.tables.configuration import ConfigVersion, Definition, Setting
from tkt.store.tables.ledger import Clock, ClockSpan, ClockStep, Reconsideration
from tkt.store.tables.log import Event
from tkt.store.tables.mail import Intake, MailboxState, Outbox
from tkt.store.tables.people import Address, AddressState, Agent, Company, Person, Team, TeamMember
from tkt.store.tables.tickets import (
    Attachment,
    Blob,
    Entry,
    Follower,
    Ticket,
    TicketField,
    TicketLink,
    TicketTag,
    TicketTeam,
    Watcher,
)
from tkt.store.tables.webhooks import WebhookCall

__all__ = [
    "Address",
    "AddressState",
    "Agent",
    "Attachment",
    "Blob",
    "Clock",
    "ClockSpan",
    "ClockStep",
    "Company",
    "ConfigVersion",
    "Definition",
    "Entry",
    "Event",
    "Follower",
    "Intake",
    "MailboxState",
    "Outbox",
    "Person",
    "Reconsideration",
    "Setting",
    "Team",
    "TeamMember",
    "Ticket",
    "TicketField",
    "TicketLink",
    "TicketTag",
    "TicketTeam",
    "Watcher",
    "WebhookCall",
]
