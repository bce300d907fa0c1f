"""What leaves is well-formed whatever strangers put into names, subjects and files."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail.reading.parse import parse
from tkt.channels.mail.sending.compose import File, Letter, compose

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
ID = "<tkt-r-1-abc-0123456789abcdef@desk.example>"
ANY = st.text(max_size=300)


def composed(
    files: tuple[File, ...] = (), recipients: tuple[str, ...] = ("carol@customer.example",), **mail: Any
) -> Letter:
    whole = {"from_name": "Support", "from_address": "support@desk.example", "to": ["carol@customer.example"], **mail}
    return compose(whole, message_id=ID, at=AT, mark="mark", recipients=recipients, files=files)


def read(letter: Letter) -> EmailMessage:
    message = message_from_bytes(letter.content, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def test_the_headers_of_a_reply() -> None:
    message = read(
        composed(subject="Re: Broken", in_reply_to="<a@x>", references=["<b@x>", "<a@x>"], cc=["bob@x.example"])
    )
    assert message["From"] == "Support <support@desk.example>"
    assert (message["To"], message["Cc"]) == ("carol@customer.example", "bob@x.example")
    assert (message["In-Reply-To"], message["References"]) == ("<a@x>", "<b@x> <a@x>")
    assert (message["Message-ID"], message["Date"]) == (ID, "Mon, 02 Nov 2026 09:00:00 +0000")
    assert message["X-Tkt-Desk"] == "mark"
    assert "Auto-Submitted" not in message
    assert "Reply-To" not in message
    assert "Bcc" not in message


def test_the_same_row_gives_the_same_bytes() -> None:
    assert composed(subject="a", text="ü").content == composed(subject="a", text="ü").content


@given(name=ANY, subject=ANY, text=ANY, file=ANY, kind=ANY, reference=ANY)
def test_no_text_starts_a_header_of_its_own(
    name: str, subject: str, text: str, file: str, kind: str, reference: str
) -> None:
    evil = f"{subject}\r\nBcc: victim@x.example\r\n\r\nbody"
    letter = composed(
        (File(f"{file}\r\nX-Evil: 1", kind, b"content"),),
        from_name=f"{name}\nX-Evil: 1",
        subject=evil,
        text=text,
        references=[f"<{reference}@x>\r\nX-Evil: 1", "<ok@x>"],
        to=[f'"{name}\r\nX-Evil: 1" <carol@customer.example>'],
    )
    message = read(letter)
    names = {"from", "to", "subject", "date", "message-id", "references", "x-tkt-desk", "mime-version", "content-type"}
    assert {header.lower() for header in message.keys()} - {"content-transfer-encoding"} <= names  # noqa: SIM118
    assert letter.content.isascii()
    assert max(len(line) for line in letter.content.split(b"\r\n")) <= 998
    assert b"\n" not in letter.content.replace(b"\r\n", b"")
    assert letter.recipients == ("carol@customer.example",)


@given(
    text=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=2000),
    subject=st.text(st.characters(exclude_categories=("C", "Z")), max_size=200),
)
def test_text_and_subject_arrive_as_they_were(text: str, subject: str) -> None:
    mail = parse(composed(subject=subject, text=text).content)
    assert mail.subject == subject.strip()
    assert mail.text.split() == text.split()


def test_long_message_ids_are_never_broken_or_encoded() -> None:
    long = [f"<{'x' * 90}{number}@mail.gmail.example>" for number in range(20)]
    letter = composed(references=long, in_reply_to=long[-1])
    assert b"=?" not in letter.content
    assert parse(letter.content).references == tuple(long)


def test_files_arrive_byte_for_byte_and_can_not_pose_as_structure() -> None:
    files = tuple(
        File(name, kind, content)
        for name, kind, content in (
            ("Bericht für Köln.pdf", "application/pdf", bytes(range(256))),
            ("mail.eml", "message/rfc822", b"From: a@b\r\n\r\nhello"),
            ("x", "multipart/mixed; boundary=x", b"--x--"),
            ("notes.txt", "text/plain", "grüße\n".encode("latin-1")),
        )
    )
    mail = parse(composed(files, text="See the files.").content)
    assert [(one.name, one.content) for one in mail.attachments] == [(file.name, file.content) for file in files]
    assert [one.content_type for one in mail.attachments][1:3] == ["application/octet-stream"] * 2
    assert mail.text.strip() == "See the files."


def test_international_domains_leave_in_ascii() -> None:
    letter = composed(to=["Jörg <joerg@münchen.example>"], recipients=("joerg@münchen.example",))
    assert letter.recipients == ("joerg@xn--mnchen-3ya.example",)
    assert read(letter)["To"] == "Jörg <joerg@xn--mnchen-3ya.example>"


def test_an_address_beyond_ascii_makes_the_mail_utf8_only_for_its_own_recipient() -> None:
    both = {"to": ["carol@customer.example", "jörg@münchen.example"], "subject": "Grüße"}
    meant = composed(recipients=("carol@customer.example", "jörg@münchen.example"), **both)
    assert meant.needs_smtputf8
    assert "To: carol@customer.example, jörg@xn--mnchen-3ya.example\r\n".encode() in meant.content
    others = composed(recipients=("carol@customer.example",), **both)
    assert not others.needs_smtputf8
    assert others.content.isascii()
    shown = read(others)["To"]
    assert [one.addr_spec for one in shown.addresses] == ["carol@customer.example"]
    assert [group.display_name for group in shown.groups][1:] == ["jörg@münchen.example"]


@given(
    local=st.text("aö漢\"'.[]\\=?_%()", min_size=1, max_size=60),
    domain=st.text("aö.-[]()\\=?'", min_size=1, max_size=80),
)
def test_every_address_can_be_written_down(local: str, domain: str) -> None:
    letter = composed(to=[f"{local}@{domain}", "carol@customer.example"], subject="Hello")
    assert letter.content.isascii()
    assert "carol@customer.example" in [one.email for one in parse(letter.content).to]
    assert read(letter)["Subject"] == "Hello"


# --- HTML, and where answers go ---------------------------------------------------------------------------------------


def test_html_goes_beside_the_text_and_files_beside_both() -> None:
    letter = composed((File("a.bin", "a/b", b"\0"),), text="Hello ü", html="<p>Hello ü</p>")
    message = read(letter)
    assert message.get_content_type() == "multipart/mixed"
    both, file = message.iter_parts()
    assert [part.get_content_type() for part in both.iter_parts()] == ["text/plain", "text/html"]
    text, page = (part.get_content() for part in both.iter_parts())
    assert text.strip() == "Hello ü"
    assert page.startswith("<!DOCTYPE html>") and "<body>\r\n<p>Hello ü</p>\r\n</body>" in page
    assert file.get_payload(decode=True) == b"\0"
    assert letter.content == composed((File("a.bin", "a/b", b"\0"),), text="Hello ü", html="<p>Hello ü</p>").content
    assert read(composed(text="a", html="<HTML><p>a")).get_body(("html",)).get_content().strip() == "<HTML><p>a"  # type: ignore[union-attr]


def test_without_html_a_mail_is_plain_text() -> None:
    assert read(composed(text="Hello")).get_content_type() == "text/plain"


@given(text=ANY, html=ANY)
def test_no_text_ends_its_part(text: str, html: str) -> None:
    files = (File("a.txt", "text/plain", text.encode("utf-8", "replace")),)
    message = read(composed(files, text=text, html=html or "x"))
    assert [part.get_content_type() for part in message.walk()] == [
        *("multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/plain"),
    ]


def test_answers_and_what_comes_back_have_addresses_of_their_own() -> None:
    whole = {"from_name": "Müller", "from_address": "support@desk.example", "to": ["carol@customer.example"]}
    letter = compose(
        {**whole, "reply_to": "support+12.abc@desk.example"},
        message_id=ID,
        at=AT,
        mark="mark",
        recipients=["carol@customer.example"],
        return_path="bounces+b7.abc@desk.example",
    )
    assert letter.sender == "bounces+b7.abc@desk.example"
    message = read(letter)
    assert (message["From"], message["Reply-To"]) == (
        "Müller <support@desk.example>",
        "Müller <support+12.abc@desk.example>",
    )
