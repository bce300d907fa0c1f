"""What a ticket in use becomes when an archive brings in what was said on it before."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tkt.desk import archive, conversation, tickets
from tkt.desk.conversation import Message
from tkt.desk.undo import undo
from tkt.query.listing import listing
from tkt.store.read import open_reader
from tkt.store.read_tickets import page_numbers

ANN = "ann@customer.example"


def found(office: Any, query: str) -> list[int]:
    with open_reader(office.store.location) as reader:
        made = listing(reader, query)
        return page_numbers(reader, made.where, made.sort)


def test_what_was_taken_back_is_not_found_again(office: Any) -> None:
    made = tickets.create(office.customer(ANN), "VPN", message=Message("still down", "Ann", ANN), channel="mail")
    number = made.number or 0
    conversation.note(office.bob, number, "kaputt")
    undo(office.bob)
    past = archive.Past(Message("down since nine", "Ann", ANN), office.moment - timedelta(days=1), outside=("Ann", ANN))
    with office.alice.change() as change:
        archive.go_on(change, number, [past])
    texts = [one["text"] for one in office.document(number)["entries"]]
    assert texts == ["down since nine", "still down"]
    assert (found(office, "kaputt"), found(office, "nine"), found(office, "still")) == ([], [number], [number])
