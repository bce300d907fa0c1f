"""Servers that are restarted, wires that are cut or go silent anywhere, and a mailbox that is very full."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import Any

import pytest
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.mailboxes import mailboxes
from tkt.channels.mail.receiving import imap_session, sources
from tkt.channels.mail.receiving.imap import ImapAccount
from tkt.channels.mail.receiving.sources import Position
from tkt.desk.unit import Desk
from tkt.store.tables import Intake, Ticket

Letter = Callable[..., bytes]
Declare = Callable[..., None]
MANY = 4_000


def subjects(desk: Desk) -> list[str]:
    with desk.store.transaction() as session:
        return sorted(ticket.subject for ticket in session.exec(select(Ticket)))


@pytest.fixture
def own_dovecot(imap_servers: Any) -> Iterator[Any]:
    imap_servers.need_dovecot()
    server = imap_servers.start_dovecot()
    yield server
    server.stop()


def test_dovecot_is_restarted_in_the_middle(
    sqlite_desk: Desk, declare: Declare, own_dovecot: Any, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BATCH_MESSAGES", 3)
    own_dovecot.deliver(*(letter(f"Question {n:02}") for n in range(12)))
    declare(sqlite_desk, **own_dovecot.body(archive="Filed"))
    restarts = []

    def progress(_mailbox: str, done: int, _waiting: int) -> None:
        if done in (4, 8) and done not in restarts:
            restarts.append(done)
            own_dovecot.restart()

    [result] = gateway.pull(sqlite_desk, progress=progress)
    assert (result.tickets, result.error, restarts) == (12, "", [4, 8])
    assert subjects(sqlite_desk) == [f"Question {n:02}" for n in range(12)]
    gateway.pull(sqlite_desk)
    assert (own_dovecot.count(), own_dovecot.count("Filed")) == (0, 12)


def test_a_message_that_dovecot_can_not_read_holds_nobody_up(
    sqlite_desk: Desk, declare: Declare, own_dovecot: Any, letter: Letter
) -> None:
    """Its file may not be read: Dovecot ends the connection whenever it is asked for it."""
    own_dovecot.emptied().put(5, lambda number: letter(f"Question {number}"))
    broken = next((own_dovecot.folder / "mail" / own_dovecot.user / "new").glob("*.M2.*"))
    broken.chmod(0)
    declare(sqlite_desk, **own_dovecot.body())
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.quarantined, result.error) == (4, 1, "")
    [moved] = (own_dovecot.folder / "mail" / own_dovecot.user).glob("*/*.M2.*")
    moved.chmod(0o644)
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.error) == (1, "")
    assert subjects(sqlite_desk) == [f"Question {n}" for n in range(5)]


def test_a_wire_that_is_cut_anywhere(
    sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any number of bytes from the server: in the greeting, the login, a literal, an answer to STORE."""
    monkeypatch.setattr(sources, "BATCH_MESSAGES", 4)
    expected: list[str] = []
    cuts = 0
    declare(sqlite_desk, name="whole", address="whole@desk.example", **scripted.body())
    for after in range(10, 1900, 53):
        asked = [f"After {after:04}: {n}" for n in range(2)]
        scripted.inbox.messages.clear()
        scripted.inbox.add(*(letter(one, text="z" * 200) for one in asked))
        expected += asked
        bad = wire(scripted.port, after=after)
        body = scripted.body()
        name = f"bad-{after}"
        declare(sqlite_desk, name=name, address=f"{name}@desk.example", **body | {
            "imap": body["imap"].replace(f":{scripted.port}/", f":{bad.port}/")
        })  # fmt: skip
        [result] = gateway.pull(sqlite_desk, [name])
        assert result.error == "" or result.away
        cuts += bad.cuts
        assert gateway.pull(sqlite_desk, ["whole"])[0].error == ""
        assert subjects(sqlite_desk) == sorted(expected)
    assert cuts > 15


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "FETCH", "STORE", "LOGOUT"])
def test_a_server_that_falls_silent_is_away_and_nothing_is_lost(
    command: str,
    sqlite_desk: Desk,
    declare: Declare,
    scripted: Any,
    letter: Letter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(imap_session, "TIMEOUT_SECONDS", 0.3)
    scripted.inbox.add(letter("One"), letter("Two"))
    scripted.instead = lambda _tag, said, _rest: b"" if said == command else None
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert result.away or command in ("FETCH", "LOGOUT")
    scripted.instead = lambda *_: None
    assert gateway.pull(sqlite_desk)[0].error == ""
    assert subjects(sqlite_desk) == ["One", "Two"]


class Passing:
    """A clock on which a server lets time pass, instead of taking it: the seconds until its next piece."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def slowly(self, pieces: Iterable[bytes], seconds: float) -> Iterator[bytes]:
        for piece in pieces:
            time.sleep(0.01)  # so that we are waited for
            self.now += seconds
            yield piece


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Passing:
    clock = Passing()
    monkeypatch.setattr(imap_session, "monotonic", clock)
    return clock


@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "SEARCH", "STORE"])
@pytest.mark.parametrize("said", [b"* OK Still here\r\n", b"."])
def test_a_server_that_talks_without_answering_is_away_and_nothing_is_lost(
    said: bytes, command: str, sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter, passing: Passing
) -> None:
    scripted.inbox.add(letter("One"), letter("Two"))
    scripted.instead = lambda _tag, asked, _rest: passing.slowly(repeat(said), 10) if asked == command else None
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert result.away and "it keeps us waiting" in result.error
    scripted.instead = lambda *_: None
    assert gateway.pull(sqlite_desk)[0].error == ""
    assert subjects(sqlite_desk) == ["One", "Two"]


@pytest.mark.parametrize(("slowest", "tickets"), [(imap_session.SLOWEST, 1), (1_000_000, 0)])
def test_a_long_message_may_take_long(
    slowest: int,
    tickets: int,
    sqlite_desk: Desk,
    declare: Declare,
    scripted: Any,
    letter: Letter,
    passing: Passing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten minutes for 600 kB, while the server may say for three minutes at most that it is busy."""
    monkeypatch.setattr(imap_session, "SLOWEST", slowest)
    mail = letter("Long", text="x" * 70 * 9_000)
    scripted.inbox.add(mail)

    def instead(tag: str, asked: str, rest: str) -> Any:
        if asked != "FETCH" or "BODY" not in rest:
            return None
        whole = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%b)\r\n%b OK done\r\n" % (len(mail), mail, tag.encode())
        return passing.slowly((whole[start : start + 15_000] for start in range(0, len(whole), 15_000)), 15)

    scripted.instead = instead
    declare(sqlite_desk, **scripted.body())
    assert gateway.pull(sqlite_desk)[0].tickets == tickets


def test_a_very_full_mailbox_comes_in_bounded_batches(
    sqlite_desk: Desk, declare: Declare, own_dovecot: Any, letter: Letter
) -> None:
    one = letter("Question")
    own_dovecot.emptied().put(MANY, lambda number: one + b"%d\r\n" % number)
    declare(sqlite_desk, **own_dovecot.body())
    with sqlite_desk.look() as change:
        [box] = mailboxes(change.definitions)
    account = sources.open_account(box)
    assert isinstance(account, ImapAccount)
    sizes: Counter[int] = Counter()
    named: set[str] = set()
    for batch in account.open("INBOX").batches(Position(), lambda _names: set()):
        sizes[len(batch.messages)] += 1
        named.update(message.source for message in batch.messages)
        assert batch.remaining == MANY - len(named)
        assert all(message.raw for message in batch.messages)
    account.close()
    assert len(named) == MANY
    assert sizes == {sources.BATCH_MESSAGES: MANY // sources.BATCH_MESSAGES}


def test_a_pull_that_is_stopped_anywhere_goes_on_where_it_was(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "BATCH_MESSAGES", 3)
    imap_server.deliver(*(letter(f"Question {n:02}") for n in range(10)))
    declare(sqlite_desk, **imap_server.body())
    chance = random.Random(7)

    class Stopped(Exception):
        """As by Ctrl-C."""

    def progress(*_told: object) -> None:
        if chance.random() < 0.4:
            raise Stopped

    for _ in range(60):
        try:
            [result] = gateway.pull(sqlite_desk, progress=progress)
        except Stopped:
            continue
        if not result.fetched:
            break
    assert subjects(sqlite_desk) == [f"Question {n:02}" for n in range(10)]
    with sqlite_desk.store.transaction() as session:
        assert {one.state for one in session.exec(select(Intake))} == {"ticket"}
    assert all(rb"\Seen" in flags for flags in imap_server.flags().values())
