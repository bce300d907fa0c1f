"""Logging in with an OAuth 2 access token: XOAUTH2 (as Google and Microsoft describe it) and OAUTHBEARER (RFC 7628).

The token comes from the mailbox's `token_command`, anew for each login; a server that refuses it is tried once more if
the command then gives another one. A refusing server explains itself in a challenge of JSON, which is put into words.

Leaves to others: carrying the conversation over IMAP (`imap_session`) and SMTP (`smtp_login`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from tkt.channels.mail.mailboxes import Mailbox, Secret, token
from tkt.errors import MailboxUnusable

MECHANISMS = ("XOAUTH2", "OAUTHBEARER")
"""In the order of preference: Microsoft knows the first only, and who knows the second mostly knows both."""

_EXPIRED = "it has expired or is not valid; see what token_command does"
_NO_SCOPE = "it does not allow mail; ask for the right scope in token_command"
_STATUS = dict.fromkeys(("invalid_token", "400", "401"), _EXPIRED)
_STATUS |= dict.fromkeys(("insufficient_scope", "403"), _NO_SCOPE)
WORDS = 200
"""How many characters of a server's answer are repeated."""


class Conversation:
    """The client's side of one login. `refusal` is what the server said against it, in words, or empty."""

    def __init__(self, mechanism: str, user: str, secret: Secret, host: str, port: int) -> None:
        self.refusal = ""
        self._mechanism, self._user, self._secret = mechanism, user, secret
        self._host, self._port = host, port

    def answer(self, challenge: bytes | None = None) -> str:
        """What to say: first who we are, then to the challenge of an error what makes the server end the login."""
        if not challenge:
            return self._first()
        self.refusal = refusal_in_words(challenge).replace(self._secret.reveal(), "…")
        return "\x01" if self._mechanism == "OAUTHBEARER" else ""  # RFC 7628 section 3.2.3

    def _first(self) -> str:
        bearer = f"auth=Bearer {self._secret.reveal()}\x01\x01"
        if self._mechanism == "XOAUTH2":
            return f"user={self._user}\x01{bearer}"
        user = self._user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801 section 4
        return f"n,a={user},\x01host={self._host}\x01port={self._port}\x01{bearer}"


def mechanism(offered: Callable[[str], bool], where: str) -> str:
    """The mechanism to use. Raises MailboxUnusable where the server offers none."""
    for name in MECHANISMS:
        if offered(name):
            return name
    raise MailboxUnusable(f"{where} takes no access token: it offers neither {' nor '.join(MECHANISMS)}")


def tokens(box: Mailbox) -> Iterator[Secret]:
    """A token, then another one if the command gives another. Raises MailboxUnusable."""
    first = token(box)
    yield first
    second = token(box)
    if second.reveal() != first.reveal():
        yield second


def refusal_in_words(challenge: bytes) -> str:
    """The server's error (RFC 7628 section 3.2.2), or what stands in its place."""
    text = challenge.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return text[:WORDS]
    if not isinstance(said, dict):
        return text[:WORDS]
    status, scope = str(said.get("status", "")), str(said.get("scope", ""))
    words = _STATUS.get(status.lower(), "the server refuses it")
    details = (f"status {status}" if status else "", f"scope {scope}" if scope else "")
    return f"{words} ({', '.join(filter(None, details))})"[:WORDS] if any(details) else words
