"""Message-IDs that we sign, so that an answer finds its ticket and nobody can point a mail at a ticket by guessing.

`<tkt-KIND-NUMBER-NONCE-SIGNATURE@DOMAIN>`: KIND is r (reply), c (confirmation), n (notification to staff), d (digest
of notifications about several tickets: its number is 0, an answer to it belongs to none of them) or p (report, about no
ticket: its number is 0, an answer to it is a new one); the signature is an
HMAC-SHA256 of the rest, shortened to 64 bits. The grammar is that of RFC 5322 section 3.6.4.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import NamedTuple

REPLY, CONFIRMATION, NOTIFICATION, DIGEST, REPORT = "r", "c", "n", "d", "p"

_FORM = re.compile(r"<?tkt-([rcndp])-(\d{1,18})-([0-9a-z]{1,32})-([0-9a-f]{16})@[^>\s]+>?", re.ASCII)
_BOUNCE_TOKEN = re.compile(r"b(\d{1,18})\.([0-9a-f]{16})", re.ASCII)


class Signed(NamedTuple):
    """What one of our own Message-IDs says: the ticket's number and the kind of mail."""

    ticket: int
    kind: str


def make_message_id(secret: str, domain: str, ticket: int, kind: str) -> str:
    """A fresh signed Message-ID, with its angle brackets."""
    nonce = secrets.token_hex(6)
    signature = _sign(secret, f"{kind}-{ticket}-{nonce}")
    return f"<tkt-{kind}-{ticket}-{nonce}-{signature}@{domain}>"


def read_message_id(secret: str, message_id: str) -> Signed | None:
    """What this Message-ID says if we signed it, else None."""
    found = _FORM.fullmatch(message_id.strip())
    if found is None or not secret:
        return None
    kind, ticket, nonce, signature = found.groups()
    if not hmac.compare_digest(signature, _sign(secret, f"{kind}-{ticket}-{nonce}")):
        return None
    return Signed(int(ticket), kind)


def make_token(secret: str, ticket: int) -> str:
    """The plus-address token of a ticket: `1042.SIGNATURE`, for support+1042.SIGNATURE@example.com (RFC 5233)."""
    return f"{ticket}.{_sign(secret, f'address-{ticket}')}"


def read_token(secret: str, token: str) -> int | None:
    """The ticket of a plus-address token that we signed, else None."""
    number, _, signature = token.partition(".")
    if not secret or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return int(number) if hmac.compare_digest(signature, _sign(secret, f"address-{number}")) else None


def plus_address(secret: str, address: str, number: int) -> str:
    """The mailbox's address with a ticket's token: mail sent there finds the ticket (RFC 5233 subaddress)."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{make_token(secret, number)}@{domain}"


def bounce_address(secret: str, address: str, outbox_id: int) -> str:
    """The return path with a mail's bounce token: what comes back there names the mail."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{make_bounce_token(secret, outbox_id)}@{domain}"


def make_bounce_token(secret: str, outbox_id: int) -> str:
    """What a mail's envelope sender is extended by, so that its bounce names it whatever else it returns:
    `b17.SIGNATURE`, for bounces+b17.SIGNATURE@example.com (a variable envelope return path, VERP; RFC 5233).
    """
    return f"b{outbox_id}.{_sign(secret, f'bounce-{outbox_id}')}"


def read_bounce_token(secret: str, token: str) -> int | None:
    """The outbox row of a bounce token that we signed, in whatever case it came back, else None."""
    found = _BOUNCE_TOKEN.fullmatch(token.lower())
    if found is None or not secret:
        return None
    return int(found[1]) if hmac.compare_digest(found[2], _sign(secret, f"bounce-{found[1]}")) else None


def _sign(secret: str, text: str) -> str:
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]
