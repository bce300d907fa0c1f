"""A message about something else gets a ticket of its own, and comes back."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import conversation, merging, splitting, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.undo import redo, undo
from tkt.errors import Conflict, NotAllowed, NotFound
from tkt.query.listing import listing
from tkt.sla.replaying import rebuild
from tkt.store.read import open_reader
from tkt.store.read_tickets import page_numbers
from tkt.store.tables import Clock, Ticket, TicketLink

ANN, BO = "ann@customer.example", "bo@customer.example"

PROMISES = """
[[sla]]
name = "all"
calendar = "24x7"
targets = { default = { first_response = "4h", next_response = "2h", resolution = "24h" } }
[[rule]]
name = "printers"
on = "created"
when = "printer"
do = ["tag:+printer"]
"""


@pytest.fixture(autouse=True)
def promised(office: Any, mailbox: str) -> None:
    office.declare(mailbox, PROMISES)


@pytest.fixture
def number(office: Any) -> int:
    """Ann's ticket, answered; then Bo writes of something else, with a file, and Ann again."""
    made = tickets.create(office.customer(ANN), "VPN", message=Message("VPN is down", "Ann", ANN), channel="mail")
    assert made.number is not None
    office.later(minutes=10)
    conversation.reply(office.bob, made.number, "We look into it.")
    office.later(minutes=10)
    plan = Upload("plan.txt", "text/plain", b"x")
    conversation.receive(
        office.customer(BO), made.number, Message("and the printer", "Bo", BO, attachments=(plan,), message_id="<b@x>")
    )
    office.later(minutes=10)
    conversation.receive(office.customer(ANN), made.number, Message("VPN still down", "Ann", ANN))
    office.later(minutes=10)
    return made.number


def entries(office: Any, number: int) -> dict[str, int]:
    return {one["text"]: one["id"] for one in office.document(number)["entries"]}


def found(office: Any, query: str) -> list[int]:
    with open_reader(office.store.location) as reader:
        made = listing(reader, query)
        return sorted(page_numbers(reader, made.where, made.sort))


def clocks(office: Any, number: int, metric: str) -> list[tuple[str, Any]]:
    return [(one.state, one.started_at) for one in office.rows(Clock, Clock.ticket == number) if one.metric == metric]


def assert_replayed(office: Any) -> None:
    done = rebuild.check(office.store, [one.number for one in office.rows(Ticket)])
    assert not done.differences and not done.unknown, done


def test_the_message_opens_a_ticket_of_its_own(office: Any, number: int) -> None:
    message = entries(office, number)["and the printer"]
    before = office.document(number)
    made = splitting.split(office.alice, number, message)
    new = office.document(made.number)
    assert [one["id"] for one in new["entries"]] == [message]
    assert (new["requester"]["email"], new["status"], new["channel"], new["tags"]) == (BO, "new", "mail", ["printer"])
    assert new["created_at"] == new["entries"][0]["at"] == "2026-11-02T09:20:00Z"
    assert list(entries(office, number)) == ["VPN is down", "We look into it.", "VPN still down"]
    assert found(office, "printer") == found(office, "has:attachment") == found(office, "plan.txt") == [made.number]
    fields = {(one.verb, one.field) for one in office.events(number)}
    assert ("split", f"messages to #{made.number}") in fields
    assert ("link", "split", number) in [(one.verb, one.field, one.new) for one in office.events(made.number)]
    assert [(one.ticket, one.other, one.kind) for one in office.rows(TicketLink)] == [(made.number, number, "split")]
    undo(office.alice)
    back = office.document(number)
    assert {**back, "version": 0, "updated_at": 0, "sla": 0} == {**before, "version": 0, "updated_at": 0, "sla": 0}
    assert office.document(made.number)["status"] == "closed" and found(office, "and the printer") == [number]
    redo(office.alice)
    assert list(entries(office, made.number)) == ["and the printer"]
    assert office.document(made.number)["status"] == "new"
    assert_replayed(office)


def test_promises_are_as_if_it_had_been_written_there(office: Any, number: int) -> None:
    written = {one.text: one.at for one in office.entries(number)}
    printer, still = written["and the printer"], written["VPN still down"]
    assert clocks(office, number, "next_response") == [("running", printer)]
    made = splitting.split(office.alice, number, entries(office, number)["and the printer"])
    assert clocks(office, made.number, "first_response") == [("running", printer)]
    assert clocks(office, made.number, "resolution") == [("running", printer)]
    assert clocks(office, number, "next_response") == [("cancelled", printer), ("running", still)]
    assert office.ticket(number).unanswered_since == still
    counted = office.ticket(number).unanswered_count, office.ticket(made.number).unanswered_count
    assert counted == (1, 1)
    undo(office.alice)
    assert clocks(office, number, "next_response")[2:] == [("running", printer)]
    assert clocks(office, made.number, "resolution") == [("cancelled", printer)]
    assert_replayed(office)


def test_when_nobody_waits_any_more_no_promise_is_kept_by_that(office: Any, number: int) -> None:
    conversation.reply(office.bob, number, "VPN is up.")
    conversation.receive(office.customer(ANN), number, Message("and the phone", "Ann", ANN))
    made = splitting.split(office.alice, number)
    assert list(entries(office, made.number)) == ["and the phone"], "the newest message of a customer"
    assert office.ticket(number).unanswered_since is None
    assert [state for state, _ in clocks(office, number, "next_response")] == ["met", "cancelled"]
    assert_replayed(office)


def test_a_late_start_is_late(office: Any, number: int) -> None:
    office.later(hours=5)
    made = splitting.split(office.alice, number, entries(office, number)["and the printer"])
    assert clocks(office, made.number, "first_response")[0][0] == "breached"
    assert [state for state, _ in clocks(office, number, "next_response")] == ["breached", "breached"]
    assert_replayed(office)


def test_a_note_is_for_the_same_customer(office: Any, number: int) -> None:
    note = conversation.note(office.bob, number, "Ann also wants a new mouse")
    made = splitting.split(office.alice, number, note.id)
    assert office.document(made.number)["requester"]["email"] == ANN
    assert [one["kind"] for one in office.document(made.number)["entries"]] == ["note"]
    assert_replayed(office)


def test_a_machines_message_promises_nothing(office: Any, number: int) -> None:
    message = Message("on holiday", "Bo", BO, machine="auto-reply: vacation")
    entry = conversation.receive(office.customer(BO), number, message)
    made = splitting.split(office.alice, number, entry.id)
    assert office.document(made.number)["sla"] == [] and made.requester_id is None
    assert_replayed(office)


def test_what_stays(office: Any, number: int) -> None:
    there = entries(office, number)
    for entry, words in (("VPN is down", "begins with this message"), ("We look into it.", "not a reply")):
        with pytest.raises(Conflict, match=words):
            splitting.split(office.alice, number, there[entry])
    with pytest.raises(NotFound, match="has no message 99"):
        splitting.split(office.alice, number, 99)
    with pytest.raises(NotAllowed):
        splitting.split(office.carol, number)
    with pytest.raises(Conflict, match="changed meanwhile"):
        splitting.split(office.alice, number, there["and the printer"], office.ticket(number).version - 1)
    note = conversation.note(office.bob, number, "hm")
    undo(office.bob)
    with pytest.raises(NotFound):
        splitting.split(office.alice, number, note.id)
    alone = tickets.create(office.alice, "bare")
    with pytest.raises(NotFound, match="message of a customer"):
        splitting.split(office.alice, alone.number or 0)


def test_what_was_worked_on_does_not_come_back(office: Any, number: int) -> None:
    made = splitting.split(office.alice, number, entries(office, number)["and the printer"])
    conversation.note(office.bob, made.number or 0, "ordered")
    with pytest.raises(Conflict, match="something else was said there"):
        undo(office.alice)
    assert list(entries(office, made.number)) == ["and the printer", "ordered"]


def test_what_comes_back_waits_again(office: Any, number: int) -> None:
    written = {one.text: one.at for one in office.entries(number)}
    splitting.split(office.alice, number, entries(office, number)["VPN still down"])
    splitting.split(office.alice, number, entries(office, number)["and the printer"])
    conversation.receive(office.customer(ANN), number, Message("hello?", "Ann", ANN))
    undo(office.alice)
    assert office.ticket(number).unanswered_since == written["and the printer"], "before the one that came meanwhile"
    assert_replayed(office)


def test_what_came_with_a_merge_is_split_off(office: Any, number: int) -> None:
    there = entries(office, number)
    target = tickets.create(office.customer(ANN), "Phone", message=Message("no tone", "Ann", ANN), channel="mail")
    merging.merge(office.alice, number, target.number or 0)
    made = splitting.split(office.bob, target.number or 0, there["and the printer"])
    with pytest.raises(Conflict, match="moved on since"):
        undo(office.alice)
    undo(office.bob)
    undo(office.alice)
    assert entries(office, number) == there and entries(office, made.number) == {}
    assert found(office, "printer") == [number]
    assert_replayed(office)


def test_nothing_comes_back_to_a_ticket_that_has_ended_elsewhere(office: Any, number: int) -> None:
    made = splitting.split(office.alice, number, entries(office, number)["and the printer"])
    target = tickets.create(office.customer(ANN), "Phone", message=Message("no tone", "Ann", ANN), channel="mail")
    merging.merge(office.bob, number, target.number or 0)
    with pytest.raises(Conflict, match="moved on since"):
        undo(office.alice)
    assert list(entries(office, made.number)) == ["and the printer"]


def test_split_off_and_merged_back(office: Any, number: int) -> None:
    there = entries(office, number)
    made = splitting.split(office.alice, number, there["and the printer"])
    merging.merge(office.alice, made.number, number)
    assert entries(office, number) == there and list(entries(office, number)) == list(there)
    assert office.ticket(number).unanswered_since == office.ticket(made.number).created_at
    assert_replayed(office)
