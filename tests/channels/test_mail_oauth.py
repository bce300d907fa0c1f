"""Logging in with an access token: Dovecot asks a server of ours whose it is; SMTP servers that take or refuse it."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import MISSING, AuthResult
from aiosmtpd.smtp import SMTP as Server
from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail import gateway
from tkt.channels.mail.mailboxes import Mailbox, Secret, mailboxes
from tkt.channels.mail.receiving import oauth
from tkt.channels.mail.sending.compose import Letter
from tkt.channels.mail.sending.smtp import Sender
from tkt.config.mail_urls import parse_sender
from tkt.desk.unit import Desk
from tkt.errors import MailboxUnusable, MailServerAway

Declare = Callable[..., None]
GOOD, STALE = "ya29.good-token", "ya29.stale-token"


@pytest.fixture(scope="module")
def introspection() -> Iterator[str]:
    """A server that knows one token; each is asked for as Dovecot asks (RFC 7662)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = f"={GOOD}&" in self.path
            answer = json.dumps({"active": known, "user": "support"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/?token="
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def dovecot(introspection: str, imap_servers: Any) -> Iterator[Any]:
    imap_servers.need_dovecot()
    server = imap_servers.start_dovecot(introspection)
    yield server
    server.stop()


def body(server: Any, command: str) -> dict[str, str]:
    return {"imap": f"imap+plain://support@localhost:{server.plain_port}/INBOX", "token_command": command}


def test_mail_is_read_with_a_token(
    sqlite_desk: Desk, declare: Declare, dovecot: Any, letter: Callable[..., bytes]
) -> None:
    dovecot.deliver(letter("One"))
    declare(sqlite_desk, **body(dovecot, f"echo {GOOD}"))
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.error) == (1, "")


def test_a_token_that_has_gone_stale_is_fetched_anew(
    sqlite_desk: Desk, declare: Declare, dovecot: Any, tmp_path: Path
) -> None:
    """The first one is from somebody's cache; the command gives another one when it is asked again."""
    script = tmp_path / "token"
    script.write_text(f"#!/bin/sh\nif mkdir {tmp_path}/asked 2>/dev/null; then echo {STALE}; else echo {GOOD}; fi\n")
    script.chmod(0o755)
    declare(sqlite_desk, **body(dovecot, str(script)))
    [result] = gateway.pull(sqlite_desk)
    assert result.error == ""


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_refused_token_is_said_in_words_and_not_shown(
    mechanism: str, sqlite_desk: Desk, declare: Declare, dovecot: Any, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setattr(oauth, "MECHANISMS", (mechanism,))
    declare(sqlite_desk, **body(dovecot, f"echo {STALE}"))
    [result] = gateway.pull(sqlite_desk)
    assert "refuses the access token: " in result.error
    assert STALE not in repr(result) + "".join(capfd.readouterr())
    assert base64.b64encode(STALE.encode()).decode()[:12] not in repr(result)
    assert not result.away


def test_oauthbearer_where_only_that_is_offered(
    sqlite_desk: Desk, declare: Declare, dovecot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth, "MECHANISMS", ("OAUTHBEARER",))
    declare(sqlite_desk, **body(dovecot, f"echo {GOOD}"))
    assert gateway.pull(sqlite_desk)[0].error == ""


def test_a_server_that_takes_no_tokens_is_told(sqlite_desk: Desk, declare: Declare, scripted: Any) -> None:
    declare(sqlite_desk, imap=scripted.body()["imap"], token_command=f"echo {GOOD}")
    [result] = gateway.pull(sqlite_desk)
    assert "takes no access token: it offers neither XOAUTH2 nor OAUTHBEARER" in result.error


@pytest.mark.parametrize("command", ["false", "true", "no-such-program-here"])
def test_a_token_command_that_fails_is_said(command: str, sqlite_desk: Desk, declare: Declare, scripted: Any) -> None:
    scripted.capabilities += " AUTH=XOAUTH2"
    declare(sqlite_desk, imap=scripted.body()["imap"], token_command=command)
    assert "the token command of mailbox support" in gateway.pull(sqlite_desk)[0].error


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        (b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}', "it has expired"),
        (b'{"status":"invalid_token"}', "it has expired"),
        (b'{"status":"insufficient_scope","scope":"mail"}', "it does not allow mail"),
        (b'{"status":"weird"}', "the server refuses it (status weird)"),
        (b"no json \xff", "no json"),
        (b"[1]", "[1]"),
    ],
)
def test_a_challenge_in_words(challenge: bytes, words: str) -> None:
    assert oauth.refusal_in_words(challenge).startswith(words)


@given(st.binary())
def test_whatever_a_challenge_says_the_token_is_not_repeated(challenge: bytes) -> None:
    talk = oauth.Conversation("XOAUTH2", "me", Secret(GOOD), "localhost", 993)
    assert talk.answer(b"") == f"user=me\x01auth=Bearer {GOOD}\x01\x01"
    talk.answer(challenge + GOOD.encode())
    assert GOOD not in talk.refusal


# --- SMTP -------------------------------------------------------------------------------------------------------------


class Clerk:
    """Takes XOAUTH2 with the good token; `answer` is what it says to others."""

    answer = b'{"status":"401","schemes":"bearer"}'

    def __init__(self) -> None:
        self.logins: list[bytes] = []
        self.received: list[Any] = []

    async def auth_XOAUTH2(self, server: Any, arguments: list[str]) -> AuthResult:
        said = base64.b64decode(arguments[1])
        self.logins.append(said)
        if f"auth=Bearer {GOOD}\x01\x01".encode() in said:
            return AuthResult(success=True)
        answer = await server.challenge_auth(self.answer)
        assert answer in (b"", MISSING)
        return AuthResult(success=False, handled=False)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.received.append(envelope)
        return "250 OK"


class _Office(Controller):
    def factory(self) -> Server:
        return Server(self.handler, auth_require_tls=False, auth_exclude_mechanism=["LOGIN", "PLAIN"])


@pytest.fixture
def clerk(unused_port: int) -> Iterator[tuple[Clerk, str]]:
    handler = Clerk()
    office = _Office(handler, hostname="127.0.0.1", port=unused_port)
    office.start()
    yield handler, f"smtp+plain://me%40desk.example@localhost:{unused_port}"
    office.stop()


def send(url: str, command: str) -> None:
    box = Mailbox("support", "support@desk.example", sender=parse_sender(url), token_command=command)
    assert box.sender is not None
    sender = Sender(box, box.sender, 10)
    try:
        receipt = sender.send(Letter("support@desk.example", ("carol@customer.example",), b"Subject: x\r\n\r\ny\r\n"))
    finally:
        sender.close()
    assert receipt.accepted == ("carol@customer.example",)


def test_mail_is_sent_with_a_token(clerk: tuple[Clerk, str]) -> None:
    handler, url = clerk
    send(url, f"echo {GOOD}")
    assert len(handler.received) == 1
    assert handler.logins == [f"user=me@desk.example\x01auth=Bearer {GOOD}\x01\x01".encode()]


def test_a_refused_token_is_said_when_sending(clerk: tuple[Clerk, str]) -> None:
    with pytest.raises((MailboxUnusable, MailServerAway), match="it has expired or is not valid") as caught:
        send(clerk[1], f"echo {STALE}")
    assert isinstance(caught.value, MailboxUnusable)
    assert STALE not in str(caught.value)


def test_a_mailbox_knows_its_token_command(sqlite_desk: Desk, declare: Declare) -> None:
    declare(sqlite_desk, imap="imap://x@localhost/", token_command="oama access x")
    with sqlite_desk.look() as change:
        assert mailboxes(change.definitions)[0].token_command == "oama access x"
