"""A report leaves like other mail, and what comes back of it is nobody's ticket."""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from email.policy import SMTP
from typing import Any

from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.sending.deliver import deliver
from tkt.channels.mail.status import mail_status
from tkt.desk.mailing import mail_report
from tkt.desk.unit import Desk, find_actor
from tkt.store.tables import AddressState, Outbox, Ticket

BOUNCE = """Return-Path: <>
From: MAILER-DAEMON@mx.example
To: support@desk.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: SLA report
--b--
"""
TO = ["alice@desk.example", "victor@desk.example"]


def test_a_report_leaves_as_text_and_html(
    desk: Desk, declare: Callable[..., None], letter: Callable[..., bytes], postman: Any
) -> None:
    declare(desk, **postman.body())
    mail_report(desk.acting(find_actor(desk.store, "alice")), TO, "SLA report: 93%", "first_response 93%", "<b>93%</b>")
    assert [(one.kind, one.ticket) for one in mail_status(desk).outgoing] == [("report", None)]
    [done] = deliver(desk)
    assert (done.state, done.kind, done.ticket, done.recipients) == ("sent", "report", None, tuple(TO))
    [envelope] = postman.received
    mail = message_from_bytes(envelope.content, policy=SMTP)
    assert (mail["Subject"], mail["To"]) == ("SLA report: 93%", ", ".join(TO))
    assert mail["Auto-Submitted"] == "auto-generated"
    parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
    assert parts["text/plain"] == "first_response 93%\r\n" and "<b>93%</b>" in parts["text/html"]
    assert deliver(desk, now_all=True) == []
    with desk.store.transaction() as session:
        assert session.exec(select(Ticket)).all() == []


def test_an_answer_is_a_new_ticket_and_a_bounce_shows_in_the_outbox_alone(
    desk: Desk, declare: Callable[..., None], letter: Callable[..., bytes], postman: Any
) -> None:
    declare(desk, **postman.body())
    mail_report(desk.acting(find_actor(desk.store, "alice")), TO, "SLA report", "93%", "<b>93%</b>")
    deliver(desk)
    with desk.store.transaction() as session:
        sent = session.exec(select(Outbox)).one().message_id
    answered = gateway.ingest(desk, letter("Re: SLA report", In_Reply_To=sent), "support")
    assert answered.state == "ticket"
    bounce = BOUNCE.format(address=TO[1], message_id=sent).encode()
    assert gateway.ingest(desk, bounce, "support").state == "machine"
    [failed] = [one for one in mail_status(desk).outgoing if one.kind == "report"]
    assert (failed.state, failed.error) == ("failed", f"{TO[1]} 550 no such user")
    with desk.store.transaction() as session:
        assert [one.undelivered for one in session.exec(select(Ticket))] == [False, False]
        assert not [one for one in session.exec(select(AddressState)) if one.bounced_at]
