"""Bounces find the message they return; what they prove is marked, and taken back when it is past."""

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
from tkt.channels.mail.sending.deliver import deliver
from tkt.desk import conversation, message_ids, undo
from tkt.desk.unit import Desk, find_actor
from tkt.store.tables import AddressState, Entry, Event, Outbox, Ticket

SECRET = "the secret of the tests"
CAROL, DAN = "carol@customer.example", "dan@customer.example"

Letter = Callable[..., bytes]
Declare = Callable[..., None]


class Post:
    """A desk whose agent has answered a customer, and the bounces that come back."""

    def __init__(self, desk: Desk, letter: Letter, clock: Any) -> None:
        self.desk, self.letter, self.clock = desk, letter, clock
        self.alice = desk.acting(find_actor(desk.store, "alice"))

    def mail(self, *args: str, **headers: str) -> Outcome:
        return gateway.ingest(self.desk, self.letter(*args, **headers), "support")

    def rows(self, table: Any, *where: Any) -> list[Any]:
        with self.desk.store.transaction() as session:
            key = AddressState.address if table is AddressState else table.number if table is Ticket else table.id
            return list(session.exec(select(table).where(*where).order_by(col(key))))

    def reply(self, number: int | None, **more: Any) -> Outbox:
        assert number is not None
        conversation.reply(self.alice, number, "Please send the log.", **more)
        return self.rows(Outbox, Outbox.kind == "reply")[-1]  # type: ignore[no-any-return]

    def out_of_reach(self) -> dict[str, str]:
        return {one.address: one.bounced for one in self.rows(AddressState) if one.bounced_at is not None}

    def ticket(self, number: int | None) -> Ticket:
        return self.rows(Ticket, Ticket.number == number)[0]  # type: ignore[no-any-return]

    def skipped(self) -> list[tuple[str, str]]:
        return [(one.field, one.new) for one in self.rows(Event, Event.verb == "skipped")]

    def later(self, **time: int) -> None:
        self.clock.now += timedelta(**time)


@pytest.fixture
def post(desk: Desk, declare: Declare, letter: Letter, clock: Any) -> Post:
    declare(desk, smtp="smtp+plain://localhost:1", return_path="bounces@desk.example")
    return Post(desk, letter, clock)


def dsn(
    *outcomes: tuple[str, str, str], message_id: str = "", to: str = "support@desk.example", said: str = "no such user"
) -> bytes:
    """A delivery status notification (RFC 3464) on (address, action, status); with a Message-ID it returns headers."""
    groups = "\n".join(
        f"\nFinal-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; 550 {said}\n"
        for address, action, status in outcomes
    )
    returned = (
        f"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: {message_id}\nSubject: Re\n" if message_id else ""
    )
    return f"""Return-Path: <>
From: MAILER-DAEMON@mx.example
To: {to}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver your mail.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
{groups}
{returned}--b--
""".encode()


def come_in(post: Post, raw: bytes) -> Outcome:
    return gateway.ingest(post.desk, raw, "support")


def test_a_hard_bounce_marks_message_ticket_and_address(post: Post) -> None:
    first = post.mail("Broken")
    sent = post.reply(first.ticket)
    outcome = come_in(post, dsn((CAROL, "failed", "5.1.1"), message_id=sent.message_id))
    assert (outcome.state, outcome.ticket) == ("machine", first.ticket)
    assert post.out_of_reach() == {CAROL: "550 no such user"}
    assert post.ticket(first.ticket).undelivered
    assert [one.state for one in post.rows(Outbox, Outbox.kind == "reply")] == ["failed"]
    assert [one.delivery for one in post.rows(Entry, Entry.kind == "reply")] == ["failed"]
    told = [(one.field, one.new) for one in post.rows(Event, Event.verb == "unreachable")]
    assert told == [(CAROL, "550 no such user")]
    filed = post.rows(Entry, Entry.kind == "inbound")[-1]
    assert filed.machine == "bounce: it is a delivery status notification (RFC 3464): failed 5.1.1"


@pytest.mark.parametrize("field", ["To", "Delivered-To", "X-Original-To", "Received"])
def test_the_return_path_alone_names_the_message(post: Post, field: str) -> None:
    first = post.mail("Broken")
    post.mail("Other")
    sent = post.reply(first.ticket)
    address = message_ids.bounce_address(SECRET, "bounces@desk.example", sent.id or 0)
    raw = dsn((CAROL, "failed", "5.1.1"), to=address.upper() if field == "To" else "undisclosed:;")
    if field == "Received":
        raw = (
            f"Received: from mx.example by desk.example for <{address}>; Mon, 2 Nov 2026 09:00:00 +0000\n".encode()
            + raw
        )
    elif field != "To":
        raw = f"{field}: {address}\n".encode() + raw
    assert come_in(post, raw).ticket == first.ticket
    assert post.out_of_reach() == {CAROL: "550 no such user"}


def test_a_bounce_that_says_nothing_is_understood_by_its_return_path(post: Post) -> None:
    first = post.mail("Broken")
    sent = post.reply(first.ticket)
    address = message_ids.bounce_address(SECRET, "bounces@desk.example", sent.id or 0)
    raw = f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: {address}\nSubject: failure notice\n\nSorry.\n"
    assert come_in(post, raw.encode()).ticket == first.ticket
    assert (post.ticket(first.ticket).undelivered, list(post.out_of_reach())) == (True, [CAROL])


def test_an_automatic_reply_to_the_return_path_finds_its_ticket(post: Post) -> None:
    first = post.mail("Broken")
    address = message_ids.bounce_address(SECRET, "bounces@desk.example", post.reply(first.ticket).id or 0)
    outcome = post.mail("I am away", To=address, Auto_Submitted="auto-replied")
    assert (outcome.state, outcome.ticket, post.ticket(first.ticket).undelivered) == ("machine", first.ticket, False)


def test_the_envelope_id_names_the_message(post: Post) -> None:
    """RFC 3461 section 4.4: a server gives back the ENVID that the mail was sent with."""
    first = post.mail("Broken")
    token = message_ids.make_bounce_token(SECRET, post.reply(first.ticket).id or 0)
    raw = dsn((CAROL, "failed", "5.1.1")).replace(
        b"Reporting-MTA", f"Original-Envelope-Id: {token}\nReporting-MTA".encode()
    )
    assert come_in(post, raw).ticket == first.ticket


def test_a_return_path_leads_to_its_mailbox(post: Post, declare: Declare) -> None:
    declare(post.desk, "sales", "sales@desk.example", return_path="back@desk.example")
    raw = dsn((CAROL, "failed", "5.1.1"), to="Back+b1.0123456789abcdef@desk.example")
    outcome = gateway.ingest(post.desk, raw)
    assert post.ticket(outcome.ticket).mailbox == "sales"


def test_a_bounce_follows_a_merged_ticket(post: Post) -> None:
    first, second = post.mail("Broken"), post.mail("Still broken")
    sent = post.reply(first.ticket)
    with post.desk.store.transaction() as session:
        session.get_one(Ticket, first.ticket).merged_into = second.ticket
    assert come_in(post, dsn((CAROL, "failed", "5.1.1"), message_id=sent.message_id)).ticket == second.ticket
    assert post.ticket(second.ticket).undelivered


def test_a_read_receipt_is_filed_with_the_message_that_was_read(post: Post) -> None:
    first = post.mail("Broken")
    sent = post.reply(first.ticket)
    raw = f"""From: Carol <{CAROL}>
To: support@desk.example
Subject: Read
Content-Type: multipart/report; report-type=disposition-notification; boundary="b"

--b

Read.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822;{CAROL}
Original-Message-ID: {sent.message_id}
Disposition: manual-action/MDN-sent-manually; displayed
--b--
"""
    outcome = come_in(post, raw.encode())
    assert (outcome.state, outcome.ticket, post.ticket(first.ticket).status) == ("machine", first.ticket, "open")


@given(number=st.integers(1, 10**17), other=st.integers(1, 10**17))
def test_a_bounce_token_holds_for_its_mail_alone(number: int, other: int) -> None:
    token = message_ids.make_bounce_token(SECRET, number)
    assert message_ids.read_bounce_token(SECRET, token.upper()) == number
    assert message_ids.read_bounce_token("another secret", token) is None
    assert message_ids.read_token(SECRET, token) is None
    if other != number:
        assert message_ids.read_bounce_token(SECRET, token.replace(str(number), str(other), 1)) is None


def test_a_forged_return_path_names_nothing(post: Post) -> None:
    first = post.mail("Broken")
    sent = post.reply(first.ticket)
    token = message_ids.make_bounce_token("another secret", sent.id or 0)
    outcome = come_in(post, dsn((CAROL, "failed", "5.1.1"), to=f"bounces+{token}@desk.example"))
    assert outcome.ticket != first.ticket
    assert (post.ticket(first.ticket).undelivered, post.out_of_reach()) == (False, {})
    assert post.ticket(outcome.ticket).status == "closed"


def test_a_bounce_speaks_only_for_those_whom_its_message_went_to(post: Post) -> None:
    first = post.mail("Broken", Cc=DAN)
    sent = post.reply(first.ticket)
    lies = dsn(("boss@other.example", "failed", "5.1.1"), (DAN, "failed", "5.1.1"), message_id=sent.message_id)
    come_in(post, lies)
    assert list(post.out_of_reach()) == [DAN]


def test_several_recipients_with_different_outcomes(post: Post) -> None:
    first = post.mail("Broken", Cc=f"{DAN}, eve@customer.example")
    sent = post.reply(first.ticket)
    mixed = ((CAROL, "delivered", "2.0.0"), (DAN, "delayed", "4.2.1"), ("eve@customer.example", "failed", "5.1.1"))
    come_in(post, dsn(*mixed, message_id=sent.message_id))
    assert (list(post.out_of_reach()), post.ticket(first.ticket).undelivered) == (["eve@customer.example"], True)


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0"), ("relayed", "2.0.0")])
def test_what_is_no_failure_marks_nothing(post: Post, action: str, status: str) -> None:
    first = post.mail("Broken")
    sent = post.reply(first.ticket)
    outcome = come_in(post, dsn((CAROL, action, status), message_id=sent.message_id))
    assert (outcome.state, outcome.ticket) == ("machine", first.ticket)
    assert (post.ticket(first.ticket).undelivered, post.out_of_reach()) == (False, {})


@pytest.mark.parametrize(
    ("status", "said"),
    [("4.4.7", "expired"), ("5.2.2", "mailbox full"), ("5.7.1", "spam"), ("5.3.4", "too big"), ("5.0.0", "policy")],
)
def test_a_failure_that_is_not_the_addresss_fault_marks_the_message_alone(post: Post, status: str, said: str) -> None:
    first = post.mail("Broken")
    sent = post.reply(first.ticket)
    come_in(post, dsn((CAROL, "failed", status), message_id=sent.message_id, said=said))
    assert (post.ticket(first.ticket).undelivered, post.out_of_reach()) == (True, {})


def test_backscatter_for_a_mail_that_we_never_sent(post: Post) -> None:
    outcome = come_in(post, dsn((CAROL, "failed", "5.1.1"), message_id="<1@spammer.invalid>"))
    assert (outcome.state, post.ticket(outcome.ticket).status, post.out_of_reach()) == ("machine", "closed", {})
    assert post.rows(Outbox) == []


def test_a_bounced_notification_is_not_the_customers_matter(post: Post) -> None:
    first = post.mail("Broken")
    conversation.receive(post.desk, first.ticket or 0, conversation.Message("More", "Carol", CAROL))
    with post.desk.store.transaction() as session:
        row = session.exec(select(Outbox)).first()
        assert row is not None
        row.kind = "notification"
        message_id, number = row.message_id, row.ticket
    come_in(post, dsn(("alice@desk.example", "failed", "5.1.1"), message_id=message_id))
    assert (post.ticket(number).undelivered, post.out_of_reach()) == (False, {})


# --- what follows, and what takes it back -----------------------------------------------------------------------------


def bounced(post: Post) -> int:
    """A ticket whose reply has bounced."""
    first = post.mail("Broken")
    sent = post.reply(first.ticket)
    come_in(post, dsn((CAROL, "failed", "5.1.1"), message_id=sent.message_id))
    assert first.ticket is not None and post.out_of_reach()
    return first.ticket


def test_a_mail_from_the_address_takes_it_back(post: Post) -> None:
    number = bounced(post)
    again = post.mail("Re: Broken", In_Reply_To=post.rows(Outbox)[-1].message_id)
    assert again.ticket == number
    assert (post.out_of_reach(), post.ticket(number).undelivered) == ({}, False)
    assert [one.field for one in post.rows(Event, Event.verb == "reachable", Event.field != "undelivered")] == [CAROL]


def test_a_mail_of_somebody_else_does_not(post: Post) -> None:
    number = bounced(post)
    post.mail("Re: Broken", DAN, In_Reply_To=post.rows(Outbox)[-1].message_id)
    assert (list(post.out_of_reach()), post.ticket(number).undelivered) == ([CAROL], True)


def test_a_machine_at_the_address_does_not(post: Post) -> None:
    number = bounced(post)
    post.mail("Re", In_Reply_To=post.rows(Outbox)[-1].message_id, Auto_Submitted="auto-replied")
    assert (list(post.out_of_reach()), post.ticket(number).undelivered) == ([CAROL], True)


def test_no_automatic_mail_to_a_dead_address(post: Post) -> None:
    bounced(post)
    before = len(post.rows(Outbox, Outbox.kind == "confirmation"))
    post.mail("Hello", DAN, Reply_To=CAROL)
    assert len(post.rows(Outbox, Outbox.kind == "confirmation")) == before
    assert post.skipped() == [("confirmation", f"mail to {CAROL} does not arrive: 550 no such user")]


def test_a_later_reply_that_arrives_takes_it_back(
    desk: Desk, declare: Declare, letter: Letter, clock: Any, postman: Any
) -> None:
    declare(desk, **postman.body(return_path="bounces@desk.example"))
    post = Post(desk, letter, clock)
    first = post.mail("Broken")
    sent = post.reply(first.ticket)
    deliver(desk, now_all=True)
    assert (
        message_ids.read_bounce_token(SECRET, postman.received[-1].mail_from.partition("+")[2].partition("@")[0])
        == sent.id
    )
    come_in(post, dsn((CAROL, "failed", "5.1.1"), to=postman.received[-1].mail_from))
    assert (list(post.out_of_reach()), post.ticket(first.ticket).undelivered) == ([CAROL], True)
    post.later(minutes=5)
    post.reply(first.ticket)
    deliver(desk, now_all=True)
    assert (post.out_of_reach(), post.ticket(first.ticket).undelivered) == ({}, False)


def test_what_our_own_server_refuses_is_out_of_reach(
    desk: Desk, declare: Declare, letter: Letter, clock: Any, postman: Any
) -> None:
    declare(desk, **postman.body())
    post = Post(desk, letter, clock)
    first = post.mail("Broken", Cc=DAN)
    postman.refused = {CAROL: "550 5.1.1 no such user", DAN: "550 5.7.1 not from you"}
    post.reply(first.ticket)
    deliver(desk, now_all=True)
    assert list(post.out_of_reach()) == [CAROL]


def test_undo_does_not_touch_what_a_bounce_said(post: Post) -> None:
    number = bounced(post)
    conversation.note(post.alice, number, "I will call her.")
    assert "note" in str(undo.undo(post.alice, number))
    assert post.ticket(number).undelivered
    assert list(post.out_of_reach()) == [CAROL]


# --- complaints -------------------------------------------------------------------------------------------------------


def complaint(kind: str, message_id: str) -> bytes:
    return f"""From: fbl@provider.example
To: support@desk.example
Subject: FW: Broken
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

A report.
--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
Original-Rcpt-To: {CAROL}
--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--b--
""".encode()


@pytest.mark.parametrize(
    ("kind", "marked"), [("abuse", True), ("opt-out", True), ("not-spam", False), ("virus", False)]
)
def test_who_complains_gets_no_automatic_mail(post: Post, kind: str, marked: bool) -> None:
    first = post.mail("Broken")
    sent = post.rows(Outbox, Outbox.kind == "confirmation")[0]
    outcome = come_in(post, complaint(kind, sent.message_id))
    assert (outcome.state, outcome.ticket) == ("machine", first.ticket)
    assert list(post.out_of_reach()) == ([CAROL] if marked else [])
    assert not post.ticket(first.ticket).undelivered
