"""winmail.dat: streams as Outlook writes them, made by a small encoder here ([MS-OXTNEF])."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tkt.channels.mail.reading.rtf import decompress, rtf_to_html
from tkt.channels.mail.reading.tnef import SIGNATURE, TnefFile, read_tnef

STRING8, UNICODE, OBJECT, BINARY = 0x1E, 0x1F, 0x0D, 0x0102
LONG_NAME, BODY, HTML, CODEPAGE = 0x3707, 0x1000, 0x1013, 0x3FDE


def attribute(level: int, name: int, data: bytes, kind: int = 6) -> bytes:
    """One attribute, with its checksum."""
    return struct.pack("<BHHI", level, name, kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def prop(kind: int, name: int, data: bytes) -> bytes:
    """One MAPI property, filled up to four bytes."""
    count = struct.pack("<II", 1, len(data)) if kind in (STRING8, UNICODE, OBJECT, BINARY) else b""
    return struct.pack("<HH", kind, name) + count + data + b"\0" * (-len(data) % 4)


def named_prop(name: str, data: bytes) -> bytes:
    """A property known by a GUID and a string."""
    text = name.encode("utf-16-le") + b"\0\0"
    words = struct.pack("<II", 1, len(text)) + text + b"\0" * (-len(text) % 4)
    return struct.pack("<HH", BINARY, 0x8001) + bytes(16) + words + prop(BINARY, 0, data)[4:]


def props(*found: bytes) -> bytes:
    return struct.pack("<I", len(found)) + b"".join(found)


def text(words: str) -> bytes:
    return words.encode("utf-16-le") + b"\0\0"


def stream(*attributes: bytes) -> bytes:
    return SIGNATURE + struct.pack("<H", 1) + b"".join(attributes)


def file(title: bytes, content: bytes, *found: bytes) -> bytes:
    """The attributes of one file."""
    more = attribute(2, 0x9005, props(*found)) if found else b""
    return (
        attribute(2, 0x9002, bytes(14)) + attribute(2, 0x8010, title + b"\0", 1) + attribute(2, 0x800F, content) + more
    )


def codepage(number: int) -> bytes:
    return attribute(1, 0x9007, struct.pack("<II", number, 0))


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=20
)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=50)), max_size=5))
@example([("a", b"ends in zeros\0\0\0")])
def test_files_keep_their_names_and_bytes(files: list[tuple[str, bytes]]) -> None:
    parts = [file(b"SHORT~1.DAT", content, prop(UNICODE, LONG_NAME, text(name))) for name, content in files]
    tnef = read_tnef(stream(codepage(1252), *parts))
    assert tnef is not None
    assert [(found.name, found.content) for found in tnef.files] == files


@pytest.mark.parametrize(
    ("number", "label", "words"),
    [
        (1252, "cp1252", "Größe.doc"),
        (1251, "cp1251", "счёт.doc"),
        (932, "cp932", "資料.doc"),
        (65001, "utf-8", "naïve.doc"),
    ],
)
def test_names_are_read_in_the_code_page_of_the_stream(number: int, label: str, words: str) -> None:
    tnef = read_tnef(stream(codepage(number), file(words.encode(label), b"x")))
    assert tnef is not None
    assert tnef.files == (TnefFile(words, "", b"x", ""),)


def test_text_and_html_are_read_from_properties() -> None:
    found = props(
        prop(3, CODEPAGE, struct.pack("<I", 28591)),
        named_prop("Keywords", b"other"),
        prop(0x1003, 0x1111, struct.pack("<III", 2, 7, 8))[:4] + struct.pack("<III", 2, 7, 8),
        prop(UNICODE, BODY, text("Grüße\r\nAnn")),
        prop(BINARY, HTML, "<p>Grüße</p>".encode("latin-1")),
    )
    tnef = read_tnef(stream(attribute(1, 0x9003, found)))
    assert tnef is not None
    assert (tnef.text, tnef.html) == ("Grüße\nAnn", "<p>Grüße</p>")


def test_streams_in_streams_end() -> None:
    inner = stream(attribute(1, 0x800C, b"words\0", 2))
    guid = bytes.fromhex("0703020000000000c000000000000046")
    for _ in range(50):
        inner = stream(file(b"mail", b"", prop(OBJECT, 0x3701, guid + inner)))
    tnef = read_tnef(inner)
    assert tnef is not None
    assert len(tnef.files) <= 10


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_behind_the_signature_are_read_or_refused(data: bytes, at: int) -> None:
    whole = stream(codepage(1252), file(b"a", b"content", prop(UNICODE, LONG_NAME, text("name"))))
    read_tnef(SIGNATURE + data)
    read_tnef(whole[:at] + data + whole[at:])


# The first example of [MS-OXRTFCP] section 3.1.
COMPRESSED = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232" + "0af32068656c090020627705b06c647d0a800fa0"
)


def test_compressed_rich_text() -> None:
    rich = decompress(COMPRESSED)
    assert rich == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert rtf_to_html(rich) == "<pre>hello world</pre>"


@given(st.binary(max_size=300))
def test_any_bytes_are_rich_text_or_nothing(data: bytes) -> None:
    decompress(struct.pack("<II", 300, 5_000_000) + b"LZFu" + bytes(4) + data)
    rtf_to_html(b"{\\rtf1\\fromhtml" + data).encode()


WRAPPED = (
    rb"{\rtf1\ansi\ansicpg1252\fromhtml1{\fonttbl{\f0 Arial;}}{\*\htmltag64 <p>}"
    rb"\htmlrtf{\htmlrtf0 a\'e4\htmlrtf\par}\htmlrtf0{\*\htmltag72 </p>}}"
)


@pytest.mark.parametrize(
    ("rich", "markup"),
    [
        (WRAPPED, "<p>aä</p>"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\par \u8364?5 \{x\}}", "<pre>Пр\n€5 {x}</pre>"),
        (rb"{\rtf1\ansi \u-10179?\u-8704? \u-10179?}", "<pre>😀 \ufffd</pre>"),
        (rb"{\rtf1\ansi{\*\generator Word;}{\pict ffff}words\tab here}", "<pre>words\there</pre>"),
        (b"no rich text", ""),
    ],
)
def test_rich_text_becomes_html(rich: bytes, markup: str) -> None:
    assert rtf_to_html(rich) == markup
