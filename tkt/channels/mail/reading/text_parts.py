"""What one text part says: format=flowed joined, PGP's armour and uuencoded files taken out, enriched text stripped."""

from __future__ import annotations

import binascii
import re
from typing import NamedTuple

from tkt.channels.mail.reading.secured import take_encrypted, without_armour

FILES_LIMIT = 100

_MARKUP_TAG = re.compile(r"<[^<>]{1,200}>")
_UU_BEGIN = re.compile(r"^begin [0-7]{3,4} ([^\n]{1,200})\n", re.MULTILINE)
_UU_LINE = re.compile(r"[\x20-\x60]{1,90}\Z")


class File(NamedTuple):
    """A file that stood in the text."""

    name: str
    content: bytes


class PlainText(NamedTuple):
    """The words of a text part and the files found in them."""

    words: str
    files: list[File]


def read_plain(text: str, is_flowed: bool, delete_space: bool) -> PlainText:
    """A text/plain part: its words, and what stood in them that is none."""
    files: list[File] = []
    if "-----BEGIN PGP " in text:
        text, messages = take_encrypted(without_armour(text))
        files += [File(f"encrypted-{number}.asc", message.encode()) for number, message in enumerate(messages, 1)]
    if "begin " in text:
        text, found = _take_uuencoded(text)
        files += found
    return PlainText(unflow(text, delete_space) if is_flowed else text, files)


def read_enriched(text: str) -> str:
    """The words of text/enriched (RFC 1896)."""
    return _MARKUP_TAG.sub("", text)


def unflow(text: str, delete_space: bool) -> str:
    """Format=flowed text with its paragraphs on one line each (RFC 3676 section 4)."""
    lines: list[list[str]] = []
    open_depth = -1
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth, words = len(line) - len(words), words.removeprefix(" ")
        soft = words.endswith(" ") and words != "-- "
        joined = words[:-1] if soft and delete_space else words
        if depth == open_depth and words != "-- ":
            lines[-1].append(joined)
        else:
            lines.append([">" * depth + " " if depth else "", joined])
        open_depth = depth if soft else -1
    return "\n".join(map("".join, lines))


def _take_uuencoded(text: str) -> tuple[str, list[File]]:
    """`text` without the uuencoded files in it, and those files; what has no `end` or other lines stays text."""
    pieces: list[str] = []
    files: list[File] = []
    at = search_from = 0
    while len(files) < FILES_LIMIT and (begin := _UU_BEGIN.search(text, search_from)):
        content, end = _uudecoded(text, begin.end())
        search_from = begin.end() if end < 0 else end
        if end >= 0:
            pieces.append(text[at : begin.start()])
            files.append(File(begin[1].strip(), content))
            at = end
    return "".join([*pieces, text[at:]]), files


def _uudecoded(text: str, at: int) -> tuple[bytes, int]:
    """The bytes of the lines from `at` and where the text goes on behind `end`; -1 if this is no uuencoded file."""
    out = bytearray()
    while at < len(text):
        stop = text.find("\n", at)
        line = text[at : stop if stop >= 0 else len(text)].rstrip("\r")
        at = stop + 1 if stop >= 0 else len(text)
        if line.strip() == "end":
            return bytes(out), at
        if line.strip(" `"):
            try:
                out += binascii.a2b_uu(line.encode("ascii")) if _UU_LINE.match(line) else _not_uu()
            except (binascii.Error, UnicodeEncodeError):
                return b"", -1
    return b"", -1


def _not_uu() -> bytes:
    raise binascii.Error
