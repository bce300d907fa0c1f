"""Undo undoes: single cases, and the law over any sequence of verbs."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.undo import redo, undo
from tkt.desk.unit import Desk
from tkt.errors import Conflict, NotAllowed, NotFound
from tkt.query.listing import listing
from tkt.store.read import open_reader
from tkt.store.read_tickets import page_numbers
from tkt.store.tables import Blob, Clock, Entry, Follower, Outbox

ANN = "ann@customer.example"


def asked(office: Any) -> int:
    message = Message("Help", "Ann", ANN, message_id="<1@customer.example>")
    made = tickets.create(office.customer(ANN), "VPN", message=message, channel="mail")
    assert made.number is not None
    return made.number


def visible(office: Any, number: int) -> dict[str, Any]:
    """What people see of a ticket; versions, moments of change and the SLA's own history go on."""
    document = office.document(number)
    return {key: value for key, value in document.items() if key not in ("version", "updated_at", "sla", "due_at")}


def found(office: Any, query: str) -> list[int]:
    with open_reader(office.store.location) as reader:
        made = listing(reader, query)
        return page_numbers(reader, made.where, made.sort)


# --- promises ---------------------------------------------------------------------------------------------------------

PROMISES = """
[[sla]]
name = "all"
calendar = "24x7"
targets = { default = { first_response = "4h", resolution = "24h" } }
"""


def resolutions(office: Any) -> list[tuple[str, str]]:
    found = [one for one in office.rows(Clock) if one.metric == "resolution"]
    return [(one.state, one.reason) for one in sorted(found, key=lambda one: one.cycle)]


def test_a_status_taken_back_keeps_no_promise_and_done_again_keeps_one(office: Any) -> None:
    office.declare(PROMISES)
    number = asked(office)
    for _ in range(2):
        office.later(minutes=1)
        tickets.set_status(office.bob, number, "resolved")
        office.later(minutes=1)
        undo(office.bob)
    assert resolutions(office) == [("met", "withdrawn"), ("met", "withdrawn"), ("running", "")]
    redo(office.bob)
    assert resolutions(office)[-1] == ("met", "")
    tickets.set_status(office.bob, number, "open")
    undo(office.bob)
    assert resolutions(office)[2:] == [("met", ""), ("cancelled", "its beginning was taken back")]
    redo(office.bob)
    assert resolutions(office)[2:] == [
        ("met", ""), ("cancelled", "its beginning was taken back"), ("running", ""),
    ]  # fmt: skip


# --- replies ----------------------------------------------------------------------------------------------------------


def test_a_reply_is_called_back_before_it_leaves(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = asked(office)
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    before, waiting_since = visible(office, number), office.ticket(number).unanswered_since
    assert waiting_since == office.moment
    office.later(seconds=5)
    files = [Upload("a.txt", "a/b", b"x")]
    conversation.reply(office.bob, number, "Zauberwort", status="resolved", cc=["bo@c.example"], attachments=files)
    assert (found(office, "zauberwort"), found(office, "has:attachment")) == ([number], [number])
    undone = undo(office.bob)
    assert undone.number == number and "reply withdrawn" in str(undone)
    assert visible(office, number) == before
    assert office.mails("reply")[0].state == "recalled"
    assert office.entries(number)[-1].delivery == "recalled"
    assert office.ticket(number).unanswered_since == waiting_since
    assert office.rows(Follower) == []
    assert found(office, "zauberwort") == found(office, "a.txt") == found(office, "has:attachment") == []


def test_and_sent_all_the_same(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = asked(office)
    conversation.reply(office.bob, number, "Zauberwort", status="resolved", cc=["bo@c.example"])
    answered = visible(office, number)
    undo(office.bob)
    office.later(seconds=90)
    redo(office.bob)
    assert visible(office, number) == answered
    [mail] = office.mails("reply")
    assert (mail.state, (mail.next_at - office.moment).total_seconds()) == ("waiting", 20)
    assert found(office, "zauberwort") == [number]
    assert [one.address for one in office.rows(Follower)] == ["bo@c.example"]


@pytest.mark.parametrize(("state", "words"), [("sending", "is leaving right now"), ("sent", "has left already")])
def test_a_mail_that_has_left_is_not_called_back(office: Any, mailbox: str, state: str, words: str) -> None:
    office.declare(mailbox)
    number = asked(office)
    conversation.reply(office.bob, number, "Try again.", status="waiting")
    with office.store.transaction() as session:
        session.exec(select(Outbox)).one().state = state
    before = visible(office, number)
    with pytest.raises(Conflict, match=f"{ANN} {words}"):
        undo(office.bob)
    assert visible(office, number) == before


def test_an_earlier_first_response_stays(office: Any) -> None:
    number = asked(office)
    conversation.reply(office.bob, number, "One.")
    first = office.document(number)["first_response_at"]
    office.later(hours=1)
    conversation.reply(office.bob, number, "Two.")
    undo(office.bob)
    assert office.document(number)["first_response_at"] == first
    undo(office.bob)
    assert office.document(number)["first_response_at"] is None


def test_a_reply_is_called_back_though_the_customer_wrote_meanwhile(office: Any) -> None:
    number = asked(office)
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    waiting_since = office.moment
    conversation.reply(office.bob, number, "Too fast.")
    office.later(seconds=5)
    conversation.receive(office.customer(ANN), number, Message("Never mind.", "Ann", ANN))
    undo(office.bob)
    assert office.ticket(number).unanswered_since == waiting_since


# --- whose, and which -------------------------------------------------------------------------------------------------


def test_my_last_change_wherever_it_was(office: Any) -> None:
    one, two = asked(office), asked(office)
    tickets.set_fields(office.bob, one, {"priority": "high"})
    tickets.set_fields(office.alice, two, {"priority": "low"})
    assert undo(office.bob).number == one
    assert (office.document(one)["priority"], office.document(two)["priority"]) == ("normal", "low")


def test_the_last_change_of_a_ticket_whoever_made_it(office: Any) -> None:
    number = asked(office)
    tickets.set_fields(office.bob, number, {"priority": "high"})
    assert str(undo(office.alice, number)) == f"#{number}: priority: high → normal"


def test_several_steps_back_and_forth(office: Any) -> None:
    number = tickets.create(office.bob, "VPN").number
    states = [visible(office, number)]
    for value in ("low", "high", "urgent"):
        tickets.set_fields(office.bob, number, {"priority": value})
        states.append(visible(office, number))
    for state in reversed(states[:-1]):
        undo(office.bob)
        assert visible(office, number) == state
    redo(office.bob)
    assert visible(office, number) == states[1]
    undo(office.bob)
    assert visible(office, number) == states[0]


def test_nothing_to_take_back(office: Any) -> None:
    number = asked(office)
    for unknown in (None, 99, 0):
        with pytest.raises(NotFound):
            undo(office.bob, unknown)
    with pytest.raises(NotFound):
        redo(office.bob)
    tickets.take(office.bob, number)
    with pytest.raises(NotAllowed):
        undo(office.carol, number)


def test_a_mail_that_came_in_stays(office: Any) -> None:
    number = asked(office)
    with office.store.transaction() as session:
        session.add(Blob(digest="d", size=0, data=b""))
        session.flush()
        session.exec(select(Entry)).one().raw = "d"
    with pytest.raises(Conflict, match="can't be taken back"):
        undo(office.bob, number)


# --- nobody's later work is overwritten -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"priority": "high"}, {"priority": "low"}),
        ({"field.count": "1"}, {"field.count": "2"}),
        ({"subject": "Mine"}, {"subject": "Theirs"}),
        ({"status": "waiting"}, {"status": "on-hold"}),
        ({"assignee": "bob"}, {"assignee": "alice"}),
        ({"category": "a"}, {"category": "b"}),
    ],
)
def test_a_field_that_has_moved_on(office: Any, mine: dict[str, str], theirs: dict[str, str]) -> None:
    number = asked(office)
    tickets.set_fields(office.bob, number, {**mine, "type": "incident"})
    tickets.set_fields(office.alice, number, theirs)
    before = office.document(number)
    with pytest.raises(Conflict, match="since; nothing was taken back"):
        undo(office.bob)
    assert office.document(number) == before


def test_a_ticket_others_have_worked_on_is_not_unmade(office: Any) -> None:
    number = tickets.create(office.bob, "VPN", requester=("Ann", ANN), text="help").number
    conversation.reply(office.alice, number, "Try again.")
    with pytest.raises(Conflict, match="is open by now"):
        undo(office.bob)
    tickets.set_status(office.alice, number, "closed")
    with pytest.raises(Conflict, match="is closed by now"):
        undo(office.bob)


# --- creating, and what was to be told --------------------------------------------------------------------------------


def test_a_new_ticket_is_closed_and_its_number_stays(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = tickets.create(office.bob, "VPN", text="secret", tags=["vpn"], assignee="alice").number
    undo(office.bob)
    document = office.document(number)
    assert (document["status"], document["entries"], document["tags"]) == ("closed", [], [])
    assert [mail.state for mail in office.mails()] == ["recalled"]
    redo(office.bob)
    document = office.document(number)
    assert (document["status"], len(document["entries"]), document["tags"]) == ("new", 1, ["vpn"])
    assert document["assignee"] == "alice"


def test_a_notification_that_has_left_is_no_obstacle(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = tickets.create(office.bob, "VPN", assignee="alice").number
    with office.store.transaction() as session:
        session.exec(select(Outbox)).one().state = "sent"
    undo(office.bob)
    assert office.document(number)["assignee"] is None


def test_moments_come_back_exactly(office: Any) -> None:
    number = asked(office)
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    waiting_since = office.moment
    office.later(hours=1)
    tickets.set_status(office.bob, number, "resolved")
    office.later(hours=1)
    tickets.set_status(office.bob, number, "closed")
    before = office.ticket(number)
    office.later(hours=1)
    tickets.set_status(office.bob, number, "open")
    office.later(hours=1)
    undo(office.bob)
    after = office.ticket(number)
    for name in ("status", "resolved_at", "closed_at", "unanswered_since"):
        assert getattr(after, name) == getattr(before, name)
    undo(office.bob)
    undo(office.bob)
    assert office.ticket(number).unanswered_since == waiting_since


def test_the_log_only_grows(office: Any) -> None:
    number = asked(office)
    tickets.set_fields(office.bob, number, {"priority": "high"})
    before = office.history(number)
    undo(office.bob)
    after = office.history(number)
    assert after[: len(before)] == before
    assert after[len(before) :] == [("bob", "set", "priority", "high", "normal", "undo")]
    taken_back = office.events(number)[-1].undoes
    assert taken_back == office.events(number)[-2].change


# --- the law ----------------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(["vpn", "drucker", "密码"])
_VERBS = st.one_of(
    st.tuples(st.just("priority"), st.sampled_from(["low", "normal", "high", "urgent"])),
    st.tuples(st.just("team"), st.sampled_from(["network", "empty", "none"])),
    st.tuples(st.just("subject"), _WORDS),
    st.tuples(st.just("due"), st.sampled_from(["2026-12-01", "none"])),
    st.tuples(st.just("field.count"), st.sampled_from(["1", "2", ""])),
    st.tuples(st.just("assign"), st.sampled_from(["me", "alice", "none"])),
    st.tuples(st.just("+tag"), _WORDS),
    st.tuples(st.just("-tag"), _WORDS),
    st.tuples(st.just("status"), st.sampled_from(["open", "waiting", "on-hold", "resolved", "closed"])),
    st.tuples(st.just("note"), _WORDS),
    st.tuples(st.just("reply"), st.sampled_from(["", "waiting", "resolved", "closed"])),
)


def _carry_out(desk: Desk, number: int, verb: tuple[str, str]) -> None:
    name, value = verb
    match name:
        case "assign":
            tickets.assign(desk, number, value)
        case "+tag":
            tickets.tag(desk, number, add=[value])
        case "-tag":
            tickets.tag(desk, number, remove=[value])
        case "status":
            tickets.set_status(desk, number, value, text="why" if value == "closed" else "")
        case "note":
            conversation.note(desk, number, value)
        case "reply":
            conversation.reply(desk, number, "Try again.", status=value or None)
        case _:
            tickets.set_fields(desk, number, {name: value})


@settings(max_examples=40)
@given(verbs=st.lists(_VERBS, min_size=1, max_size=6))
def test_undoing_everything_leads_back_the_way_it_came(sqlite_office: Any, verbs: list[tuple[str, str]]) -> None:
    """After each undo, and each redo, the ticket is as it was at that point; to its search index too."""
    office = sqlite_office
    number = asked(office)
    states = [visible(office, number)]
    for verb in verbs:
        version = office.ticket(number).version
        _carry_out(office.bob, number, verb)
        if office.ticket(number).version > version:
            states.append(visible(office, number))
        office.later(minutes=7)
    for state in reversed(states[:-1]):
        undo(office.bob, number)
        assert visible(office, number) == state
    if len(states) > 1:
        redo(office.bob)
        assert visible(office, number) == states[1]
        undo(office.bob, number)
        assert visible(office, number) == states[0]


def test_two_who_undo_at_once_take_two_changes_back(office: Any) -> None:
    number = asked(office)
    for text in ("one", "two"):
        conversation.note(office.bob, number, text)
    desks = [Desk(office.store, office.bob.actor), Desk(office.store, office.alice.actor)]
    threads = [threading.Thread(target=undo, args=(desk, number)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry["kind"] for entry in office.document(number)["entries"]] == ["inbound"]
