"""Logging in to an SMTP server (RFC 4954): with a password, or with an access token (`oauth`).

What goes wrong is raised as smtplib raises it, to be told by whoever speaks with the server; a refused token is told
here, because only the conversation knows why. Neither password nor token reaches a message.
"""

from __future__ import annotations

import base64
import smtplib

from tkt.channels.mail.mailboxes import Mailbox, password
from tkt.channels.mail.receiving import oauth
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable, MailServerAway


def log_in(connection: smtplib.SMTP, box: Mailbox, server: Server) -> None:
    """Log in as the user of the URL. Raises smtplib.SMTPException, OSError, MailboxUnusable, MailServerAway."""
    try:
        if box.token_command:
            _with_token(connection, box, server)
        else:
            _with_password(connection, server.user, password(box).reveal())
    except ValueError:  # smtplib and base64 let it out where a challenge is malformed
        raise MailServerAway(f"{_where(box, server)} answers the login with something else than a challenge") from None


def _with_password(connection: smtplib.SMTP, user: str, secret: str) -> None:
    if user.isascii() and secret.isascii():
        connection.login(user, secret)
        return
    connection.ehlo_or_helo_if_needed()
    plain = base64.b64encode(f"\0{user}\0{secret}".encode()).decode()  # smtplib knows ASCII only; RFC 4616 is UTF-8
    code, words = connection.docmd("AUTH", f"PLAIN {plain}")
    if code not in (235, 503):
        raise smtplib.SMTPAuthenticationError(code, words)


def _with_token(connection: smtplib.SMTP, box: Mailbox, server: Server) -> None:
    if not server.user.isascii():
        raise MailboxUnusable(f"{_where(box, server)}: a user who logs in with a token has a name in ASCII")
    connection.ehlo_or_helo_if_needed()
    offered = str(connection.esmtp_features.get("auth", "")).upper().split()
    mechanism = oauth.mechanism(lambda name: name in offered, _where(box, server))
    refusal = ""
    for secret in oauth.tokens(box):
        talk = oauth.Conversation(mechanism, server.user, secret, server.host, server.port)
        try:
            connection.auth(mechanism, talk.answer, initial_response_ok=True)
        except smtplib.SMTPAuthenticationError as error:
            if error.smtp_code < 500:
                raise
            refusal = talk.refusal or _words(error.smtp_error)
        else:
            return
    raise MailboxUnusable(f"{_where(box, server)} refuses the access token: {refusal}")


def _where(box: Mailbox, server: Server) -> str:
    return f"mailbox {box.name}: {server.host}:{server.port}"


def _words(said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return " ".join(text.split())[: oauth.WORDS]
