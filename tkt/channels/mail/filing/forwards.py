"""The customer's mail inside a mail that a colleague forwarded: from whom, about what, and what it says.

Read are forwards in the text, as Gmail, Outlook, Apple Mail and Thunderbird write them in the languages of
`quote_marks`, and one attached message (message/rfc822). Promises: an original is given only where it can't be
mistaken: one header block behind the mark of a forward, with one sender's address in it; else None. Leaves to others:
whether whoever forwarded it may speak for the customer (`senders`).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from tkt.channels.mail.filing.senders import names_one
from tkt.channels.mail.folding.quote_marks import (
    DATE,
    FORWARD_SUBJECT,
    FORWARDED,
    LABEL,
    LABELS,
    LINE_LENGTH,
    ORIGINAL_MESSAGE,
    RECEIVER,
    REPLY_SUBJECT,
    RULE,
    SENDER,
    SUBJECT,
)
from tkt.channels.mail.folding.quotes import fold
from tkt.channels.mail.reading import watchdog
from tkt.channels.mail.reading.headers import first_identifier, parse_date
from tkt.channels.mail.reading.parse import Address, Attachment, ParsedMail, Unparseable
from tkt.desk.addresses import same_address

BLOCK_LINES = 20
"""Lines that a forwarded header block may have."""

BLANK_LINES = 3
"""Empty lines between the mark of a forward and its header block."""

LINES_LIMIT = 20_000

_MESSAGES = ("message/rfc822", "message/global")
_ADDRESS = re.compile(r"[^\s<>()\[\]\",;:@|]{1,128}@[^\s<>()\[\]\",;:@'|]{1,255}")
_AROUND_NAME = " \t*_\"'<>[](),;|"
_SIGNATURE = re.compile(r"\s*(?:--|—|––)\s*")


class Original(NamedTuple):
    """What the customer wrote. `added` is what the colleague wrote above it; `message_id` is "" if it is not known;
    `machine`: a machine sent it, which must not be answered by another.
    """

    sender: Address
    subject: str
    text: str
    added: str = ""
    reply_to: str = ""
    sent_at: datetime | None = None
    message_id: str = ""
    attachments: tuple[Attachment, ...] = ()
    machine: bool = False


def read_forward(mail: ParsedMail) -> Original | None:
    """The original that this mail forwards, or None where it forwards none or can't be read for sure."""
    if REPLY_SUBJECT.match(mail.subject):
        return None
    return _in_text(mail) or _attached(mail)


# --- as an attachment -------------------------------------------------------------------------------------------------


def _attached(mail: ParsedMail) -> Original | None:
    messages = [file for file in mail.attachments if file.content_type in _MESSAGES]
    if len(messages) != 1:
        return None
    try:
        original = watchdog.read(messages[0].content)
    except Unparseable:
        return None
    if not names_one(original):
        return None
    others = tuple(file for file in mail.attachments if file is not messages[0])
    return Original(
        original.sender,
        original.subject or bare_subject(mail.subject),
        original.text,
        _written(mail.text),
        next((one.email for one in original.reply_to if one.email != original.sender.email), ""),
        original.date,
        original.message_id,
        (*original.attachments, *others),
        original.machine is not None,
    )


# --- in the text ------------------------------------------------------------------------------------------------------


def _in_text(mail: ParsedMail) -> Original | None:
    lines = mail.text.splitlines()
    if len(lines) > LINES_LIMIT:
        return None
    found = _marked(lines) or (_unmarked(lines) if FORWARD_SUBJECT.match(mail.subject) else None)
    sender = _one_sender(found.fields.get(SENDER, "")) if found else None
    if found is None or sender is None:
        return None
    return Original(
        sender,
        found.fields.get(SUBJECT) or bare_subject(mail.subject),
        "\n".join(found.rest).strip("\n").rstrip(),
        _written("\n".join(lines[: found.mark])),
        sent_at=parse_date(found.fields.get(DATE, "")),
        message_id=_forwarded_id(mail),
        attachments=mail.attachments,
    )


class _Block(NamedTuple):
    """A header block in the text: what it says, the line of the mark before it, and the lines behind it."""

    fields: dict[str, str]
    mark: int
    rest: list[str]


def _marked(lines: list[str]) -> _Block | None:
    """The block behind the first line that says "forwarded message"; a quoted one is somebody else's forward."""
    for mark, line in enumerate(lines):
        if not line.lstrip().startswith(">") and FORWARDED.fullmatch(line[:LINE_LENGTH]):
            return _block(lines, mark, mark + 1)
    return None


def _unmarked(lines: list[str]) -> _Block | None:
    """Outlook's: a header block behind a rule, "Original Message", or nothing at all."""
    for at, line in enumerate(lines):
        if line.lstrip().startswith(">"):
            continue
        if ORIGINAL_MESSAGE.fullmatch(line[:LINE_LENGTH]) or RULE.fullmatch(line[:LINE_LENGTH]):
            if (found := _block(lines, at, at + 1)) is not None:
                return found
        elif (label := _label(line)) and label[0] == SENDER and (found := _block(lines, at, at)) is not None:
            return found
    return None


def _block(lines: list[str], mark: int, at: int) -> _Block | None:
    """The block that begins at `at`, after few empty lines; None where there is none that says who wrote and when or
    about what.
    """
    start = next((n for n in range(at, min(at + BLANK_LINES + 1, len(lines))) if lines[n].strip(" \t>")), len(lines))
    below = lines[start:]
    if below and below[0].lstrip().startswith(">"):  # Apple Mail quotes the whole forward once
        below = [line.lstrip().removeprefix(">").removeprefix(" ") for line in below]
    fields: dict[str, str] = {}
    end = _read_fields(below, fields)
    if SENDER not in fields or not (SUBJECT in fields or DATE in fields):
        return None
    return _Block(fields, mark, below[end:])


def _read_fields(lines: list[str], fields: dict[str, str]) -> int:
    """Fill in what the labels say, the first of each kind; where the text begins."""
    last = ""
    for at, line in enumerate(lines[:BLOCK_LINES]):
        label = _label(line)
        if label is None:
            if not line.strip(" \t>"):
                if SENDER in fields and (SUBJECT in fields or DATE in fields):
                    return at
            elif last in (RECEIVER, SUBJECT) and at:
                fields[last] += f" {line.strip()}"  # a long value, folded
            else:
                return at
        elif label[0] in fields:
            last = RECEIVER if label[0] == RECEIVER else ""
        else:
            last, fields[label[0]] = label
    return min(len(lines), BLOCK_LINES)


def _label(line: str) -> tuple[str, str] | None:
    """What a line's label names and its value; a label that we don't know names itself."""
    found = LABEL.match(line[:LINE_LENGTH])
    if found is None:
        return None
    word = "".join(found[1].lower().split())
    value = (found[2] or "").strip(" \t*|")
    return (LABELS[word], value) if word in LABELS else (f"? {word}", value) if value else None


def _one_sender(value: str) -> Address | None:
    """Name and address; None unless there is exactly one address."""
    boxes = [box.strip(".").removeprefix("mailto:") for box in _ADDRESS.findall(value)]
    if len({same_address(box) for box in boxes}) != 1:
        return None
    name = value.partition(boxes[0])[0].replace("mailto:", "").strip(_AROUND_NAME)
    return Address(name, same_address(boxes[0]))


def _forwarded_id(mail: ParsedMail) -> str:
    """The original's Message-ID: mailers that say it put it into one of these."""
    named = first_identifier(mail.headers.raw("x-forwarded-message-id"))
    answered = mail.in_reply_to[0] if len(mail.in_reply_to) == 1 else ""
    return named or answered or (mail.references[-1] if mail.references else "")


# --- words ------------------------------------------------------------------------------------------------------------


def bare_subject(subject: str) -> str:
    """The subject without what marks a forward."""
    while found := FORWARD_SUBJECT.match(subject):
        subject = subject[found.end() :].strip()
    return subject


def _written(text: str) -> str:
    """What the colleague wrote above the forward: no signature, which is all that many have there."""
    if _SIGNATURE.fullmatch(next((line for line in text.splitlines() if line.strip()), "")):
        return ""
    return "".join(piece.text for piece in fold(text) if piece.kind == "text").strip()
