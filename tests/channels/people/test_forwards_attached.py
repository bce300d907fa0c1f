"""A colleague forwards a customer's mail as an attachment: the ticket is the customer's, with its attachments."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.store.tables import Attachment

PARTS = {"MIME_Version": "1.0", "Content_Type": 'multipart/mixed; boundary="outer"'}


def attachment(message_id: str = "<orig@customer.example>", more: str = "") -> str:
    return f"""--outer\r
Content-Type: text/plain\r
\r
Can somebody look at this?\r
--outer\r
Content-Type: message/rfc822; name="The printer hums.eml"\r
Content-Disposition: attachment\r
\r
From: Ann Lee <ann@customer.example>\r
To: alice@desk.example\r
Reply-To: office@customer.example\r
Subject: The printer hums\r
Date: Mon, 02 Nov 2026 07:55:00 +0000\r
Message-ID: {message_id}\r
{more}MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="inner"\r
\r
--inner\r
Content-Type: text/plain\r
\r
It is a sad tune.\r
--inner\r
Content-Type: audio/wav; name="hum.wav"\r
Content-Transfer-Encoding: base64\r
\r
UklGRg==\r
--inner--\r
--outer\r
Content-Type: text/plain; name="device.txt"\r
Content-Disposition: attachment; filename="device.txt"\r
\r
HP 4\r
--outer--"""


@pytest.fixture
def post(sqlite_post: Any) -> Any:
    """On one engine; `test_engines` has a case of each kind on both."""
    return sqlite_post


def test_what_the_desk_has_already_gets_a_note(post: Any) -> None:
    first = post.mail("The printer hums", "ann@customer.example", Message_ID="<orig@customer.example>")
    again = post.from_staff("Fwd", text=attachment("<orig@customer.example>"), **PARTS)
    assert again.ticket == first.ticket
    assert [entry.kind for entry in post.entries(first.ticket)] == ["inbound", "note"]


def test_a_forward_as_attachment(post: Any) -> None:
    filed = post.from_staff("Look", text=attachment(), **PARTS)
    words, note = post.entries(filed.ticket)
    assert (words.author, words.author_address, words.reply_to) == (
        "Ann Lee",
        "ann@customer.example",
        "office@customer.example",
    )
    assert (words.text, words.message_id) == ("It is a sad tune.", "<orig@customer.example>")
    assert words.sent_at.hour == 7
    assert note.text == "Can somebody look at this?"
    assert [file.name for file in post.rows(Attachment, Attachment.entry_id == words.id)] == ["hum.wav", "device.txt"]
    [confirmation] = post.outbox("confirmation")
    assert confirmation.recipients == ["office@customer.example"]
    assert confirmation.mail["in_reply_to"] == "<orig@customer.example>"


def test_what_a_machine_wrote_is_not_confirmed(post: Any) -> None:
    filed = post.from_staff("Look", text=attachment(more="Auto-Submitted: auto-generated\r\n"), **PARTS)
    assert post.entries(filed.ticket)[0].author_address == "ann@customer.example"
    assert post.outbox("confirmation") == []


def test_two_attached_messages_are_nobodys_mail_alone(post: Any) -> None:
    both = attachment().replace("--outer--", "") + attachment("<two@customer.example>")
    filed = post.from_staff("Look", text=both, **PARTS)
    assert post.entries(filed.ticket)[0].author_address == "alice@desk.example"


@pytest.mark.parametrize("sender", ["", "From: eve@evil.example\r\n", "From: ann@x.example, eve@evil.example\r\n"])
def test_an_attached_message_with_other_than_one_sender(post: Any, sender: str) -> None:
    text = attachment(more=sender) if sender else attachment().replace("From: Ann Lee <ann@customer.example>", "X: y")
    assert post.entries(post.from_staff("Look", text=text, **PARTS).ticket)[0].author == "Alice"


def test_a_strangers_mail_with_a_customers_message_id(post: Any) -> None:
    known = post.mail("Broken", "bert@customer.example", Message_ID="<orig@customer.example>")
    filed = post.from_staff("Look", text=attachment(), **PARTS)
    assert filed.ticket != known.ticket
    words, _ = post.entries(filed.ticket)
    assert (words.author_address, words.message_id) == ("ann@customer.example", None)


def test_an_attached_message_that_can_t_be_read(post: Any) -> None:
    text = "--outer\r\n\r\nSee.\r\n--outer\r\nContent-Type: message/rfc822\r\n\r\n\r\n\0\r\n--outer--"
    filed = post.from_staff("Look", text=text, **PARTS)
    assert (filed.state, post.entries(filed.ticket)[0].author_address) == ("ticket", "alice@desk.example")
