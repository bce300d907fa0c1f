"""A fuzzer over the parser: the corpus, damaged in every way, still gives a mail that can be stored, or a reason.

The damage is decided by a seed alone, so whatever is found can be had again. The test runs a few thousand; by hand it
runs as long as one likes, and tells what is slow:

    python tests/channels/test_mail_fuzz.py --seconds 600 --seed 7
"""

from __future__ import annotations

import argparse
import re
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tkt.channels.mail.reading.mime import Later, Part, content_of
from tkt.channels.mail.reading.parse import ParsedMail, Unparseable, parse

CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parent / "corpus").glob("*.eml"))]
ITERATIONS = 2_000
LENGTH_LIMIT = 60_000
TOKENS = [
    *(
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"--B",
        b"--B--",
        b"--",
        b"=?",
        b"?=",
        b"=?utf-8?b?",
        b"=?utf-7?q?+2AA-?=",
        b"=",
    ),
    *(b"charset=utf-7", b"charset=utf-16", b"charset=iso-2022-jp", b"charset=hz", b"charset=\xff", b"charset=idna"),
    *(b"base64", b"quoted-printable", b"x-uuencode", b"message/rfc822", b"multipart/digest", b"multipart/signed"),
    *(
        b"text/html",
        b"text/enriched",
        b"text/calendar",
        b"application/ms-tnef",
        b"application/pkcs7-mime",
        b"\x1b$B",
        b"\x1b(",
    ),
    *(b"<table>", b"<td colspan=99999>", b"</td>", b"<pre>", b"<li>", b"<ol start=99999999999>", b"<div hidden>"),
    *(
        b"<style>.a{display:none",
        b"<a href=http://x>",
        b"<img src=cid:p1@x>",
        b"<blockquote>",
        b"&#xD800;",
        b"<![CDATA[",
    ),
    *(
        b"\xed\xa0\x80",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"-- \n",
        b"begin 644 a\n",
        b"filename*1*=x",
        b"filename*0*=utf-8''%C3",
    ),
    *(b"-----BEGIN PGP SIGNED MESSAGE-----", b"-----BEGIN PGP MESSAGE-----", b"-----END PGP MESSAGE-----"),
    *(b"BEGIN:VEVENT\n", b"DTSTART:99999999T999999\n", b"Date: 99 Foo 99999 99:99", b"format=flowed; delsp=yes"),
    *(
        b"From: ",
        b"Content-Type: ",
        b"Content-Transfer-Encoding: ",
        b"\x78\x9f\x3e\x22",
        b"\x30\x80\x06\x09",
        b"\xff\xff\xff\xff",
    ),
]
FIELD = re.compile(rb"(?m)^[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*")

Mutation = Callable[[Random, bytes], bytes]


def flip(random: Random, data: bytes) -> bytes:
    """Some bytes become others."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 3, 20))):
        if changed:
            changed[random.randrange(len(changed))] = random.choice(
                (0, 10, 13, 32, 34, 60, 61, 127, 255, random.randrange(256))
            )
    return bytes(changed)


def insert(random: Random, data: bytes) -> bytes:
    """A word that means something is put in, once or many times."""
    at = random.randrange(len(data) + 1)
    return (
        data[:at] + random.choice(TOKENS) * random.choice((1, 1, 1, 2, 50)) + data[at + random.choice((0, 0, 1, 8)) :]
    )


def cut(random: Random, data: bytes) -> bytes:
    """A stretch is lost, often the end."""
    start = random.randrange(len(data) + 1)
    return data[:start] + (b"" if random.random() < 0.4 else data[start + random.randrange(200) :])


def repeat(random: Random, data: bytes) -> bytes:
    """A stretch comes again and again."""
    start = random.randrange(len(data) + 1)
    stretch = data[start : start + random.randrange(300)]
    return data[:start] + stretch * random.choice((2, 3, 40)) + data[start:]


def splice(random: Random, data: bytes) -> bytes:
    """The beginning of one mail, the end of another."""
    other = random.choice(CORPUS)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


def shuffle_fields(random: Random, data: bytes) -> bytes:
    """The header's fields in another order, some lost, some doubled."""
    head, separator, body = data.partition(b"\r\n\r\n")
    fields = FIELD.findall(head + b"\r\n")
    random.shuffle(fields)
    kept = [field for field in fields for _ in range(random.choice((0, 1, 1, 1, 2)))]
    return b"".join(kept) + separator[2:] + body


def borrow_field(random: Random, data: bytes) -> bytes:
    """A field of another mail goes before the first one."""
    fields = FIELD.findall(random.choice(CORPUS))
    return random.choice(fields) + data if fields else data


def wrap(random: Random, data: bytes) -> bytes:
    """The mail becomes a part of another, beside a second one."""
    kind = random.choice((b"mixed", b"alternative", b"related", b"signed", b"digest", b"appledouble"))
    head = b"From: a@example.org\r\nContent-Type: multipart/" + kind + b"; boundary=W\r\n\r\n"
    return head + b"--W\r\n" + data + b"\r\n--W\r\n" + random.choice(CORPUS) + b"\r\n--W--\r\n"


MUTATIONS: list[Mutation] = [flip, flip, insert, insert, cut, repeat, splice, shuffle_fields, borrow_field, wrap]


def damaged(seed: int) -> Iterator[bytes]:
    """Mails without end, each with one to six kinds of damage."""
    random = Random(seed)
    while True:
        data = random.choice(CORPUS)
        for _ in range(random.choice((1, 1, 2, 3, 6))):
            data = random.choice(MUTATIONS)(random, data)[:LENGTH_LIMIT]
        yield data


def assert_storable(value: object) -> None:
    """Every string in `value` can be stored as UTF-8 and holds no NUL."""
    if isinstance(value, str):
        value.encode()
        assert "\0" not in value
    elif isinstance(value, tuple):
        for item in value:
            assert_storable(item)


def check(raw: bytes) -> None:
    """What the parser promises of any bytes."""
    try:
        parsed = parse(raw)
    except Unparseable as error:
        assert str(error)
        return
    for name in ParsedMail.__dataclass_fields__:
        assert_storable(getattr(parsed, name))
    assert "@" in parsed.sender.email
    assert parsed.sender.email == parsed.sender.email.strip()
    assert "\n" not in parsed.subject
    assert all(item.name and "/" not in item.name and item.name not in (".", "..") for item in parsed.attachments)
    later = parse(raw, Part.later).attachments
    assert [fetched(raw, item.content) for item in later] == [item.content for item in parsed.attachments]


def fetched(raw: bytes, content: bytes) -> bytes:
    return content_of(raw, content) if isinstance(content, Later) else content


def test_damaged_mail_is_read_or_refused() -> None:
    for number, raw in zip(range(ITERATIONS), damaged(20261102), strict=False):
        try:
            check(raw)
        except BaseException as error:
            error.add_note(f"mail number {number}: {raw[:4000]!r}")
            raise


def main() -> None:
    """Run by hand for so many seconds; failures and slow mails are written to the folder."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--slow", type=float, default=0.5, help="seconds after which a mail counts as slow")
    options.add_argument("--folder", type=Path, default=Path("fuzz-found"))
    arguments = options.parse_args()
    warnings.simplefilter("error")
    end, count, found = time.monotonic() + arguments.seconds, 0, 0
    for count, raw in enumerate(damaged(arguments.seed), 1):
        began = time.process_time()
        words = ""
        try:
            check(raw)
        except Exception as error:
            words = f"{type(error).__name__}: {error}"
        took = time.process_time() - began
        if words or took > arguments.slow:
            found += 1
            arguments.folder.mkdir(exist_ok=True)
            (arguments.folder / f"{arguments.seed}-{count}.eml").write_bytes(raw)
            print(f"{count}: {took:.2f} s {words}", flush=True)
        if time.monotonic() > end:
            break
    print(f"{count} mails, {found} found")


if __name__ == "__main__":
    main()
