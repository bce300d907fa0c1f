"""A desk of three people on each engine, a clock that stands still, and short ways to look at what was stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from sqlmodel import col, select

from tkt.desk.configure import apply_config
from tkt.desk.unit import SYSTEM, Actor, Desk, find_actor
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import open_reader
from tkt.store.read_documents import ticket_document
from tkt.store.tables import Entry, Event, Outbox, Setting, Ticket
from tkt.times import to_micros

PEOPLE = """
[desk]
name = "Example Support"
timezone = "Europe/Berlin"

[[agent]]
name = "alice"
email = "alice@desk.example"
role = "admin"
skills = ["vpn", "printer"]

[[agent]]
name = "bob"
email = "bob@desk.example"
role = "agent"
skills = ["printer"]

[[agent]]
name = "carol"
email = "carol@desk.example"
role = "viewer"

[[agent]]
name = "sue"
email = "sue@desk.example"
role = "supervisor"

[[team]]
name = "network"
members = ["alice", "bob", "carol"]

[[team]]
name = "empty"

[[field]]
name = "serial"
type = "string"
types = ["incident"]

[[field]]
name = "order_no"
type = "string"
pattern = "[0-9]{6,}"

[[field]]
name = "count"
type = "integer"

[[field]]
name = "cost"
type = "decimal"

[[field]]
name = "urgent_call"
type = "boolean"

[[field]]
name = "day"
type = "date"

[[field]]
name = "colour"
type = "choice"
choices = ["red", "green"]
"""

MAILBOX = """
[[mailbox]]
name = "support"
address = "support@desk.example"
imap = "maildir:/nowhere"
smtp = "smtp+plain://localhost:1"
"""


class Office:
    """The desk as each of its people sees it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.moment = datetime(2026, 11, 2, 9, 0, 0, 250_000, tzinfo=UTC)
        with store.transaction() as session:
            session.add(Setting(key="desk.secret", value="the secret of the tests"))
        self.system = Desk(store, SYSTEM, self.now)
        self.declare("")
        self.alice, self.bob, self.carol, self.sue = (
            self.desk_of(find_actor(store, name)) for name in ("alice", "bob", "carol", "sue")
        )

    def now(self) -> datetime:
        return self.moment

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.moment += timedelta(**span)

    def desk_of(self, actor: Actor) -> Desk:
        return Desk(self.store, actor, self.now)

    def customer(self, address: str) -> Desk:
        return self.desk_of(Actor("customer", address))

    def declare(self, *more: str, people: str = PEOPLE) -> None:
        """Apply a desk.toml: the people, and what a test needs besides."""
        apply_config(self.system, people + "".join(more))

    def rows(self, table: Any, *conditions: Any) -> list[Any]:
        with self.store.transaction() as session:
            key = table.__table__.primary_key.columns
            return list(session.exec(select(table).where(*conditions).order_by(*key)))

    def ticket(self, number: int) -> Ticket:
        [found] = self.rows(Ticket, Ticket.number == number)
        assert isinstance(found, Ticket)
        return found

    def entries(self, number: int) -> list[Entry]:
        return self.rows(Entry, Entry.ticket == number)

    def events(self, number: int) -> list[Event]:
        return self.rows(Event, Event.ticket == number)

    def history(self, number: int) -> list[tuple[Any, ...]]:
        """(actor, verb, field, old, new, cause) of a ticket's events."""
        return [(one.actor, one.verb, one.field, one.old, one.new, one.cause) for one in self.events(number)]

    def mails(self, kind: str = "", number: int | None = None) -> list[Outbox]:
        conditions = [col(Outbox.kind).startswith(kind)]
        return self.rows(Outbox, *conditions, *([Outbox.ticket == number] if number else []))

    def document(self, number: int) -> dict[str, Any]:
        """The ticket as `tkt show --json` prints it."""
        with open_reader(self.store.location) as reader:
            return ticket_document(reader, number, to_micros(self.moment))


@pytest.fixture(scope="session")
def desk_database(postgres_database: Callable[..., AbstractContextManager[Location]]) -> Iterator[Location]:
    """One database for all tests of the desk; emptying it costs less than making another."""
    with postgres_database() as location:
        yield location


@pytest.fixture
def postgres_location(desk_database: Location) -> Location:
    with psycopg.connect(desk_database.target, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = ", ".join(name for (name,) in found if name != "alembic_version")
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
    return desk_database


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


@pytest.fixture
def sqlite_office(sqlite_location: Location) -> Iterator[Office]:
    """The same on SQLite alone, for what does not depend on the engine."""
    store = Store(sqlite_location)
    yield Office(store)
    store.close()


@pytest.fixture
def mailbox() -> str:
    return MAILBOX


@pytest.fixture
def statements(office: Office, listen: Callable[[Store], list[str]]) -> Callable[[], list[str]]:
    """The SQL statements since the last call."""
    seen = listen(office.store)

    def take() -> list[str]:
        taken = seen[:]
        seen.clear()
        return taken

    return take
