"""Handing one letter after another to a mail server (RFC 5321), and telling failures that pass from those that don't.

A connection is opened for the first letter and kept for the rest. What went wrong is one of three: the server is away
(`MailServerAway`: nothing of this mailbox leaves now), it refuses us (`MailboxUnusable`: login, certificate, our own
address), or it is about this letter or some of its recipients (`Receipt`). A connection that breaks off while
a letter is handed over is put down to the letter, which then must not hold up those behind it; once it happens to
several in a row, to the server. When it breaks off after the letter's last byte, nobody knows whether it was taken: the
receipt says so.

Leaves to others: how long an answer may take and what is one (`smtp_connection`), the login (`smtp_login`).
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from time import monotonic
from typing import NamedTuple

from tkt.channels.mail.mailboxes import Mailbox, distrust, tls_context, tls_failed
from tkt.channels.mail.sending.compose import Letter
from tkt.channels.mail.sending.smtp_connection import Connection, TlsConnection
from tkt.channels.mail.sending.smtp_login import log_in
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable, MailServerAway

TIMEOUT_SECONDS = 60
"""How long a server may say nothing before it counts as away."""

VERDICT = 5
"""So many times as long it may look at a whole letter before it says whether it takes it (RFC 5321 section 4.5.3.2.6
asks for patience: who gives up too early sends the letter twice)."""

LETTER = 8
"""So many times as long one letter may take in all; less than a claimed row's lease."""

GOODBYE_SECONDS = 5

BROKEN = 2
"""After so many connections in a row that broke off over a letter, the server is to blame."""

_TOO_LARGE = 552
_SHUTTING_DOWN = 421

Answers = Mapping[str, tuple[int, bytes | str]]


class Receipt(NamedTuple):
    """What the server said. `accepted` recipients are its affair now; `later` are to be tried again; `refused` never.

    `words` is the server's answer about those that were not accepted. `unsure`: those of `later` may have got it.
    """

    accepted: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    words: str = ""
    unsure: bool = False


class Sender:
    """One mailbox's way out. Close it when done; used after a failure it connects again."""

    def __init__(self, box: Mailbox, server: Server, timeout: float = TIMEOUT_SECONDS) -> None:
        self.broken = 0
        """How many connections in a row broke off over a letter."""
        self._box = box
        self._server = server
        self._timeout = timeout
        self._where = f"mailbox {box.name}: {server.host}:{server.port}"
        self._connection: Connection | None = None

    def send(self, letter: Letter) -> Receipt:
        """Hand over a letter. Raises MailServerAway and MailboxUnusable; then it has not left."""
        with self._translated():
            if words := _too_large(self._ready(), letter):
                return Receipt(refused=letter.recipients, words=words)
            connection, code, said = self._announce(letter)
            if code != 250:
                return self._unwanted(letter, code, said)
        return self._hand_over(connection, letter)

    def lacks_smtputf8(self) -> str:
        """Why this server takes no address beyond ASCII (RFC 6531), or "". Raises MailServerAway, MailboxUnusable."""
        with self._translated():
            offered = self._ready().has_extn("smtputf8")
        return "" if offered else f"needs SMTPUTF8, which the server {self._server.host} does not offer"

    @contextmanager
    def conversation(self) -> Iterator[Connection]:
        """The connection, logged in, to ask the server this and that. Raises MailServerAway, MailboxUnusable."""
        with self._translated():
            yield self._ready()

    def close(self) -> None:
        """Say goodbye; raises nothing."""
        if self._connection is not None:
            self._connection.ends = monotonic() + min(self._timeout, GOODBYE_SECONDS)
            with suppress(OSError, smtplib.SMTPException):
                self._connection.quit()
            self._abandon()

    # --- a letter -----------------------------------------------------------------------------------------------------

    def _announce(self, letter: Letter) -> tuple[Connection, int, bytes]:
        """MAIL FROM, and its answer. A kept connection that the server ends with it is replaced by a new one."""
        kept, connection = self._connection is not None, self._ready()
        connection.ends = monotonic() + self._timeout * LETTER
        try:
            code, said = connection.mail(letter.sender, _mail_options(connection, letter))
        except smtplib.SMTPServerDisconnected:
            if not kept:
                raise
            code, said = _SHUTTING_DOWN, b""
        if code == _SHUTTING_DOWN and kept:
            self._abandon()
            return self._announce(letter)
        return connection, code, said

    def _unwanted(self, letter: Letter, code: int, said: bytes) -> Receipt:
        """The server does not take MAIL FROM: because of the letter's size, of us, or for now."""
        words = f"{code} {_words(said)}"
        self._reset()
        if code == _TOO_LARGE:
            return Receipt(refused=letter.recipients, words=words)
        if code >= 500:
            raise MailboxUnusable(f"{self._where} lets us not send from {letter.sender}: {words}")
        if code == _SHUTTING_DOWN:
            self._abandon()
        raise MailServerAway(f"{self._where} takes no mail now: {words}")

    def _hand_over(self, connection: Connection, letter: Letter) -> Receipt:
        """The recipients, then the content. What breaks off here concerns this letter first of all."""
        handing = _Handing(letter)
        try:
            receipt = handing.to(connection, self._timeout * VERDICT)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            return self._broken_off(handing, str(error))
        if handing.closing:
            return self._broken_off(handing, handing.closing)
        if not receipt.accepted or receipt.later or receipt.refused:
            self._reset()
        self.broken = 0
        return receipt

    def _broken_off(self, handing: _Handing, why: str) -> Receipt:
        self._abandon()
        self.broken += 1
        doubt = "; whether it took the mail is not known" if handing.unsure else ""
        words = f"{self._where} broke off: {why}{doubt}"
        receipt = handing.receipt
        return receipt._replace(
            later=handing.open, words="; ".join(filter(None, (receipt.words, words))), unsure=handing.unsure
        )

    # --- the connection -----------------------------------------------------------------------------------------------

    def _ready(self) -> Connection:
        """The kept connection if it still stands, else a new one, greeted and logged in."""
        if self._connection is not None:
            try:
                self._connection.listen()
            except (smtplib.SMTPServerDisconnected, OSError):
                self._abandon()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _reset(self) -> None:
        """Nothing of a letter that was begun is left with the server."""
        if self._connection is not None:
            try:
                self._connection.rset()
            except (OSError, smtplib.SMTPException):
                self._abandon()

    def _abandon(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> Connection:
        server = self._server
        if server.security == "tls":
            context = tls_context(self._box)
            connection: Connection = TlsConnection(server.host, server.port, timeout=self._timeout, context=context)
        else:
            connection = Connection(server.host, server.port, timeout=self._timeout)
        try:
            connection.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                self._start_tls(connection)
            if server.user:
                log_in(connection, self._box, server)
        except BaseException:  # whatever ends us here, the connection must not stay open
            connection.close()
            raise
        return connection

    def _start_tls(self, connection: Connection) -> None:
        if not connection.has_extn("starttls"):
            raise MailboxUnusable(f"{self._where} offers no STARTTLS, and no mail is sent in the clear")
        connection.starttls(context=tls_context(self._box))
        connection.ehlo_or_helo_if_needed()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What goes wrong with the connection, in our own words, without the frames that held a password."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise MailboxUnusable(f"{self._where} can't be trusted: {distrust(error)}") from None
        except ssl.SSLError as error:
            self._abandon()
            raise tls_failed(self._where, error) from None
        except smtplib.SMTPAuthenticationError as error:
            raise self._login_refused(error) from None
        except smtplib.SMTPResponseException as error:  # to the greeting, EHLO or STARTTLS: no letter is concerned
            raise MailServerAway(f"{self._where} takes no mail now: {_words(error.smtp_error)}") from None
        except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
            self._abandon()
            raise MailServerAway(f"{self._where} does not answer: {error}") from None
        except smtplib.SMTPNotSupportedError as error:
            raise MailboxUnusable(f"{self._where} offers no login: {error}") from None
        except smtplib.SMTPException as error:
            raise MailboxUnusable(f"{self._where}: {error}") from None
        except OSError as error:
            self._abandon()
            raise MailServerAway(f"{self._where} does not answer: {error}") from None

    def _login_refused(self, error: smtplib.SMTPAuthenticationError) -> Exception:
        if error.smtp_code < 500:  # 454: the check itself failed (RFC 4954 section 6)
            return MailServerAway(f"{self._where} can't check the login now: {_words(error.smtp_error)}")
        return MailboxUnusable(f"{self._where} refuses the login: check user and password")


class _Handing:
    """One letter on its way, after MAIL FROM."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        self.answers: dict[str, tuple[int, bytes | str]] = {}
        """What the server said of those that it does not take."""
        self.unsure = False
        """Whether the letter has left with its last byte, and no answer has come so far."""
        self.closing = ""
        """The server's words, when it closes the connection with them."""

    @property
    def open(self) -> tuple[str, ...]:
        """Those that were not refused: nothing is decided for them while the letter is on its way."""
        return tuple(one for one in self.letter.recipients if self.answers.get(one, (0, ""))[0] < 500)

    @property
    def receipt(self) -> Receipt:
        """What is known of those that were refused."""
        refused = tuple(one for one in self.letter.recipients if one not in self.open)
        return Receipt(refused=refused, words=_said(self.answers))

    def to(self, connection: Connection, patience: float) -> Receipt:
        """Raises SMTPServerDisconnected, TimeoutError, OSError."""
        for one in self.letter.recipients:
            code, said = connection.rcpt(one)
            if code not in (250, 251, 252):
                self.answers[one] = code, said
            if code == _SHUTTING_DOWN:
                self.closing = _words(said)
                return Receipt()
        if len(self.answers) == len(self.letter.recipients):
            return _receipt(self.letter, self.answers)
        return self._content(connection, patience)

    def _content(self, connection: Connection, patience: float) -> Receipt:
        code, said = connection.docmd("data")
        if code == 354:
            connection.listen()
            connection.send(_dotted(self.letter.content))
            self.unsure = True
            connection.send(b".\r\n")
            code, said = connection.getreply(patience)
            self.unsure = False
        if code == _SHUTTING_DOWN:
            self.closing = _words(said)
        if code != 250:
            self.answers |= {one: (code, said) for one in self.letter.recipients if one not in self.answers}
        return _receipt(self.letter, self.answers)


def _mail_options(connection: Connection, letter: Letter) -> list[str]:
    """What is declared with MAIL FROM: the size (RFC 1870), and what a letter beyond ASCII needs (RFC 6531, 6152)."""
    options = [f"size={len(letter.content)}"] if connection.has_extn("size") else []
    return options + (["SMTPUTF8", "BODY=8BITMIME"] if letter.needs_smtputf8 else [])


def _too_large(connection: Connection, letter: Letter) -> str:
    """Why the server can't take a letter of this size (RFC 1870), or ""."""
    limit = str(connection.esmtp_features.get("size", ""))
    if not limit.isdigit() or not 0 < int(limit) < len(letter.content):
        return ""
    return f"the mail has {len(letter.content):,} bytes, and the server takes at most {int(limit):,}"


def _dotted(content: bytes) -> bytes:
    """The content as it goes over the wire: a line that begins with a dot gets another one (RFC 5321 section 4.5.2)."""
    whole = content if content.endswith(b"\r\n") else content + b"\r\n"
    stuffed = whole.replace(b"\r\n.", b"\r\n..")
    return (b"." if whole.startswith(b".") else b"") + stuffed


def _receipt(letter: Letter, answers: Answers) -> Receipt:
    """Sort the recipients by what the server answered for each: 4yz passes, 5yz does not (RFC 5321 section 4.2.1)."""
    accepted = tuple(one for one in letter.recipients if one not in answers)
    later = tuple(one for one in letter.recipients if one in answers and answers[one][0] < 500)
    refused = tuple(one for one in letter.recipients if one in answers and answers[one][0] >= 500)
    return Receipt(accepted, later, refused, _said(answers))


def _said(answers: Answers) -> str:
    words = (f"{one}: {code} {_words(said)}" for one, (code, said) in answers.items())
    return "; ".join(words)[:1000]


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())
