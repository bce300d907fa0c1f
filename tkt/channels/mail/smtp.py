"""Handing one letter after another to a mail server (RFC 5321), and telling failures that pass from those that don't.

A connection is opened for the first letter and kept for the rest. What went wrong is one of three: the server is away
(`MailServerAway`: nothing of this mailbox leaves now), it refuses us (`MailboxUnusable`: login, certificate), or it
answers about this letter or some of its recipients (`Receipt`).
"""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from tkt.channels.mail.compose import Letter
from tkt.channels.mail.mailboxes import Mailbox, password, tls_context
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable, MailServerAway

TIMEOUT_SECONDS = 60
"""How long a server may say nothing before it counts as away."""


class Receipt(NamedTuple):
    """What the server said. `accepted` recipients are its affair now; `later` are to be tried again; `refused` never.

    `words` is the server's answer about those that were not accepted.
    """

    accepted: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    words: str = ""


class Sender:
    """One mailbox's way out. Close it when done; used after a failure it connects again."""

    def __init__(self, box: Mailbox, server: Server, timeout: float = TIMEOUT_SECONDS) -> None:
        self._box = box
        self._server = server
        self._timeout = timeout
        self._where = f"mailbox {box.name}: {server.host}:{server.port}"
        self._connection: smtplib.SMTP | None = None

    def send(self, letter: Letter) -> Receipt:
        """Hand over a letter. Raises MailServerAway and MailboxUnusable; then nothing is known to have left."""
        connection = self._connected()
        options = ["SMTPUTF8", "BODY=8BITMIME"] if letter.needs_smtputf8 else []
        try:
            with self._translated():
                refused = connection.sendmail(letter.sender, letter.recipients, letter.content, options)
        except smtplib.SMTPRecipientsRefused as error:
            self._reset()
            return _receipt(letter, error.recipients)
        except smtplib.SMTPResponseException as error:
            return self._refused(letter, error)
        return _receipt(letter, refused)

    def lacks_smtputf8(self) -> str:
        """Why this server takes no address beyond ASCII (RFC 6531), or "". Raises MailServerAway, MailboxUnusable."""
        connection = self._connected()
        with self._translated():
            connection.ehlo_or_helo_if_needed()
        if connection.does_esmtp and connection.has_extn("smtputf8"):
            return ""
        return f"needs SMTPUTF8, which the server {self._server.host} does not offer"

    def close(self) -> None:
        """Say goodbye; raises nothing."""
        if self._connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._connection.quit()
            self._connection.close()
            self._connection = None

    def _refused(self, letter: Letter, error: smtplib.SMTPResponseException) -> Receipt:
        """The answer to MAIL FROM or to the content; 421 closes the connection, the rest concerns this letter."""
        self._reset()
        if error.smtp_code == 421:
            self.close()
            raise MailServerAway(f"{self._where} closes the connection: {_words(error.smtp_error)}") from None
        everybody = dict.fromkeys(letter.recipients, (error.smtp_code, error.smtp_error))
        return _receipt(letter, everybody)

    def _reset(self) -> None:
        if self._connection is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._connection.rset()

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            with self._translated():
                self._connection = self._connect()
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if server.security == "tls":
            context = tls_context(self._box)
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout)
        try:
            if server.security == "starttls":
                connection.starttls(context=tls_context(self._box))
            if server.user:
                connection.login(server.user, password(self._box).reveal())
        except BaseException:  # whatever ends us here, the connection must not stay open
            connection.close()
            raise
        return connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What goes wrong with the connection, in our own words, without the frames that held a password."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            self.close()
            raise MailboxUnusable(f"{self._where} can't be trusted: {error.verify_message}") from None
        except smtplib.SMTPAuthenticationError as error:
            raise self._login_refused(error) from None
        except (smtplib.SMTPConnectError, smtplib.SMTPHeloError) as error:
            raise MailServerAway(f"{self._where} takes no mail now: {_words(error.smtp_error)}") from None
        except (smtplib.SMTPServerDisconnected, TimeoutError) as error:
            self.close()
            raise MailServerAway(f"{self._where} does not answer: {error}") from None
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            raise
        except smtplib.SMTPNotSupportedError as error:
            raise MailboxUnusable(f"{self._where} offers no login or no STARTTLS: {error}") from None
        except smtplib.SMTPException as error:
            raise MailboxUnusable(f"{self._where}: {error}") from None
        except OSError as error:
            self.close()
            raise MailServerAway(f"{self._where} does not answer: {error}") from None

    def _login_refused(self, error: smtplib.SMTPAuthenticationError) -> Exception:
        if error.smtp_code < 500:  # 454: the check itself failed (RFC 4954 section 6)
            return MailServerAway(f"{self._where} can't check the login now: {_words(error.smtp_error)}")
        return MailboxUnusable(f"{self._where} refuses the login: check user and password")


def _receipt(letter: Letter, answers: Mapping[str, tuple[int, bytes | str]]) -> Receipt:
    """Sort the recipients by what the server answered for each: 4yz passes, 5yz does not (RFC 5321 section 4.2.1)."""
    accepted = tuple(one for one in letter.recipients if one not in answers)
    later = tuple(one for one in letter.recipients if one in answers and answers[one][0] < 500)
    refused = tuple(one for one in letter.recipients if one in answers and answers[one][0] >= 500)
    words = (f"{one}: {code} {_words(said)}" for one, (code, said) in answers.items())
    return Receipt(accepted, later, refused, "; ".join(words)[:1000])


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())
