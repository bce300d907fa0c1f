"""A burst of changes is one mail for each person it concerns, whoever sends it and whenever they die."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.reading.parse import parse
from tkt.channels.mail.sending.deliver import deliver
from tkt.desk import conversation, tickets
from tkt.desk.digest import BY_NUMBER, IN_A_LINE, IN_FULL, REASONS, SUBJECT
from tkt.desk.message_ids import read_message_id
from tkt.desk.undo import undo
from tkt.desk.unit import Desk, find_actor
from tkt.store.definitions import raise_generation
from tkt.store.engine import Store
from tkt.store.tables import Agent, Definition, Entry, Outbox

BOB = "bob@desk.example"
SECRET = "the secret of the tests"


@pytest.fixture
def office(desk: Desk, declare: Callable[..., None], postman: Any) -> Desk:
    """A desk that can send, and a second agent."""
    return hired(desk, declare, postman)


@pytest.fixture
def sqlite_office(sqlite_desk: Desk, declare: Callable[..., None], postman: Any) -> Desk:
    return hired(sqlite_desk, declare, postman)


def hired(desk: Desk, declare: Callable[..., None], postman: Any) -> Desk:
    declare(desk, **postman.body())
    with desk.store.transaction() as session:
        session.add(Agent(name="bob", email=BOB, role="agent"))
    return desk


def acting(desk: Desk, name: str) -> Desk:
    return desk.acting(find_actor(desk.store, name))


def give(desk: Desk, subject: str) -> int:
    """A ticket that alice gives to bob."""
    return tickets.create(acting(desk, "alice"), subject, assignee="bob").number or 0


def notifications(desk: Desk) -> list[Outbox]:
    with desk.store.transaction() as session:
        return list(session.exec(select(Outbox).where(Outbox.kind == "notification").order_by(Outbox.id)))  # type: ignore[arg-type]


def test_ten_changes_are_one_mail(office: Desk, postman: Any, clock: Any) -> None:
    number = give(office, "VPN")
    for step in range(9):
        clock.now += timedelta(seconds=3)
        conversation.note(acting(office, "alice"), number, f"step {step % 8}")
    assert deliver(office) == []
    clock.now += timedelta(seconds=3)
    [done] = deliver(office)
    assert (done.state, done.recipients) == ("sent", (BOB,))
    [envelope] = postman.received
    mail = parse(envelope.content)
    assert mail.subject == f"VPN [#{number}]"
    words = ["assigned this ticket to you", *(f"step {step}" for step in range(8))]
    assert [mail.text.count(one) for one in words] == [1] * 9
    assert sorted(words, key=mail.text.index) == words
    assert mail.text.count("tkt show") == 1
    assert [row.state for row in notifications(office)] == ["sent", *["collected"] * 9]
    signed = read_message_id(SECRET, mail.message_id)
    assert signed is not None and (signed.ticket, signed.kind) == (number, "n")
    assert deliver(office, now_all=True) == []


def test_several_tickets_are_a_digest(office: Desk, postman: Any, clock: Any) -> None:
    numbers = [give(office, f"Printer {n} [#1]") for n in range(7)]
    conversation.note(acting(office, "alice"), numbers[2], "It hums.")
    assert [one.state for one in deliver(office, now_all=True)] == ["sent"]
    [envelope] = postman.received
    mail = parse(envelope.content)
    assert mail.subject.startswith(f"7 tickets: #{numbers[0]} Printer 0") and len(mail.subject) <= SUBJECT
    assert "[#" not in mail.subject
    assert [mail.text.count(f'#{number} "Printer') for number in numbers] == [1] * 7
    assert mail.text.count("alice assigned this ticket to you.") == 7
    assert mail.text.index("It hums.") < mail.text.index(f"#{numbers[3]} ")
    signed = read_message_id(SECRET, mail.message_id)
    assert signed is not None and (signed.ticket, signed.kind) == (0, "d")
    assert (mail.in_reply_to, mail.references) == ((), ())


def test_who_is_told_in_html_gets_the_digest_so_too(office: Desk, postman: Any) -> None:
    body = {"language": "en", "text": "{{ message.text }}", "html": "<b>{{ desk.name }}</b>{{ message.html }}"}
    with office.store.transaction() as session:
        session.add(Definition(kind="template", name="notification/en", body=body, created_at=office.now()))
        raise_generation(session)
    for subject in ("VPN", "<i>Printer</i>"):
        give(office, subject)
    deliver(office, now_all=True)
    mail = parse(postman.received[0].content)
    assert mail.subject.startswith("2 tickets")
    assert "&lt;i&gt;Printer" in mail.html and "alice assigned this ticket to you." in mail.html


def test_an_answer_to_a_digest_is_filed_on_no_ticket(office: Desk, postman: Any, letter: Callable[..., bytes]) -> None:
    numbers = [give(office, subject) for subject in ("VPN", "Printer")]
    deliver(office, now_all=True)
    digest = parse(postman.received[0].content)
    answer = letter(f"Re: {digest.subject}", f"Bob <{BOB}>", "I did it.", In_Reply_To=digest.message_id)
    outcome = gateway.ingest(office, answer)
    assert outcome.state == "quarantined" and "a digest of several tickets" in outcome.reason
    named = letter(f"Re: VPN [#{numbers[0]}]", f"Bob <{BOB}>", "I did it.", In_Reply_To=digest.message_id)
    outcome = gateway.ingest(office, named)
    assert (outcome.state, outcome.ticket) == ("entry", numbers[0])
    away = letter("Away", f"Bob <{BOB}>", "I am away.", In_Reply_To=digest.message_id, Auto_Submitted="auto-replied")
    assert gateway.ingest(office, away).state == "machine"
    with office.store.transaction() as session:
        assert [one.kind for one in session.exec(select(Entry).where(Entry.ticket == numbers[0]))] == ["note"]


def test_a_digest_that_comes_back_has_failed(office: Desk, postman: Any, letter: Callable[..., bytes]) -> None:
    for subject in ("VPN", "Printer"):
        give(office, subject)
    deliver(office, now_all=True)
    bounce = (
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {BOB}\r\nAction: failed\r\nStatus: 5.2.2\r\nDiagnostic-Code: smtp; 552 full\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {parse(postman.received[0].content).message_id}\r\n--b--"
    )
    kind = "multipart/report; report-type=delivery-status; boundary=b"
    back = letter("Undelivered", "MAILER-DAEMON@mx.example", bounce, MIME_Version="1.0", Content_Type=kind)
    assert gateway.ingest(office, back).state == "machine"
    assert [(one.state, one.error) for one in notifications(office)][0] == ("failed", f"{BOB} 552 full")


def test_each_person_gets_their_own(office: Desk, postman: Any) -> None:
    give(office, "VPN")
    tickets.create(acting(office, "bob"), "Printer", assignee="alice")
    give(office, "Monitor")
    assert sorted(one.recipients[0] for one in deliver(office, now_all=True)) == ["alice@desk.example", BOB]
    assert sorted(envelope.rcpt_tos[0] for envelope in postman.received) == ["alice@desk.example", BOB]


def test_what_was_tried_once_is_never_another_mail_again(office: Desk, postman: Any, clock: Any) -> None:
    """A retry must be recognisable: what happened since makes the next mail."""
    postman.script = ["451 not now", None]
    number = give(office, "VPN")
    conversation.note(acting(office, "alice"), number, "First.")
    clock.now += timedelta(seconds=30)
    assert [one.state for one in deliver(office)] == ["waiting"]
    before = notifications(office)[0]
    conversation.note(acting(office, "alice"), number, "Second.")
    clock.now += timedelta(minutes=2)
    assert [one.state for one in deliver(office)] == ["sent", "sent"]
    mails = {mail.message_id: mail for mail in (parse(envelope.content) for envelope in postman.received)}
    first = mails.pop(before.message_id)
    [second] = mails.values()
    assert first.text.strip() == before.mail["text"].strip()
    assert "Second." not in first.text and "First." not in second.text and "Second." in second.text


def test_what_is_taken_back_before_it_leaves_is_not_told(office: Desk, postman: Any, clock: Any) -> None:
    number = give(office, "VPN")
    conversation.note(acting(office, "alice"), number, "Nonsense.")
    undo(acting(office, "alice"))
    deliver(office, now_all=True)
    assert "Nonsense" not in parse(postman.received[0].content).text
    assert [row.state for row in notifications(office)] == ["sent", "recalled"]


def test_what_is_taken_back_takes_nothing_else_with_it(office: Desk, postman: Any) -> None:
    number = give(office, "VPN")
    deliver(office, now_all=True)
    conversation.note(acting(office, "alice"), number, "Nonsense.")
    give(office, "Important")
    postman.script = ["451 not now"]
    deliver(office, now_all=True)
    undo(acting(office, "alice"), number)
    deliver(office, now_all=True)
    assert "Important" in parse(postman.received[-1].content).text


def test_a_sender_that_dies_loses_no_word(office: Desk, postman: Any, die_sending: Callable[[Desk], None]) -> None:
    """It has collected, and is killed before the server has said anything."""
    number = give(office, "VPN")
    conversation.note(acting(office, "alice"), number, "It hums.")
    die_sending(office)
    assert [row.state for row in notifications(office)] == ["sending", "collected"]
    conversation.note(acting(office, "alice"), number, "And stinks.")
    assert [one.state for one in deliver(office, now_all=True)] == ["sent", "sent"]
    told = sorted((parse(envelope.content).text for envelope in postman.received), key=len)
    assert [("hums" in text, "stinks" in text) for text in told] == [(False, True), (True, False)]


def test_two_senders_tell_nothing_twice(office: Desk, postman: Any, clock: Any) -> None:
    for n in range(12):
        give(office, f"Printer {n}")
    clock.now += timedelta(minutes=1)
    stores = [Store(office.store.location) for _ in range(3)]
    together = threading.Barrier(3)

    def send(store: Store) -> None:
        together.wait(10)
        deliver(Desk(store, now=clock))

    threads = [threading.Thread(target=send, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    [envelope] = postman.received
    assert parse(envelope.content).text.count("alice assigned this ticket to you.") == 12
    assert sorted(row.state for row in notifications(office)) == [*["collected"] * 11, "sent"]


def test_hundreds_of_tickets_stay_readable(sqlite_office: Desk, postman: Any) -> None:
    first, count = give(sqlite_office, "Printer 0"), IN_FULL + IN_A_LINE + BY_NUMBER + 5
    with sqlite_office.store.transaction() as session:
        [row] = session.exec(select(Outbox)).all()
        ticket = session.get_one(tickets.Ticket, first)
        for n in range(1, count):
            session.add(tickets.Ticket(**{**ticket.model_dump(), "number": first + n, "subject": f"Printer {n}"}))
            session.flush()
            copied = {**row.model_dump(), "id": None, "ticket": first + n, "message_id": f"<{n}@x>"}
            session.add(Outbox(**copied))
    [done] = deliver(sqlite_office, now_all=True)
    assert done.state == "sent"
    mail = parse(postman.received[0].content)
    assert mail.subject.startswith(f"{count} tickets: ")
    assert mail.text.count("alice assigned this ticket to you.") == IN_FULL + IN_A_LINE
    assert f"{BY_NUMBER + 5} more tickets: #" in mail.text and " and 5 more" in mail.text
    assert len(mail.text) < 20_000


def test_very_much_on_one_ticket_has_an_end(sqlite_office: Desk, postman: Any) -> None:
    number = give(sqlite_office, "VPN")
    for n in range(REASONS + 9):
        conversation.note(acting(sqlite_office, "alice"), number, f"step {n}")
    deliver(sqlite_office, now_all=True)
    text = parse(postman.received[0].content).text
    assert f"step {REASONS - 2}\n" in text and f"step {REASONS - 1}\n" not in text
    assert "And 10 more, on the ticket." in text
