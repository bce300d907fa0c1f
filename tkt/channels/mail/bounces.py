"""Which message bounced, for whom, and whether for good.

Read from the report (RFC 3464), or from the words of bounces that have none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tkt.channels.mail.addresses import parse_addresses
from tkt.channels.mail.headers import Headers, first_identifier, identifiers, read_fields
from tkt.channels.mail.mime import Part

TEXT_LIMIT = 65_536
DIAGNOSTIC_LIMIT = 500

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_TYPES = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_BLANK = re.compile(r"\r?\n\s*\r?\n")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REPLY_CODE = re.compile(r"(?:^|[\s:#(])([45])\d\d[ -]", re.MULTILINE)
_MESSAGE_ID = re.compile(r"^[ \t>]*Message-I[Dd]:\s*(<[^<>\s]{1,998}>)", re.MULTILINE)
_FAILED_LINE = re.compile(r"^\s*<([^\s<>@]{1,128}@[^\s<>]{1,255})>:?", re.MULTILINE)
_BARE_LINE = re.compile(r"^ {1,8}([^\s<>@:]{1,128}@[A-Za-z0-9.-]{1,255})\s*$", re.MULTILINE)


class Bounce(NamedTuple):
    """A delivery that failed or is delayed.

    `recipients` are the addresses that were not reached; `status` is the enhanced status code (RFC 3463) or
    ""; `permanent` tells failed from delayed; `original_message_id` is "<...>" or ""; `diagnostic` is what
    the other server said. `delivered` means that the report names only successes.
    """

    recipients: tuple[str, ...]
    status: str
    permanent: bool
    original_message_id: str
    diagnostic: str = ""
    delivered: bool = False


def read_bounce(message: Part) -> Bounce:
    """What the report in `message` says; from its text if it holds no report. Raises nothing."""
    groups = list(_status_groups(message))
    original = _original_message_id(message)
    if not groups:
        return _from_text(message, original)
    reached = [group for group in groups if _action(group) in ("delivered", "relayed", "expanded")]
    failed = [group for group in groups if group not in reached]
    chosen = next((group for group in failed if _is_permanent(group)), (failed or groups)[0])
    recipients = tuple(dict.fromkeys(box for group in failed for box in _recipient(group)))
    return Bounce(
        recipients=recipients,
        status=_status(chosen),
        permanent=bool(failed) and _is_permanent(chosen),
        original_message_id=original,
        diagnostic=" ".join(chosen.text("diagnostic-code").partition(";")[2].split())[:DIAGNOSTIC_LIMIT],
        delivered=not failed,
    )


def _status_groups(message: Part) -> Iterator[Headers]:
    """The fields for each recipient; those for the message as a whole are skipped."""
    for part in message.walk():
        if part.content_type in _STATUS_TYPES:
            for block in _BLANK.split(_header_text(part)):
                fields = Headers(read_fields(block.strip("\r\n"))[0])
                if "final-recipient" in fields or "original-recipient" in fields or "action" in fields:
                    yield fields


def _action(group: Headers) -> str:
    return group.raw("action").split(" ")[0].lower().strip(";")


def _status(group: Headers) -> str:
    found = _STATUS.search(group.raw("status")) or _STATUS.search(group.raw("diagnostic-code"))
    return found[1] if found else ""


def _is_permanent(group: Headers) -> bool:
    """A failure that repeating does not mend: RFC 3464 section 2.3.3, status class 5."""
    action, level = _action(group), _status(group)[:1]
    return level != "4" if action == "failed" else not action and level == "5"


def _recipient(group: Headers) -> Iterator[str]:
    """The address we wrote to, which is the original one if a server on the way rewrote it."""
    for name in ("original-recipient", "final-recipient"):
        _, semicolon, address = group.raw(name).partition(";")
        for found in parse_addresses(address if semicolon else group.raw(name)):
            if found.email:
                yield found.email
                return


def _original_message_id(message: Part) -> str:
    """From the returned message or its headers, else from its copy in the text, else from References."""
    for part in message.walk():
        if part is not message and part.content_type in _RETURNED_TYPES:
            headers = part.children[0].headers if part.children else _fields_in(part)
            if found := first_identifier(headers.raw("message-id")):
                return found
    if copied := _MESSAGE_ID.search(_text(message)):
        return first_identifier(copied[1])
    named = identifiers(message.headers.raw_all("in-reply-to") + message.headers.raw_all("references"))
    return named[-1] if named else ""


def _fields_in(part: Part) -> Headers:
    return Headers(read_fields(_BLANK.split(_header_text(part).lstrip("\r\n"), maxsplit=1)[0])[0])


def _header_text(part: Part) -> str:
    """The part's content in the form that `read_fields` takes."""
    return part.content()[:TEXT_LIMIT].decode("ascii", "surrogateescape")


def _text(message: Part) -> str:
    texts = (part.text()[:TEXT_LIMIT] for part in message.walk() if part.content_type == "text/plain")
    return "\n".join(texts)[:TEXT_LIMIT]


def _from_text(message: Part, original: str) -> Bounce:
    """Exim names the recipients in a field, qmail in lines of the text."""
    text = _text(message)
    words = text.partition("Message-I")[0]
    named = parse_addresses(", ".join(message.headers.raw_all("x-failed-recipients")))
    boxes = [address.email for address in named if address.email]
    boxes = boxes or _FAILED_LINE.findall(words) or _BARE_LINE.findall(words)
    status, code = _STATUS.search(words), _REPLY_CODE.search(words)
    level = status[1][0] if status else code[1] if code else "5"
    recipients = tuple(dict.fromkeys(box.lower() for box in boxes))
    return Bounce(recipients, status[1] if status else "", level == "5", original)
