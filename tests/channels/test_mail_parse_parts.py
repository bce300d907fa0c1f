"""Parts: which text is shown, what is attached under which name, in sane and in broken structures."""

from __future__ import annotations

import base64
from email.message import EmailMessage

import pytest

from tkt.channels.mail.reading.parse import Address, ParsedMail, parse


def mail(*lines: str, body: str | bytes) -> ParsedMail:
    """A mail from a@example.org with these header lines and this body."""
    head = "\r\n".join(["From: a@example.org", *lines, "", ""])
    return parse(head.encode() + (body.encode() if isinstance(body, str) else body))


def multipart(kind: str, *parts: str, boundary: str = "B", close: bool = True) -> ParsedMail:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + (f"--{boundary}--\r\n" if close else "")
    return mail(f'Content-Type: multipart/{kind}; boundary="{boundary}"', body=body)


PLAIN = "Content-Type: text/plain\r\n\r\nplain words"
HTML = "Content-Type: text/html\r\n\r\n<p>rich <b>words</b></p>"
PDF = 'Content-Type: application/pdf; name="a.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg=='


def test_plain_is_preferred_to_html() -> None:
    parsed = multipart("alternative", PLAIN, HTML)
    assert (parsed.text, parsed.html) == ("plain words", "<p>rich <b>words</b></p>")
    assert parsed.attachments == ()


@pytest.mark.parametrize("stub", ["", " \r\n", "Your mail program does not support HTML."])
def test_an_empty_plain_part_gives_way_to_html(stub: str) -> None:
    parsed = multipart("alternative", f"Content-Type: text/plain\r\n\r\n{stub}", HTML)
    assert parsed.text == "rich words"


def test_texts_one_after_another_are_all_shown() -> None:
    parsed = multipart("mixed", PLAIN, PDF, "Content-Type: text/plain\r\n\r\nlist footer")
    assert parsed.text == "plain words\n\nlist footer"
    assert [item.name for item in parsed.attachments] == ["a.pdf"]


def test_the_same_text_twice_in_mixed_is_shown_once() -> None:
    same = "Content-Type: text/html\r\n\r\n<p>plain <i>words</i></p>"
    assert multipart("mixed", PLAIN, same).text == "plain words"


def test_parts_survive_a_lost_closing_boundary() -> None:
    parsed = multipart("mixed", PLAIN, PDF, close=False)
    assert parsed.text == "plain words"
    assert parsed.attachments[0].content == b"%PDF"


def test_parts_survive_a_boundary_used_twice() -> None:
    inner = "Content-Type: multipart/alternative; boundary=B\r\n\r\n"
    inner += f"--B\r\n{PLAIN}\r\n--B\r\n{HTML}\r\n--B--\r\n"
    parsed = multipart("mixed", inner, PDF)
    assert "plain words" in parsed.text
    assert [item.content for item in parsed.attachments] == [b"%PDF"]


def test_a_boundary_that_the_header_does_not_name_is_found() -> None:
    body = f"--x1\r\n{PLAIN}\r\n--x1\r\n{PDF}\r\n--x1--\r\n"
    parsed = mail("Content-Type: multipart/mixed", body=body)
    assert (parsed.text, len(parsed.attachments)) == ("plain words", 1)


def test_a_multipart_without_parts_is_text() -> None:
    assert mail("Content-Type: multipart/mixed; boundary=B", body="only words").text == "only words"


def test_a_boundary_that_begins_like_another_is_not_taken_for_it() -> None:
    inner = f"Content-Type: multipart/alternative; boundary=BB\r\n\r\n--BB\r\n{PLAIN}\r\n--BB--\r\n"
    parsed = multipart("mixed", inner, PDF)
    assert (parsed.text, len(parsed.attachments)) == ("plain words", 1)


def test_an_attached_mail_is_one_attachment_named_after_its_subject() -> None:
    inside = b"From: x@y.org\r\nSubject: Old / news\r\nContent-Type: text/plain\r\n\r\ninner words\r\n"
    part = "Content-Type: message/rfc822\r\n\r\n" + inside.decode()
    parsed = multipart("mixed", PLAIN, part)
    assert parsed.text == "plain words"
    [item] = parsed.attachments
    assert (item.name, item.content_type, item.content) == ("Old - news.eml", "message/rfc822", inside)


def test_calendar_and_unnamed_parts_get_names() -> None:
    parsed = multipart(
        "mixed",
        PLAIN,
        "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR",
        "Content-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\n\r\nPNG",
        "Content-Type: application/x-odd-thing\r\n\r\n?",
    )
    assert [item.name for item in parsed.attachments] == [
        "attachment-1.ics",
        "image-2.png",
        "attachment-3.bin",
    ]
    assert [(item.inline, item.content_id) for item in parsed.attachments][1] == (False, "logo@x")


def test_an_image_that_the_html_shows_is_inline() -> None:
    image = "Content-Type: image/png\r\nContent-ID: <p1>\r\n"
    image += "Content-Disposition: attachment; filename=p.png\r\n\r\nPNG"
    html = 'Content-Type: text/html\r\n\r\n<p>see <img src="cid:p1" alt="screen"></p>'
    parsed = multipart("related", html, image)
    assert parsed.text == "see [image: p.png]"
    assert parsed.attachments[0].inline


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ('filename="report.pdf"', "report.pdf"),
        ("filename=my report.pdf", "my report.pdf"),
        ('filename="=?utf-8?q?Gr=C3=BC=C3=9Fe=2Epdf?="', "Grüße.pdf"),
        ("filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf", "Grüße.pdf"),
        ("filename*0*=UTF-8''Gr%C3%BC; filename*1*=%C3%9Fe; filename*2=\".pdf\"", "Grüße.pdf"),
        ('filename*0="long "; filename*1="name.pdf"', "long name.pdf"),
        ("filename=\"plain.pdf\"; filename*=UTF-8''sch%C3%B6n.pdf", "schön.pdf"),
        ("filename*=gb2312''%D6%D0%CE%C4.pdf", "中文.pdf"),
        ('filename="../../etc/passwd"', "passwd"),
        (r'filename="C:\\temp\\a.exe"', "a.exe"),
        ('filename="a\x1b[2Jb\u202ecod.exe"', "a[2Jbcod.exe"),
        ('filename=".."', "attachment-1.bin"),
        ('filename="' + "ü" * 300 + '.pdf"', "ü" * 98 + ".pdf"),
    ],
)
def test_attachment_names(parameters: str, name: str) -> None:
    part = f"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; {parameters}\r\n\r\nx"
    assert multipart("mixed", part).attachments[0].name == name


def test_a_mail_that_is_one_file_is_an_attachment() -> None:
    fields = ["Content-Type: application/zip", "Content-Transfer-Encoding: base64"]
    parsed = mail(*fields, body=base64.encodebytes(bytes(range(256))))
    assert (parsed.text, parsed.attachments[0].content) == ("", bytes(range(256)))


def test_uuencoded_parts_are_decoded() -> None:
    parsed = mail(
        "Content-Type: application/octet-stream; name=x.txt",
        "Content-Transfer-Encoding: x-uuencode",
        body="begin 644 x.txt\r\n#0V%T\r\n`\r\nend\r\n",
    )
    assert parsed.attachments[0].content == b"Cat"


def test_deep_nesting_and_many_parts_are_bounded() -> None:
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(500))
    assert parse(f"From: a@b.org\r\n{deep}\r\nx".encode()).sender.email == "a@b.org"
    wide = "--B\r\nContent-Type: application/x-y\r\n\r\nz\r\n" * 5000
    assert len(mail("Content-Type: multipart/mixed; boundary=B", body=wide).attachments) <= 1000


def test_a_text_beyond_all_reading_is_cut_and_kept_as_a_file() -> None:
    words = "word " * 300_000
    parsed = mail(body=words)
    assert len(parsed.text) == 1_000_000
    assert parsed.attachments[0].content.decode() == words.rstrip()


def test_a_message_made_by_the_standard_library_is_read_the_same() -> None:
    message = EmailMessage()
    message["From"] = "Jörg <joerg@example.org>"
    message["To"] = "support@example.com"
    message["Subject"] = "Straße " * 30
    message.set_content("Grüße\n" * 40)
    message.add_alternative("<p>Grüße</p>", subtype="html")
    message.add_attachment(bytes(range(256)) * 50, maintype="image", subtype="png", filename="Bild ü.png")
    parsed = parse(message.as_bytes())
    assert parsed.sender == Address("Jörg", "joerg@example.org")
    assert parsed.subject == ("Straße " * 30).strip()
    assert parsed.text == ("Grüße\n" * 40).strip()
    assert [(a.name, a.content) for a in parsed.attachments] == [("Bild ü.png", bytes(range(256)) * 50)]
