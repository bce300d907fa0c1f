"""Which message bounced, for whom, and whether for good.

Read from the report (RFC 3464, RFC 6533), which may name several recipients with different outcomes; from the words of
bounces that have none (Exim, qmail, Exchange's HTML, Chinese providers) by `bounce_texts`. The message of ours is named
by the copy or the headers that come back, in whatever part; where nothing comes back, by the address that the report
was sent to, which `undelivered` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tkt.channels.mail.reading.addresses import parse_addresses
from tkt.channels.mail.reading.bounce_texts import readable_text, words_of_bounce
from tkt.channels.mail.reading.headers import Headers, first_identifier, identifiers, read_fields
from tkt.channels.mail.reading.mime import Part

TEXT_LIMIT = 65_536
DIAGNOSTIC_LIMIT = 500

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_TYPES = (
    *("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"),
    *("message/rfc822-headers", "text/rfc822"),
)
_BLANK = re.compile(r"\r?\n\s*\r?\n")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_MESSAGE_ID = re.compile(r"^[ \t>]*Message-I[Dd]:\s*(<[^<>\s]{1,998}>)", re.MULTILINE)
_OUR_ID = re.compile(r"\btkt-[a-z]-\d{1,18}-[0-9a-z]{1,32}-[0-9a-f]{16}@[A-Za-z0-9.-]{1,255}[A-Za-z0-9]")
_REACHED = ("delivered", "relayed", "expanded")

_MESSAGE_AT_FAULT = re.compile(r"5\.(?:1\.[789]|2\.[23]|[3567]\.\d+)\Z")
"""Status codes (RFC 3463) that blame the message, its sender or a full mailbox and say nothing against the address."""

_MESSAGE_BLAMED = re.compile(
    r"spam|virus|malware|policy|block(?:ed|list)|blacklist|reputation|dmarc|spf|dkim|quota|full|too (?:large|big)|"
    r"size|content|attachment|满|垃圾",
    re.IGNORECASE,
)


class Outcome(NamedTuple):
    """What became of one recipient. `address` is "" where the report does not say; `action` is failed, delayed,
    delivered, relayed or expanded (RFC 3464 section 2.3.3); `status` an enhanced code (RFC 3463) or "".
    """

    address: str
    action: str
    status: str = ""
    diagnostic: str = ""

    @property
    def address_at_fault(self) -> bool:
        """Whether a mail to this address is likely never to arrive, whatever it says."""
        if self.action != "failed" or self.status.startswith("4") or _MESSAGE_AT_FAULT.match(self.status):
            return False
        vague = self.status in ("", "5.0.0", "5.5.0")
        return not (vague and _MESSAGE_BLAMED.search(self.diagnostic))


class Bounce(NamedTuple):
    """What a delivery report says.

    `original_message_id` is "<...>" or ""; `envelope_senders` are the return paths that the returned message shows, and
    `envelope_id` the ENVID it was sent with (RFC 3461).
    """

    outcomes: tuple[Outcome, ...]
    original_message_id: str = ""
    envelope_senders: tuple[str, ...] = ()
    envelope_id: str = ""

    @property
    def worst(self) -> Outcome:
        """The outcome that matters most: a failure before a delay before a success."""
        ranked = sorted(self.outcomes, key=lambda one: (one.action != "failed", one.action != "delayed"))
        return ranked[0] if ranked else Outcome("", "failed")

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses that were not reached, or not yet."""
        missed = (one.address for one in self.outcomes if one.action not in _REACHED and one.address)
        return tuple(dict.fromkeys(missed))

    @property
    def permanent(self) -> bool:
        """Somebody will never get the message: the server has given up, for whatever reason."""
        return self.worst.action == "failed"

    @property
    def delivered(self) -> bool:
        """The report names only successes."""
        return self.worst.action in _REACHED

    @property
    def status(self) -> str:
        return self.worst.status

    @property
    def diagnostic(self) -> str:
        """What the other server said."""
        return self.worst.diagnostic


def read_bounce(message: Part, subject: str = "") -> Bounce:
    """What the report in `message` says; from its text and subject if it holds no report. Raises nothing."""
    outcomes = [_outcome(group) for group in _status_groups(message)]
    if not outcomes:
        text = readable_text(message)
        named = [box.email for box in parse_addresses(", ".join(message.headers.raw_all("x-failed-recipients")))]
        words = words_of_bounce(text, subject)
        boxes = [box for box in named if box] or list(words.addresses) or [""]
        outcomes = [Outcome(box, words.action, words.status, words.diagnostic) for box in dict.fromkeys(boxes)]
    returned = [_returned_headers(part) for part in message.walk() if _is_returned(part, message)]
    return Bounce(
        tuple(outcomes),
        _original_message_id(message, returned),
        tuple(sender for headers in returned for sender in _senders(headers)),
        _envelope_id(message),
    )


def returned_message(message: Part) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Of the message that a report of any kind returns: its Message-ID, its return paths, and whom it went to."""
    returned = [_returned_headers(part) for part in message.walk() if _is_returned(part, message)]
    fields = [headers.raw(name) for headers in returned for name in ("to", "cc")]
    recipients = tuple(box.email for field in fields for box in parse_addresses(field) if box.email)
    senders = tuple(sender for headers in returned for sender in _senders(headers))
    return _original_message_id(message, returned), senders, recipients


# --- the report -------------------------------------------------------------------------------------------------------


def _status_groups(message: Part) -> Iterator[Headers]:
    """The fields for each recipient; those for the message as a whole are skipped."""
    for fields in _status_blocks(message):
        if "final-recipient" in fields or "original-recipient" in fields or "action" in fields:
            yield fields


def _status_blocks(message: Part) -> Iterator[Headers]:
    for part in message.walk():
        if part.content_type in _STATUS_TYPES:
            for block in _BLANK.split(_header_text(part)):
                yield Headers(read_fields(block.strip("\r\n"))[0])


def _envelope_id(message: Part) -> str:
    """The ENVID that the mail was sent with, as its sender wrote it (RFC 3464 section 2.2.1)."""
    found = (fields.raw("original-envelope-id").strip() for fields in _status_blocks(message))
    return next((one for one in found if one), "")[:100]


def _outcome(group: Headers) -> Outcome:
    found = _STATUS.search(group.raw("status")) or _STATUS.search(group.raw("diagnostic-code"))
    status = found[1] if found else ""
    kind, semicolon, said = group.text("diagnostic-code").partition(";")
    diagnostic = " ".join((said if semicolon else kind).split())[:DIAGNOSTIC_LIMIT]
    return Outcome(_recipient(group), _action(group, status), status, diagnostic)


def _action(group: Headers, status: str) -> str:
    """The action; where the report has none, what the status code's class means (RFC 3463 section 3.1)."""
    word = re.split(r"[\s;(]", group.raw("action").strip().lower(), maxsplit=1)[0]
    if word in ("failed", "delayed", *_REACHED):
        return word
    return {"2": "delivered", "4": "delayed"}.get(status[:1], "failed")


def _recipient(group: Headers) -> str:
    """The address we wrote to, which is the original one if a server on the way rewrote it; "" if it can't be read."""
    for name in ("original-recipient", "final-recipient"):
        kind, semicolon, address = group.raw(name).partition(";")
        written = _unescaped(address) if kind.strip().lower() == "utf-8" else address if semicolon else kind
        for found in parse_addresses(_from_xtext(written) if name == "original-recipient" else written):
            if found.email:
                return found.email
    return ""


def _unescaped(address: str) -> str:
    r"""A utf-8-addr-xtext back as it was: `\x{FC}` (RFC 6533 section 3)."""
    return re.sub(r"\\x\{([0-9A-Fa-f]{2,6})\}", lambda code: _character(int(code[1], 16)), address)


def _character(code: int) -> str:
    return chr(code) if 0x20 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _from_xtext(address: str) -> str:
    """`+2B` back to a plus sign (RFC 3461 section 4), as ORCPT has it; an ordinary plus-address is left alone."""
    return re.sub(r"\+(2B|3D)(?=[^@]*@)", lambda code: chr(int(code[1], 16)), address)


# --- what comes back --------------------------------------------------------------------------------------------------


def _is_returned(part: Part, message: Part) -> bool:
    return part is not message and part.content_type in _RETURNED_TYPES


def _returned_headers(part: Part) -> Headers:
    return part.children[0].headers if part.children else _fields_in(part)


def _original_message_id(message: Part, returned: list[Headers]) -> str:
    """From the returned message or its headers, else from its copy in the text, else from References."""
    for headers in returned:
        if found := first_identifier(headers.raw("message-id")):
            return found
    text = readable_text(message)
    if ours := _OUR_ID.search(text):
        return f"<{ours[0]}>"
    if copied := _MESSAGE_ID.search(text):
        return first_identifier(copied[1])
    named = identifiers(message.headers.raw_all("in-reply-to") + message.headers.raw_all("references"))
    return named[-1] if named else ""


def _senders(headers: Headers) -> Iterator[str]:
    for name in ("return-path", "x-envelope-from", "x-env-sender", "errors-to"):
        for found in parse_addresses(headers.raw(name)):
            if found.email:
                yield found.email


def _fields_in(part: Part) -> Headers:
    return Headers(read_fields(_BLANK.split(_header_text(part).lstrip("\r\n"), maxsplit=1)[0])[0])


def _header_text(part: Part) -> str:
    """The part's content in the form that `read_fields` takes."""
    return part.content()[:TEXT_LIMIT].decode("ascii", "surrogateescape")
