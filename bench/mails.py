"""Mails of about 5 KB as customers send them, into a Maildir; the same seed gives the same mails.

Two thirds are plain text, the others have an HTML part beside it; three in eight are quoted-printable or base64,
because they are German or Chinese. Every customer sends three; none answers another.
"""

from __future__ import annotations

import base64
import os
import quopri
from email.header import Header
from random import Random

from bench.desk_file import ADDRESS
from bench.texts import LANGUAGES, MARK, TOPICS, Writer

SIZE = 5_000
"""Bytes of a mail, about."""

PEOPLE_MAILS = 3
"""How many mails each customer sends."""


def address_of(person: int) -> str:
    """The address of a customer."""
    return f"customer{person}@company{person % 97}.example"


class MailWriter:
    """Writes mail after mail, no two alike."""

    def __init__(self, seed: int = 7) -> None:
        self._random = Random(seed)
        self._writer = Writer(self._random)
        self._languages = [language for language, share in LANGUAGES.items() for _ in range(share)]
        self._written = 0

    def write(self) -> bytes:
        """The next mail."""
        self._written += 1
        number, language, topic = self._written, self._random.choice(self._languages), self._random.choice(TOPICS)
        text = self._text(language, number)
        subject = Header(f"{topic.subject(language)} {number}", "utf-8" if language != "en" else "us-ascii").encode()
        head = _head(number // PEOPLE_MAILS, number, subject)
        encoding = {"en": "7bit", "de": "quoted-printable", "zh": "base64"}[language]
        if number % 3:
            return f"{head}{_part('plain', text, encoding)}".encode("ascii")
        html = "<html><body>" + "".join(f"<p>{line}</p>" for line in text.splitlines()[:8]) + "</body></html>"
        parts = (_part("plain", text, encoding), _part("html", html, encoding))
        body = "".join(f"--=_b{number}\r\n{part}\r\n" for part in parts)
        kind = f'Content-Type: multipart/alternative; boundary="=_b{number}"\r\n\r\n'
        return f"{head}{kind}{body}--=_b{number}--\r\n".encode("ascii")

    def write_answer(self, number: int) -> bytes:
        """An answer to the mail of this number by who wrote it, with what a desk had answered below."""
        self._written += 1
        head = _head(number // PEOPLE_MAILS, self._written, f"Re: {number}")
        text = self._text("en", self._written)
        lines = text.splitlines()
        quoted = "\r\n".join(f"> {line}" for line in lines[len(lines) // 2 :])
        said = "\r\n".join(lines[: len(lines) // 2])
        body = f"{said}\r\n\r\nOn Mon, Oct 12, 2026 at 9:00 AM Support <{ADDRESS}> wrote:\r\n{quoted}\r\n"
        return f"{head}In-Reply-To: <{_message_id(number)}>\r\n{_part('plain', body, '7bit')}".encode("ascii")

    def write_rich(self) -> bytes:
        """The next mail as people send them: HTML alone (two of six), with a picture in it, or with a file of up to
        200 KB.
        """
        number = self._written + 1
        if number % 6 < 2:
            return self._with_page(0, "")
        if number % 6 < 4:
            return self._with_page(self._random.choice((2_000, 8_000)), "related")
        return self._with_page(self._random.choice((2_000, 20_000, 200_000)), "mixed")

    def write_with_file(self, size: int) -> bytes:
        """The next mail, with a file of so many bytes."""
        return self._with_page(size, "mixed")

    def _with_page(self, size: int, kind: str) -> bytes:
        self._written += 1
        number, topic = self._written, self._random.choice(TOPICS)
        head = _head(number // PEOPLE_MAILS, number, f"{topic.subject('en')} {number}")
        page = _part("html", _page(self._text("en", number), number), "quoted-printable")
        if not kind:
            return f"{head}{page}".encode("ascii")
        content = base64.encodebytes(self._random.randbytes(size)).decode("ascii").replace("\n", "\r\n")
        file = (
            f'Content-Type: {"image/png" if kind == "related" else "application/pdf"}; name="file{number}"\r\n'
            f"Content-Transfer-Encoding: base64\r\nContent-ID: <picture{number}>\r\n\r\n{content}"
        )
        body = "".join(f"--=_b{number}\r\n{part}\r\n" for part in (page, file))
        top = f'Content-Type: multipart/{kind}; boundary="=_b{number}"\r\n\r\n'
        return f"{head}{top}{body}--=_b{number}--\r\n".encode("ascii")

    def fill_maildirs(self, folders: list[str], mails: int) -> list[bytes]:
        """Put the next so many mails into new Maildirs, the same into each; the mails."""
        first = self._written
        written = [self.write() for _ in range(mails)]
        for folder in folders:
            fill_maildir(folder, written, first)
        return written

    def _text(self, language: str, number: int) -> str:
        """As long as makes the mail about SIZE bytes, once it is encoded."""
        wanted = {"en": 3_800, "de": 3_500, "zh": 1_000}[language] * (2 if number % 3 else 1) // 2
        parts: list[str] = []
        while sum(map(len, parts)) < wanted:
            parts.append(self._writer.message(language, self._random.choice(TOPICS), 5).replace(MARK, f"m{number}"))
        return "\n\n".join(parts) + "\n"


def fill_maildir(folder: str, mails: list[bytes], first: int = 0) -> None:
    """Make a Maildir of these; `first` is the number of the first, which is part of its name."""
    for part in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(folder, part))
    for number, mail in enumerate(mails, 1_700_000_000 + first):
        with open(os.path.join(folder, "new", f"{number}.M1P1.bench"), "wb") as file:
            file.write(mail)


def _head(person: int, number: int, subject: str) -> str:
    relays = "".join(
        f"Received: from relay{hop}.mail.example (relay{hop}.mail.example [192.0.2.{hop}])\r\n"
        f"\tby mx{hop}.example.com (Postfix) with ESMTPS id {number:012X}{hop}\r\n"
        f"\tfor <{ADDRESS}>; Mon, 12 Oct 2026 09:{number % 60:02}:0{hop} +0200 (CEST)\r\n"
        for hop in range(1, 4)
    )
    signature = base64.b64encode(f"{number:0192}".encode()).decode()
    folded = "\r\n\t".join(signature[at : at + 72] for at in range(0, len(signature), 72))
    return (
        f"Return-Path: <{address_of(person)}>\r\nDelivered-To: {ADDRESS}\r\n{relays}"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=company.example; s=mail;\r\n\tb={folded}\r\n"
        f"From: Customer {person} <{address_of(person)}>\r\nTo: Support <{ADDRESS}>\r\n"
        f"Subject: {subject}\r\nDate: Mon, 12 Oct 2026 09:{number % 60:02}:07 +0200\r\n"
        f"Message-ID: <{_message_id(number)}>\r\nUser-Agent: Bench 1.0\r\nMIME-Version: 1.0\r\n"
    )


def _message_id(number: int) -> str:
    return f"{number:08}.bench@company.example"


def _page(text: str, number: int) -> str:
    """A mail of a web client: layout in tables, styles, a list, links, a picture, a quote below."""
    lines = text.splitlines()[:12]
    see = f"<a href='https://portal.example/case/{number}'>see here</a>"
    cells = "".join(f"<tr><td style='padding:4px'>{at}</td><td>{line}</td></tr>" for at, line in enumerate(lines[:4]))
    points = "".join(f"<li>{line} {see}</li>" for line in lines[4:8])
    return (
        "<html><head><style>.x{color:#333;font-family:Arial}.pre{display:none}</style></head><body class='x'>"
        f"<div class='pre'>Preheader {number}</div><div dir='ltr'><p>{'</p><p>'.join(lines)}</p>"
        f"<table width='100%' cellpadding='0'>{cells}</table><ul>{points}</ul>"
        f"<img src='cid:picture{number}' alt='screen'><img src='https://track.example/p.gif' width='1'></div>"
        "<div class='gmail_quote'>On Mon, Oct 12, 2026 at 9:00 AM Support wrote:"
        f"<blockquote>{'<br>'.join(lines)}</blockquote></div></body></html>"
    )


def _part(subtype: str, text: str, encoding: str) -> str:
    return (
        f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        f"{_encoded(text, encoding)}"
    )


def _encoded(text: str, encoding: str) -> str:
    data = text.encode()
    if encoding == "base64":
        return base64.encodebytes(data).decode("ascii").replace("\n", "\r\n")
    if encoding == "quoted-printable":
        data = quopri.encodestring(data)
    return data.decode("ascii").replace("\n", "\r\n")
