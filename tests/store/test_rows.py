"""Objects made of rows by plain SQL are what the ORM would have made of them, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlmodel import select

from tkt.store.engine import Store
from tkt.store.rows import fetch, keep, loaded, rewrite, rows
from tkt.store.tables import Entry, Follower, Ticket

AT = datetime(2026, 11, 2, 9, 0, 0, 250_001, tzinfo=UTC)


def fill(store: Store) -> None:
    with store.transaction() as session:
        for number in (1, 2):
            ticket = Ticket(subject=f"Ünïcode {number} 100%?", created_at=AT, updated_at=AT, unread=number == 1)
            ticket.due_at = AT if number == 1 else None  # a Deadline: none is the largest integer
            keep(session, ticket)
            entry = Entry(ticket=number, position=1, kind="inbound", at=AT, text="x", recipients=["a@b.example", "ü"])
            keep(session, entry)
            keep(session, Follower(ticket=number, address="bo@b.example", name="Bo"))


def test_they_equal_those_of_the_orm(store: Store) -> None:
    fill(store)
    rest = "ticket JOIN entry ON entry.ticket = ticket.number WHERE ticket.number > ? ORDER BY ticket.number"
    with store.reading() as session:
        mine = [(one.model_dump(), other.model_dump()) for one, other in loaded(session, rest, (0,), Ticket, Entry)]
    with store.reading() as session:
        both = session.exec(select(Ticket, Entry).join(Entry).order_by(Ticket.number))
        theirs = [(one.model_dump(), other.model_dump()) for one, other in both]
    assert mine == theirs and len(mine) == 2
    assert mine[0][0]["due_at"] == mine[0][0]["created_at"] == AT and mine[1][0]["due_at"] is None


def test_they_belong_to_the_session(store: Store) -> None:
    fill(store)
    with store.transaction() as session:
        ticket = fetch(session, Ticket, 1)
        assert ticket is not None and ticket is fetch(session, Ticket, 1) is session.get(Ticket, 1)
        assert fetch(session, Ticket, 99) is None
        ticket.subject = "changed"
        [(again, follower)] = loaded(
            session, "ticket JOIN follower ON follower.ticket = ticket.number WHERE number = ?", (1,), Ticket, Follower
        )
        assert again is ticket and ticket.subject == "changed", "what the session holds stays as it is"
        follower.name = "Bob"
    with store.reading() as session:
        assert rows(session, "SELECT subject FROM ticket WHERE number = 1") == [("changed",)]
        assert rows(session, "SELECT name FROM follower ORDER BY ticket") == [("Bob",), ("Bo",)]


def test_what_was_set_to_what_it_was_is_not_written(store: Store) -> None:
    fill(store)
    with store.transaction() as session:
        ticket = fetch(session, Ticket, 1)
        assert ticket is not None
        ticket.subject, ticket.version = str(ticket.subject), ticket.version + 1
        session.connection().exec_driver_sql("UPDATE ticket SET subject = 'another' WHERE number = 1")
        rewrite(session, [ticket])
        assert rows(session, "SELECT subject, version FROM ticket WHERE number = 1") == [("another", ticket.version)]
