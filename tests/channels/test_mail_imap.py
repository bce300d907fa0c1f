"""Reading real IMAP servers: pymap and Dovecot."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.mailboxes import Mailbox, Secret, mailboxes, password
from tkt.channels.mail.receiving import intake, sources
from tkt.channels.mail.receiving.imap import ImapAccount
from tkt.channels.mail.receiving.sources import Position
from tkt.config.mail_urls import Server
from tkt.desk.unit import Desk
from tkt.errors import MailboxUnusable, MailServerAway
from tkt.store.tables import Intake, MailboxState, Ticket

Letter = Callable[..., bytes]
Declare = Callable[..., None]


def subjects(desk: Desk) -> list[str]:
    with desk.store.transaction() as session:
        return [ticket.subject for ticket in session.exec(select(Ticket).order_by(Ticket.number))]  # type: ignore[arg-type]


def account(desk: Desk) -> ImapAccount:
    with desk.change() as change:
        box = mailboxes(change.definitions)[0]
    found = sources.open_account(box)
    assert isinstance(found, ImapAccount)
    return found


def test_mail_becomes_tickets_and_is_flagged(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter
) -> None:
    imap_server.deliver(*(letter(f"Question {n}") for n in range(5)))
    with imap_server.client() as client:  # somebody has opened one in their webmail: still a request
        client.select_folder("INBOX")
        client.add_flags([client.search()[0]], [rb"\Seen"])
    declare(sqlite_desk, **imap_server.body())
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.error) == (5, "")
    assert subjects(sqlite_desk) == [f"Question {n}" for n in range(5)]
    assert all(rb"\Seen" in flags for flags in imap_server.flags().values())
    assert gateway.pull(sqlite_desk)[0].fetched == 0
    imap_server.deliver(letter("Question 5"))
    assert gateway.pull(sqlite_desk)[0].tickets == 1


def test_a_crash_before_flagging_is_mended(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter
) -> None:
    """Stored and filed, but neither flagged nor the position kept: the next round flags, and files nothing twice."""
    imap_server.deliver(letter("One"), letter("Two"))
    declare(sqlite_desk, **imap_server.body())
    opened = account(sqlite_desk)
    [batch] = opened.open("INBOX").batches(Position(), lambda _names: set())
    opened.close()
    for stored in intake.store(sqlite_desk, "support", [(one.source, one.raw or b"") for one in batch.messages]):
        intake.process(sqlite_desk, stored)
    assert gateway.pull(sqlite_desk)[0].fetched == 0
    assert subjects(sqlite_desk) == ["One", "Two"]
    assert all(rb"\Seen" in flags for flags in imap_server.flags().values())


def test_a_huge_message_comes_alone(sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter) -> None:
    big = letter("Big", text="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * (sources.BATCH_BYTES // 72))
    imap_server.deliver(letter("Before"), big, letter("After"))
    declare(sqlite_desk, **imap_server.body())
    opened = account(sqlite_desk)
    sizes = [len(batch.messages) for batch in opened.open("INBOX").batches(Position(), lambda _names: set())]
    opened.close()
    assert sizes == [1, 1, 1]
    assert gateway.pull(sqlite_desk)[0].tickets == 3


def test_a_changed_uidvalidity_doubles_nothing(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter
) -> None:
    with imap_server.client() as client:
        client.create_folder("Desk")
    mails = [letter("One"), letter("Two")]
    imap_server.deliver(*mails, folder="Desk")
    declare(sqlite_desk, **imap_server.body(folder="Desk"))
    assert gateway.pull(sqlite_desk)[0].tickets == 2
    with imap_server.client() as client:
        before = after = client.select_folder("Desk")[b"UIDVALIDITY"]
        while before == after:  # servers make it of the clock's seconds
            client.select_folder("INBOX")
            client.delete_folder("Desk")
            time.sleep(0.1)
            client.create_folder("Desk")
            after = client.select_folder("Desk")[b"UIDVALIDITY"]
    imap_server.deliver(*mails, letter("Three"), folder="Desk")
    [result] = gateway.pull(sqlite_desk)
    assert (result.fetched, result.duplicates, result.tickets) == (3, 2, 1)
    assert subjects(sqlite_desk) == ["One", "Two", "Three"]


def test_what_has_been_filed_moves_to_the_archive(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter
) -> None:
    imap_server.deliver(letter("One"), letter("Two"))
    declare(sqlite_desk, **imap_server.body(archive="Filed"))
    assert gateway.pull(sqlite_desk)[0].tickets == 2
    assert (imap_server.count(), imap_server.count("Filed")) == (0, 2)
    imap_server.deliver(letter("Three"))
    assert gateway.pull(sqlite_desk)[0].tickets == 1
    assert (imap_server.count(), imap_server.count("Filed")) == (0, 3)


def test_several_batches_and_the_position(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BATCH_MESSAGES", 2)
    imap_server.deliver(*(letter(f"Question {n}") for n in range(5)))
    declare(sqlite_desk, **imap_server.body())
    seen: list[tuple[str, int, int]] = []
    gateway.pull(sqlite_desk, progress=lambda *told: seen.append(told))
    assert seen == [("support", done, 5 - done) for done in range(1, 6)]
    with sqlite_desk.store.transaction() as session:
        [state] = session.exec(select(MailboxState)).all()
        last = session.exec(select(Intake).order_by(Intake.id.desc())).first()  # type: ignore[union-attr]
    assert last is not None
    assert last.source == f"{state.uidvalidity}:{state.last_uid}"


def test_tls_is_verified(sqlite_desk: Desk, declare: Declare, tls_mailbox: Any, letter: Letter, tls_ca: str) -> None:
    server, body = tls_mailbox
    declare(sqlite_desk, **body, tls_ca=tls_ca)
    [result] = gateway.pull(sqlite_desk)
    assert (result.error, result.fetched) == ("", 0)
    assert server.process.poll() is None


def test_an_unknown_certificate_is_refused(sqlite_desk: Desk, declare: Declare, tls_mailbox: Any) -> None:
    declare(sqlite_desk, **tls_mailbox[1])
    [result] = gateway.pull(sqlite_desk)
    assert "can't be trusted" in result.error
    assert not result.away


def test_a_certificate_for_another_name_is_refused(tls_mailbox: Any, tls_ca: str) -> None:
    server, body = tls_mailbox
    port = int(body["imap"].partition("localhost:")[2].partition("/")[0])
    security = "tls" if body["imap"].startswith("imaps") else "starttls"
    box = Mailbox("box", "", tls_ca=tls_ca, password_env="TKT_TEST_PASSWORD")
    with pytest.raises(MailboxUnusable, match="can't be trusted"):
        ImapAccount(box, Server("imap", security, "127.0.0.1", port, "support", "INBOX"))


def test_a_wrong_password_is_said_and_not_shown(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(sqlite_desk, **imap_server.body())
    monkeypatch.setenv("TKT_TEST_PASSWORD", "not-this-one")
    [result] = gateway.pull(sqlite_desk)
    assert "refuses the login" in result.error
    assert "not-this-one" not in repr(result)
    assert not result.away


def test_passwords_come_from_a_command(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter, tmp_path: Any
) -> None:
    (tmp_path / "pass word").write_text("wonderland\nsecond line\n")
    imap_server.deliver(letter())
    url = imap_server.body()["imap"]
    declare(sqlite_desk, imap=url, password_command=f"cat '{tmp_path}/pass word'")
    assert gateway.pull(sqlite_desk)[0].tickets == 1


@pytest.mark.parametrize("command", ["false", "cat /nowhere/at/all", "no-such-program-here", "true", "echo 'unclosed"])
def test_a_password_command_that_fails_is_said(sqlite_desk: Desk, declare: Declare, command: str, capfd: Any) -> None:
    declare(sqlite_desk, imap="imap+plain://x@localhost:1/INBOX", password_command=command)
    with sqlite_desk.change() as change:
        [box] = mailboxes(change.definitions)
    with pytest.raises(MailboxUnusable, match="password command of mailbox support"):
        password(box)
    assert "wonderland" not in repr(Secret("wonderland"))
    assert capfd.readouterr().out == ""


def test_a_server_that_was_away_is_read_when_it_comes_back(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter, wire: Any, unused_port: int
) -> None:
    imap_server.deliver(letter("One"))
    declare(sqlite_desk, **through(imap_server, unused_port))
    [result] = gateway.pull(sqlite_desk)
    assert result.away
    assert "does not answer" in result.error
    wire(imap_server.plain_port, port=unused_port)
    assert gateway.pull(sqlite_desk)[0].tickets == 1


def test_a_connection_that_breaks_in_the_middle_is_made_again(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through a wire that is cut after each few thousand bytes, everything arrives, once."""
    monkeypatch.setattr(sources, "BATCH_MESSAGES", 3)
    imap_server.deliver(*(letter(f"Question {n}", text="z" * 900) for n in range(12)))
    bad = wire(imap_server.plain_port, after=9_000)
    declare(sqlite_desk, **through(imap_server, bad.port))
    for _ in range(10):
        if gateway.pull(sqlite_desk)[0].error == "":
            break
    assert bad.cuts > 0
    assert subjects(sqlite_desk) == [f"Question {n}" for n in range(12)]


def through(server: Any, port: int) -> dict[str, str]:
    """The server's mailbox, reached by another port."""
    body: dict[str, str] = server.body()
    return body | {"imap": body["imap"].replace(f":{server.plain_port}/", f":{port}/")}


def test_a_server_that_says_nothing_counts_as_away(silent_port: int) -> None:
    box = Mailbox("box", "", password_env="TKT_TEST_PASSWORD")
    with pytest.raises(MailServerAway):
        ImapAccount(box, Server("imap", "plain", "127.0.0.1", silent_port, "support", "INBOX"), timeout=0.3)
