"""Outlook's winmail.dat: the files and the text in a TNEF stream ([MS-OXTNEF]), as Exchange sends to those it takes
for its like.

Promises: any bytes give a `Tnef` or None, in time and memory that grow with their length; files have their bytes
unchanged. Read by hand, because the libraries that exist hang on a damaged stream, cut zero bytes off files and refuse
names that are not UTF-8. The text is `rtf`'s where the stream has it in no other form.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from tkt.channels.mail.reading.charsets import decode
from tkt.channels.mail.reading.rtf import decompress, rtf_to_html

SIGNATURE = b"\x78\x9f\x3e\x22"
FILES_LIMIT = 1000
PROPERTIES_LIMIT = 5000
DEPTH_LIMIT = 5

_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")
# Attributes of the stream, [MS-OXTNEF] section 2.1.3.2.
_SUBJECT, _BODY, _PROPERTIES, _CODEPAGE = 0x8004, 0x800C, 0x9003, 0x9007
_DATA, _TITLE, _RENDERING, _ATTACHMENT = 0x800F, 0x8010, 0x9002, 0x9005
_FILE_LEVEL = 2
# Properties, [MS-OXPROPS].
_PR_SUBJECT, _PR_BODY, _PR_RTF, _PR_HTML, _PR_CPID = 0x0037, 0x1000, 0x1009, 0x1013, 0x3FDE
_PR_DATA, _PR_SHORT_NAME, _PR_LONG_NAME, _PR_NAME = 0x3701, 0x3704, 0x3707, 0x3001
_PR_MIME, _PR_CONTENT_ID = 0x370E, 0x3712
_FIXED_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x0102
_MESSAGE_GUID = bytes.fromhex("0703020000000000c000000000000046")


class TnefFile(NamedTuple):
    """A file of the stream; `content_type` and `content_id` may be ""."""

    name: str
    content_type: str
    content: bytes
    content_id: str


class Tnef(NamedTuple):
    """What a reader wants of a stream: the text in both forms ("" where there is none) and the files."""

    text: str
    html: str
    files: tuple[TnefFile, ...]
    subject: str = ""


class _Damaged(Exception):
    """The stream ends where something should be."""


def is_tnef(content_type: str, name: str) -> bool:
    """May a part with this type and name hold a TNEF stream?"""
    return content_type in _TYPES or name.lower() in ("winmail.dat", "win.dat", "noname.dat")


def read_tnef(data: bytes, depth: int = 0) -> Tnef | None:
    """What is in the stream; None if it is damaged or no TNEF at all."""
    if not data.startswith(SIGNATURE) or depth > DEPTH_LIMIT:
        return None
    reader = _Reader(depth)
    try:
        for level, name, value in _attributes(memoryview(data)):
            reader.take(level, name, value)
    except _Damaged:
        return None
    return reader.result()


def _attributes(data: memoryview) -> Iterator[tuple[int, int, memoryview]]:
    """(level, name, value) of each attribute; the checksum behind it is not needed."""
    at = len(SIGNATURE) + 2
    while at + 9 <= len(data):
        level, name, _, length = struct.unpack_from("<BHHI", data, at)
        if level not in (1, 2) or at + 9 + length > len(data):
            raise _Damaged
        yield level, name, data[at + 9 : at + 9 + length]
        at += 9 + length + 2


class _Reader:
    """Gathers what the attributes say."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._codepage = "cp1252"
        self._subject = self._text = self._html = ""
        self._rtf = b""
        self._files: list[_File] = []

    def take(self, level: int, name: int, value: memoryview) -> None:
        if level == _FILE_LEVEL:
            self._take_of_file(name, value)
        elif name == _CODEPAGE and len(value) >= 4:
            self._codepage = _codec(int.from_bytes(value[:4], "little"))
        elif name == _BODY:
            self._text = self._string(value)
        elif name == _SUBJECT:
            self._subject = self._string(value)
        elif name == _PROPERTIES:
            self._take_properties(value)

    def _take_properties(self, value: memoryview) -> None:
        found = dict(_properties(value))
        charset = self._codepage
        if (number := found.get(_PR_CPID)) is not None and len(number[1]) >= 4:
            charset = _codec(int.from_bytes(number[1][:4], "little"))
        self._subject = self._subject or self._property(found, _PR_SUBJECT)
        self._text = self._text or self._property(found, _PR_BODY)
        if _PR_HTML in found:
            kind, markup = found[_PR_HTML]
            self._html = self._string(markup, kind) if kind != _BINARY else decode(bytes(markup), charset)
        if _PR_RTF in found:
            self._rtf = bytes(found[_PR_RTF][1])

    def _take_of_file(self, name: int, value: memoryview) -> None:
        if name == _RENDERING or not self._files:
            if len(self._files) >= FILES_LIMIT:
                raise _Damaged
            self._files.append(_File())
        file = self._files[-1]
        if name == _TITLE:
            file.title = self._string(value)
        elif name == _DATA:
            file.content = value
        elif name == _ATTACHMENT:
            self._take_file_properties(file, dict(_properties(value)))

    def _take_file_properties(self, file: _File, found: dict[int, tuple[int, memoryview]]) -> None:
        names = (self._property(found, name) for name in (_PR_LONG_NAME, _PR_SHORT_NAME, _PR_NAME))
        file.name = next(filter(None, names), "")
        file.content_type = self._property(found, _PR_MIME)
        file.content_id = self._property(found, _PR_CONTENT_ID)
        if _PR_DATA in found:
            kind, value = found[_PR_DATA]
            file.is_message = kind == _OBJECT and bytes(value[:16]) == _MESSAGE_GUID
            file.content = value[16:] if kind == _OBJECT else value

    def _property(self, found: dict[int, tuple[int, memoryview]], name: int) -> str:
        kind, value = found.get(name, (0, memoryview(b"")))
        return self._string(value, kind) if kind in (_STRING8, _UNICODE) else ""

    def _string(self, value: memoryview, kind: int = _STRING8) -> str:
        charset = "utf-16-le" if kind == _UNICODE else self._codepage
        text = decode(bytes(value), charset) if kind != _UNICODE else bytes(value).decode(charset, "replace")
        return text.partition("\0")[0].replace("\r\n", "\n").replace("\r", "\n")

    def result(self) -> Tnef:
        if self._rtf and not self._text and not self._html:
            self._html = rtf_to_html(decompress(self._rtf))
        files = tuple(found for file in self._files for found in file.unpacked(self._depth))[:FILES_LIMIT]
        return Tnef(self._text.strip("\n"), self._html, files, self._subject)


class _File:
    """One attachment while it is read."""

    def __init__(self) -> None:
        self.title = self.name = self.content_type = self.content_id = ""
        self.content: memoryview = memoryview(b"")
        self.is_message = False

    def unpacked(self, depth: int) -> list[TnefFile]:
        """The file; for a message inside, its text as a file and the files in it."""
        name = self.name or self.title
        inner = read_tnef(bytes(self.content), depth + 1) if self.is_message else None
        if inner is None:
            return [TnefFile(name, self.content_type, bytes(self.content), self.content_id)]
        words = f"{inner.subject}\n\n{inner.text}".strip() if not inner.html else inner.html
        kind, extension = ("text/html", "html") if inner.html else ("text/plain", "txt")
        return [TnefFile(f"{name or inner.subject or 'message'}.{extension}", kind, words.encode(), ""), *inner.files]


def _properties(value: memoryview) -> Iterator[tuple[int, tuple[int, memoryview]]]:
    """(name, (type, value)) of each property; of several values the first."""
    at = 4
    for _ in range(min(_number(value, 0), PROPERTIES_LIMIT)):
        kind, name = _number(value, at) & 0xFFFF, _number(value, at) >> 16
        at += 4
        if name >= 0x8000:
            at = _after_name(value, at)
        count = 1
        is_list = bool(kind & 0x1000)
        kind &= 0x0FFF
        if is_list or kind not in _FIXED_SIZES:
            count, at = _number(value, at), at + 4
        for number in range(count):
            if kind in _FIXED_SIZES:
                start, length = at, _FIXED_SIZES[kind]
            else:
                start, length = at + 4, _number(value, at)
            if start + length > len(value) or count > PROPERTIES_LIMIT:
                raise _Damaged
            if number == 0:
                yield name, (kind, value[start : start + length])
            at = start + length + (-length % 4)


def _after_name(value: memoryview, at: int) -> int:
    """Past the name of a named property: a GUID, and a number or a string."""
    kind = _number(value, at + 16)
    if kind == 0:
        return at + 24
    length = _number(value, at + 20)
    return at + 24 + length + (-length % 4)


def _number(value: memoryview, at: int) -> int:
    if at < 0 or at + 4 > len(value):
        raise _Damaged
    return int.from_bytes(value[at : at + 4], "little")


def _codec(codepage: int) -> str:
    """The name of a Windows code page."""
    named = {65001: "utf-8", 20127: "ascii", 20866: "koi8-r", 21866: "koi8-u", 50220: "iso-2022-jp", 51932: "euc_jp"}
    if 28591 <= codepage <= 28605:
        return f"iso8859-{codepage - 28590}"
    return named.get(codepage, f"cp{codepage}" if codepage else "cp1252")
