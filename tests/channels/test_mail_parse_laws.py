"""Laws of the parser: any bytes give a mail or `Unparseable`; what the standard library packs is unpacked."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from email.message import EmailMessage
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tkt.channels.mail.folding.quotes import fold
from tkt.channels.mail.reading.html_text import html_to_text
from tkt.channels.mail.reading.parse import ParsedMail, Unparseable, parse

SEEDS = [
    b'From: =?utf-8?q?A=C3=A4?= <a@b.org>\r\nTo: c@d.org, "E, F" <e@f.org>\r\n'
    b"Subject: =?gb2312?B?1tDOxA==?=\r\n"
    b"Message-ID: <1@b.org>\r\nReferences: <0@b.org>\r\nDate: Mon, 2 Feb 2026 10:11:12 +0100\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n\r\n"
    b"On 1 Feb 2026 10:00, Bob <b@c.org> wrote:\r\n> old\r\n",
    b'From: a@b.org\nContent-Type: multipart/mixed; boundary="B"\n\n--B\n'
    b"Content-Type: multipart/alternative; boundary=C\n\n--C\nContent-Type: text/plain\n\nhi\n--C\n"
    b"Content-Type: text/html; charset=gb2312\nContent-Transfer-Encoding: quoted-printable\n\n"
    b"<table><tr><td>a<td>b</table><ul><li>x</ul><blockquote>q</blockquote>"
    b"<a href=3Dhttp://x>y</a>\n--C--\n--B\n"
    b"Content-Type: image/png; name*0*=utf-8''%C3; name*1*=%A4.png\n"
    b"Content-Transfer-Encoding: base64\n\nAAEC\n--B\n"
    b"Content-Type: message/rfc822\n\nSubject: inner\n\nx\n--B--\n",
    b"From: MAILER-DAEMON@x.org\nReturn-Path: <>\n"
    b"Content-Type: multipart/report; report-type=delivery-status; "
    b"boundary=R\n\n--R\n\nfailed\n--R\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
    b"Final-Recipient: rfc822; u@v.org\nAction: failed\nStatus: 5.1.1\n\n--R\n"
    b"Content-Type: text/rfc822-headers\n\n"
    b"Message-ID: <orig@x>\n--R--\n",
]
WORDS = [
    *[
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"--B",
        b"--",
        b"=?",
        b"?=",
        b"=?utf-7?q?+2AA-?=",
        b"=?utf-8?b?",
        b"<",
        b">",
    ],
    *[
        b"charset=utf-7",
        b"charset=utf-16",
        b"charset=unicode_escape",
        b"charset=\x80",
        b"base64",
        b"x-uuencode",
    ],
    *[
        b"message/rfc822",
        b"multipart/digest",
        b"text/html",
        b"text/enriched",
        b"format=flowed; delsp=yes",
        b"\x1b$B",
    ],
    *[
        b"&#xD800;",
        b"<table>",
        b"</td>",
        b"<pre>",
        b"<li>",
        b"<div hidden>",
        b"\xed\xa0\x80",
        b"\xff\xfe",
        b"-- \n",
    ],
    *[
        b"filename*1*=x",
        b"Date: 99 Foo 99999 99:99",
        b"X-Failed-Recipients: \xff",
        b"colspan=99999999",
        b"\x0c\x1c",
    ],
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A seed with words put in, bytes changed, stretches dropped or repeated."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 8))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 60)))
        middle = draw(st.one_of(st.sampled_from(WORDS), st.binary(max_size=4), st.just(data[start:end] * 2)))
        data = data[:start] + middle + data[end:]
    return data


def assert_clean(value: object) -> None:
    """Every string in `value` can be stored as UTF-8 and holds no NUL."""
    if isinstance(value, str):
        value.encode()
        assert "\0" not in value
    elif isinstance(value, tuple):
        for item in value:
            assert_clean(item)


def assert_promises(parsed: ParsedMail) -> None:
    for name in ParsedMail.__dataclass_fields__:
        assert_clean(getattr(parsed, name))
    assert parsed.language in ("en", "de", "zh", "")
    for name in parsed.headers.names():
        assert_clean((name, parsed.headers.text(name), *parsed.headers.raw_all(name)))
    assert "@" in parsed.sender.email
    assert "\n" not in parsed.subject
    assert parsed.date is None or parsed.date.utcoffset() is not None
    assert all(item.name and "/" not in item.name for item in parsed.attachments)


@settings(max_examples=600, deadline=None)
@given(damaged())
def test_any_damage_gives_a_mail_or_unparseable(data: bytes) -> None:
    try:
        parsed = parse(data)
    except Unparseable as error:
        assert str(error)
        return
    assert_promises(parsed)
    assert "".join(piece.text for piece in fold(parsed.text, parsed.subject)) == parsed.text


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_after_a_sender_give_a_mail(data: bytes) -> None:
    assert_promises(parse(b"From: a@b.org\nContent-Type: text/html\n" + b"X: " + data))


MARKUP = [
    "<p>",
    "</p>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<ul>",
    "<li>",
    "<ol start=9>",
    "<blockquote>",
    "</div>",
]
MARKUP += [
    "</blockquote>",
    "<pre>",
    "<a href='http://x'>",
    "</a>",
    "<img src=cid:a>",
    "<br>",
    "<div>",
    "<!--",
    "-->",
]
MARKUP += [
    "<style>",
    "<svg>",
    "&#0;",
    "&#xD800;",
    "<td colspan=9999999 rowspan=999>",
    "<?x",
    "<![CDATA[",
    "\ue0fa",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(MARKUP), st.text(max_size=5)), max_size=40).map("".join))
def test_any_markup_gives_text(markup: str) -> None:
    text = html_to_text(markup.encode("utf-8", "replace").decode())
    assert_clean(text)
    assert "<script" not in text


SAFE_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=60)


@settings(max_examples=100, deadline=None)
@given(SAFE_TEXT, SAFE_TEXT, st.lists(st.tuples(st.text("abcäöü中 文", min_size=1), st.binary()), max_size=3))
def test_what_the_standard_library_packs_is_unpacked(subject: str, text: str, files: list[tuple[str, bytes]]) -> None:
    message = EmailMessage()
    message["From"] = "a@b.org"
    message["Subject"] = subject
    message.set_content(f"words {text}\n")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="x-test", filename=f"f{name}f.bin")
    parsed = parse(message.as_bytes())
    assert parsed.subject.split() == subject.replace("\ufeff", "").split() or "=?" in subject
    assert parsed.text.split() == f"words {text}".split()
    assert [item.content for item in parsed.attachments] == [content for _, content in files]
    assert [item.name.split() for item in parsed.attachments] == [f"f{name}f.bin".split() for name, _ in files]


def test_a_large_attachment_is_held_in_few_copies() -> None:
    line = b"QUJD" * 19 + b"\r\n"
    size = 20_000_000
    raw = (
        b"From: a@b.org\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nhi\r\n--B\r\n"
        b"Content-Type: application/x-y\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + line * (size // 57)
        + b"--B--\r\n"
    )
    tracemalloc.start()
    parsed = parse(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(parsed.attachments[0].content) == size // 57 * 57
    assert peak < 1.2 * size


MEASURE = """
import resource, sys
from tkt.channels.mail.reading.parse import parse
raw = open(sys.argv[1], "rb").read()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
size = len(parse(raw).attachments[0].content)
print(size, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


def test_a_hundred_megabytes_cost_one_decoded_copy(tmp_path: Path) -> None:
    line, count = b"QUJD" * 19 + b"\r\n", 100_000_000 // 57
    with open(tmp_path / "large.eml", "wb") as file:
        file.write(b"From: a@b.org\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n")
        for _ in range(count // 1000 + 1):
            file.write(line * 1000)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large.eml")]
    size, grown = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    assert size >= 100_000_000
    assert grown < 1.3 * size
