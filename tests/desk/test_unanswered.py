"""How often a customer has written in vain, and how often a ticket was reopened: counted, asked for, acted upon."""

from __future__ import annotations

from typing import Any

from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message
from tkt.desk.undo import redo, undo
from tkt.query.compile import compile_query
from tkt.query.language import parse
from tkt.store.read import open_reader
from tkt.store.read_tickets import count

ANN = "ann@customer.example"


def mailed(office: Any) -> int:
    made = tickets.create(office.customer(ANN), "VPN", message=Message("Help", "Ann", ANN), channel="mail")
    assert made.number is not None
    return made.number


def writes(office: Any, number: int, machine: str = "") -> None:
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN, machine=machine))


def counts(office: Any, number: int) -> tuple[int, int]:
    ticket = office.ticket(number)
    return ticket.unanswered_count, ticket.reopened_count


def test_messages_count_until_an_agent_answers(office: Any) -> None:
    number = mailed(office)
    assert counts(office, number) == (1, 0)
    writes(office, number)
    writes(office, number, machine="auto-reply: Auto-Submitted")
    conversation.note(office.bob, number, "looking")
    assert counts(office, number) == (2, 0)
    conversation.reply(office.bob, number, "Done?")
    assert counts(office, number) == (0, 0)
    writes(office, number)
    assert counts(office, number) == (1, 0)


def test_what_an_agent_enters_for_a_customer_counts_a_note_does_not(office: Any) -> None:
    entered = tickets.create(office.bob, "VPN", text="She called.", requester=("Ann", ANN)).number
    noted = tickets.create(office.bob, "VPN", text="Look at this.").number
    assert counts(office, entered) == (1, 0) and counts(office, noted) == (0, 0)


def test_an_answer_that_is_called_back_was_none(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office)
    writes(office, number)
    conversation.reply(office.bob, number, "Wrong window")
    undo(office.bob)
    assert counts(office, number) == (2, 0)
    redo(office.bob)
    assert counts(office, number) == (0, 0)


def test_reopenings_count_and_are_taken_back(office: Any) -> None:
    number = mailed(office)
    tickets.set_status(office.bob, number, "resolved")
    writes(office, number)
    assert counts(office, number) == (2, 1)
    tickets.set_status(office.bob, number, "resolved")
    tickets.set_status(office.bob, number, "closed")
    assert counts(office, number) == (2, 1)
    tickets.set_status(office.bob, number, "open")
    assert counts(office, number) == (2, 2)
    undo(office.bob)
    assert counts(office, number) == (2, 1)
    redo(office.bob)
    assert counts(office, number) == (2, 2)


def test_an_undone_resolving_is_no_reopening(office: Any) -> None:
    number = mailed(office)
    tickets.set_status(office.bob, number, "resolved")
    undo(office.bob)
    assert counts(office, number) == (1, 0)
    redo(office.bob)
    assert (office.ticket(number).status, *counts(office, number)) == ("resolved", 1, 0)


ESCALATE = """
[[rule]]
name = "writes in vain"
on = "inbound"
when = "unanswered>=3 OR reopened>=2"
do = ["set:priority=high", "notify:supervisor"]
"""


def test_a_customer_who_writes_in_vain_escalates(office: Any, mailbox: str) -> None:
    office.declare(mailbox, ESCALATE)
    number = mailed(office)
    writes(office, number)
    assert office.ticket(number).priority == 2
    writes(office, number)
    assert office.ticket(number).priority == 3
    assert [mail.recipients for mail in office.mails("notification")] == [["sue@desk.example"]]


def test_who_reopens_twice_escalates(office: Any, mailbox: str) -> None:
    office.declare(mailbox, ESCALATE)
    number = mailed(office)
    for priority in (2, 3):
        conversation.reply(office.bob, number, "Done.", status="resolved")
        writes(office, number)
        assert office.ticket(number).priority == priority


def test_lists_ask_for_them(office: Any) -> None:
    first, second = mailed(office), mailed(office)
    writes(office, second)
    tickets.set_status(office.bob, first, "resolved")
    tickets.set_status(office.bob, first, "open")
    with open_reader(office.store.location) as reader:
        found = {
            text: count(reader, compile_query(parse(text), reader.vocabulary(0), reader.dialect))
            for text in ("unanswered>1", "unanswered:1,2", "reopened>=1", "reopened:0 unanswered<2")
        }
    assert found == {"unanswered>1": 1, "unanswered:1,2": 2, "reopened>=1": 1, "reopened:0 unanswered<2": 0}
