"""The parts of a message (RFC 2045, 2046), as spans of the one buffer that holds it.

Nothing is copied until a part's content is asked for, so a message with a 100 MB attachment costs its own
bytes and one decoded copy; the standard library's parser holds several. Any bytes give a tree: a missing
closing boundary ends with the part around it, one that comes too early does not hide what follows, a
multipart whose boundary is unknown is searched for one, and depth and number of parts are bounded.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from tkt.channels.mail.reading.charsets import decode
from tkt.channels.mail.reading.headers import Headers, parse_parameters, read_fields

DEPTH_LIMIT = 30
PARTS_LIMIT = 1000
HEADER_LIMIT = 1 << 20
PIECES_LIMIT = 400_000

_BLANK = re.compile(rb"\n\r?\n|\n\Z")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_BOUNDARY_GUESS = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?\nContent-", re.MULTILINE | re.IGNORECASE)
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\Z")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s{0,5}=[\s\"']{0,5}([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_BASE64_TAIL = re.compile(rb"[A-Za-z0-9+/=\s]*\Z")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", re.MULTILINE)


_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_NO_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64)
_NO_BASE64_OR_PAD = _NO_BASE64.replace(b"=", b"")


class Part:
    """One part: its headers, its children (a multipart's, or the message in a message/rfc822), its bytes."""

    __slots__ = ("_buffer", "_end", "_is_own", "_start", "children", "content_type", "headers", "is_root", "parameters")

    def __init__(
        self, buffer: bytes, span: tuple[int, int], headers: Headers, default_type: str, is_own: bool = True
    ) -> None:
        self._buffer, (self._start, self._end), self._is_own = buffer, span, is_own
        self.is_root = False
        self.headers = headers
        self.children: list[Part] = []
        kind, self.parameters = parse_parameters(headers.raw("content-type"))
        self.content_type = kind if _TYPE.match(kind) else "text/plain" if kind else default_type

    @property
    def main_type(self) -> str:
        """What stands before the slash of `content_type`."""
        return self.content_type.partition("/")[0]

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the message's order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def body(self) -> memoryview:
        """The bytes between the part's headers and its end, still encoded for transfer; no copy."""
        return memoryview(self._buffer)[self._start : self._end]

    @property
    def encoding(self) -> str:
        """How the part is encoded for transfer (RFC 2045 section 6), in lower case."""
        return self.headers.raw("content-transfer-encoding").lower().strip(" \t;\"'")

    def content(self) -> bytes:
        """The part's bytes as they were before encoding for transfer."""
        return _decoded(self.body(), self.encoding)

    def later(self) -> bytes:
        """The part's bytes, to be had from the message itself by `content_of`; those of an unwrapped one at once."""
        if not self._is_own:
            return self.content()
        return Later(self._start, self._end, self.encoding)

    def text(self) -> str:
        """The part's content as text in its charset, with plain line feeds."""
        content, label = self.content(), self.parameters.get("charset", "")
        if not label and self.content_type == "text/html" and (found := _META_CHARSET.search(content[:4096])):
            label = found[1].decode("ascii")
        text = decode(content, label)
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class Later(bytes):
    """The content of a part that is still in its message: empty itself, but known where and how. Can be pickled."""

    start: int
    end: int
    encoding: str

    def __new__(cls, start: int, end: int, encoding: str) -> Later:
        self = super().__new__(cls)
        self.start, self.end, self.encoding = start, end, encoding
        return self

    def __reduce__(self) -> tuple[type[Later], tuple[int, int, str]]:
        return Later, (self.start, self.end, self.encoding)


def content_of(raw: bytes, later: Later) -> bytes:
    """What `Part.content` gives of the part of `raw` that `later` stands for."""
    return _decoded(memoryview(_normalise(raw)[0])[later.start : later.end], later.encoding)


def read_message(raw: bytes, is_own: bool = True) -> Part:
    """The tree of parts of a whole message. Raises nothing.

    `is_own` is False for a message that was unwrapped from another: its bytes can't be found in that one.
    """
    raw, start = _normalise(raw)
    root = _Reader(raw, is_own).read(start, len(raw), 0, "text/plain")
    root.is_root = True
    return root


def _normalise(raw: bytes) -> tuple[bytes, int]:
    """Line ends that a transport mangled are mended; where the headers begin, past an mbox "From " line."""
    head = raw[:65536]
    if b"\r\r\n" in head:
        raw = raw.replace(b"\r\r\n", b"\r\n")
    elif b"\n" not in head and b"\r" in head:
        raw = raw.replace(b"\r", b"\n")
    start = 3 if raw.startswith(b"\xef\xbb\xbf") else 0
    while raw[start : start + 1] in (b"\r", b"\n"):
        start += 1
    if raw.startswith((b"From ", b">From "), start):
        start = raw.find(b"\n", start) + 1 or len(raw)
    return raw, start


class _Reader:
    """Reads the parts of one message and counts them."""

    def __init__(self, raw: bytes, is_own: bool) -> None:
        self.raw = raw
        self._is_own = is_own
        self.parts = 0

    def read(self, start: int, end: int, depth: int, default_type: str) -> Part:
        self.parts += 1
        headers, start = self._headers(start, end)
        part = Part(self.raw, (start, end), headers, default_type, self._is_own)
        headers.charset = part.parameters.get("charset", "")
        if depth < DEPTH_LIMIT:
            if part.main_type == "multipart":
                self._read_children(part, start, end, depth)
            elif part.content_type in ("message/rfc822", "message/global") and not _is_encoded(part):
                part.children = [self.read(start, end, depth + 1, "text/plain")]
        return part

    def _headers(self, start: int, end: int) -> tuple[Headers, int]:
        """The fields from `start`, and where the body begins."""
        if self.raw.startswith(b"\n", start, end):
            return Headers({}), start + 1
        if self.raw.startswith(b"\r\n", start, end):
            return Headers({}), start + 2
        blank = _BLANK.search(self.raw, start, end)
        head_end, body = (blank.start() + 1, blank.end()) if blank else (end, end)
        block = self.raw[start : min(head_end, start + HEADER_LIMIT)].decode("ascii", "surrogateescape")
        fields, early = read_fields(block)
        return Headers(fields), body if early < 0 else start + early

    def _read_children(self, part: Part, start: int, end: int, depth: int) -> None:
        default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        boundary = part.parameters.get("boundary", "").encode("utf-8", "replace")
        spans = self._spans(boundary, start, end) if boundary else []
        if not spans and (guess := _BOUNDARY_GUESS.search(self.raw, start, min(end, start + 65536))):
            spans = self._spans(guess[1], start, end)
        if not spans and part.encoding in ("base64", "quoted-printable") and self._is_own:
            part.children = self._encoded_children(part, depth)
            return
        part.children = [self.read(first, last, depth + 1, default) for first, last in spans]

    def _encoded_children(self, part: Part, depth: int) -> list[Part]:
        """Those of a multipart that was encoded as a whole, which RFC 2045 section 6.4 forbids."""
        inner = _Reader(part.content(), is_own=False)
        inner.parts = self.parts
        twin = Part(inner.raw, (0, len(inner.raw)), part.headers, part.content_type, is_own=False)
        inner._read_children(twin, 0, len(inner.raw), depth)
        self.parts = inner.parts
        return twin.children

    def _spans(self, boundary: bytes, start: int, end: int) -> list[tuple[int, int]]:
        """Where each part between the lines of `boundary` starts and ends.

        The line end before a boundary belongs to it, not to the part (RFC 2046 section 5.1.1).
        """
        raw, line = self.raw, b"--" + boundary
        spans: list[tuple[int, int]] = []
        opened, at = -1, raw.find(line, start, end)
        while at >= 0 and self.parts + len(spans) < PARTS_LIMIT:
            after = _AFTER_BOUNDARY.match(raw, at + len(line), end)
            if after and (at == start or raw[at - 1] == 10):
                if opened >= 0:
                    spans.append((opened, max(opened, self._before_line_end(at))))
                opened = -1 if after[1] else after.end()
            at = raw.find(line, at + len(line), end)
        if 0 <= opened < end:
            spans.append((opened, end))
        return spans

    def _before_line_end(self, at: int) -> int:
        return at - 2 if self.raw[at - 2 : at] == b"\r\n" else at - 1


def _is_encoded(part: Part) -> bool:
    return part.headers.raw("content-transfer-encoding").lower() in ("base64", "quoted-printable")


def _decoded(body: memoryview, encoding: str) -> bytes:
    if encoding == "base64":
        return _from_base64(body)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding in ("x-uuencode", "uuencode", "x-uue", "uue"):
        return _from_uu(body.tobytes())
    return body.tobytes()


def _from_base64(body: memoryview) -> bytes:
    """The bytes; where padding is followed by more base64, as of pieces encoded one by one, that counts too."""
    try:
        content = binascii.a2b_base64(body)
    except binascii.Error:
        return _digits(body.tobytes().translate(None, _NO_BASE64))
    if len(content) * 4 // 3 + 4 < len(body) * 0.9 and b"=" in (data := body.tobytes()):
        rest = data[data.index(b"=") :].lstrip(b"=")
        if rest.strip() and data.count(b"=") < PIECES_LIMIT and _BASE64_TAIL.match(rest):
            return b"".join(map(_digits, data.translate(None, _NO_BASE64_OR_PAD).split(b"=")))
    return content


def _digits(digits: bytes) -> bytes:
    """Base64 without anything else in it, whatever its padding should have been."""
    surplus = len(digits) % 4
    if surplus == 1:
        digits = digits[:-1]
    return binascii.a2b_base64(digits + b"=" * (-len(digits) % 4)) if digits else b""


def _from_uu(data: bytes) -> bytes:
    """Uuencoded content; lines that are none, and what stands before `begin`, are skipped."""
    begin = _UU_BEGIN.search(data)
    out = bytearray()
    for line in data[begin.end() if begin else 0 :].splitlines():
        if line == b"end":
            break
        out += _uu_line(line)
    return bytes(out)


def _uu_line(line: bytes) -> bytes:
    """One line; some encoders leave characters behind the ones that count."""
    if not line:
        return b""
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        pass
    length = (((line[0] - 32) & 63) * 4 + 5) // 3
    try:
        return binascii.a2b_uu(line[:length])
    except binascii.Error:
        return b""
