"""Changes that share a commit: each is all or nothing by itself, and none is there before all are."""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Thread
from typing import Any

from tkt.desk import conversation, tickets
from tkt.desk.unit import Desk
from tkt.errors import TktError
from tkt.query.listing import listing
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import open_reader
from tkt.store.read_tickets import page_numbers
from tkt.store.tables import Clock, Ticket


def _found(office: Any, word: str) -> list[int]:
    with open_reader(office.store.location) as reader:
        asked = listing(reader, word)
        return sorted(page_numbers(reader, asked.where, asked.sort))


def _rename_and_fail(desk: Desk, number: int) -> None:
    with suppress(TktError), desk.change():
        tickets.set_fields(desk, number, {"subject": "something else"})
        conversation.note(desk, number, "half a note")
        raise TktError("the other half is missing")


def test_what_fails_is_gone_and_the_others_are_whole(office: Any) -> None:
    with office.alice.together():
        first = tickets.create(office.alice, "Printer on fire", text="smoke").number
        _rename_and_fail(office.alice, first)
        second = tickets.create(office.alice, "Scanner in water", text="bubbles").number
        conversation.note(office.alice, first, "extinguished")
    assert [office.ticket(number).subject for number in (first, second)] == ["Printer on fire", "Scanner in water"]
    assert [entry.text for entry in office.entries(first)] == ["smoke", "extinguished"]
    assert [event.verb for event in office.events(first)] == ["create", "note", "note"]
    assert (_found(office, "printer"), _found(office, "smoke"), _found(office, "extinguished")) == ([first],) * 3
    assert (_found(office, "scanner"), _found(office, "bubbles")) == ([second],) * 2
    assert (_found(office, "else"), _found(office, "half")) == ([], [])


def test_a_later_change_sees_what_an_earlier_one_did(office: Any) -> None:
    office.declare("""
[[rule]]
name = "first word"
on = "inbound"
do = ["tag:+answered", "set:priority=high"]
""")
    with office.alice.together():
        number = tickets.create(office.alice, "Printer", requester=("Ann", "ann@customer.example"), text="x").number
        conversation.reply(office.alice, number, "Is it plugged in?", status="waiting")
        conversation.receive(office.alice, number, conversation.Message("No", address="ann@customer.example"))
        tickets.set_fields(office.alice, number, {"subject": "Plug"})
    document = office.document(number)
    assert (document["status"], document["priority"], document["tags"]) == ("open", "high", ["answered"])
    assert document["version"] == 4
    assert (_found(office, "printer"), _found(office, "plug")) == ([], [number])


def test_nothing_is_there_before_the_common_commit(office: Any) -> None:
    with office.alice.together() as shared:
        number = tickets.create(office.alice, "Printer", text="smoke").number
        with open_reader(office.store.location) as reader:
            there = reader.row("SELECT number FROM ticket WHERE number = ?", (number,)) is not None
    assert shared == (office.store.dialect == "sqlite")
    assert there == (not shared)
    assert office.ticket(number).number == number


def test_a_common_commit_that_fails_leaves_nothing(sqlite_office: Any) -> None:
    with suppress(TktError), sqlite_office.alice.together():
        tickets.create(sqlite_office.alice, "Printer", text="smoke")
        raise TktError("no more room on the disk")
    assert (sqlite_office.rows(Ticket), sqlite_office.rows(Clock), _found(sqlite_office, "smoke")) == ([], [], [])


def test_the_search_index_is_written_in_one_go(sqlite_office: Any, listen: Any) -> None:
    """FTS5 makes a segment of what it has whenever a savepoint or an insertion elsewhere comes in between."""
    seen = listen(sqlite_office.store)
    with sqlite_office.alice.together():
        for subject in ("one", "two", "three"):
            tickets.create(sqlite_office.alice, subject, text=f"text of {subject}")
    assert ["INTO search" in statement for statement in seen].count(True) == 1
    assert "INTO search" in seen[-1]


def test_who_writes_without_end_lets_others_write(sqlite_location: Location) -> None:
    """Who waits gets its turn in one of the gaps; SQLite's own waiting would sleep through nearly all of them."""
    busy, other = Store(sqlite_location), Store(sqlite_location)
    written: list[int] = []

    def write_five() -> None:
        for _ in range(5):
            with other.transaction():
                written.append(transactions)

    transactions = 0
    thread = Thread(target=write_five)
    thread.start()
    while thread.is_alive() and transactions < 200:
        with busy.transaction():
            time.sleep(0.02)
        transactions += 1
        busy.give_way()
    thread.join()
    busy.close()
    other.close()
    assert written[-1] < 200
