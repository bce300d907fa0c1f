"""Two tickets become one, and two again."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from tkt.desk import conversation, followers, merging, spam, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.outbox import reply_recipients
from tkt.desk.undo import redo, undo
from tkt.errors import Conflict, NotAllowed, NotFound, TktError
from tkt.query.listing import listing
from tkt.sla.replaying import rebuild
from tkt.store.read import open_reader
from tkt.store.read_tickets import page_numbers
from tkt.store.tables import Clock, Follower, Ticket

ANN, BO, CY = "ann@customer.example", "bo@other.example", "cy@third.example"

PROMISES = """
[[sla]]
name = "all"
calendar = "24x7"
pause = ["waiting"]
targets = { default = { first_response = "4h", next_response = "2h", resolution = "24h" } }
"""


@pytest.fixture(autouse=True)
def promised(office: Any, mailbox: str) -> None:
    office.declare(mailbox, PROMISES)


def asked(office: Any, text: str, who: str = ANN, **more: Any) -> int:
    name = who.partition("@")[0].title()
    message = Message(text, name, who, message_id=f"<{text.split()[0]}@{who}>", **more)
    made = tickets.create(office.customer(who), f"About {text}", message=message, channel="mail")
    office.later(minutes=10)
    assert made.number is not None
    return made.number


def wrote(office: Any, number: int, text: str, who: str = ANN) -> None:
    conversation.receive(office.customer(who), number, Message(text, who.partition("@")[0].title(), who))
    office.later(minutes=10)


def texts(office: Any, number: int) -> list[str]:
    return [one["text"] for one in office.document(number)["entries"]]


def found(office: Any, query: str) -> list[int]:
    with open_reader(office.store.location) as reader:
        made = listing(reader, query)
        return page_numbers(reader, made.where, made.sort)


def visible(office: Any, number: int) -> dict[str, Any]:
    gone = ("version", "updated_at", "sla", "due_at", "resolved_at", "closed_at")
    return {key: value for key, value in office.document(number).items() if key not in gone}


def clocks(office: Any, number: int, metric: str) -> list[tuple[str, Any, str]]:
    return [
        (one.state, one.started_at, one.reason) for one in office.rows(Clock, Clock.ticket == number)
        if one.metric == metric
    ]  # fmt: skip


def assert_replayed(office: Any) -> None:
    done = rebuild.check(office.store, [one.number for one in office.rows(Ticket)])
    assert not done.differences and not done.unknown, done


def test_a_conversation_goes_on_in_the_other_ticket(office: Any) -> None:
    one = asked(office, "kettle boils over")
    other = asked(office, "toaster burns", BO, attachments=(Upload("plan.txt", "text/plain", b"x"),))
    wrote(office, one, "it still boils")
    conversation.reply(office.bob, other, "Which toaster?")
    office.later(minutes=10)
    assert merging.merge(office.alice, other, one) == one
    assert texts(office, one) == ["kettle boils over", "toaster burns", "it still boils", "Which toaster?"]
    source = office.document(other)
    assert (source["merged_into"], source["status"], source["entries"]) == (one, "closed", [])
    assert sorted(found(office, "toaster")) == [one, other], "the subject of the source is still its own"
    assert found(office, "plan.txt") == found(office, "has:attachment") == [one]
    assert [row.ticket for row in office.mails("reply")] == [one]
    wrote(office, one, "good again")
    assert texts(office, one)[-1] == "good again"
    assert_replayed(office)


def test_old_messages_never_come_before_the_one_that_opened_the_ticket(office: Any) -> None:
    one, other = asked(office, "first"), asked(office, "second", BO)
    merging.merge(office.alice, one, other)
    assert texts(office, other) == ["second", "first"]


def test_nobody_and_nothing_is_lost(office: Any) -> None:
    one, other = asked(office, "kettle"), asked(office, "toaster", BO)
    tickets.set_fields(office.alice, other, {"team": "network", "assignee": "bob"})
    tickets.tag(office.alice, other, ["hot"])
    followers.follow(office.sue, other)
    followers.follow(office.alice, other, (), [CY])
    tickets.set_fields(office.alice, one, {"assignee": "alice", "team": "empty"})
    before = visible(office, one), visible(office, other)
    merging.merge(office.alice, other, one)
    joined = office.document(one)
    assert (joined["tags"], joined["teams"], joined["watchers"]) == (["hot"], ["network"], ["bob", "sue"])
    assert [row.address for row in office.rows(Follower, Follower.ticket == one)] == [BO, CY]
    assert joined["requester"]["email"] == ANN
    with office.alice.look() as change:
        to, cc = reply_recipients(change, change.ticket(one))
    assert sorted([*to, *cc]) == [ANN, BO, CY]
    told = [mail.recipients for mail in office.mails("notification", one) if "merged" in mail.mail["text"]]
    assert told == [["bob@desk.example"]]
    undo(office.alice)
    assert (visible(office, one), visible(office, other)) == before
    redo(office.alice)
    assert office.document(one)["watchers"] == ["bob", "sue"] and office.document(other)["merged_into"] == one


def test_the_same_customer_follows_nothing(office: Any) -> None:
    one, other = asked(office, "kettle"), asked(office, "kettle again")
    merging.merge(office.alice, other, one)
    assert office.rows(Follower) == []


# --- promises ---------------------------------------------------------------------------------------------------------


def test_the_target_answers_for_the_oldest_message_that_waits(office: Any) -> None:
    one, other = asked(office, "kettle"), asked(office, "toaster", BO)
    for number in (one, other):
        conversation.reply(office.bob, number, "We look into it.")
    office.later(minutes=10)
    oldest = office.moment
    wrote(office, other, "hello?", BO)
    younger = office.moment
    wrote(office, one, "hello?")
    merging.merge(office.alice, other, one)
    assert office.ticket(one).unanswered_since == oldest and office.ticket(one).unanswered_count == 2
    assert clocks(office, one, "next_response") == [
        ("cancelled", younger, f"messages from #{other}"), ("running", oldest, ""),
    ]  # fmt: skip
    assert clocks(office, other, "next_response") == [("cancelled", oldest, f"merged into #{one}")]
    assert [state for state, *_ in clocks(office, one, "resolution")] == ["running"]
    due = [clock.due_at for clock in office.rows(Clock, Clock.ticket == one) if clock.state == "running"]
    assert oldest + timedelta(hours=2) in due
    office.later(minutes=5)
    undo(office.alice)
    assert office.ticket(one).unanswered_since == younger and office.ticket(other).unanswered_since == oldest
    assert clocks(office, one, "next_response")[1:] == [
        ("cancelled", oldest, f"messages to #{other}"), ("running", younger, ""),
    ]  # fmt: skip
    assert clocks(office, other, "next_response")[-1][0] == "running"
    redo(office.alice)
    conversation.reply(office.alice, one, "Here we are.")
    assert clocks(office, one, "next_response")[-1][:2] == ("met", oldest)
    assert_replayed(office)


def test_who_waits_opens_what_was_done_and_the_wait_counts(office: Any) -> None:
    one = asked(office, "kettle")
    conversation.reply(office.bob, one, "Solved.", status="resolved")
    other = asked(office, "toaster", BO)
    tickets.set_fields(office.alice, one, {"priority": "low"})
    office.later(hours=1)
    since = office.entries(other)[0].at
    merging.merge(office.alice, other, one)
    target = office.ticket(one)
    assert (target.status, target.unanswered_since, target.reopened_count) == ("open", since, 1)
    clock = next(one for one in office.document(one)["sla"] if one["metric"] == "next_response")
    assert clock["spent_seconds"] == (office.moment - since).total_seconds(), "though the ticket was resolved meanwhile"
    assert clocks(office, other, "first_response") == [("cancelled", since, f"merged into #{one}")]
    assert_replayed(office)


def test_what_is_done_opens_nothing(office: Any) -> None:
    one, other = asked(office, "kettle"), asked(office, "toaster", BO)
    tickets.set_status(office.alice, one, "resolved")
    tickets.set_status(office.alice, other, "closed")
    merging.merge(office.alice, other, one)
    assert office.ticket(one).status == "resolved" and office.ticket(one).unanswered_since is None


def test_an_answer_elsewhere_is_no_first_response_here(office: Any) -> None:
    one, other = asked(office, "kettle"), asked(office, "toaster", BO)
    conversation.reply(office.bob, other, "Which one?")
    merging.merge(office.alice, other, one)
    assert office.ticket(one).first_response_at is None
    conversation.reply(office.alice, one, "Both?")
    undo(office.alice)
    assert office.ticket(one).first_response_at is None, "the one that came with the other ticket is none"
    assert clocks(office, one, "first_response")[-1][0] == "running"
    assert_replayed(office)


def test_an_answer_to_both_stays_where_it_was_given(office: Any) -> None:
    one, other = asked(office, "kettle"), asked(office, "toaster", BO)
    conversation.reply(office.bob, one, "Yes?")
    merging.merge(office.alice, other, one)
    conversation.reply(office.bob, one, "Both are mended.")
    undo(office.sue, other)
    assert texts(office, one) == ["kettle", "Yes?", "Both are mended."] and texts(office, other) == ["toaster"]
    assert office.ticket(one).unanswered_since is None and office.ticket(other).status == "new"


# --- merges that are taken back after something else has happened ----------------------------------------------------


def test_who_wrote_meanwhile_goes_on_waiting(office: Any) -> None:
    one, other = asked(office, "kettle"), asked(office, "toaster", BO)
    conversation.reply(office.bob, one, "Yes?")
    merging.merge(office.alice, other, one)
    wrote(office, one, "hello?", BO)
    undo(office.alice)
    last = office.entries(one)[-1]
    assert (last.text, office.ticket(one).unanswered_since) == ("hello?", last.at)
    assert clocks(office, one, "next_response")[-1][:2] == ("running", last.at)
    with office.alice.look() as change:
        assert reply_recipients(change, change.ticket(one)) == ([BO], [ANN]), "who wrote there is answered there"
    assert_replayed(office)


def test_nobody_waits_for_what_has_gone(office: Any) -> None:
    one, other, third = asked(office, "one"), asked(office, "other", BO), asked(office, "third", CY)
    merging.merge(office.alice, third, one)
    merging.merge(office.alice, other, one)
    tickets.set_status(office.bob, one, "closed")
    undo(office.alice, third)
    undo(office.bob)
    assert office.ticket(one).unanswered_since == office.entries(one)[-1].at, "the one of #2 is still here"
    undo(office.alice, other)
    assert (office.ticket(one).unanswered_since, office.ticket(one).unanswered_count) == (None, 1)
    assert_replayed(office)


def test_a_merge_that_is_done_again_waits_for_the_oldest_of_both(office: Any) -> None:
    one = asked(office, "kettle")
    conversation.reply(office.bob, one, "Yes?")
    office.later(minutes=10)
    other, since = asked(office, "toaster", BO), office.moment - timedelta(minutes=10)
    merging.merge(office.alice, other, one)
    undo(office.alice)
    wrote(office, one, "hello?")
    redo(office.alice)
    assert office.ticket(one).unanswered_since == since
    conversation.reply(office.bob, one, "Both are mended.")
    undo(office.sue, other)
    assert office.ticket(one).unanswered_since is None
    assert_replayed(office)


# --- where numbers lead -----------------------------------------------------------------------------------------------


def test_a_merged_number_leads_on(office: Any) -> None:
    one, two, three = asked(office, "one"), asked(office, "two"), asked(office, "three")
    merging.merge(office.alice, one, two)
    merging.merge(office.alice, two, three)
    four = asked(office, "four")
    assert merging.merge(office.alice, four, one) == three
    assert texts(office, three) == ["three", "two", "one", "four"]
    with pytest.raises(Conflict, match="into itself"):
        merging.merge(office.alice, three, one)
    with pytest.raises(Conflict, match=f"#{one} was merged into #{two} already"):
        merging.merge(office.alice, one, three)
    with pytest.raises(Conflict, match="have moved on since"):
        undo(office.alice, one)
    assert texts(office, three) == ["three", "two", "one", "four"]


def test_what_cannot_be(office: Any) -> None:
    one, other = asked(office, "one"), asked(office, "other", BO)
    seen = office.ticket(one).version
    for number, into, error in ((one, one, Conflict), (one, 99, NotFound), (99, one, NotFound)):
        with pytest.raises(error):
            merging.merge(office.alice, number, into)
    with pytest.raises(NotAllowed):
        merging.merge(office.carol, one, other)
    tickets.tag(office.bob, one, ["x"])
    with pytest.raises(Conflict, match="changed meanwhile"):
        merging.merge(office.alice, one, other, seen)
    spam.spam(office.alice, other)
    for number, into in ((one, other), (other, one)):
        with pytest.raises(Conflict, match=f"tkt ham {other}"):
            merging.merge(office.alice, number, into)
    assert office.ticket(one).merged_into is None and office.ticket(one).status == "new"


def test_nothing_is_said_on_a_merged_ticket(office: Any) -> None:
    one, other = asked(office, "one"), asked(office, "other", BO)
    conversation.reply(office.bob, one, "called back")
    undo(office.bob)
    merging.merge(office.alice, one, other)
    for act in (
        lambda: conversation.reply(office.bob, one, "hm"),
        lambda: conversation.note(office.bob, one, "hm"),
        lambda: tickets.set_status(office.bob, one, "open"),
        lambda: redo(office.bob),
    ):
        with pytest.raises(Conflict, match=f"#{one}.*#{other}"):
            act()
    assert [row.state for row in office.mails("reply")] == ["recalled"]
    assert texts(office, other) == ["other", "one"], "what was taken back stays where it was"


def test_children_go_along_and_make_no_ring(office: Any) -> None:
    top, source, child, target = (asked(office, name) for name in ("top", "source", "child", "target"))
    with office.alice.change() as change:
        for number, parent in ((source, top), (child, source), (target, child)):
            change.set(change.ticket(number), "link", parent=parent)
    merging.merge(office.alice, source, target)
    assert {number: office.ticket(number).parent for number in (child, target)} == {child: top, target: child}
    undo(office.alice)
    assert {number: office.ticket(number).parent for number in (child, target)} == {child: source, target: child}
    merging.merge(office.alice, child, top)
    assert office.ticket(target).parent == top
    merging.merge(office.alice, source, target)
    assert office.ticket(target).parent == top


def test_two_merges_that_cross_make_no_ring(office: Any) -> None:
    one, other = asked(office, "one"), asked(office, "other", BO)
    said: list[str] = []
    ready = threading.Barrier(2)

    def run(desk: Any, number: int, into: int) -> None:
        ready.wait()
        try:
            merging.merge(desk, number, into)
        except TktError as error:
            said.append(str(error))

    both = [
        threading.Thread(target=run, args=(office.alice, one, other)),
        threading.Thread(target=run, args=(office.bob, other, one)),
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(60)
    ends = [office.ticket(one).merged_into, office.ticket(other).merged_into]
    assert ends.count(None) == 1 and len(said) == 1 and "merged" in said[0]
