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
        head = _head(number // 3, number, subject)
        encoding = {"en": "7bit", "de": "quoted-printable", "zh": "base64"}[language]
        if number % 3:
            return f"{head}{_part('plain', text, encoding)}".encode("ascii")
        html = "<html><body>" + "".join(f"<p>{line}</p>" for line in text.splitlines()[:8]) + "</body></html>"
        parts = (_part("plain", text, encoding), _part("html", html, encoding))
        body = "".join(f"--=_b{number}\r\n{part}\r\n" for part in parts)
        kind = f'Content-Type: multipart/alternative; boundary="=_b{number}"\r\n\r\n'
        return f"{head}{kind}{body}--=_b{number}--\r\n".encode("ascii")

    def fill_maildirs(self, folders: list[str], mails: int) -> list[bytes]:
        """Put the next so many mails into new Maildirs, the same into each; the mails."""
        first = self._written
        written = [self.write() for _ in range(mails)]
        for folder in folders:
            for part in ("tmp", "new", "cur"):
                os.makedirs(os.path.join(folder, part))
            for number, mail in enumerate(written, 1_700_000_000 + first):
                with open(os.path.join(folder, "new", f"{number}.M1P1.bench"), "wb") as file:
                    file.write(mail)
        return written

    def _text(self, language: str, number: int) -> str:
        """As long as makes the mail about SIZE bytes, once it is encoded."""
        wanted = {"en": 3_800, "de": 3_500, "zh": 1_000}[language] * (2 if number % 3 else 1) // 2
        parts: list[str] = []
        while sum(map(len, parts)) < wanted:
            parts.append(self._writer.message(language, self._random.choice(TOPICS), 5).replace(MARK, f"m{number}"))
        return "\n\n".join(parts) + "\n"


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
        f"Return-Path: <customer{person}@company{person % 97}.example>\r\nDelivered-To: {ADDRESS}\r\n{relays}"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=company.example; s=mail;\r\n\tb={folded}\r\n"
        f"From: Customer {person} <customer{person}@company{person % 97}.example>\r\nTo: Support <{ADDRESS}>\r\n"
        f"Subject: {subject}\r\nDate: Mon, 12 Oct 2026 09:{number % 60:02}:07 +0200\r\n"
        f"Message-ID: <{number:08}.bench@company.example>\r\nUser-Agent: Bench 1.0\r\nMIME-Version: 1.0\r\n"
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
