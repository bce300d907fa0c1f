"""Who may speak on a ticket, and what becomes of those who may not; whose address is whose."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tkt.desk import message_ids, tickets
from tkt.store.tables import Address, Follower, Person, Ticket

SECRET = "the secret of the tests"


def test_a_stranger_who_quotes_a_number_gets_a_ticket_of_their_own(post: Any) -> None:
    first = post.mail("Broken")
    tickets.assign(post.alice, first.ticket, "bob")
    answer = post.mail(f"Re: Broken [#{first.ticket}]", "mallory@evil.example", "Let me in.")
    assert (answer.state, answer.ticket != first.ticket) == ("ticket", True)
    assert post.links(answer.ticket) == [(first.ticket, "related")]
    assert len(post.entries(first.ticket)) == 1
    [row] = [row for row in post.outbox("notification", first.ticket) if "mallory@evil.example" in row.mail["text"]]
    assert row.recipients == ["bob@desk.example"]
    assert f"#{answer.ticket}" in row.mail["text"]


def test_nothing_that_the_stranger_gets_names_the_other_ticket(post: Any) -> None:
    for _ in range(6):
        post.mail("Filler")
    answer = post.mail("Re: Broken [#7] [#4] and [#99]", "mallory@evil.example")
    post.reply(answer.ticket)
    told = [*post.outbox("confirmation", answer.ticket), *post.outbox("reply", answer.ticket)]
    assert len(told) == 2
    assert post.ticket(answer.ticket).subject == "Re: Broken [#7] and [#99]"  # numbers that were nobody's yet
    for row in told:
        assert "[#4]" not in row.mail["subject"] + row.mail["text"]


def test_a_stranger_who_quotes_a_message_id_is_told_of_too(post: Any) -> None:
    first = post.mail("Broken", Message_ID="<first@customer.example>")
    answer = post.mail("Hello", "mallory@evil.example", References="<first@customer.example>")
    assert post.links(answer.ticket) == [(first.ticket, "related")]
    assert post.told(first.ticket) == {"alice@desk.example"}  # nobody's yet: its team


def test_of_many_numbers_few_are_told(post: Any) -> None:
    for _ in range(8):
        post.mail("Filler")
    answer = post.mail(" ".join(f"[#{n}]" for n in range(1, 9)), "mallory@evil.example")
    assert [other for other, _ in post.links(answer.ticket)] == [1, 2, 3, 4, 5]
    assert len(post.outbox("notification")) == 5
    assert post.ticket(answer.ticket).subject == "[#6] [#7] [#8]"


def test_machines_tell_nobody(post: Any) -> None:
    first = post.mail("Broken")
    post.mail(f"News [#{first.ticket}]", "news@shop.example", List_Id="<news.shop.example>")
    assert post.outbox("notification") == []


def test_numbers_that_lead_nowhere(post: Any) -> None:
    for number in ("0", "4711", "999999999999999", "-1"):
        answer = post.mail(f"Broken [#{number}]")
        assert (answer.state, post.links(answer.ticket)) == ("ticket", [])


def test_a_chain_of_merged_tickets_and_a_loop(post: Any) -> None:
    numbers = [post.mail(f"Part {n}").ticket for n in range(4)]
    answered = [post.reply(number) for number in numbers]
    with post.desk.store.transaction() as session:
        for source, target in zip(numbers, numbers[1:], strict=False):
            session.get_one(Ticket, source).merged_into = target
    assert post.mail("Re: Part 0", In_Reply_To=answered[0]).ticket == numbers[3]
    assert post.mail(f"Part 1 [#{numbers[1]}]").ticket == numbers[3]
    with post.desk.store.transaction() as session:
        session.get_one(Ticket, numbers[3]).merged_into = numbers[0]
    lost = post.mail("Re: Part 0", In_Reply_To=answered[0])
    assert (lost.state, lost.ticket in numbers) == ("ticket", False)


@pytest.mark.parametrize("status", ["waiting", "resolved", "closed", "on-hold"])
def test_an_answer_wakes_its_ticket(post: Any, status: str) -> None:
    first = post.mail("Broken")
    answered = post.reply(first.ticket)
    tickets.set_status(post.alice, first.ticket, status)
    with post.desk.store.transaction() as session:
        session.get_one(Ticket, first.ticket).snoozed_until = post.clock() + timedelta(days=3)
    assert post.mail("Re: Broken", In_Reply_To=answered).ticket == first.ticket
    ticket = post.ticket(first.ticket)
    assert (ticket.status, ticket.snoozed_until) == ("on-hold" if status == "on-hold" else "open", None)


def test_a_follow_up_carries_no_tag_of_the_closed_ticket(post: Any) -> None:
    first = post.mail("Broken")
    post.reply(first.ticket)
    tickets.set_status(post.alice, first.ticket, "closed")
    post.clock.now += timedelta(days=15)
    late = post.mail(f"Re: Broken [#{first.ticket}]")
    assert post.links(late.ticket) == [(first.ticket, "follow-up")]
    assert post.ticket(late.ticket).subject == "Re: Broken"
    assert post.mail(f"Re: Broken [#{late.ticket}]").ticket == late.ticket


# --- whose address ----------------------------------------------------------------------------------------------------


def test_our_own_addresses_become_nobody_whatever_header_they_stand_in(post: Any) -> None:
    token = message_ids.make_token(SECRET, 4711)
    ours = [
        "support@desk.example", f"support+{token}@desk.example", "Support+Sales@DESK.example", "sales@desk.example",
        "bounces@desk.example", "bounces+b1.0123456789abcdef@desk.example", "alice@desk.example", "BOB@desk.example",
    ]  # fmt: skip
    first = post.mail("Broken", To=", ".join(ours), Cc=", ".join(ours[4:]), Reply_To=ours[1], Sender=ours[6])
    post.mail("More", To=", ".join(ours), Cc="carla@customer.example", In_Reply_To=post.reply(first.ticket))
    assert [row.address for row in post.rows(Follower)] == ["carla@customer.example"]
    assert [row.address for row in post.rows(Address)] == ["carol@customer.example"]
    for sender in ours:
        post.mail("From ourselves", sender)
    assert [row.address for row in post.rows(Address)] == ["carol@customer.example"]
    assert not any("desk.example" in one for row in post.outbox("confirmation") for one in row.recipients)


def test_reply_to_says_where_to_answer_and_no_more(post: Any) -> None:
    first = post.mail("Broken", Reply_To="Office <office@customer.example>")
    post.reply(first.ticket)
    [mail] = post.outbox("reply")
    assert mail.recipients[0] == "office@customer.example"
    assert [row.address for row in post.rows(Address)] == ["carol@customer.example"]
    forged = post.mail(f"Broken [#{first.ticket}]", "mallory@evil.example", Reply_To="carol@customer.example")
    assert forged.ticket != first.ticket


def test_a_web_form_speaks_for_outsiders_only(post: Any) -> None:
    outside = post.mail("Form", "support@desk.example", Reply_To="Dora <dora@customer.example>")
    inside = post.mail("Form", "support@desk.example", Reply_To="Alice <alice@desk.example>")
    assert post.entries(outside.ticket)[0].author_address == "dora@customer.example"
    assert post.entries(inside.ticket)[0].author_address == "support@desk.example"
    assert post.ticket(inside.ticket).requester_id is None


def test_one_person_with_several_addresses(post: Any) -> None:
    first = post.mail("Broken")
    with post.desk.store.transaction() as session:
        [person] = session.exec(Person.__table__.select()).all()
        session.add(Address(address="carol@home.example", person_id=person.id))
    answer = post.mail(f"Broken [#{first.ticket}]", "Carol <CAROL@home.example>", Cc="carol@customer.example")
    assert answer.ticket == first.ticket
    again = post.mail("Another matter", "carol@home.example", Cc="carol@customer.example")
    assert post.ticket(again.ticket).requester_id == post.ticket(first.ticket).requester_id
    assert post.rows(Follower) == []


def test_a_domain_in_either_spelling_is_the_same_person(post: Any) -> None:
    first = post.mail("Broken", "Jörg <Joerg@Müller.example>")
    answer = post.mail(f"Broken [#{first.ticket}]", "joerg@XN--MLLER-KVA.example")
    assert answer.ticket == first.ticket
    assert [row.address for row in post.rows(Address)] == ["joerg@müller.example"]


def test_somebody_copied_in_takes_part_from_then_on(post: Any) -> None:
    first = post.mail("Broken", Cc="Bert <BERT@customer.example>")
    answer = post.mail(f"Broken [#{first.ticket}]", "bert@customer.example")
    assert answer.ticket == first.ticket
    post.reply(first.ticket)
    [mail] = post.outbox("reply")
    assert set(mail.recipients) == {"carol@customer.example", "bert@customer.example"}


def test_who_has_left_the_desk_is_a_customer_like_others(post: Any) -> None:
    from tkt.desk.configure import retire_agent

    retire_agent(post.alice, "bob")
    answer = post.mail("My last invoice", "bob@desk.example")
    assert [row.address for row in post.rows(Address)] == ["bob@desk.example"]
    assert post.ticket(answer.ticket).requester_id is not None


@pytest.mark.parametrize(
    "subject", ["", "=?utf-8?b?4oCL?=", "=?utf-8?q?=E2=80=AE=20?="], ids=["none", "no width", "order"]
)
def test_a_subject_that_shows_nothing_is_none(post: Any, subject: str) -> None:
    assert post.ticket(post.mail(subject).ticket).subject == "(no subject)"
