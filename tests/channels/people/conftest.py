"""A desk with two mailboxes, four colleagues and two teams, and a way to mail it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlmodel import col, select

from tkt.channels.mail import gateway
from tkt.channels.mail.receiving.intake import Outcome
from tkt.desk import conversation
from tkt.desk.configure import apply_config
from tkt.desk.unit import SYSTEM, Desk, find_actor
from tkt.store.engine import Store
from tkt.store.tables import Entry, Event, Outbox, Setting, Ticket, TicketLink, TicketTag, TicketTeam

PEOPLE = """
[desk]
name = "Example Support"

[[agent]]
name = "alice"
email = "alice@desk.example"
role = "admin"

[[agent]]
name = "bob"
email = "Bob@Desk.example"

[[agent]]
name = "victor"
email = "victor@desk.example"
role = "viewer"

[[team]]
name = "network"
members = ["alice"]

[[team]]
name = "sales"
members = ["bob"]
"""
MAILBOXES = """
[[mailbox]]
name = "support"
address = "support@desk.example"
team = "network"
smtp = "smtp+plain://localhost:1"
authserv = "mx.desk.example"
return_path = "bounces@desk.example"

[[mailbox]]
name = "sales"
address = "sales@desk.example"
team = "sales"
smtp = "smtp+plain://localhost:1"
"""
RECEIVED = "Received: from relay.example by mx.desk.example with ESMTPS id 1\r\n"


class Post:
    """The desk, and what was stored in it."""

    def __init__(self, store: Store, clock: Any, letter: Callable[..., bytes]) -> None:
        with store.transaction() as session:
            session.add(Setting(key="desk.secret", value="the secret of the tests"))
        self.desk = Desk(store, SYSTEM, clock)
        self.clock = clock
        self.letter = letter
        self.declare()
        self.alice = self.desk.acting(find_actor(store, "alice"))

    def declare(self, *more: str) -> None:
        apply_config(self.desk, "".join((PEOPLE, MAILBOXES, *more)))

    def mail(self, *args: str, above: str = "", box: str = "support", **headers: str) -> Outcome:
        """Write and take in; `above` are fields that stand above the others."""
        return self.take(above.encode() + self.letter(*args, **headers), box)

    def take(self, raw: bytes, box: str = "support") -> Outcome:
        return gateway.ingest(self.desk, raw, box)

    def from_staff(
        self, *args: str, verdict: str = "pass", sender: str = "Alice <alice@desk.example>", **headers: str
    ) -> Outcome:
        """A mail in a colleague's name, with what our server says of DMARC ("": nothing)."""
        says = (
            f"Authentication-Results: mx.desk.example; dmarc={verdict} header.from=desk.example\r\n" if verdict else ""
        )
        return self.mail(*args, above=RECEIVED + says, sender=sender, **headers)

    def rows(self, table: Any, *conditions: Any) -> list[Any]:
        with self.desk.store.transaction() as session:
            key = table.__table__.primary_key.columns
            return list(session.exec(select(table).where(*conditions).order_by(*key)))

    def ticket(self, number: int | None) -> Ticket:
        [found] = self.rows(Ticket, col(Ticket.number) == number)
        assert isinstance(found, Ticket)
        return found

    def entries(self, number: int | None) -> list[Entry]:
        return self.rows(Entry, Entry.ticket == number)

    def events(self, number: int | None, *verbs: str) -> list[Event]:
        return self.rows(Event, Event.ticket == number, col(Event.verb).in_(verbs))

    def teams(self, number: int | None) -> list[str]:
        """The ticket's own team and the further ones, in words."""
        with self.desk.look() as change:
            names = change.definitions.team_names
        own = names.get(self.ticket(number).team_id or 0, "")
        return [own, *(names[row.team_id] for row in self.rows(TicketTeam, TicketTeam.ticket == number))]

    def tags(self, number: int | None) -> list[str]:
        return [row.tag for row in self.rows(TicketTag, TicketTag.ticket == number)]

    def links(self, number: int | None) -> list[tuple[int, str]]:
        return [(row.other, row.kind) for row in self.rows(TicketLink, TicketLink.ticket == number)]

    def outbox(self, kind: str, number: int | None = None) -> list[Outbox]:
        about = () if number is None else (Outbox.ticket == number,)
        return self.rows(Outbox, Outbox.kind == kind, Outbox.state == "waiting", *about)

    def told(self, number: int | None) -> set[str]:
        """Which colleagues a mail about the ticket waits for."""
        return {address for row in self.outbox("notification", number) for address in row.recipients}

    def reply(self, number: int | None) -> str:
        """An agent answers; the Message-ID of that mail."""
        assert number is not None
        entry = conversation.reply(self.alice, number, "Please send the log.")
        assert entry.message_id
        return entry.message_id


@pytest.fixture
def sqlite_post(sqlite_location: Any, clock: Any, letter: Callable[..., bytes]) -> Iterator[Post]:
    """The same on SQLite alone, for what does not depend on the engine."""
    store = Store(sqlite_location)
    yield Post(store, clock, letter)
    store.close()


@pytest.fixture
def post(store: Store, clock: Any, letter: Callable[..., bytes]) -> Post:
    return Post(store, clock, letter)
