"""The header fields of one message part, and the values in them.

Promises: any bytes give fields; a junk line between fields is skipped; fields that run into the body without
the empty line are told apart from it. Decoded values are one line, without NUL or lone surrogates. Addresses
are left to `addresses`. Sources: RFC 5322 (fields, msg-id, dates), RFC 2047 (encoded words), RFC 2231
(parameters).
"""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote_to_bytes

from tkt.channels.mail.reading.charsets import clean, decode

LINE_LIMIT = 16_384
PARAMETERS_LIMIT = 200
IDENTIFIER_LIMIT = 998
REFERENCES_LIMIT = 200

# Where a field was folded, once NULs are gone: they stand for its line ends while it is stored.
_FOLD = re.compile(r"\0[ \t]*|\r")
_NAME = re.compile(r"[!-9;-~]{1,200}[ \t]*\Z")
_KNOWN = re.compile(
    r"^(?:from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|received|return-path|reply-to|"
    r"references|in-reply-to|sender|x-[a-z0-9-]+|dkim-signature|delivered-to)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_WORD = re.compile(
    r"=\?([^?\s]{1,60})\?([bq])\?((?:[^?]++|\?(?!=(?![0-9a-f]{2})))*+)\?=(?![0-9a-f]{2})", re.IGNORECASE | re.DOTALL
)
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
_PARAMETER = re.compile(r';\s*([^\s=;"]{1,80})\s*=\s*(?:"((?:[^"\\]++|\\.)*+)"|([^;]*))', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_SEGMENT = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?\Z")
_IDENTIFIER = re.compile(r"<([^<>]{1,998})>")
_DATE = re.compile(
    r"\s*(?:[A-Za-z]{3},)?\s*(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d)(?::(\d\d))? ([+-])(\d\d)(\d\d)\b"
)
_ISO_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d{1,6})?(?:Z| ?[+-]\d\d:?\d\d)?")
_ZONE_COLON = re.compile(r"([+-]\d\d):(\d\d)\b")
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_YEARS = range(1970, 2200)


class Headers:
    """The fields of one part, by name without regard to case, in the order in which they came."""

    __slots__ = ("_fields", "charset")

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields
        self.charset = ""  # what raw 8-bit bytes in the fields are most likely written in

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def names(self) -> list[str]:
        """The names of the fields that are there, in lower case."""
        return list(self._fields)

    def raw(self, name: str) -> str:
        """The first field `name`, unfolded but not decoded; "" if there is none."""
        values = self._fields.get(name)
        return self._unfold(values[0]) if values else ""

    def raw_all(self, name: str) -> list[str]:
        """Every field `name`, unfolded but not decoded."""
        return [self._unfold(value) for value in self._fields.get(name, ())]

    def text(self, name: str) -> str:
        """The first field `name`, decoded, on one line; "" if there is none."""
        values = self._fields.get(name)
        return decode_words(self._unfold(values[0])[:LINE_LIMIT]) if values else ""

    def _unfold(self, value: str) -> str:
        if not value.isascii():
            value = decode(value.encode("ascii", "surrogateescape"), self.charset)
        if "\0" in value or "\r" in value:
            value = _FOLD.sub(" ", value)
        return value.strip()


def read_fields(block: str) -> tuple[dict[str, list[str]], int]:
    """The fields of a header block (ASCII with surrogateescape) by lower-case name, still folded.

    The number is where in `block` a body begins that no empty line sets apart; -1 if the block is all header.
    """
    fields: dict[str, list[str]] = {}
    junk = False
    lines = block.replace("\0", "").replace("\r\n", "\n")
    for line in lines.replace("\n ", "\0 ").replace("\n\t", "\0\t").split("\n"):
        name, colon, value = line.partition(":")
        name = _field_name(name) if colon else ""
        if name:
            fields.setdefault(name, []).append(value)
        elif line:
            junk = True
    begin = _body_without_separator(block) if junk else -1
    return (read_fields(block[:begin])[0], begin) if begin >= 0 else (fields, -1)


@lru_cache(maxsize=1024)
def _field_name(name: str) -> str:
    """The name in lower case; "" if it can't be one (RFC 5322 section 2.2)."""
    return name.rstrip().lower() if _NAME.match(name) else ""


def _body_without_separator(block: str) -> int:
    """Where lines that are no fields begin, if no well-known field follows them; else -1."""
    last_known = max((found.start() for found in _KNOWN.finditer(block)), default=-1)
    start = 0
    for line in block.split("\n"):
        name, colon, _ = line.partition(":")
        if start > last_known and line.strip() and line[0] not in " \t" and not (colon and _NAME.match(name)):
            return start
        start += len(line) + 1
    return -1


def decode_words(text: str) -> str:
    """`text` with its RFC 2047 words decoded, white space collapsed, on one line.

    Also what the standard forbids and mailers do: words in quotes, without space between them, with spaces
    inside, cut in the middle of a character, without padding, encoded twice. Of more than `LINE_LIMIT`
    characters the rest is left out.
    """
    if "=?" in text:
        text = _decode_once(text[:LINE_LIMIT])
        if "=?" in text and _WORD.search(text):
            text = _decode_once(text)
        text = clean(text)
    return " ".join(text.split())


def _decode_once(text: str) -> str:
    pieces: list[str] = []
    charset, pending, position = "", b"", 0
    for word in _WORD.finditer(text):
        gap = text[position : word.start()]
        label = word[1].partition("*")[0].lower()
        # Space between two words is not text; a character cut across two words is joined again.
        if label != charset or (gap and not gap.isspace()):
            pieces.append(decode(pending, charset) if pending else "")
            pending = b""
            pieces.append("" if position and gap.isspace() else gap)
        elif not position:
            pieces.append(gap)
        charset, position = label, word.end()
        pending += _word_bytes(word[2], word[3])
    pieces.append(decode(pending, charset) if pending else "")
    return "".join(pieces) + text[position:]


def _word_bytes(encoding: str, text: str) -> bytes:
    if encoding in "bB":
        return decode_base64(text)
    return binascii.a2b_qp(text.replace("_", " ").encode("utf-8", "replace"), header=False)


def decode_base64(text: str) -> bytes:
    """Base64 with whatever is missing or too much in it: foreign characters, lost padding."""
    digits = _NOT_BASE64.sub("", text)
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + "=" * (-len(digits) % 4))


def parse_parameters(value: str) -> tuple[str, dict[str, str]]:
    """`text/plain; charset=utf-8` -> ("text/plain", {"charset": "utf-8"}), with RFC 2231 put together."""
    main, semicolon, _ = value.partition(";")
    if not semicolon:
        return main.strip().lower(), {}
    segments: dict[str, list[tuple[int, bool, str]]] = {}
    for found in islice(_PARAMETER.finditer(value[:LINE_LIMIT], len(main)), PARAMETERS_LIMIT):
        name = _SEGMENT.match(found[1].lower())
        if name is None:
            continue
        text = _QUOTED_PAIR.sub(r"\1", found[2]) if found[2] is not None else found[3].strip().strip('"')
        segments.setdefault(name[1], []).append((int(name[2] or 0), name[3] is not None, text))
    return main.strip().lower(), {name: _join_segments(parts) for name, parts in segments.items()}


def _join_segments(parts: list[tuple[int, bool, str]]) -> str:
    """One parameter from its RFC 2231 segments; an extended value beats a plain one beside it."""
    if not any(extended for _, extended, _ in parts):
        if len({number for number, _, _ in parts}) == 1:
            return decode_words(parts[0][2])
        return decode_words("".join(text for _, _, text in sorted(parts)))
    if {number for number, _, _ in parts} == {0}:
        parts = [part for part in parts if part[1]][:1]
    ordered = sorted(parts, key=lambda part: part[0])
    charset, data = "", b""
    for index, (_, extended, text) in enumerate(ordered):
        if extended and index == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text) if extended else text.encode("utf-8", "replace")
    return decode_words(decode(data, charset))


def identifiers(values: list[str]) -> tuple[str, ...]:
    """The message identifiers in `values`, as "<...>", each once, in order (RFC 5322 section 3.6.4).

    White space that folding put inside one is dropped. A value without brackets counts only if it is one word
    with an @: In-Reply-To of old mailers is prose. Only the newest are kept of a list without end.
    """
    found: dict[str, None] = {}
    for value in values:
        inside = _IDENTIFIER.findall(value)
        if not inside and "@" in value and len(value.split()) == 1:
            inside = [value.strip("<>")]
        for identifier in inside:
            identifier = clean("".join(identifier.split()))
            if identifier and len(identifier) <= IDENTIFIER_LIMIT:
                found[f"<{identifier}>"] = None
    return tuple(found)[-REFERENCES_LIMIT:]


def first_identifier(value: str) -> str:
    """The identifier in a Message-ID field as "<...>", also without brackets or @; "" if there is none."""
    found = identifiers([value])
    if found:
        return found[0]
    word = clean("".join(value.split()).replace("<", "").replace(">", ""))
    return f"<{word}>" if 0 < len(word) <= IDENTIFIER_LIMIT else ""


def parse_date(value: str) -> datetime | None:
    """A Date field as aware UTC; None if it can't be read or names no year from 1970 to 2199."""
    found = _DATE.match(value)
    try:
        moment = _exact_date(found) if found else _any_date(value[:200])
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment is not None and moment.year in _YEARS else None


def _exact_date(found: re.Match[str]) -> datetime:
    day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = found.groups()
    number = (_MONTHS.index(month.lower()) + 3) // 3
    without_leap = min(int(second or 0), 59)
    local = datetime(int(year), number, int(day), int(hour), int(minute), without_leap, tzinfo=UTC)
    offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    return local - offset if sign == "+" else local + offset


def _any_date(value: str) -> datetime | None:
    if found := _ISO_DATE.match(value):
        moment = datetime.fromisoformat(found[0].strip().replace(" +", "+").replace(" -", "-"))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    parsed = parsedate_tz(_ZONE_COLON.sub(r"\1\2", value))
    if parsed is None:
        return None
    year, month, day, hour, minute, second = parsed[:6]
    local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    return local - timedelta(seconds=parsed[9] or 0)
