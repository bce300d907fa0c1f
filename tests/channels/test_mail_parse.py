"""Reading whole messages: the fields, the people and the texts of sane and of broken mail."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tkt.channels.mail.reading.parse import Address, ParsedMail, Unparseable, parse


def mail(*lines: str | bytes, body: str | bytes = "text\r\n") -> ParsedMail:
    """A mail from a@example.org with these header lines and this body."""
    fields = [line if isinstance(line, bytes) else line.encode() for line in lines]
    if not any(field.lower().startswith(b"from:") for field in fields):
        fields.insert(0, b"From: a@example.org")
    raw_body = body if isinstance(body, bytes) else body.encode()
    return parse(b"\r\n".join([*fields, b"", raw_body]))


def test_plain_mail_gives_every_field() -> None:
    parsed = parse(
        b"Return-Path: <anna@example.org>\r\nDelivered-To: Support@example.com\r\n"
        b"X-Original-To: help@example.com\r\n"
        b"Message-ID: <m1@example.org>\r\nIn-Reply-To: <t1@desk>\r\nReferences: <a@b>\r\n <t1@desk>\r\n"
        b"From: =?utf-8?q?Anna_M=C3=BCller?= <Anna@Example.ORG>\r\nReply-To: other@example.org\r\n"
        b'To: Support <support@example.com>\r\nCc: "B, Bob" <bob@example.org>, carl@example.org\r\n'
        b"Subject: VPN is\r\n down\r\nDate: Mon, 02 Feb 2026 10:11:12 +0100\r\n\r\nHello,\r\nit is down.\r\n"
    )
    assert parsed.message_id == "<m1@example.org>"
    assert parsed.in_reply_to == ("<t1@desk>",)
    assert parsed.references == ("<a@b>", "<t1@desk>")
    assert parsed.subject == "VPN is down"
    assert parsed.sender == Address("Anna Müller", "anna@example.org")
    assert parsed.reply_to == (Address("", "other@example.org"),)
    assert parsed.to == (Address("Support", "support@example.com"),)
    assert parsed.cc == (Address("B, Bob", "bob@example.org"), Address("", "carl@example.org"))
    assert parsed.delivered_to == ("support@example.com", "help@example.com")
    assert parsed.date == datetime(2026, 2, 2, 9, 11, 12, tzinfo=UTC)
    assert parsed.text == "Hello,\nit is down."
    assert (parsed.html, parsed.attachments, parsed.machine) == ("", (), None)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"\r\n \0\n", "empty"),
        (b"\x7fELF\x02\x01\x01" + bytes(200), "no header fields"),
        (b"just some words\nand more\n", "no header fields"),
        (b"Subject: who am I\r\n\r\nhello", "no sender"),
        (b"From: nobody in particular\r\n\r\nhello", "no sender"),
        (b"From: <>\r\nSubject: x\r\n\r\nhello", "no sender"),
    ],
)
def test_what_is_no_mail_is_refused_with_the_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(Unparseable, match=reason):
        parse(raw)


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (b"=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
        (b"=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),  # lost padding
        (b"=?UTF-8?Q?Gr=C3=BC=C3=9Fe?= und =?iso-8859-1?q?M=FCll?=", "Grüße und Müll"),
        (b"=?utf-8?Q?Hello World?=", "Hello World"),  # space inside a word
        (b"=?utf-8?q?What=3F?= x", "What? x"),
        (b"=?utf-8?q?a?==?utf-8?q?b?=", "ab"),  # no space between words
        (b"=?utf-8?q?Gr=C3?=\r\n =?utf-8?q?=BC=C3=9Fe?=", "Grüße"),  # a character cut in two
        (b"=?utf-8?B?5Lit?= =?utf-8?B?5paH?=", "中文"),
        (b"=?gb2312?B?6Ua7+Q==?=", "镕基"),  # GBK under the label gb2312
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?ks_c_5601-1987?B?x9Gx2w==?=", "한글"),
        (b"=?iso-8859-1?q?=93quoted=94?=", "“quoted”"),  # Windows-1252 under the label Latin-1
        (b"=?utf-8*en?q?hi?=", "hi"),
        (b"=?no-such-charset?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-7?q?+2AA-?=", "\ufffd"),  # half of a surrogate pair
        (b"=?utf-8?q?=3D=3Futf-8=3Fq=3Fhi=3F=3D?=", "hi"),  # encoded twice
        (b"Gr\xc3\xbc\xc3\x9fe roh", "Grüße roh"),
        (b"f\xfcr M\xfcller", "für Müller"),
        (b"\xd6\xd0\xce\xc4\xb2\xe2\xca\xd4", "中文测试"),
        (b"a\0b\tc\r\n\t d", "ab c d"),
        (b"=?utf-8?q?broken", "=?utf-8?q?broken"),
        (b"=?utf-8?x?odd?=", "=?utf-8?x?odd?="),
    ],
)
def test_subjects_in_every_encoding(subject: bytes, text: str) -> None:
    assert mail(b"Subject: " + subject).subject == text


def test_raw_subject_is_read_in_the_charset_of_the_text() -> None:
    parsed = mail(b"Subject: \xcf\xf0\xe8\xe2\xe5\xf2", "Content-Type: text/plain; charset=windows-1251")
    assert parsed.subject == "Привет"


@pytest.mark.parametrize(
    ("value", "sender"),
    [
        ("bob@example.org", Address("", "bob@example.org")),
        ("Bob <bob@example.org>", Address("Bob", "bob@example.org")),
        ('"Bob" <BOB@example.org.>', Address("Bob", "bob@example.org")),
        ('"bob@example.org" <bob@example.org>', Address("", "bob@example.org")),
        ('"bob@example.org" <>', Address("", "bob@example.org")),
        ("bob@example.org (Bob B.)", Address("Bob B.", "bob@example.org")),
        ("'Bob' <mailto:bob@example.org>", Address("Bob", "bob@example.org")),
        ('"B\\"ob" <bob@example.org>', Address('B"ob', "bob@example.org")),
        ("Bob <bob@example.org", Address("Bob", "bob@example.org")),
        ("<@relay.example,@two.example:bob@example.org>", Address("", "bob@example.org")),
        ('"=?utf-8?q?B=C3=B6b=2C_X?=" <bob@example.org>', Address("Böb, X", "bob@example.org")),
        ("=?utf-8?q?B=C3=B6b=2C_X?= <bob@example.org>", Address("Böb, X", "bob@example.org")),
        ("=?utf-8?b?Qm9iIDxib2JAZXhhbXBsZS5vcmc+?=", Address("Bob", "bob@example.org")),
        ("Bob, Inc. <bob@example.org>", Address("Inc.", "bob@example.org")),
        ("Team: bob@example.org, carl@example.org;", Address("", "bob@example.org")),
        ("bob..b.@example.org", Address("", "bob..b.@example.org")),
        ("böb@bücher.example", Address("", "böb@bücher.example")),
        ('"john doe"@example.org', Address("", '"john doe"@example.org')),
        ("bob@[192.0.2.1]", Address("", "bob@[192.0.2.1]")),
    ],
)
def test_senders_in_every_form(value: str, sender: Address) -> None:
    assert mail(f"From: {value}").sender == sender


def test_of_two_from_fields_the_first_usable_one_counts() -> None:
    parsed = mail("From: nobody", "From: bob@example.org", "From: eve@example.org")
    assert parsed.sender.email == "bob@example.org"


@pytest.mark.parametrize("field", ["Sender", "Return-Path", "Reply-To"])
def test_without_from_another_field_names_the_sender(field: str) -> None:
    parsed = parse(f"{field}: <bob@example.org>\n\nhello".encode())
    assert parsed.sender.email == "bob@example.org"


@pytest.mark.parametrize(
    ("value", "date"),
    [
        ("Mon, 2 Feb 2026 10:11:12 +0100", datetime(2026, 2, 2, 9, 11, 12, tzinfo=UTC)),
        ("2 Feb 26 10:11 GMT", datetime(2026, 2, 2, 10, 11, tzinfo=UTC)),
        ("Mon, 2 Feb 2026 10:11:12 -0500 (EST)", datetime(2026, 2, 2, 15, 11, 12, tzinfo=UTC)),
        ("Mon, 2 Feb 2026 23:59:60 +0000", datetime(2026, 2, 2, 23, 59, 59, tzinfo=UTC)),
        ("Mon, 31 Feb 2026 10:11:12 +0000", None),
        ("2 Foo 2026 10:11:12 +0000", None),
        ("Thu, 1 Jan 1900 00:00:00 +0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(value: str, date: datetime | None) -> None:
    assert mail(f"Date: {value}").date == date


def test_without_a_date_the_last_server_tells_when() -> None:
    parsed = mail("Received: from a by b; Mon, 2 Feb 2026 10:11:12 +0100", "Received: from c by a; nonsense")
    assert parsed.date == datetime(2026, 2, 2, 9, 11, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        ("<a@b>", "<a@b>"),
        ("a@b", "<a@b>"),
        ("<no-at-sign>", "<no-at-sign>"),
        ("<a\r\n b@c>", "<ab@c>"),
        ("  <a@b> (comment)", "<a@b>"),
        ("", ""),
        ("<>", ""),
    ],
)
def test_message_identifiers(value: str, identifier: str) -> None:
    assert mail(f"Message-ID: {value}").message_id == identifier


def test_in_reply_to_may_hold_prose() -> None:
    parsed = mail("In-Reply-To: Your mail of Monday by bob@example.org <x@y>", "In-Reply-To: by c@d only")
    assert parsed.in_reply_to == ("<x@y>",)


def test_references_without_end_keep_the_newest() -> None:
    parsed = mail("References: " + " ".join(f"<{n}@x>" for n in range(1000)))
    assert parsed.references[-1] == "<999@x>"
    assert len(parsed.references) == 200


def test_a_junk_line_between_fields_is_skipped() -> None:
    parsed = parse(b"From: a@b.org\nthis is junk\nSubject: still here\nTo: c@d.org\n\nbody\n")
    assert (parsed.subject, parsed.text) == ("still here", "body")
    assert parsed.to == (Address("", "c@d.org"),)


def test_a_body_without_an_empty_line_before_it_is_no_header() -> None:
    parsed = parse(b"From: a@b.org\nSubject: s\nHello there,\nthis is the body.\n\nIt goes on.\n")
    assert (parsed.subject, parsed.text) == ("s", "Hello there,\nthis is the body.\n\nIt goes on.")


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r", b"\r\r\n"])
def test_every_line_end_is_understood(line_end: bytes) -> None:
    raw = line_end.join([b"From: a@b.org", b"Subject: a", b" b", b"", b"one", b"two", b""])
    parsed = parse(raw)
    assert (parsed.subject, parsed.text) == ("a b", "one\ntwo")


@pytest.mark.parametrize("prefix", [b"From a@b.org Mon Feb  2 10:11:12 2026\n", b"\n\n", b"\xef\xbb\xbf"])
def test_what_stands_before_the_headers_is_skipped(prefix: bytes) -> None:
    assert parse(prefix + b"From: a@b.org\nSubject: s\n\nx").subject == "s"


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("", b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
        ("", b"Gr\xfc\xdfe an M\xfcller", "Grüße an Müller"),
        ("us-ascii", b"caf\xc3\xa9", "café"),
        ("utf-8", b"f\xfcr alle", "für alle"),
        ("utf-8", "Grüße, schöne Äpfel".encode() + b"\xff", "Grüße, schöne Äpfel\ufffd"),
        ("iso-8859-1", b"\x80 5", "€ 5"),
        ("iso-8859-1", "schön".encode(), "schön"),
        ("gb2312", "镕基".encode("gbk"), "镕基"),
        ("gb2312", "中文".encode(), "中文"),
        ("iso-2022-jp", b"\x1b$BF|K\\\x1b(B", "日本"),
        ("", b"\x1b$BF|K\\\x1b(B", "日本"),
        ("utf-7", b"Hi +AOQ-", "Hi ä"),
        ("utf-16le", "hallo ü".encode("utf-16-le"), "hallo ü"),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("unicode_escape", rb"\u0041", r"\u0041"),
        ("zlib", b"plain", "plain"),
        ("\x80\x81", b"plain", "plain"),
        ("utf-8", b"\xef\xbb\xbfmark", "mark"),
        ("utf-8", b"nul\0 here", "nul here"),
    ],
)
def test_texts_in_every_charset(label: str, data: bytes, text: str) -> None:
    assert mail(f'Content-Type: text/plain; charset="{label}"', body=data).text == text


def test_quoted_printable_and_base64_texts() -> None:
    quoted = mail("Content-Transfer-Encoding: quoted-printable", body="Gr=C3=BC=C3=9Fe=\r\n!\r\n")
    assert quoted.text == "Grüße!"
    coded = mail("Content-Transfer-Encoding: BASE64", body="R3LDv\r\nMOfZQ\r\n")
    assert coded.text == "Grüße"


def test_flowed_text_is_joined() -> None:
    body = "This is \r\none line.\r\n> quoted \r\n> too\r\n-- \r\nBob\r\n"
    parsed = mail("Content-Type: text/plain; format=flowed", body=body)
    assert parsed.text == "This is one line.\n> quoted too\n-- \nBob"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello, my printer is broken. Can you please help?", "en"),
        ("Hallo, mein Drucker ist kaputt, können Sie bitte helfen?", "de"),
        ("您好，打印机坏了，请帮忙。", "zh"),
        ("プリンターが壊れました。助けてください。", ""),
        ("Bonjour, le serveur est en panne et nous ne pouvons pas travailler.", ""),
        ("ok", ""),
    ],
)
def test_language(text: str, language: str) -> None:
    assert mail(body=text).language == language


def test_other_fields_can_be_asked_for() -> None:
    parsed = mail("Authentication-Results: mx.example;\r\n dmarc=pass", "X-Note: =?utf-8?q?=C3=A4?=")
    assert parsed.headers.raw("authentication-results") == "mx.example; dmarc=pass"
    assert parsed.headers.text("x-note") == "ä"
    assert parsed.headers.raw("missing") == ""
