"""What a server may do with IDLE (RFC 2177), and what is taken for news. Arrival end to end is in tests/serve."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tkt.channels.mail.mailboxes import Mailbox
from tkt.channels.mail.receiving import idle
from tkt.channels.mail.receiving.idle import Idling, NoIdle, Watches
from tkt.config.mail_urls import Server, parse_source
from tkt.errors import MailboxUnusable, MailServerAway

CUT = b"cut the connection"


def mailbox(server: Any, folders: tuple[str, ...] = ()) -> tuple[Mailbox, Server]:
    body = server.body()
    source = parse_source(body["imap"])
    assert isinstance(source, Server)
    return Mailbox("support", "", source=source, password_command="echo x", folders=folders), source


@pytest.fixture
def wake() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A pair: what is written to the first ends the wait of the second."""
    pair = socket.socketpair()
    yield pair
    for one in pair:
        one.close()


def answering(before: bytes, after: bytes = b"") -> Callable[[str, str, str], bytes | None]:
    """Answer IDLE so, and DONE with `after`."""
    tags: list[str] = []

    def instead(tag: str, command: str, _arguments: str) -> bytes | None:
        if command == "IDLE":
            tags.append(tag)
            return before
        return after + f"{tags[-1]} OK idle ended\r\n".encode() if tag == "DONE" else None

    return instead


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (b"* 1 EXISTS\r\n+ idling\r\n", b"", True),
        (b"+ idling\r\n* 1 EXISTS\r\n", b"", True),
        (b"+ idling\r\n* 1 RECENT\r\n", b"", True),
        (b"+ idling\r\n* OK still here\r\n", b"* 1 EXISTS\r\n", True),
        (b"+ idling\r\n* 1 FETCH (FLAGS (\\Seen))\r\n", b"", False),
        (b"+ idling\r\n* 1 EXPUNGE\r\n", b"", False),
        (b"+ idling\r\n", b"", False),
    ],
)
def test_what_is_news(before: bytes, after: bytes, news: bool, scripted: Any, wake: Any) -> None:
    scripted.capabilities += " IDLE"
    scripted.instead = answering(before, after)
    idling = Idling(*mailbox(scripted), "INBOX", wake[1])
    begun: list[bool] = []
    assert idling.wait(0.2, lambda: begun.append(True)) is news
    assert begun == [True]
    idling.session.close()


def test_it_ends_when_it_is_woken(scripted: Any, wake: Any) -> None:
    scripted.capabilities += " IDLE"
    scripted.instead = answering(b"+ idling\r\n")
    idling = Idling(*mailbox(scripted), "INBOX", wake[1])
    assert not idling.wait(3600, lambda: wake[0].send(b"x"))
    idling.session.close()


@pytest.mark.parametrize("answer", [b"* BYE restarting\r\n", CUT, b"rubbish\r\n"])
def test_a_connection_that_ends_is_told(answer: bytes, scripted: Any, wake: Any) -> None:
    scripted.capabilities += " IDLE"
    scripted.instead = lambda _tag, command, _rest: answer if command == "IDLE" else None
    idling = Idling(*mailbox(scripted), "INBOX", wake[1])
    idling.session.client.socket().settimeout(0.3)
    with pytest.raises((MailServerAway, MailboxUnusable)):
        idling.wait(0.3, lambda: None)
    idling.session.cut()


def test_a_server_that_refuses_it_or_does_not_offer_it(scripted: Any, wake: Any) -> None:
    with pytest.raises(NoIdle):
        Idling(*mailbox(scripted), "INBOX", wake[1])
    scripted.capabilities += " IDLE"
    scripted.instead = lambda tag, command, _rest: f"{tag} NO not now\r\n".encode() if command == "IDLE" else None
    idling = Idling(*mailbox(scripted), "INBOX", wake[1])
    with pytest.raises(MailboxUnusable, match="refuses IDLE"):
        idling.wait(1, lambda: None)
    idling.session.cut()


def test_watches_follow_what_is_declared(imap_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "PAUSES_SECONDS", (0.1,))
    monkeypatch.setenv("TKT_TEST_PASSWORD", "wonderland")
    with imap_server.client() as client:
        client.create_folder("Sales")
    box = mailbox(imap_server, ("Sales",))[0]._replace(password_command="", password_env="TKT_TEST_PASSWORD")
    arrived = threading.Semaphore(0)
    watches = Watches(lambda _box: arrived.release())
    watches.follow([box, Mailbox("files", "")])
    for _ in range(2):  # each folder says once that it is being listened to
        assert arrived.acquire(timeout=20)
    assert watches.watched(box)
    imap_server.deliver(b"Subject: x\r\n\r\ny\r\n", folder="Sales")
    assert arrived.acquire(timeout=20)

    other = box._replace(folders=("Nowhere",))
    watches.follow([other])
    assert not watches.watched(box)
    assert arrived.acquire(timeout=20)
    assert not watches.watched(other)  # a folder that is not there: it is read at its pace
    watches.stop()
