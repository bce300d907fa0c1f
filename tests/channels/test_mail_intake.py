"""From a folder to tickets: nothing is lost, nothing is doubled, whatever comes between."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.receiving import intake, quarantine
from tkt.desk.unit import Desk
from tkt.errors import NotFound, StoreBusy
from tkt.store.definitions import raise_generation
from tkt.store.tables import Agent, Attachment, Blob, Entry, Intake, Outbox, Ticket

Letter = Callable[..., bytes]
Declare = Callable[..., None]


def rows(desk: Desk, table: Any) -> list[Any]:
    with desk.store.transaction() as session:
        return list(session.exec(select(table).order_by(*table.__table__.primary_key.columns)))


def test_a_mail_becomes_a_ticket(desk: Desk, declare: Declare, maildir: Any, letter: Letter) -> None:
    declare(desk, imap=f"maildir:{maildir.path}", smtp="smtp+plain://localhost:1")
    maildir.deliver(letter("Drucker kaputt", text="Er druckt nicht.", Cc="Bob <bob@customer.example>"))
    [result] = gateway.pull(desk)
    assert (result.fetched, result.tickets, result.error) == (1, 1, "")
    [ticket], [entry], [kept] = rows(desk, Ticket), rows(desk, Entry), rows(desk, Intake)
    assert (ticket.subject, ticket.channel, ticket.mailbox, ticket.unread) == (
        "Drucker kaputt",
        "mail",
        "support",
        True,
    )
    assert (entry.kind, entry.author, entry.author_address) == ("inbound", "Carol", "carol@customer.example")
    assert entry.text.strip() == "Er druckt nicht."
    assert entry.recipients == ["support@desk.example", "bob@customer.example"]
    assert entry.raw == kept.digest
    assert (kept.state, kept.ticket) == ("ticket", ticket.number)
    assert maildir.names("new") == []
    assert maildir.names("cur")[0].endswith(":2,S")
    [confirmation] = rows(desk, Outbox)
    assert (confirmation.kind, confirmation.recipients[0]) == ("confirmation", "carol@customer.example")


def test_a_second_pull_takes_nothing_twice(desk: Desk, declare: Declare, maildir: Any, letter: Letter) -> None:
    declare(desk, imap=f"maildir:{maildir.path}")
    maildir.deliver(*(letter(f"Question {n}") for n in range(5)))
    assert gateway.pull(desk)[0].tickets == 5
    assert gateway.pull(desk)[0].fetched == 0
    maildir.deliver(letter("One more"))
    assert gateway.pull(desk)[0].tickets == 1
    assert len(rows(desk, Ticket)) == 6


def test_a_crash_after_storing_loses_nothing(desk: Desk, declare: Declare, maildir: Any, letter: Letter) -> None:
    """Stored, but neither processed nor marked: the next round does both, once."""
    declare(desk, imap=f"maildir:{maildir.path}")
    mail = letter()
    maildir.deliver(mail)
    [name] = maildir.names("new")
    intake.store(desk, "support", [(name, mail)])
    assert rows(desk, Ticket) == []
    assert gateway.pull(desk)[0].tickets == 1
    assert len(rows(desk, Ticket)) == len(rows(desk, Intake)) == 1
    assert maildir.names("new") == []


def test_a_crash_after_processing_doubles_nothing(desk: Desk, declare: Declare, maildir: Any, letter: Letter) -> None:
    """Processed, but not marked in the folder."""
    declare(desk, imap=f"maildir:{maildir.path}")
    mail = letter()
    maildir.deliver(mail)
    [name] = maildir.names("new")
    [stored] = intake.store(desk, "support", [(name, mail)])
    assert intake.process(desk, stored).state == "ticket"
    assert gateway.pull(desk)[0].fetched == 0
    assert len(rows(desk, Ticket)) == 1
    assert maildir.names("new") == []


def test_one_message_is_filed_by_one_process(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    [stored] = intake.store(desk, "support", [("a", letter())])
    assert intake.process(desk, stored).state == "ticket"
    assert intake.process(desk, stored).state == ""
    assert intake.store(desk, "support", [("a", stored.raw)]) == []
    assert len(rows(desk, Ticket)) == 1


def test_the_same_mail_in_two_mailboxes_is_one_ticket(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    declare(desk, name="sales", address="sales@desk.example")
    mail = letter(To="support@desk.example, sales@desk.example")
    first, second = (
        b"Delivered-To: " + box + b"\r\n" + mail for box in (b"support@desk.example", b"sales@desk.example")
    )
    [one] = intake.store(desk, "support", [("1", first)])
    [two] = intake.store(desk, "sales", [("1", second)])
    filed = intake.process(desk, one)
    again = intake.process(desk, two)
    assert (filed.state, again.state, again.ticket) == ("ticket", "duplicate", filed.ticket)
    assert len(rows(desk, Ticket)) == 1


def test_a_guessed_message_id_hides_nothing(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    attack = letter("Nothing to see", sender="mallory@evil.example", Message_ID="<predictable-1@customer.example>")
    victim = letter("My order", Message_ID="<predictable-1@customer.example>")
    for name, mail in (("1", attack), ("2", victim)):
        [stored] = intake.store(desk, "support", [(name, mail)])
        assert intake.process(desk, stored).state == "ticket"
    assert [ticket.subject for ticket in rows(desk, Ticket)] == ["Nothing to see", "My order"]


def test_a_device_that_repeats_its_message_id_is_heard_each_time(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    for hour in ("08", "09"):
        mail = letter("Paper jam", Message_ID="<scanner@lan>", Date=f"Mon, 02 Nov 2026 {hour}:00:00 +0000")
        [stored] = intake.store(desk, "support", [(hour, mail)])
        assert intake.process(desk, stored).state == "ticket"


def test_the_unparseable_waits_in_quarantine_and_stops_nobody(
    desk: Desk, declare: Declare, maildir: Any, letter: Letter
) -> None:
    declare(desk, imap=f"maildir:{maildir.path}")
    maildir.deliver(letter("Before"), b"\0\0\0", letter("After"))
    [result] = gateway.pull(desk)
    assert (result.tickets, result.quarantined) == (2, 1)
    [held] = quarantine.quarantined(desk)
    assert (held.mailbox, held.size) == ("support", 3)
    assert "empty" in held.reason
    assert quarantine.raw_message(desk, held.id) == b"\0\0\0"
    assert quarantine.retry(desk, held.id).state == "quarantined"
    quarantine.drop(desk, held.id)
    assert quarantine.quarantined(desk) == []
    assert gateway.pull(desk)[0].fetched == 0


def test_what_a_verb_refuses_is_quarantined_and_can_be_tried_again(
    desk: Desk, declare: Declare, letter: Letter
) -> None:
    declare(desk)
    answer = letter("Re: Broken [#1]", sender="victor@desk.example", text="seen")
    asked, answered = intake.store(desk, "support", [("1", letter("Broken")), ("2", answer)])
    assert intake.process(desk, asked).ticket == 1
    outcome = intake.process(desk, answered)
    assert outcome.state == "quarantined"
    assert "viewer" in outcome.reason
    with desk.store.transaction() as session:
        session.exec(select(Agent).where(Agent.name == "victor")).one().role = "agent"
        raise_generation(session)
    assert quarantine.retry(desk, answered.id).state == "entry"
    with pytest.raises(NotFound):
        quarantine.drop(desk, 4711)


def test_a_team_that_is_gone_gets_no_new_tickets(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk, name="lost", team="nobody")
    [stored] = intake.store(desk, "lost", [("1", letter())])
    assert intake.process(desk, stored).state == "ticket"
    with desk.store.transaction() as session:
        assert session.exec(select(Ticket.team_id)).one() is None


def test_a_mail_that_kills_its_process_is_given_up(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    mails = [("killer", letter("Kills")), ("next", letter("Harmless"))]
    killer, harmless = intake.store(desk, "support", mails)
    with desk.store.transaction() as session:  # what two more deaths in the middle of it leave behind
        session.get_one(Intake, killer.id).attempts = intake.ATTEMPTS
    outcomes = [outcome for _, outcome in intake.resume(desk)]
    assert [outcome.state for outcome in outcomes] == ["quarantined", "ticket"]
    assert f"{intake.ATTEMPTS} times" in outcomes[0].reason
    assert quarantine.retry(desk, killer.id).state == "ticket"


def test_a_busy_store_costs_no_attempt(sqlite_desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(sqlite_desk)
    [stored] = intake.store(sqlite_desk, "support", [("1", letter())])
    busy = Desk(sqlite_desk.store, now=_busy_once())
    with pytest.raises(StoreBusy):
        intake.process(busy, stored)
    [row] = rows(sqlite_desk, Intake)
    assert (row.state, row.attempts) == ("stored", 0)
    assert [(name, one.state) for name, one in intake.resume(sqlite_desk)] == [("support", "ticket")]


def _busy_once() -> Callable[[], Any]:
    def clock() -> Any:
        raise StoreBusy("the store is busy")

    return clock


def test_mail_from_a_pipe(desk: Desk, declare: Declare, letter: Letter, clock: Any) -> None:
    declare(desk)
    declare(desk, name="sales", address="sales@desk.example")
    mail = letter(To="sales@desk.example")
    assert gateway.ingest(desk, mail).state == "ticket"
    assert gateway.ingest(desk, mail).state == "duplicate"
    assert gateway.ingest(desk, letter("Other"), "support").state == "ticket"
    assert [ticket.mailbox for ticket in rows(desk, Ticket)] == ["sales", "support"]
    assert gateway.ingest(desk, b"\0").state == "quarantined"
    with pytest.raises(NotFound):
        gateway.ingest(desk, mail, "nowhere")


def test_a_pipe_finishes_what_an_earlier_one_left(desk: Desk, declare: Declare, letter: Letter, clock: Any) -> None:
    declare(desk)
    intake.store(desk, "support", [("pipe:1", letter("Left behind"))])
    gateway.ingest(desk, letter("First"))
    clock.now += timedelta(minutes=5)
    gateway.ingest(desk, letter("Second"))
    assert [ticket.subject for ticket in rows(desk, Ticket)] == ["First", "Second", "Left behind"]


def test_machine_mail_is_filed_and_asks_for_nothing(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk, smtp="smtp+plain://localhost:1")
    mail = letter("Automatic reply: away", Auto_Submitted="auto-replied")
    [stored] = intake.store(desk, "support", [("1", mail)])
    assert intake.process(desk, stored).state == "machine"
    [entry] = rows(desk, Entry)
    assert entry.machine.startswith("auto-reply: ")
    assert rows(desk, Outbox) == []
    assert rows(desk, Ticket)[0].status_kind == "closed"


def test_what_another_desk_sends_by_hand_is_a_persons_mail(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    by_hand = letter("A question of theirs", X_Tkt_Desk="another desk's mark")
    by_itself = letter("We got your mail", X_Tkt_Desk="another desk's mark", Auto_Submitted="auto-replied")
    states = [
        intake.process(desk, intake.store(desk, "support", [(str(n), mail)])[0]).state
        for n, mail in enumerate((by_hand, by_itself))
    ]
    assert states == ["ticket", "machine"]


def test_a_web_forms_mail_speaks_for_its_reply_to(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    mail = letter(sender="support@desk.example", Reply_To="Dora <dora@customer.example>")
    gateway.ingest(desk, mail)
    [entry] = rows(desk, Entry)
    assert (entry.author, entry.author_address) == ("Dora", "dora@customer.example")


def test_one_broken_mailbox_does_not_hold_up_the_others(
    desk: Desk, declare: Declare, maildir: Any, letter: Letter, tmp_path: Any
) -> None:
    declare(desk, name="broken", address="b@desk.example", imap=f"maildir:{tmp_path}/nowhere")
    declare(desk, imap=f"maildir:{maildir.path}")
    maildir.deliver(letter())
    broken, fine = gateway.pull(desk)
    assert "no Maildir" in broken.error
    assert (fine.tickets, fine.error) == (1, "")
    assert [one.mailbox for one in gateway.pull(desk, ["support"])] == ["support"]
    with pytest.raises(NotFound):
        gateway.pull(desk, ["nowhere"])


def test_attachments_come_with_the_mail(desk: Desk, declare: Declare, letter: Letter) -> None:
    declare(desk)
    text = (
        "--x\r\nContent-Type: text/plain\r\n\r\nSee file.\r\n--x\r\n"
        'Content-Type: application/pdf; name="../../a.pdf"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--x--"
    )
    gateway.ingest(desk, letter(text=text, MIME_Version="1.0", Content_Type='multipart/mixed; boundary="x"'))
    [file] = rows(desk, Attachment)
    assert (file.name, file.type, file.size) == ("a.pdf", "application/pdf", 4)
    with desk.store.transaction() as session:
        assert session.get_one(Blob, file.digest).data == b"%PDF"


def test_a_message_that_two_processes_give_up_is_given_up_once(sqlite_desk: Desk, declare: Declare) -> None:
    declare(sqlite_desk)
    [stored] = intake.store(sqlite_desk, "support", [("1", b"")])
    assert intake.process(sqlite_desk, stored).state == "quarantined"
    assert intake.process(sqlite_desk, stored).state == ""


def test_killed_again_and_again_it_still_files_each_mail_once(
    sqlite_desk: Desk, declare: Declare, maildir: Any, letter: Letter
) -> None:
    """kill -9 at moments that move through the whole round, until one round comes to its end."""
    declare(sqlite_desk, imap=f"maildir:{maildir.path}")
    wanted = [f"Question {number}" for number in range(60)]
    maildir.deliver(*(letter(subject) for subject in wanted))
    code = (
        "import sys; from tkt.channels.mail import gateway; from tkt.channels.mail.receiving import sources;"
        "from tkt.desk.unit import Desk;"
        "from tkt.store.engine import Store; from tkt.store.location import parse_location;"
        "sources.BATCH_MESSAGES = 10; desk = Desk(Store(parse_location(sys.argv[1])));"
        "gateway.pull(desk, progress=lambda *told: print(flush=True))"
    )
    kills = 0
    for messages in (1, 3, 7, 10, 2, 11):
        command = [sys.executable, "-c", code, sqlite_desk.store.location.target]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as puller:
            assert puller.stdout
            for _ in range(messages):
                puller.stdout.readline()
            puller.kill()
            kills += puller.wait() < 0
    assert kills > 3
    gateway.pull(sqlite_desk)
    assert sorted(ticket.subject for ticket in rows(sqlite_desk, Ticket)) == sorted(wanted)
    assert maildir.names("new") == []
