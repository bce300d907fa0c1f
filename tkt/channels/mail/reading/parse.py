"""Raw bytes of a mail to everything the desk wants to know of it: the one entry point of reading mail.

`parse` promises: for any bytes it returns a `ParsedMail` or raises `Unparseable` with the reason, nothing
else; every string it returns is valid UTF-8 without NUL; addresses are in lower case; times are aware UTC.
What strangers wrote is kept as they wrote it, escape sequences too: `tkt.safe_text` is for whoever shows it.
Folding quotes is left to `quotes`, deciding which ticket a mail belongs to is left to threading.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tkt.channels.mail.reading.addresses import ADDRESSES_LIMIT, Address, parse_addresses
from tkt.channels.mail.reading.bodies import Attachment, read_body
from tkt.channels.mail.reading.classify import Machine, classify
from tkt.channels.mail.reading.headers import Headers, first_identifier, identifiers, parse_date
from tkt.channels.mail.reading.language import guess_language
from tkt.channels.mail.reading.mime import Part, read_message
from tkt.errors import TktError

SUBJECT_LIMIT = 1000
FIELDS_LIMIT = 50  # fields of one name that are looked into

_ANYTHING = re.compile(rb"[^\0\t\n\r ]")
_SENDER_FIELDS = ("from", "sender", "x-original-from", "return-path", "x-sender", "reply-to")
_DELIVERY_FIELDS = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_NOBODY = Address("", "mailer-daemon@unknown.invalid")

__all__ = ["Address", "Attachment", "Machine", "ParsedMail", "Unparseable", "parse"]


class Unparseable(TktError):
    """Bytes that can't become a ticket; the message is the reason, one sentence."""


@dataclass(frozen=True)
class ParsedMail:
    """One message, read.

    `message_id`, `in_reply_to` and `references` are "<...>"; `message_id` is "" if the mail has none.
    `sender` always has an e-mail address. `text` is all the readable text, quotes included; `html` is as
    sent, never safe to show. `machine` is None for a mail that a person sent. `headers` are the message's own
    fields, for what is asked rarely.
    """

    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    subject: str
    sender: Address
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    delivered_to: tuple[str, ...]
    date: datetime | None
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    machine: Machine | None
    headers: Headers

    @cached_property
    def language(self) -> str:
        """ "en", "de", "zh" or "": worked out when first asked, because only a confirmation needs it."""
        return guess_language(self.text or self.subject)


def parse(raw: bytes, content: Callable[[Part], bytes] = Part.content) -> ParsedMail:
    """Reads a whole message. Raises `Unparseable` for what can't become a ticket, and nothing else.

    `content` gives an attached part's bytes (see `read_body`).
    """
    if _ANYTHING.search(raw) is None:
        raise Unparseable("The message is empty.")
    root = read_message(raw)
    headers = root.headers
    _guess_charset(root)
    if not headers.names():
        raise Unparseable("The message has no header fields; it may be no mail at all.")
    subject = headers.text("subject")[:SUBJECT_LIMIT]
    machine = classify(root, subject)
    sender = _sender(headers, machine)
    body = read_body(root, content)
    return ParsedMail(
        message_id=first_identifier(headers.raw("message-id")),
        in_reply_to=identifiers(headers.raw_all("in-reply-to")),
        references=identifiers(headers.raw_all("references")),
        subject=subject,
        sender=sender,
        reply_to=_addresses(headers, "reply-to"),
        to=_addresses(headers, "to"),
        cc=_addresses(headers, "cc"),
        delivered_to=_delivered_to(headers),
        date=_date(headers),
        text=body.text,
        html=body.html,
        attachments=body.attachments,
        machine=machine,
        headers=headers,
    )


def _guess_charset(root: Part) -> None:
    """Raw 8-bit header fields are most likely written in the charset of the first text."""
    if not root.headers.charset and root.children:
        root.headers.charset = next((p.headers.charset for p in root.walk() if p.headers.charset), "")


def _addresses(headers: Headers, name: str) -> tuple[Address, ...]:
    if name not in headers:
        return ()
    found: list[Address] = []
    for value in headers.raw_all(name)[:FIELDS_LIMIT]:
        found += [address for address in parse_addresses(value) if address.email]
    return tuple(found[:ADDRESSES_LIMIT])


def _sender(headers: Headers, machine: Machine | None) -> Address:
    """The first usable address of From, else of the fields that stand in for it.

    A mail of a machine without any, as some bounces are, comes from an address that can never be written to.
    """
    for name in _SENDER_FIELDS:
        if found := _addresses(headers, name):
            return found[0]
    if machine is not None:
        return _NOBODY
    raise Unparseable("The message names no sender: no From, Sender or Reply-To field holds an address.")


def _delivered_to(headers: Headers) -> tuple[str, ...]:
    """The addresses that the message was delivered for, according to the servers on its way."""
    found = (address.email for name in _DELIVERY_FIELDS for address in _addresses(headers, name))
    return tuple(dict.fromkeys(found))


def _date(headers: Headers) -> datetime | None:
    """When it was sent; without a readable Date, when the last server received it."""
    sent = parse_date(headers.raw("date"))
    return sent or parse_date(headers.raw("received").rpartition(";")[2])
