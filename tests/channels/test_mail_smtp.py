"""One letter after another to servers that answer as they should not: a socket with a script plays them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from mail_servers.wires import Listener

from tkt.channels.mail.mailboxes import Mailbox
from tkt.channels.mail.sending.compose import Letter
from tkt.channels.mail.sending.smtp import BROKEN, Receipt, Sender
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable, MailServerAway

TLS = Path(__file__).parent / "tls"
ANN, BO = "ann@customer.example", "bo@customer.example"
LETTER = Letter("support@desk.example", (ANN, BO), b"Subject: Hello\r\n\r\n.leading\r\n..\r\nend\r\n")
EHLO = "250-desk\r\n250 8BITMIME"

Script = dict[str, str]
"""What to answer to a command, by its first word; "." is the end of the content, "" the greeting."""


class Played(Listener):
    """Each connection follows the next script (the last one again); "stall" says nothing more, "drop" ends."""

    def __init__(self, scripts: list[Script]) -> None:
        self.scripts, self.heard, self.content, self.connections = scripts, [""], b"", 0
        self.over = threading.Event()
        self.senders: list[Sender] = []
        super().__init__()

    def sender(self, timeout: float = 0.4, security: str = "plain") -> Sender:
        server = Server("smtp", security, "localhost", self.port, "")
        self.senders.append(Sender(Mailbox("support", "support@desk.example"), server, timeout))
        return self.senders[-1]

    def _serve(self, client: socket.socket) -> None:
        script = self.scripts[min(self.connections, len(self.scripts) - 1)]
        self.connections += 1
        with client, suppress(OSError), client.makefile("rb") as lines:
            if not self._say(client, script.get("", "220 desk")):
                return
            inside = False
            for line in lines:
                word = "." if inside and line == b".\r\n" else line.split()[0].upper().decode() if not inside else ""
                if inside and not word:
                    self.content += line
                    continue
                self.heard.append(line.decode().strip())
                usual = {"EHLO": EHLO, "DATA": "354 go", ".": "250 taken"}.get(word, "250 fine")
                answer = script.get(line.decode().strip(), script.get(word, usual))
                inside = word == "DATA" and answer.startswith("354")
                if not self._say(client, answer):
                    return

    def _say(self, client: socket.socket, answer: str) -> bool:
        if answer == "stall":
            self.over.wait(20)
        elif answer == "endless":
            while not self.over.is_set():
                client.sendall(b"250-and more\r\n" * 100)
        elif answer == "long":
            client.sendall(b"250 " + b"x" * 1_000_000)
            self.over.wait(20)
        elif answer == "drip":
            while not self.over.wait(0.05):
                client.sendall(b"2")
        elif answer != "drop":
            client.sendall(answer.encode() + b"\r\n")
            return True
        return False


@pytest.fixture
def played() -> Iterator[Callable[..., Played]]:
    servers: list[Played] = []

    def play(*scripts: Script) -> Played:
        servers.append(Played(list(scripts or [{}])))
        return servers[-1]

    yield play
    for one in servers:
        one.over.set()
        for sender in one.senders:
            sender.close()
        one.close()


def test_a_letter_arrives_byte_for_byte(played: Callable[..., Played]) -> None:
    server = played()
    sender = server.sender()
    assert sender.send(LETTER) == Receipt(accepted=(ANN, BO))
    assert sender.send(LETTER).accepted == (ANN, BO)
    sender.close()
    assert server.content.replace(b"\r\n..", b"\r\n.") == LETTER.content * 2
    assert (server.connections, server.heard[-1]) == (1, "quit")


@pytest.mark.parametrize("stage", ["", "EHLO", "MAIL"])
@pytest.mark.parametrize("trouble", ["stall", "drop", "endless", "long", "drip", "garbage", "\xff\xfe", "99 what"])
def test_before_the_letter_whatever_goes_wrong_is_the_server_s(
    played: Callable[..., Played], stage: str, trouble: str
) -> None:
    server = played({stage: trouble})
    with pytest.raises(MailServerAway, match="mailbox support: localhost:"):
        server.sender().send(LETTER)


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "."])
@pytest.mark.parametrize("trouble", ["stall", "drop", "endless", "long", "drip", "garbage", "421 enough"])
def test_once_the_letter_is_begun_it_is_the_letter_s(played: Callable[..., Played], stage: str, trouble: str) -> None:
    server = played({stage: trouble}, {})
    sender = server.sender(timeout=0.2)
    receipt = sender.send(LETTER)
    assert (receipt.accepted, receipt.later, receipt.refused) == ((), (ANN, BO), ())
    assert receipt.unsure == (stage == "." and trouble != "421 enough")
    assert ("is not known" in receipt.words) == receipt.unsure
    assert sender.broken == 1
    assert sender.send(LETTER).accepted == (ANN, BO)
    assert sender.broken == 0


def test_letters_that_break_off_in_a_row_are_the_server_s_affair(played: Callable[..., Played]) -> None:
    sender = played({".": "drop"}).sender()
    assert [sender.send(LETTER).later and sender.broken for _ in range(BROKEN)] == [1, 2]


def test_a_server_that_says_more_than_it_was_asked_is_not_believed(played: Callable[..., Played]) -> None:
    """Its early 250 would else be taken for the acceptance of the letter, which it then refuses."""
    server = played({f"rcpt TO:<{BO}>": "250 fine\r\n354 go\r\n250 taken"})
    receipt = server.sender().send(LETTER)
    assert (receipt.accepted, receipt.later, receipt.unsure) == ((), (ANN, BO), False)
    assert "says unasked" in receipt.words


def test_what_the_server_thinks_of_each_recipient(played: Callable[..., Played]) -> None:
    server = played({f"rcpt TO:<{ANN}>": "550 no such user", f"rcpt TO:<{BO}>": "450 come again"})
    receipt = server.sender().send(LETTER)
    assert receipt == Receipt((), (BO,), (ANN,), f"{ANN}: 550 no such user; {BO}: 450 come again")
    assert "data" not in server.heard
    server = played({f"rcpt TO:<{ANN}>": "550 no", ".": "drop"})
    receipt = server.sender().send(LETTER)
    assert (receipt.later, receipt.refused, receipt.unsure) == ((BO,), (ANN,), True)
    assert receipt.words.startswith(f"{ANN}: 550 no; mailbox support: ")


@pytest.mark.parametrize("answer", ["451 later", "552 too big", "554 spam"])
def test_what_the_server_thinks_of_the_content(played: Callable[..., Played], answer: str) -> None:
    server = played({".": answer})
    sender = server.sender()
    receipt = sender.send(LETTER)
    assert (receipt.later if answer[0] == "4" else receipt.refused) == (ANN, BO)
    assert answer in receipt.words and not receipt.unsure and sender.broken == 0


def test_a_letter_that_is_too_large_is_not_even_begun(played: Callable[..., Played]) -> None:
    server, size = played({"EHLO": "250-desk\r\n250 SIZE 20"}), len(LETTER.content)
    receipt = server.sender().send(LETTER)
    assert receipt == Receipt(refused=(ANN, BO), words=f"the mail has {size} bytes, and the server takes at most 20")
    assert server.heard[-1].startswith("ehlo")
    server = played({"EHLO": "250-desk\r\n250 SIZE 0"})
    assert server.sender().send(LETTER).accepted == (ANN, BO)
    assert any(f"size={size}" in line for line in server.heard)
    assert played({"MAIL": "552 too big"}).sender().send(LETTER).refused == (ANN, BO)


def test_an_address_that_we_may_not_use_is_to_be_mended_and_mail_waits(played: Callable[..., Played]) -> None:
    with pytest.raises(MailboxUnusable, match=r"support@desk.example: 553 5.7.1 not yours"):
        played({"MAIL": "553 5.7.1 not yours"}).sender().send(LETTER)
    with pytest.raises(MailServerAway, match="451 busy"):
        played({"MAIL": "451 busy"}).sender().send(LETTER)


@pytest.mark.parametrize("ending", ["421 so many and no more", "drop"])
def test_a_server_that_takes_so_many_letters_a_connection(played: Callable[..., Played], ending: str) -> None:
    server = played()
    sender = server.sender()
    sender.send(LETTER)
    server.scripts[0]["MAIL"] = ending  # the connection that stands
    server.scripts.append({})
    assert sender.send(LETTER).accepted == (ANN, BO)
    assert server.connections == 2


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_anew(played: Callable[..., Played]) -> None:
    server = played({".": "250 taken\r\n421 idle for too long"}, {})
    sender = server.sender()
    assert sender.send(LETTER).accepted == (ANN, BO)
    assert sender.send(LETTER).accepted == (ANN, BO)
    assert server.connections == 2


def test_nothing_is_sent_in_the_clear_where_tls_was_wanted(played: Callable[..., Played]) -> None:
    server = played()
    sender = server.sender(security="starttls")
    with pytest.raises(MailboxUnusable, match="offers no STARTTLS"):
        sender.send(LETTER)
    assert not any(line.startswith("mail") for line in server.heard)
    server = played({"EHLO": "250-desk\r\n250 STARTTLS", "STARTTLS": "454 not now"})
    with pytest.raises(MailServerAway, match="not now"):
        server.sender(security="starttls").send(LETTER)


def test_what_was_said_before_tls_is_not_taken_for_what_is_said_in_it(tls_ca: str) -> None:
    """Somebody on the way adds an answer to the one that begins TLS; it must not be read as the server's."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    heard: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        client, _ = listener.accept()
        client.sendall(b"220 desk\r\n")
        client.recv(1000)
        client.sendall(b"250-desk\r\n250 STARTTLS\r\n")
        client.recv(1000)
        client.sendall(b"220 go\r\n250 injected\r\n")
        with suppress(OSError), context.wrap_socket(client, server_side=True) as inside:
            heard.append(inside.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        server = Server("smtp", "starttls", "localhost", int(listener.getsockname()[1]), "")
        with pytest.raises(MailServerAway):
            Sender(Mailbox("support", "support@desk.example", tls_ca=tls_ca), server, 2).send(LETTER)
    assert not any(b"mail" in one.lower() for one in heard)
