"""Reports that are no bounces: complaints (RFC 5965), read receipts (RFC 8098), reports on domains, calendar answers.

Of a complaint we learn whom we must not bother any more: the reported message is named like a bounced one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tkt.channels.mail.reading.addresses import parse_addresses
from tkt.channels.mail.reading.bounce_texts import readable_text
from tkt.channels.mail.reading.bounces import returned_message
from tkt.channels.mail.reading.headers import Headers, first_identifier, read_fields
from tkt.channels.mail.reading.mime import Part

COMPLAINT_TYPE = "message/feedback-report"
RECEIPT_TYPES = ("message/disposition-notification", "message/global-disposition-notification")
UNWANTED = ("abuse", "fraud", "opt-out", "opt-out-list")
"""Feedback types that ask us to leave somebody alone; not-spam takes one back, auth-failure blames no mail of ours
(RFC 5965 section 7.3, RFC 6430, RFC 6591)."""

_REPORTS = {
    "application/tlsrpt+gzip": "a TLS report (RFC 8460)",
    "application/tlsrpt+json": "a TLS report (RFC 8460)",
}
_AGGREGATE_SUBJECT = re.compile(r"\s*(?:\[[^\]]*\]\s*)?report domain:\s*\S+\s+submitter:\s*\S+", re.IGNORECASE)
_AGGREGATE_NAME = re.compile(
    r"[\w.-]{1,255}![\w.-]{1,255}!\d{9,11}!\d{9,11}(?:![\w-]+)?\.(?:xml(?:\.gz)?|zip)", re.IGNORECASE
)
_CALENDAR_BOILERPLATE = re.compile(
    r"has (?:tentatively )?(?:accepted|declined)|(?:accepted|declined|tentative)\s*:|hat (?:diese einladung|"
    r"zugesagt|abgelehnt|"
    r"die einladung)|a (?:accepté|refusé|décliné)|ha (?:aceptado|rechazado|accettato|rifiutato)|aceitou|recusou|"
    r"已接受|已谢绝|承諾|辞退",
    re.IGNORECASE,
)
_REMARK_LIMIT = 15
"""Characters that a calendar answer may hold besides what programs write; with more, somebody had something to say."""


class Feedback(NamedTuple):
    """A reader, or their program, reports on a mail of ours. `kind` is a complaint's feedback type, or "receipt";
    `recipients` are empty where it keeps them to itself; the rest names the mail as a bounce does.
    """

    kind: str
    recipients: tuple[str, ...]
    original_message_id: str = ""
    envelope_senders: tuple[str, ...] = ()
    envelope_id: str = ""

    @property
    def unwanted(self) -> bool:
        return self.kind in UNWANTED

    @property
    def words(self) -> str:
        return f"its reader reported a mail of ours as unwanted ({self.kind}, RFC 5965)"


def read_receipt(part: Part) -> Feedback:
    """What a receipt says of the mail that somebody has read, or deleted."""
    fields = _fields(part)
    named = fields.raw("final-recipient").rpartition(";")[2]
    recipients = tuple(box.email for box in parse_addresses(named) if box.email)
    return Feedback("receipt", recipients, first_identifier(fields.raw("original-message-id")))


def report_words(part: Part) -> str:
    """What this part makes of the message that it is in: "a TLS report (RFC 8460)", or ""."""
    return _REPORTS.get(part.content_type, "")


def read_complaint(message: Part) -> Feedback | None:
    """The complaint in a message, or None. Raises nothing."""
    for part in message.walk():
        if part.content_type == COMPLAINT_TYPE:
            fields = _fields(part)
            named = [box.email for value in fields.raw_all("original-rcpt-to") for box in parse_addresses(value)]
            message_id, senders, recipients = returned_message(message)
            mail_from = [box.email for box in parse_addresses(fields.raw("original-mail-from")) if box.email]
            return Feedback(
                re.split(r"[\s;(]", fields.raw("feedback-type").strip().lower(), maxsplit=1)[0] or "abuse",
                tuple(box for box in named if box) or recipients,
                message_id,
                (*mail_from, *senders),
                fields.raw("original-envelope-id").strip()[:100],
            )
    return None


def _fields(part: Part) -> Headers:
    """All fields of a part that holds nothing else, whatever empty lines stand between them."""
    text = part.content()[:65_536].decode("ascii", "surrogateescape").replace("\r\n", "\n").strip("\n")
    return Headers(read_fields(re.sub(r"\n\s*\n", "\n", text))[0])


def aggregate_report(message: Part, subject: str) -> str:
    """The report on a domain that this is, in words (RFC 8460, RFC 7489 section 7.2.1.1), or ""."""
    if "tls-report-domain" in message.headers:
        return "a TLS report (RFC 8460)"
    named = (part.parameters.get("name", "") or part.headers.raw("content-disposition") for part in message.walk())
    if _AGGREGATE_SUBJECT.match(subject) or any(_AGGREGATE_NAME.search(name[:500]) for name in named if name):
        return "a DMARC report (RFC 7489)"
    return ""


def calendar_answer(message: Part) -> bool:
    """Whether this is an answer to an invitation (RFC 5546 REPLY) in which nobody wrote a word."""
    answers = (
        part.parameters.get("method", "").upper() for part in message.walk() if part.content_type == "text/calendar"
    )
    if "REPLY" not in answers:
        return False
    text = readable_text(message).strip()
    if "note:" in text.lower():
        return False
    return len(text) <= _REMARK_LIMIT or bool(_CALENDAR_BOILERPLATE.search(text[:300]))
