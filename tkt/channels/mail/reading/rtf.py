"""Outlook's rich text: compressed RTF ([MS-OXRTFCP]) and the HTML or the words in it ([MS-OXRTFEX]).

Promises: any bytes give text, at most `RTF_LIMIT` characters of RTF are read, and nothing is raised.
"""

from __future__ import annotations

import html
import re

from tkt.channels.mail.reading.charsets import clean, decode

RTF_LIMIT = 1_000_000

_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_TOKEN = re.compile(r"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)")
_SKIPPED = frozenset((
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "headerl", "headerr", "footerl",
    "footerr", "mhtmltag", "fldinst", "listtable", "listoverridetable", "generator", "themedata", "datastore",
    "bkmkstart",
))  # fmt: skip
_SIGNS = {
    "par": "\n", "line": "\n", "sect": "\n", "page": "\n", "tab": "\t", "cell": "\t", "row": "\n", "emdash": "\u2014",
    "endash": "\u2013", "bullet": "\u2022", "lquote": "\u2018", "rquote": "\u2019", "ldblquote": "\u201c",
    "rdblquote": "\u201d",
}  # fmt: skip
_CODEPAGE = re.compile(r"\\ansicpg(\d{3,5})")


def decompress(data: bytes) -> bytes:
    """The RTF in a compressed stream; what can be had of a damaged one."""
    if len(data) < 16:
        return b""
    size, kind = min(int.from_bytes(data[4:8], "little"), RTF_LIMIT), data[8:12]
    if kind == b"MELA":
        return data[16 : 16 + size]
    return _decompressed(data, size) if kind == b"LZFu" else b""


def _decompressed(data: bytes, size: int) -> bytes:
    """LZ77 with a dictionary of 4096 bytes that begins with what all RTF has."""
    ring = bytearray(_DICTIONARY.ljust(4096, b"\0"))
    write, out, at = len(_DICTIONARY), bytearray(), 16
    while at < len(data) and len(out) < size:
        control, at = data[at], at + 1
        for bit in range(8):
            if at >= len(data):
                break
            if not control >> bit & 1:
                piece, at = data[at : at + 1], at + 1
            else:
                reference, at = int.from_bytes(data[at : at + 2], "big"), at + 2
                offset, length = reference >> 4, (reference & 15) + 2
                if offset == write:
                    return bytes(out[:size])
                piece = b""
                for step in range(length):
                    byte = ring[(offset + step) % 4096]
                    ring[(write + step) % 4096] = byte
                    piece += bytes((byte,))
            for step, byte in enumerate(piece):
                ring[(write + step) % 4096] = byte
            write = (write + len(piece)) % 4096
            out += piece
    return bytes(out[:size])


def rtf_to_html(data: bytes) -> str:
    """The HTML that Outlook wrapped in RTF; of RTF that was never HTML, its words as HTML."""
    text = data[:RTF_LIMIT].decode("latin-1")
    if not text.startswith("{\\rtf"):
        return ""
    words, is_html = clean(_Words(text).read()), "\\fromhtml" in text[:1000]
    return words if is_html else "<pre>" + html.escape(words.strip()) + "</pre>" if words.strip() else ""


class _Words:
    """One walk over the tokens."""

    def __init__(self, text: str) -> None:
        self._text = text
        found = _CODEPAGE.search(text[:2000])
        self._charset = f"cp{found[1]}" if found and found[1] != "65001" else "utf-8" if found else "cp1252"
        self._is_html = "\\fromhtml" in text[:1000]
        self._out: list[str] = []
        self._bytes = bytearray()
        self._groups: list[tuple[bool, bool]] = []
        self._skip = self._in_rtf = False
        self._after_unicode = 0  # characters that stand in for one given by its number

    def read(self) -> str:
        starred = False
        for token in _TOKEN.finditer(self._text):
            word, number, code, sign, brace, words = token.groups()
            if brace:
                self._flush()
                self._brace(brace)
            elif word:
                self._word(word, number, starred)
            elif code:
                self._take(bytes((int(code, 16),)))
            elif words:
                self._take(words.encode("latin-1"))
            elif sign in "{}\\":
                self._take(sign.encode("latin-1"))
            elif sign == "~":
                self._take(b"\xa0" if self._charset == "cp1252" else b" ")
            starred = sign == "*"
        self._flush()
        return "".join(self._out)

    def _brace(self, brace: str) -> None:
        if brace == "{":
            self._groups.append((self._skip, self._in_rtf))
        elif self._groups:
            self._skip, self._in_rtf = self._groups.pop()

    def _word(self, word: str, number: str | None, starred: bool) -> None:
        if word == "u" and number:
            self._put(chr(int(number) % 65536))
            self._after_unicode = 1
        elif word == "htmlrtf":
            self._flush()
            self._in_rtf = number != "0"
        elif word in _SKIPPED or (starred and word != "htmltag"):
            self._skip = True
        elif word in _SIGNS:
            self._put(_SIGNS[word])

    def _take(self, data: bytes) -> None:
        if self._after_unicode:
            data, self._after_unicode = data[1:], 0
        if not (self._skip or self._in_rtf):
            self._bytes += data

    def _put(self, text: str) -> None:
        self._flush()
        if not (self._skip or self._in_rtf):
            self._out.append(text)

    def _flush(self) -> None:
        if self._bytes:
            self._out.append(decode(bytes(self._bytes), self._charset))
            self._bytes.clear()
