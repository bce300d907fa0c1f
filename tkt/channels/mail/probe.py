"""`tkt mail test`: does a mailbox work? Step by step, in words that a person can act on.

Each step is told as soon as its outcome is known. A step that fails ends its part (reading, sending); the other parts
go on. Nothing is read, moved or created on the server, and nothing is sent unless asked for. Passwords and tokens are
fetched and never shown.

Leaves to others: what a failure is called (`imap_session`, `smtp`, `mailboxes`).
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Any, NamedTuple

from tkt.channels.mail.mailboxes import Mailbox, password, read_folders, token
from tkt.channels.mail.receiving.imap import ImapAccount, ImapFolder
from tkt.channels.mail.receiving.imap_session import ImapSession
from tkt.channels.mail.receiving.sources import Care, open_account
from tkt.channels.mail.sending.compose import Letter
from tkt.channels.mail.sending.dkim import Signer
from tkt.channels.mail.sending.smtp import Sender
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable, MailServerAway, TktError
from tkt.times import format_duration

TIMEOUT_SECONDS = 15
"""Somebody sits and waits."""

SOON_DAYS = 14
"""A certificate that ends within so many days is pointed at."""

OK, NOTE, BAD, AWAY = "ok", "note", "bad", "away"


class Step(NamedTuple):
    """What was tried, and how it went: "ok", "note" (works, but somebody should know), "bad" (somebody has to mend
    it), "away" (trying again may help).
    """

    part: str
    step: str
    state: str
    words: str


class _Ended(Exception):
    """A step of this part has failed: the steps behind it can't be tried."""


def probe(box: Mailbox, tell: Callable[[Step], None], send_to: str = "") -> list[Step]:
    """Try everything that a mailbox needs; `send_to`: send a mail there, too. Raises nothing that a server does."""
    this = _Probe(box, tell)
    for part in (this.settings, this.reading, lambda: this.sending(send_to)):
        with suppress(_Ended):
            part()
    return this.steps


class _Probe:
    def __init__(self, box: Mailbox, tell: Callable[[Step], None]) -> None:
        self.steps: list[Step] = []
        self._box, self._tell = box, tell
        self._part = ""
        self._secret = True

    # --- what desk.toml says --------------------------------------------------------------------------------------

    def settings(self) -> None:
        box = self._box
        self._part = "desk.toml"
        what = [word for word, is_there in (("reads", box.source), ("sends", box.sender)) if is_there]
        self._say("mailbox", OK, f"{box.address} {' and '.join(what)}")
        if isinstance(box.source, Server) and box.archive in read_folders(box, box.source):
            self._say("archive", BAD, f"{box.archive} is read too: what is moved there would come again")
        if isinstance(box.source, Server) or (box.sender is not None and box.sender.user):
            self._try_secret()
        if box.dkim is not None:
            self._try_dkim()
        self._hints()

    def _try_secret(self) -> None:
        kind, get = ("token", token) if self._box.token_command else ("password", password)
        self._secret = False
        with suppress(_Ended), self._step(kind):
            get(self._box)
            self._secret = True
            self._say(kind, OK, f"there is one, from {self._origin()}")

    def _origin(self) -> str:
        box = self._box
        if box.token_command:
            return "token_command"
        return "password_command" if box.password_command else f"${box.password_env}"

    def _try_dkim(self) -> None:
        settings = self._box.dkim
        assert settings is not None
        with suppress(_Ended), self._step("dkim"):
            Signer(self._box.name, settings).sign(b"From: a@example.com\r\n\r\n")
            public = f"{settings.selector}._domainkey.{settings.domain}"
            self._say("dkim", OK, f"the key can sign; its public half belongs into the DNS as TXT of {public}")

    def _hints(self) -> None:
        box = self._box
        if box.return_path:
            local, _, domain = box.return_path.partition("@")
            self._say("return_path", NOTE, f"the server must deliver {local}+ANYTHING@{domain} to a mailbox read here")
        if box.plus:
            local, _, domain = box.address.partition("@")
            self._say("plus", NOTE, f"the server must deliver {local}+ANYTHING@{domain} to this mailbox")

    # --- reading --------------------------------------------------------------------------------------------------

    def reading(self) -> None:
        self._part = "reading"
        if self._box.source is None:
            return
        if not isinstance(self._box.source, Server):
            self._try_file()
            return
        server = self._box.source
        self._try_network(server)
        with self._step(_greeting(server)), self._stranger(server) as session:
            self._say(_greeting(server), *_greeted(server, session.client.socket()))
        if not self._secret:
            return
        with self._step("login"):
            account = ImapAccount(self._box, server, TIMEOUT_SECONDS)
            self._say("login", OK, f"as {server.user}")
        try:
            self._try_offers(account.session)
            for folder in account.folders:
                with suppress(_Ended):
                    self._try_folder(account, folder)
            self._try_archive(account.session)
        finally:
            account.close()

    def _stranger(self, server: Server) -> closing[ImapSession]:
        return closing(ImapSession(self._box, server, TIMEOUT_SECONDS, login=False))

    def _try_file(self) -> None:
        with self._step("folder"):
            account = open_account(self._box)
            account.open(account.folders[0], Care())
            self._say("folder", OK, account.folders[0])

    def _try_offers(self, session: ImapSession) -> None:
        with self._step("offers"):
            with session.translated():
                offered = [one for one in ("IDLE", "MOVE", "UIDPLUS") if session.client.has_capability(one)]
            pace = format_duration(self._box.every)
            idle = "mail is taken in when it arrives" if "IDLE" in offered else f"without IDLE it is read every {pace}"
            self._say("offers", OK, f"{', '.join(offered) or 'nothing further'}: {idle}")
            if self._box.archive and not {"MOVE", "UIDPLUS"} & set(offered):
                words = "without MOVE and UIDPLUS what is archived also stays in its folder, marked as deleted"
                self._say("archive", NOTE, words)

    def _try_folder(self, account: ImapAccount, folder: str) -> None:
        name = f"folder {folder}"
        with self._step(name):
            opened = ImapFolder(account.session, folder, Care(), prepare=False)
            count = f"{opened.messages:,} messages"
            if not opened.read_only:
                self._say(name, OK, f"{count}, may be read and written")
                return
            self._say(name, NOTE, f"{count}, may only be read: nothing is marked as seen or moved")

    def _try_archive(self, session: ImapSession) -> None:
        archive = self._box.archive
        if not archive:
            return
        with self._step("archive"):
            with session.translated(archive):
                is_there = session.client.folder_exists(archive)
            self._say("archive", *((OK, f"{archive} is there") if is_there else (NOTE, f"{archive} will be made")))

    # --- sending --------------------------------------------------------------------------------------------------

    def sending(self, send_to: str) -> None:
        self._part = "sending"
        server = self._box.sender
        if server is None:
            if send_to:
                self._say("send", BAD, "this mailbox has no smtp in desk.toml: nothing can be sent")
            return
        self._try_network(server)
        stranger = Sender(self._box, server._replace(user=""), TIMEOUT_SECONDS)
        with closing(stranger), self._step(_greeting(server)), stranger.conversation() as connection:
            self._say(_greeting(server), *_greeted(server, connection.sock))
        if server.user and not self._secret:
            return
        with closing(Sender(self._box, server, TIMEOUT_SECONDS)) as sender:
            with self._step("login"), sender.conversation() as connection:
                self._say("login", OK, f"as {server.user}" if server.user else "none is asked for")
                self._say("offers", OK, _offers(connection.esmtp_features))
            self._try_address(sender)
            if send_to:
                self._send(sender, send_to)

    def _try_address(self, sender: Sender) -> None:
        """MAIL FROM and RCPT TO with our own address, then RSET: nothing is sent."""
        address = self._box.address
        with self._step("address"), sender.conversation() as connection:
            for what, ask in (("from", connection.mail), ("to", connection.rcpt)):
                code, said = ask(address)
                if code not in (250, 251, 252):
                    words = f"the server takes no mail {what} {address}: {code} {' '.join(_text(said).split())}"
                    raise (MailboxUnusable if code >= 500 else MailServerAway)(words)
            connection.rset()
            self._say("address", OK, f"{address} may send and receive")

    def _send(self, sender: Sender, to: str) -> None:
        with self._step("send"):
            content = _message(self._box, to)
            if self._box.dkim is not None:
                content = Signer(self._box.name, self._box.dkim).sign(content)
            receipt = sender.send(Letter(self._box.address, (to,), content))
            if not receipt.accepted:
                raise (MailboxUnusable if receipt.refused else MailServerAway)(receipt.words)
            self._say("send", OK, f"a mail has left to {to}")

    # --- steps ----------------------------------------------------------------------------------------------------

    def _try_network(self, server: Server) -> None:
        with self._step("network"):
            place = _place(server)
            try:
                socket.create_connection((server.host, server.port), TIMEOUT_SECONDS).close()
            except OSError as error:
                words = f"nothing answers at {server.host}:{server.port}: {error.strerror or error}"
                raise MailServerAway(f"{words}; check host, port and firewall") from None
            self._say("network", OK, f"{server.host}:{server.port} answers at {place}")

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """Tell what fails in the block, and end the part."""
        try:
            yield
        except MailServerAway as error:
            self._fail(name, AWAY, error)
        except TktError as error:
            self._fail(name, BAD, error)

    def _fail(self, name: str, state: str, error: TktError) -> None:
        self._say(name, state, str(error).removeprefix(f"mailbox {self._box.name}: "))
        raise _Ended from None

    def _say(self, name: str, state: str, words: str) -> None:
        self.steps.append(Step(self._part, name, state, words))
        self._tell(self.steps[-1])


def _greeting(server: Server) -> str:
    return "connection" if server.security == "plain" else "certificate"


def _greeted(server: Server, line: Any) -> tuple[str, str]:
    """How the connection stands: without TLS, or until when its certificate is good."""
    if server.security == "plain":
        return NOTE, "not encrypted, which is allowed on this machine only"
    ends = ssl.cert_time_to_seconds(line.getpeercert()["notAfter"])
    until = f"{datetime.fromtimestamp(ends, UTC):%Y-%m-%d}"
    if ends - time.time() < SOON_DAYS * 86_400:
        return NOTE, f"{line.version()}, ends soon: on {until}"
    return OK, f"{line.version()}, trusted until {until}"


def _place(server: Server) -> str:
    """The address that the host's name stands for. Raises MailServerAway, MailboxUnusable."""
    try:
        return str(socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)[0][4][0])
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise MailServerAway(f"the name server can't be asked for {server.host} now") from None
        raise MailboxUnusable(f"there is no host named {server.host}: check the URL in desk.toml") from None
    except UnicodeError:
        raise MailboxUnusable(f"{server.host} can't be the name of a host: check the URL in desk.toml") from None


def _offers(features: dict[str, str]) -> str:
    size = features.get("size", "")
    limit = f"mails up to {int(size) / 1_000_000:,.0f} MB" if size.isdecimal() and int(size) else "mails of any size"
    beyond = "addresses beyond ASCII" if "smtputf8" in features else "no addresses beyond ASCII (no SMTPUTF8)"
    return f"{limit}, {beyond}"


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _message(box: Mailbox, to: str) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = box.address, to
    mail["Subject"] = f"Test of the mailbox {box.name}"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = make_msgid(domain=box.address.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content("This mail was sent by 'tkt mail test'. Sending works.\n")
    return mail.as_bytes()
