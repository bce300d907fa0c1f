"""Which ticket a mail goes to, and as what."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, select

from tkt.channels.mail import gateway
from tkt.channels.mail.receiving.intake import Outcome
from tkt.desk import conversation, message_ids, tickets
from tkt.desk.unit import Desk, find_actor
from tkt.store.definitions import raise_generation
from tkt.store.tables import Entry, Outbox, Setting, Ticket, TicketLink

SECRET = "the secret of the tests"


class Talk:
    """A desk with one mailbox, and a way to mail it."""

    def __init__(self, desk: Desk, letter: Callable[..., bytes]) -> None:
        self.desk = desk
        self.letter = letter
        self.alice = desk.acting(find_actor(desk.store, "alice"))

    def mail(self, *args: str, **headers: str) -> Outcome:
        return gateway.ingest(self.desk, self.letter(*args, **headers))

    def ticket(self, number: int | None) -> Ticket:
        with self.desk.store.transaction() as session:
            return session.get_one(Ticket, number)

    def entries(self, number: int | None) -> list[Entry]:
        with self.desk.store.transaction() as session:
            return list(session.exec(select(Entry).where(Entry.ticket == number).order_by(col(Entry.position))))

    def outbox(self, kind: str) -> list[Outbox]:
        with self.desk.store.transaction() as session:
            return list(session.exec(select(Outbox).where(Outbox.kind == kind).order_by(col(Outbox.id))))

    def reply(self, number: int | None) -> str:
        """An agent answers; the Message-ID of that mail."""
        assert number is not None
        entry = conversation.reply(self.alice, number, "Please send the log.")
        assert entry.message_id
        return entry.message_id


@pytest.fixture
def talk(desk: Desk, declare: Callable[..., None], letter: Callable[..., bytes]) -> Talk:
    declare(desk, smtp="smtp+plain://localhost:1")
    return Talk(desk, letter)


def test_an_answer_to_our_mail_finds_its_ticket(talk: Talk) -> None:
    first = talk.mail("Broken")
    answer = talk.mail("Re: Broken", In_Reply_To=talk.reply(first.ticket))
    assert (answer.state, answer.ticket) == ("entry", first.ticket)
    assert [entry.kind for entry in talk.entries(first.ticket)] == ["inbound", "reply", "inbound"]


def test_our_signature_in_references_is_enough_and_the_newest_wins(talk: Talk) -> None:
    old, new = talk.mail("Old"), talk.mail("New")
    references = f"<x@y> {talk.reply(old.ticket)} {talk.reply(new.ticket)} <z@y>"
    assert talk.mail("Re", References=references).ticket == new.ticket


def test_a_stranger_with_our_signature_may_answer(talk: Talk) -> None:
    """Whoever has our mail was given it: a colleague it was forwarded to."""
    first = talk.mail("Broken")
    answer = talk.mail("Re", "colleague@customer.example", In_Reply_To=talk.reply(first.ticket))
    assert answer.ticket == first.ticket


@given(number=st.integers(1, 10**17), kind=st.sampled_from("rcn"), other=st.integers(1, 10**17))
def test_a_signature_holds_for_its_ticket_alone(number: int, kind: str, other: int) -> None:
    made = message_ids.make_message_id(SECRET, "desk.example", number, kind)
    assert message_ids.read_message_id(SECRET, made) == (number, kind)
    assert message_ids.read_message_id("another secret", made) is None
    if other != number:
        assert message_ids.read_message_id(SECRET, made.replace(f"-{number}-", f"-{other}-")) is None


def test_the_token_in_the_address_finds_the_ticket(talk: Talk) -> None:
    first = talk.mail("Broken")
    address = message_ids.plus_address(SECRET, "support@desk.example", first.ticket or 0)
    assert talk.mail("More", To=address).ticket == first.ticket
    assert talk.mail("More", Delivered_To=address.upper()).ticket == first.ticket
    forged = address.replace(f"+{first.ticket}.", "+99.")
    assert talk.mail("More", To=forged).state == "ticket"
    assert not any("+" in recipient for row in talk.outbox("confirmation") for recipient in row.recipients)


def test_a_customers_own_message_id_counts_for_those_who_take_part(talk: Talk) -> None:
    first = talk.mail("Broken", Message_ID="<first@customer.example>", Cc="bob@customer.example")
    own = talk.mail("Broken, more", In_Reply_To="<first@customer.example>")
    follower = talk.mail("Me too", "bob@customer.example", References="<first@customer.example>")
    stranger = talk.mail("Me too", "mallory@evil.example", References="<first@customer.example>")
    assert (own.ticket, follower.ticket) == (first.ticket, first.ticket)
    assert stranger.state == "ticket"


def test_the_subject_tag_counts_for_those_who_take_part(talk: Talk) -> None:
    first = talk.mail("Broken")
    assert talk.mail(f"AW: Broken [#{first.ticket}]").ticket == first.ticket
    assert talk.mail(f"Broken [#{first.ticket}]", "mallory@evil.example").state == "ticket"
    assert talk.mail("Broken [#4711]").state == "ticket"


def test_a_signature_beats_a_subject_tag(talk: Talk) -> None:
    one, two = talk.mail("One"), talk.mail("Two")
    answer = talk.mail(f"Re: One [#{one.ticket}]", In_Reply_To=talk.reply(two.ticket))
    assert answer.ticket == two.ticket


def test_a_merged_number_leads_to_where_it_went(talk: Talk) -> None:
    first, second, third = talk.mail("A"), talk.mail("B"), talk.mail("C")
    answered = talk.reply(first.ticket)
    with talk.desk.store.transaction() as session:
        session.get_one(Ticket, first.ticket).merged_into = second.ticket
        session.get_one(Ticket, second.ticket).merged_into = third.ticket
    assert talk.mail("Re: A", In_Reply_To=answered).ticket == third.ticket


def test_an_answer_within_the_window_reopens(talk: Talk, clock: Any) -> None:
    first = talk.mail("Broken")
    answered = talk.reply(first.ticket)
    tickets.set_status(talk.alice, first.ticket or 0, "closed")
    clock.now += timedelta(days=13)
    assert talk.mail("Re: Broken", In_Reply_To=answered).ticket == first.ticket
    assert talk.ticket(first.ticket).status == "open"


def test_a_late_answer_is_a_linked_follow_up(talk: Talk, clock: Any) -> None:
    first = talk.mail("Broken")
    answered = talk.reply(first.ticket)
    tickets.set_status(talk.alice, first.ticket or 0, "closed")
    clock.now += timedelta(days=15)
    late = talk.mail("Re: Broken", In_Reply_To=answered)
    assert late.state == "ticket"
    assert late.ticket != first.ticket
    assert talk.ticket(first.ticket).status == "closed"
    with talk.desk.store.transaction() as session:
        [link] = session.exec(select(TicketLink)).all()
    assert (link.ticket, link.other, link.kind) == (late.ticket, first.ticket, "follow-up")


def test_the_window_is_a_setting(talk: Talk, clock: Any) -> None:
    with talk.desk.store.transaction() as session:
        session.add(Setting(key="desk.reopen_window", value="1h"))
        raise_generation(session)
    first = talk.mail("Broken")
    answered = talk.reply(first.ticket)
    tickets.set_status(talk.alice, first.ticket or 0, "closed")
    clock.now += timedelta(hours=2)
    assert talk.mail("Re: Broken", In_Reply_To=answered).ticket != first.ticket


def test_machine_mail_reopens_nothing(talk: Talk) -> None:
    first = talk.mail("Broken")
    answered = talk.reply(first.ticket)
    tickets.set_status(talk.alice, first.ticket or 0, "closed")
    away = talk.mail("Automatic reply", In_Reply_To=answered, Auto_Submitted="auto-replied")
    assert (away.state, away.ticket) == ("machine", first.ticket)
    assert talk.ticket(first.ticket).status == "closed"


def test_staff_on_a_ticket_write_notes(talk: Talk) -> None:
    first = talk.mail("Broken")
    talk.mail("Re", "Alice <alice@desk.example>", "It is the fuser.", In_Reply_To=talk.reply(first.ticket))
    note = talk.entries(first.ticket)[-1]
    assert (note.kind, note.author, note.author_address) == ("note", "alice", "alice@desk.example")
    assert note.agent_id is not None
    assert len(talk.outbox("reply")) == 1


def test_an_answer_to_a_notification_stays_inside_whoever_gives_it(talk: Talk) -> None:
    first = talk.mail("Broken")
    notification = message_ids.make_message_id(SECRET, "desk.example", first.ticket or 0, "n")
    talk.mail("Re", "alice@desk.example", "From alice", In_Reply_To=notification)
    talk.mail("Re", "helper@elsewhere.example", "From a helper", In_Reply_To=notification)
    talk.mail("Re", text="From the customer", In_Reply_To=notification)
    kinds = [(entry.kind, entry.author_address) for entry in talk.entries(first.ticket)]
    assert kinds == [
        ("inbound", "carol@customer.example"),
        ("note", "alice@desk.example"),
        ("note", "helper@elsewhere.example"),
        ("note", "carol@customer.example"),
    ]


def test_an_agent_who_may_only_read_writes_nothing(talk: Talk) -> None:
    first = talk.mail("Broken")
    refused = talk.mail("Re", "victor@desk.example", In_Reply_To=talk.reply(first.ticket))
    assert refused.state == "quarantined"
    assert "viewer" in refused.reason


def test_our_own_mail_that_comes_back_is_not_filed(talk: Talk) -> None:
    first = talk.mail("Broken")
    back = talk.mail("Re: Broken", "support@desk.example", Message_ID=talk.reply(first.ticket), X_Tkt_Desk="x")
    assert (back.state, back.reason) == ("duplicate", "it is our own mail, come back")


def test_our_own_addresses_never_take_part(talk: Talk) -> None:
    first = talk.mail("Broken", To="support@desk.example, sales@desk.example", Cc="alice@desk.example, bob@x.example")
    entries = talk.entries(first.ticket)
    talk.reply(first.ticket)
    [reply] = talk.outbox("reply")
    assert entries[0].recipients == [
        "support@desk.example",
        "sales@desk.example",
        "alice@desk.example",
        "bob@x.example",
    ]
    assert set(reply.recipients) == {"carol@customer.example", "sales@desk.example", "bob@x.example"}


def test_a_bounce_marks_the_message_that_bounced(talk: Talk) -> None:
    first = talk.mail("Broken")
    message_id = talk.reply(first.ticket)
    outcome = gateway.ingest(talk.desk, bounce(message_id, "failed", "5.1.1"))
    assert (outcome.state, outcome.ticket) == ("machine", first.ticket)
    opened, reply, filed = talk.entries(first.ticket)
    assert (reply.delivery, filed.machine.split(":")[0], filed.kind) == ("failed", "bounce", "inbound")
    assert talk.ticket(first.ticket).undelivered
    assert talk.ticket(first.ticket).status == "open"
    [row] = talk.outbox("reply")
    assert row.state == "failed"
    assert "carol@customer.example" in row.error


def test_a_delay_is_no_failure(talk: Talk) -> None:
    first = talk.mail("Broken")
    outcome = gateway.ingest(talk.desk, bounce(talk.reply(first.ticket), "delayed", "4.4.1"))
    assert (outcome.state, outcome.ticket) == ("machine", first.ticket)
    assert not talk.ticket(first.ticket).undelivered


def bounce(message_id: str, action: str, status: str) -> bytes:
    """A delivery status notification (RFC 3464)."""
    return f"""From: MAILER-DAEMON@mx.example
To: support@desk.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <dsn-{action}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver your mail.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; carol@customer.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: Re: Broken

--b--
""".encode()
