"""Bounces in words: what mail systems write for people, where they write no report for machines.

Known by heart are Exim, qmail, Yahoo, Exchange and Office 365, Domino, GroupWise, QQ and NetEase. Only text that is
already known to come from a mail system is read here; the original message that many append is not.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from tkt.channels.mail.reading.mime import Part

TEXT_LIMIT = 65_536

WORDS_LIMIT = 16_384
"""Characters of the words that come before the returned message."""

DIAGNOSTIC_LIMIT = 500

_COPY = re.compile(
    r"^[ \t>]*(?:--.{0,80}(?:copy|below|original|message|header|kopie|원본).{0,80}-*|Message-I[Dd]:|"
    r"Original message headers:|"
    r"Received: (?:from|by))",
    re.IGNORECASE | re.MULTILINE,
)
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_REPLY_CODE = re.compile(r"(?:^|[\s:#('\"：])([45])\d\d[ -]", re.MULTILINE)
_SAID = re.compile(r"(?:^|[\s:#('\"：])((?:[45]\d\d[ -]|[45]\.\d\.\d+ )[^\n]{3,300})", re.MULTILINE)
_ADDRESS = r"([^\s<>@:;,()\"'：；，（）\[\]]{1,128}@[A-Za-z0-9.-]{1,250}[A-Za-z0-9])"
_NAMED = (
    re.compile(rf"^[ \t]*<{_ADDRESS}>:?", re.MULTILINE),
    re.compile(rf"^ {{1,8}}{_ADDRESS}[ \t\r]*$", re.MULTILINE),
    re.compile(
        rf"(?:收件人|recipients?|empfänger|destinataires?|destinatario|получатель|받는 ?사람|"
        rf"宛先)[^\n@]{{0,60}}?[\s:：<(（]{_ADDRESS}",
        re.I,
    ),
    re.compile(rf"(?:message|e-?mail|nachricht|mail) (?:to|an) <?{_ADDRESS}", re.IGNORECASE),
    re.compile(rf"^[ \t]*{_ADDRESS}:?(?:[ \t]*[(<][^\n]*)?[ \t\r]*$", re.MULTILINE),
)
_DELAYED = re.compile(
    r"\bdelay(?:ed)?\b|delivery (?:attempts )?(?:will|to continue)|(?:will|still) (?:be )?(?:retr|keep trying|try)|"
    r"not (?:yet )?been delivered yet|warning: (?:message|could not send)|verzögert|noch nicht zugestellt|"
    r"ne? (?:sera|est) pas encore|retrasad|延迟|将继续尝试|задержк",
    re.IGNORECASE,
)
_GIVEN_UP = re.compile(
    r"(?:not going to|no longer|will not) (?:try|retry|be retried)|given up|queue too long", re.IGNORECASE
)
_MARKUP = re.compile(r"<(style|script|head)\b(?:[^<]++|<(?!/\1))*+", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/td|/th|/li|/h\d|p|div|tr|li)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[a-z!/][^<>]{0,2000}>", re.IGNORECASE)


class BounceWords(NamedTuple):
    """What the words say: the addresses that were not reached, failed or delayed, a status code or "", and what the
    other server answered, or "".
    """

    addresses: tuple[str, ...]
    action: str
    status: str
    diagnostic: str


def readable_text(message: Part) -> str:
    """The words of the message's own text parts, HTML without its tags; nothing of a message inside it."""
    texts: list[str] = []
    _collect(message, texts)
    return "\n".join(texts)[:TEXT_LIMIT]


def words_of_bounce(text: str, subject: str) -> BounceWords:
    """What a bounce without a report says. Raises nothing."""
    copy = _COPY.search(text)
    words = (text[: copy.start()] if copy else text)[:WORDS_LIMIT]
    status, code, said = _STATUS.search(words), _REPLY_CODE.search(words), _SAID.search(words)
    delayed = _DELAYED.search(subject) or (_DELAYED.search(words) and not _GIVEN_UP.search(words))
    level = status[1][0] if status else code[1] if code else ""
    action = "delayed" if delayed and level != "5" else "failed"
    diagnostic = " ".join(said[1].split())[:DIAGNOSTIC_LIMIT] if said else ""
    return BounceWords(_addresses(words), action, status[1] if status else "", diagnostic)


def _addresses(words: str) -> tuple[str, ...]:
    """By the first way of naming them that finds any."""
    for form in _NAMED:
        if found := form.findall(words):
            return tuple(dict.fromkeys(box.lower() for box in found))
    return ()


def _collect(part: Part, texts: list[str]) -> None:
    if part.content_type == "text/plain":
        texts.append(part.text()[:TEXT_LIMIT])
    elif part.content_type == "text/html":
        texts.append(_without_tags(part.text()[: TEXT_LIMIT * 2]))
    if part.main_type == "multipart":
        for child in part.children:
            _collect(child, texts)


def _without_tags(text: str) -> str:
    bare = _TAG.sub("", _BREAK.sub("\n", _MARKUP.sub("", text)))
    lines = (" ".join(line.split()) for line in html.unescape(bare).split("\n"))
    return "\n".join(line for line in lines if line)
