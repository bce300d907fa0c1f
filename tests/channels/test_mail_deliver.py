"""From the outbox to a real SMTP server, whatever it answers and whenever we die."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

import pytest
from sqlmodel import col, select

from tkt.channels.mail import gateway
from tkt.channels.mail.reading.parse import parse
from tkt.channels.mail.sending.claiming import LEASE
from tkt.channels.mail.sending.deliver import deliver
from tkt.channels.mail.sending.recording import BACK_OFF, GIVE_UP, Delivery
from tkt.channels.mail.status import mail_status
from tkt.desk import conversation, message_ids
from tkt.desk.conversation import Upload
from tkt.desk.unit import Desk, find_actor
from tkt.store.engine import Store
from tkt.store.tables import Entry, Event, Outbox, Ticket

Letter = Callable[..., bytes]
Declare = Callable[..., None]


def rows(desk: Desk, table: Any) -> list[Any]:
    with desk.store.transaction() as session:
        return list(session.exec(select(table).order_by(*table.__table__.primary_key.columns)))


def open_ticket(desk: Desk, letter: Letter, replies: int = 1, **headers: str) -> None:
    """A customer's mail, whose confirmation is not of interest here, and an agent's replies to it."""
    gateway.ingest(desk, letter("Broken", **headers))
    with desk.store.transaction() as session:
        for row in session.exec(select(Outbox)):
            row.state = "recalled"
    alice = desk.acting(find_actor(desk.store, "alice"))
    for number in range(replies):
        conversation.reply(alice, 1, f"Answer {number}", attachments=[Upload("log.txt", "text/plain", b"a log")])


@pytest.fixture
def sending(desk: Desk, declare: Declare, letter: Letter, postman: Any) -> Desk:
    """A desk with one reply in its outbox."""
    declare(desk, **postman.body())
    open_ticket(desk, letter)
    return desk


def test_a_reply_leaves_after_the_undo_window(sending: Desk, postman: Any, clock: Any) -> None:
    assert deliver(sending) == []
    clock.now += timedelta(seconds=30)
    [done] = deliver(sending)
    assert (done.state, done.kind, done.recipients) == ("sent", "reply", ("carol@customer.example",))
    [envelope] = postman.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("support@desk.example", ["carol@customer.example"])
    inbound, reply = rows(sending, Entry)
    assert reply.delivery == "sent"
    mail = parse(envelope.content)
    assert (mail.subject, mail.in_reply_to) == ("Re: Broken [#1]", (inbound.message_id,))
    assert (mail.message_id, mail.references) == (reply.message_id, (inbound.message_id, reply.message_id)[:1])
    assert mail.text.strip() == "Answer 0"
    assert [(file.name, file.content) for file in mail.attachments] == [("log.txt", b"a log")]
    assert [event.verb for event in rows(sending, Event)][-1] == "sent"
    assert deliver(sending, now_all=True) == []


def test_send_by_hand_waits_for_nothing(sending: Desk, postman: Any) -> None:
    assert [one.state for one in deliver(sending, now_all=True)] == ["sent"]
    assert len(postman.received) == 1


def test_many_mails_leave_by_one_connection(sending: Desk, letter: Letter, postman: Any, clock: Any) -> None:
    alice = sending.acting(find_actor(sending.store, "alice"))
    for number in range(4):
        conversation.reply(alice, 1, f"More {number}")
    clock.now += timedelta(minutes=1)
    assert [one.state for one in deliver(sending)] == ["sent"] * 5
    assert postman.connections == 1


def test_what_is_answered_4xx_is_tried_again_later(sending: Desk, postman: Any, clock: Any) -> None:
    postman.script = ["451 try again", "452 and again"]
    [done] = deliver(sending, now_all=True)
    assert done.state == "waiting"
    assert "451 try again" in done.error
    assert deliver(sending) == []
    clock.now += timedelta(minutes=BACK_OFF[0])
    assert [one.state for one in deliver(sending)] == ["waiting"]
    clock.now += timedelta(minutes=BACK_OFF[0])
    assert deliver(sending) == []
    clock.now += timedelta(minutes=BACK_OFF[1])
    assert [one.state for one in deliver(sending)] == ["sent"]
    [row] = [row for row in rows(sending, Outbox) if row.kind == "reply"]
    assert (row.attempts, row.error) == (3, "")


def test_a_failure_that_never_passes_is_given_up(sending: Desk, postman: Any, clock: Any) -> None:
    postman.script = ["451 no"] * 2
    deliver(sending, now_all=True)
    clock.now += GIVE_UP
    assert [one.state for one in deliver(sending)] == ["failed"]
    assert rows(sending, Ticket)[0].undelivered


def test_what_is_answered_5xx_shows_on_the_ticket(sending: Desk, postman: Any) -> None:
    postman.script = ["554 we want none of this"]
    [done] = deliver(sending, now_all=True)
    assert done.state == "failed"
    assert rows(sending, Entry)[1].delivery == "failed"
    assert rows(sending, Ticket)[0].undelivered
    [event] = [event for event in rows(sending, Event) if event.verb == "undelivered" and not event.field]
    assert "554 we want none of this" in event.new
    assert deliver(sending, now_all=True) == []
    assert postman.received == []


def open_beyond_ascii(desk: Desk, letter: Letter) -> None:
    open_ticket(desk, letter, Cc="Jörg <jörg@müller.example>")


def test_an_address_beyond_ascii_is_written_to_where_the_server_can(
    sqlite_desk: Desk, declare: Declare, letter: Letter, postman: Any
) -> None:
    declare(sqlite_desk, **postman.body())
    open_beyond_ascii(sqlite_desk, letter)
    assert [one.state for one in deliver(sqlite_desk, now_all=True)] == ["sent"]
    [envelope] = postman.received
    assert envelope.rcpt_tos == ["carol@customer.example", "jörg@xn--mller-kva.example"]
    assert "SMTPUTF8" in envelope.mail_options
    assert "Cc: jörg@xn--mller-kva.example\r\n".encode() in envelope.content


def test_an_address_that_the_server_can_t_take_fails_for_good_and_alone(
    sqlite_desk: Desk, declare: Declare, letter: Letter, ascii_postman: Any
) -> None:
    declare(sqlite_desk, **ascii_postman.body())
    open_beyond_ascii(sqlite_desk, letter)
    [done] = deliver(sqlite_desk, now_all=True)
    words = "the address jörg@müller.example needs SMTPUTF8, which the server localhost does not offer"
    assert (done.state, done.error) == ("sent", words)
    [envelope] = ascii_postman.received
    assert envelope.rcpt_tos == ["carol@customer.example"]
    assert envelope.content.isascii()
    assert [one.email for one in parse(envelope.content).to] == ["carol@customer.example"]
    assert rows(sqlite_desk, Ticket)[0].undelivered
    assert words in [event.new for event in rows(sqlite_desk, Event) if event.verb == "undelivered"]


def test_a_mail_to_nobody_else_fails_where_the_server_can_t_take_the_address(
    sqlite_desk: Desk, declare: Declare, letter: Letter, ascii_postman: Any
) -> None:
    declare(sqlite_desk, **ascii_postman.body())
    open_ticket(sqlite_desk, letter, sender="Jörg <jörg@müller.example>")
    [done] = deliver(sqlite_desk, now_all=True)
    assert done.state == "failed"
    assert done.error.endswith("needs SMTPUTF8, which the server localhost does not offer")
    assert rows(sqlite_desk, Entry)[1].delivery == "failed"
    assert ascii_postman.received == []


def test_one_refused_recipient_does_not_stop_the_others(
    desk: Desk, declare: Declare, letter: Letter, postman: Any, clock: Any
) -> None:
    declare(desk, **postman.body())
    open_ticket(desk, letter, Cc="gone@customer.example, slow@customer.example")
    postman.refused = {"gone@customer.example": "550 no such user", "slow@customer.example": "450 greylisted"}
    [done] = deliver(desk, now_all=True)
    assert (done.state, done.recipients) == ("waiting", ("slow@customer.example",))
    assert rows(desk, Ticket)[0].undelivered
    postman.refused = {}
    clock.now += timedelta(minutes=2)
    assert [one.state for one in deliver(desk)] == ["sent"]
    assert [envelope.rcpt_tos for envelope in postman.received] == [
        ["carol@customer.example"],
        ["slow@customer.example"],
    ]


@pytest.mark.parametrize("trouble", ["drop", "stall", "421 going down"])
def test_a_server_that_breaks_off_gets_it_again(sending: Desk, postman: Any, clock: Any, trouble: str) -> None:
    postman.script = [trouble]
    [done] = deliver(sending, now_all=True, timeout=0.3)
    assert done.state == "waiting"
    clock.now += timedelta(minutes=2)
    assert [one.state for one in deliver(sending)] == ["sent"]
    ids = {message_from_bytes(one.content)["Message-ID"] for one in postman.received}
    assert len(ids) == 1


def test_a_server_that_is_away_is_asked_once_a_round(desk: Desk, declare: Declare, letter: Letter, clock: Any) -> None:
    declare(desk, smtp="smtp+plain://localhost:1")
    open_ticket(desk, letter, replies=3)
    deliveries = deliver(desk, now_all=True)
    assert [one.state for one in deliveries] == ["waiting"]
    assert "does not answer" in deliveries[0].error
    assert [one.attempts for one in mail_status(desk).outgoing] == [1, 0, 0]


def test_without_a_way_out_mail_waits_and_says_why(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    open_ticket(desk, letter)
    [done] = deliver(desk, now_all=True)
    assert (done.state, done.error) == ("waiting", "mailbox support has no smtp in desk.toml")
    assert mail_status(desk).outgoing[0].error == done.error


def test_two_senders_at_once_send_each_mail_once(
    desk: Desk, declare: Declare, letter: Letter, postman: Any, clock: Any
) -> None:
    declare(desk, **postman.body())
    open_ticket(desk, letter, replies=12)
    clock.now += timedelta(minutes=1)
    done: list[Delivery] = []
    stores = [Store(desk.store.location) for _ in range(3)]
    threads = [threading.Thread(target=lambda s=store: done.extend(deliver(Desk(s, now=clock)))) for store in stores]  # type: ignore[misc]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(one.outbox_id for one in done) == sorted(row.id for row in rows(desk, Outbox) if row.kind == "reply")
    assert len(postman.received) == 12


def test_a_sender_that_is_killed_leaves_its_mail_to_the_next(
    desk: Desk, declare: Declare, letter: Letter, postman: Any, die_sending: Callable[[Desk], None]
) -> None:
    declare(desk, **postman.body())
    open_ticket(desk, letter, replies=2)
    die_sending(desk)
    assert [row.state for row in rows(desk, Outbox) if row.kind == "reply"] == ["sending", "waiting"]
    assert [one.state for one in deliver(desk, now_all=True)] == ["sent", "sent"]
    subjects = sorted(parse(one.content).text.strip() for one in postman.received)
    assert subjects == ["Answer 0", "Answer 1"]


@pytest.mark.parametrize("where", ["another-host.example", f"{socket.gethostname()} (namespace 1)"])
def test_a_row_in_unknown_hands_waits_for_its_lease(where: str, sending: Desk, postman: Any, clock: Any) -> None:
    """No process has that number here, where it says nothing."""
    with sending.store.transaction() as session:
        row = session.exec(select(Outbox).where(Outbox.kind == "reply")).one()
        row.state, row.next_at = "sending", clock.now + LEASE
        row.error = f"being sent by process 99999999 on {where}"
    assert deliver(sending, now_all=True) == []
    clock.now += LEASE
    assert [one.state for one in deliver(sending)] == ["sent"]


def test_a_confirmation_says_that_nobody_wrote_it(desk: Desk, declare: Declare, letter: Letter, postman: Any) -> None:
    declare(desk, **postman.body())
    gateway.ingest(desk, letter("Broken"))
    assert [one.state for one in deliver(desk, now_all=True)] == ["sent"]
    message = message_from_bytes(postman.received[0].content, policy=SMTP)
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Tkt-Desk"]
    with desk.store.transaction() as session:
        [tkt] = session.exec(select(Outbox).where(col(Outbox.state) == "sent")).all()
    assert message["Message-ID"] == tkt.message_id
    back = gateway.ingest(desk, postman.received[0].content)
    assert back.state == "duplicate"


def test_each_mail_names_itself_in_its_return_path_and_its_ticket_in_reply_to(
    desk: Desk, declare: Declare, letter: Letter, postman: Any
) -> None:
    declare(desk, **postman.body(return_path="bounces@desk.example", plus=True))
    open_ticket(desk, letter)
    deliver(desk, now_all=True)
    [envelope] = postman.received
    [row] = [row for row in rows(desk, Outbox) if row.kind == "reply"]
    local, _, domain = envelope.mail_from.partition("@")
    assert (local.partition("+")[0], domain) == ("bounces", "desk.example")
    assert message_ids.read_bounce_token("the secret of the tests", local.partition("+")[2]) == row.id
    mail = message_from_bytes(envelope.content, policy=SMTP)
    [answers] = mail["Reply-To"].addresses
    assert answers.domain == "desk.example" and mail["From"].addresses[0].addr_spec == "support@desk.example"
    gone_on = letter("Other", To=answers.addr_spec)
    assert (gateway.ingest(desk, gone_on).state, gateway.ingest(desk, gone_on).ticket) == ("entry", None)
    assert [entry.ticket for entry in rows(desk, Entry)] == [1, 1, 1]
