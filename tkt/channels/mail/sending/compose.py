"""A row of the outbox becomes the bytes that leave: a pure function, the same bytes for every retry.

Promises: no value can start a header line of its own; lines fit RFC 5322's limits; everything is 7-bit, so that any
server passes it on unchanged, unless somebody whom it goes to has an address that can't be (RFC 6532); Message-ID and
Date are the row's, so that a retry is recognisable. What the desk sends by itself says so (RFC 3834), and every mail
carries the desk's own mark, by which it knows its mails when they come back. Leaves to others: who gets it and what it
says (`tkt.desk.outbox`), sending (`smtp`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address as HeaderAddress
from email.headerregistry import Group
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from email.utils import format_datetime
from typing import Any, NamedTuple

from tkt.channels.mail.reading.addresses import Address, parse_addresses
from tkt.channels.mail.reading.classify import LOOP_HEADER
from tkt.desk.addresses import ascii_domain

_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9][a-z0-9!#$&^_.+-]{0,100}/[a-z0-9][a-z0-9!#$&^_.+-]{0,100}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_QUOTED_PAIR = re.compile(r"\\(.)")
_WHOLE = re.compile(r"<html\b", re.IGNORECASE)
_IDENTIFIERS = ("in-reply-to", "references", "message-id")


class File(NamedTuple):
    """A file that goes with the mail."""

    name: str
    type: str
    content: bytes


class Letter(NamedTuple):
    """A mail ready to leave: the envelope's sender and recipients, and the message."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server with SMTPUTF8 can take it (RFC 6531)."""
        return not "".join((self.sender, *self.recipients)).isascii()


class _Policy(EmailPolicy):
    """SMTP's line ends and lengths; identifiers are folded between, never inside or encoded."""

    def fold(self, name: str, value: Any) -> str:
        if name.lower() in _IDENTIFIERS:
            return f"{name}: " + f"{self.linesep} ".join(str(value).split()) + self.linesep
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        if name.lower() in _IDENTIFIERS:
            return self.fold(name, value).encode("ascii", "replace")
        return super().fold_binary(name, value)


_POLICY = _Policy(linesep=SMTP.linesep, cte_type="7bit", max_line_length=78)
_POLICY_UTF8 = _POLICY.clone(utf8=True)


def compose(
    mail: dict[str, Any],
    *,
    message_id: str,
    at: datetime,
    mark: str,
    recipients: Sequence[str],
    return_path: str = "",
    files: Sequence[File] = (),
) -> Letter:
    """The letter for an outbox row's `mail` document. `mark` is the desk's own, `recipients` and `return_path` are the
    envelope's; without a return path what comes back goes to the mailbox.

    Raises ValueError when an address can't be written down.
    """
    sender = Address(_line(mail.get("from_name", "")), _line(mail["from_address"]))
    boxes = [one.email for text in recipients for one in parse_addresses(_line(text)) if one.email]
    envelope = Letter(ascii_domain(return_path or sender.email), tuple(ascii_domain(box) for box in boxes), b"")
    message = EmailMessage(_POLICY_UTF8 if envelope.needs_smtputf8 else _POLICY)
    message["From"] = _header_address(sender)
    if mail.get("reply_to"):
        message["Reply-To"] = _header_address(Address(sender.name, _line(mail["reply_to"])))
    for field, addresses in (("To", mail.get("to", ())), ("Cc", mail.get("cc", ()))):
        named = [one for text in addresses for one in parse_addresses(_line(text))]
        if written := [_recipient(one, envelope.needs_smtputf8) for one in named]:
            message[field] = written
    message["Subject"] = _line(mail.get("subject", ""))
    message["Date"] = format_datetime(at)
    message["Message-ID"] = _line(message_id)
    _thread(message, mail)
    if mail.get("auto"):
        message["Auto-Submitted"] = _line(mail["auto"])
    message[LOOP_HEADER] = _line(mark)
    message.set_content(_text(mail.get("text", "")), charset="utf-8")
    if mail.get("html"):
        message.add_alternative(_document(_text(mail["html"])), subtype="html", charset="utf-8")
    for file in files:
        _attach(message, file)
    _set_boundaries(message, message_id)
    return envelope._replace(content=message.as_bytes())


def _thread(message: EmailMessage, mail: dict[str, Any]) -> None:
    if mail.get("in_reply_to"):
        message["In-Reply-To"] = _identifiers([mail["in_reply_to"]])
    if mail.get("references"):
        message["References"] = _identifiers(mail["references"])


def _identifiers(values: Sequence[str]) -> str:
    """Message-IDs as one value; one that is not ASCII or has spaces would break the field and is left out."""
    words = (_line(value).replace(" ", "") for value in values)
    return " ".join(word for word in words if word.isascii())


def _recipient(address: Address, utf8: bool) -> HeaderAddress | Group:
    """An address for To or Cc; one beyond ASCII is only named in a 7-bit mail, as an empty group (RFC 6857)."""
    if utf8 or ascii_domain(address.email).isascii():
        return _header_address(address)
    return Group(address.email)


def _header_address(address: Address) -> HeaderAddress:
    """Written from its two halves: the library would refuse to read some that people have (RFC 6532)."""
    local, _, domain = ascii_domain(address.email).rpartition("@")
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    return HeaderAddress(_line(address.name), username=local, domain=domain)


def _line(value: Any) -> str:
    """One line, whatever was in it: a line break would start a header of its own."""
    return " ".join(_CONTROL.sub(" ", str(value)).split()).encode("utf-8", "replace").decode()


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


def _document(html: str) -> str:
    """A whole document, where the template is only what stands in one."""
    if _WHOLE.search(html):
        return html
    return f'<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"></head>\n<body>\n{html.strip()}\n</body>\n</html>\n'


def _set_boundaries(message: EmailMessage, message_id: str) -> None:
    """The same for each retry. No text holds them: they come from a name that was made after it, and "=_" stands in no
    encoded part (RFC 2045 section 6.7)."""
    for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
        digest = hashlib.sha256(f"{message_id} {number}".encode()).hexdigest()
        part.set_boundary(f"=_{digest[:32]}")


def _attach(message: EmailMessage, file: File) -> None:
    """As base64, with a type that can't be mistaken for a part of the message's own structure."""
    kind = file.type.lower() if _TYPE.fullmatch(file.type.lower()) else "application/octet-stream"
    main, _, sub = kind.partition("/")
    message.add_attachment(file.content, maintype=main, subtype=sub, filename=_line(file.name) or "attachment")
