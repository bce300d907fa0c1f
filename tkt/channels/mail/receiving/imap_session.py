"""A connection to an IMAP server (RFC 3501): connecting, TLS, the login, and what can go wrong, in our own words.

Promises: whatever a server says, or stops saying, comes out as MailServerAway (trying again may help) or
MailboxUnusable (somebody has to mend something); the memory that an answer may take is bounded; no password or token
gets into a message. Leaves to others: reading (`imap`), waiting for mail (`idle`), telling what is wrong (`probe`).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError
from imapclient.imap4 import IMAP4WithTimeout
from imapclient.tls import IMAP4_TLS

from tkt.channels.mail.mailboxes import Mailbox, Secret, distrust, password, tls_context, tls_failed
from tkt.channels.mail.receiving import oauth
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable, MailServerAway

TIMEOUT_SECONDS = 60
"""How long a server may say nothing before it counts as away."""

PATIENCE = 3
"""How many times as long it may keep us waiting for one command's answer, while it goes on saying that it is busy."""

SLOWEST = 1_000
"""Bytes in a second: an answer that comes so fast may take what time it takes."""

ANSWER_BYTES = 16_000_000
"""How much one command's answer may hold, unless more was asked for (`allow`)."""

CHUNK = 1_000_000

KEEPALIVE = {"TCP_KEEPIDLE": 120, "TCP_KEEPINTVL": 30, "TCP_KEEPCNT": 4}
"""Seconds and counts (tcp(7)): a connection whose other end is gone without a word ends after four minutes."""

_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
"""What imaplib and imapclient let out where an answer is not IMAP."""


class _Bounded:
    """What imaplib reads from a connection, within the bytes that were asked for and the time that they may take. Only
    the time counts in which we wait for bytes: while a folder is watched, others wait for the server to speak.
    """

    allowance = ANSWER_BYTES
    waited = 0.0
    file: Any
    sock: Any
    shutdown: Callable[[], Any]

    def read(self, size: int) -> bytes:
        """A literal, in pieces: its announced size alone must not take memory."""
        self._take(size)
        pieces = []
        while size > 0 and (piece := self._await(self.file.read1, min(size, CHUNK))):
            pieces.append(piece)
            size -= len(piece)
            self._came(len(piece))
        return b"".join(pieces)

    def readline(self) -> bytes:
        pieces: list[bytes] = []
        while not (pieces and pieces[-1].endswith(b"\n")) and (seen := self._await(self.file.peek, 1)):
            pieces.append(self.file.read(seen.find(b"\n") + 1 or len(seen)))
            self._take(len(pieces[-1]))
            self._came(len(pieces[-1]))
        return b"".join(pieces)

    def _new_tag(self) -> Any:
        """Each command begins with one, and each has its time."""
        self.waited = 0.0
        return super()._new_tag()  # type: ignore[misc]

    def _take(self, size: int) -> None:
        self.allowance -= size
        if self.allowance < 0:
            raise IMAPClientAbortError("it sends more than was asked for")

    def _await(self, read: Callable[[int], bytes], size: int) -> bytes:
        """What comes next, without waiting for more of it; the connection of who took too long is of no use."""
        began = monotonic()
        data = read(size)
        self.waited += monotonic() - began
        if self.waited > PATIENCE * self.sock.gettimeout():
            with suppress(OSError):
                self.shutdown()
            raise IMAPClientAbortError("it keeps us waiting for its answer")
        return data

    def _came(self, size: int) -> None:
        self.waited = max(0.0, self.waited - size / SLOWEST)


class _PlainWire(_Bounded, IMAP4WithTimeout):  # type: ignore[misc]
    """A connection without TLS, or before STARTTLS."""


class _TlsWire(_Bounded, IMAP4_TLS):  # type: ignore[misc]
    """A connection that begins with TLS."""


class _Client(IMAPClient):  # type: ignore[misc]
    """imapclient over bounded wires. Its debug log is off: imaplib would write down every message for it."""

    def _create_IMAP4(self) -> Any:
        seconds = self._timeout.connect
        if self.ssl:
            return _TlsWire(self.host, self.port, self.ssl_context, seconds)
        return _PlainWire(self.host, self.port, seconds)


class ImapSession:
    """A connection, logged in unless `login` says otherwise; `client` speaks, within `translated`."""

    def __init__(self, box: Mailbox, server: Server, timeout: float | None = None, *, login: bool = True) -> None:
        self.box, self.server = box, server
        self.where = f"mailbox {box.name}: {server.host}:{server.port}"
        with self.translated():
            self.client = self._connect(timeout or TIMEOUT_SECONDS)
        try:
            with self.translated():
                self._keep_alive()
            if login:
                self._log_in()
        except BaseException:  # whatever ends us here, the connection must not stay open
            self.close()
            raise

    def allow(self, size: int = 0) -> None:
        """The next answers may hold so many bytes besides what answers usually hold."""
        self.client._imap.allowance = ANSWER_BYTES + size

    def close(self) -> None:
        """Log out; raises nothing."""
        with suppress(OSError, IMAPClientError, *_MALFORMED):
            self.client.logout()
        self.cut()

    def cut(self) -> None:
        """End the connection without a word, from whichever thread; raises nothing."""
        with suppress(OSError, IMAPClientError):
            self.client.socket().shutdown(socket.SHUT_RDWR)
        with suppress(OSError, IMAPClientError):
            self.client.shutdown()

    @contextmanager
    def translated(self, folder: str = "") -> Iterator[None]:
        """What the server or the network says, in our own words, without the frames that held a password."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise MailboxUnusable(f"{self.where} can't be trusted: {distrust(error)}") from None
        except ssl.SSLError as error:
            raise tls_failed(self.where, error) from None
        except (OSError, EOFError, IMAPClientAbortError) as error:
            raise MailServerAway(f"{self.where} does not answer: {error}") from None
        except IMAPClientError as error:
            about = f", folder {folder}" if folder else ""
            raise MailboxUnusable(f"{self.where}{about}: {error}") from None
        except _MALFORMED as error:
            raise MailServerAway(f"{self.where} answers with something else than IMAP: {error}") from None

    # --- connecting -----------------------------------------------------------------------------------------------

    def _connect(self, timeout: float) -> Any:
        server = self.server
        if server.security == "tls":
            context = tls_context(self.box)
            client = _Client(server.host, server.port, ssl_context=context, timeout=timeout)
        else:
            client = _Client(server.host, server.port, ssl=False, timeout=timeout)
        client._imap.debug = 0
        if server.security == "starttls":
            try:
                client.starttls(tls_context(self.box))
            except BaseException:  # whatever ends us here, the connection must not stay open
                with suppress(OSError):
                    client.shutdown()
                raise
        return client

    def _keep_alive(self) -> None:
        line = self.client.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE.items():
            if option := getattr(socket, name, None):
                line.setsockopt(socket.IPPROTO_TCP, option, value)

    # --- the login ------------------------------------------------------------------------------------------------

    def _log_in(self) -> None:
        if self.box.token_command:
            self._log_in_with_token()
            return
        secret = password(self.box)
        refused = self._refusal(secret, lambda: self._say_password(self.server.user, secret.reveal()))
        if refused is not None:
            words = f" (it says: {refused})" if refused else ""
            raise MailboxUnusable(f"{self.where} refuses the login: check user and password{words}")

    def _say_password(self, user: str, secret: str) -> None:
        """LOGIN knows ASCII only, and may be disabled (RFC 3501); PLAIN is UTF-8 (RFC 4616)."""
        if user.isascii() and secret.isascii() and not self.client.has_capability("LOGINDISABLED"):
            quoted = user.replace("\\", "\\\\").replace('"', '\\"')
            self.client.login(f'"{quoted}"', secret)
        else:
            self.client.plain_login(user, secret)

    def _log_in_with_token(self) -> None:
        with self.translated():
            mechanism = oauth.mechanism(lambda name: self.client.has_capability(f"AUTH={name}"), self.where)
        server, refused = self.server, ""
        for secret in oauth.tokens(self.box):
            talk = oauth.Conversation(mechanism, server.user, secret, server.host, server.port)
            words = self._refusal(secret, lambda talk=talk: self.client.sasl_login(mechanism, talk.answer))
            if words is None:
                return
            refused = talk.refusal or words
        raise MailboxUnusable(f"{self.where} refuses the access token: {refused or 'it does not say why'}")

    def _refusal(self, secret: Secret, login: Any) -> str | None:
        """Log in; None, or what the server said against it. Raises MailServerAway when it can't tell now."""
        with self.translated():
            try:
                login()
            except LoginError as error:
                words = _said(error).replace(secret.reveal(), "…")
                if isinstance(error.__context__, IMAPClientAbortError) or "[UNAVAILABLE]" in words:  # RFC 5530
                    raise MailServerAway(f"{self.where} can't check the login now: {words}") from None
                return words
            except UnicodeEncodeError:
                raise MailboxUnusable(f"{self.where}: user and password can't be said to this server") from None
        return None


def _said(error: IMAPClientError) -> str:
    """The server's words, without what imaplib puts around them."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.removeprefix("b'").removesuffix("'").split())[: oauth.WORDS]
