"""Whoever guesses a number, forges a sender or got hold of a notification must not get at what is meant for others."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import conversation, spam, tickets
from tkt.store.tables import Follower

EVIL = "mallory@evil.example"
VOUCHED = (
    "Received: from relay.example by mx.desk.example with ESMTPS id 1\r\n"
    "Authentication-Results: mx.desk.example; dmarc=pass header.from=customer.example\r\n"
)


@pytest.fixture
def post(sqlite_post: Any) -> Any:
    """On one engine; `test_engines` has a case of each kind on both."""
    return sqlite_post


@pytest.fixture
def first(post: Any) -> int:
    """A ticket of carol's that alice follows."""
    number = post.mail("Broken").ticket
    assert isinstance(number, int)
    tickets.assign(post.alice, number, "me")
    conversation.note(post.desk.acting(post.alice.actor), number, "They have not paid for a year.")
    return number


def notification(post: Any, number: int) -> str:
    """The Message-ID of a mail that told alice."""
    conversation.receive(post.desk, number, conversation.Message("And?", "Carol", "carol@customer.example"))
    [row] = [row for row in post.outbox("notification", number) if row.recipients == ["alice@desk.example"]]
    return str(row.message_id)


def answered_to(post: Any, number: int) -> list[str]:
    post.reply(number)
    return list(post.outbox("reply")[-1].recipients)


# --- a number and a forged sender -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{"Reply_To": EVIL}, {"Cc": EVIL}, {"To": f"support@desk.example, {EVIL}"}])
def test_a_number_alone_brings_nobody_else_in(post: Any, first: int, headers: dict[str, str]) -> None:
    assert post.mail(f"Re: Broken [#{first}]", text="Where is it?", **headers).ticket == first
    [skipped] = post.events(first, "skipped")
    assert skipped.field == "followers" and "number in its subject" in skipped.new
    assert answered_to(post, first) == ["carol@customer.example"]
    assert post.rows(Follower) == []


def test_where_our_server_vouches_for_the_sender_it_does(post: Any, first: int) -> None:
    post.mail(f"Re [#{first}]", above=VOUCHED, Reply_To="home@x.example", Cc="bert@customer.example")
    assert answered_to(post, first) == ["home@x.example", "bert@customer.example"]


def test_so_does_an_answer_to_our_mail(post: Any, first: int) -> None:
    post.mail("Re: Broken", In_Reply_To=post.reply(first), Reply_To="home@x.example", Cc="bert@customer.example")
    assert answered_to(post, first) == ["home@x.example", "bert@customer.example"]


def test_an_answer_goes_to_another_who_takes_part(post: Any) -> None:
    number = post.mail("Broken", Cc="bert@customer.example").ticket
    post.mail(f"Re [#{number}]", Reply_To="bert@customer.example")
    assert answered_to(post, number)[0] == "bert@customer.example"


def test_what_was_said_inside_lets_nobody_take_part(post: Any, first: int) -> None:
    post.mail("Re", EVIL, text="Hm.", In_Reply_To=notification(post, first))
    assert post.entries(first)[-1].kind == "note"
    assert post.mail(f"Re [#{first}]", EVIL, text="Hm.").ticket != first


def test_a_blocked_sender_does_not_come_in_by_a_web_form(post: Any) -> None:
    form = {"sender": "support@desk.example", "Reply_To": EVIL}
    spam.spam(post.alice, post.mail("Buy", **form).ticket)
    assert post.tags(post.mail("Buy more", **form).ticket) == ["spam"]


def test_whom_a_newsletter_went_to_takes_no_part(post: Any) -> None:
    assert post.mail("News", Auto_Submitted="auto-generated", Cc="bert@customer.example").state == "machine"
    assert post.rows(Follower) == []


# --- what was said inside ---------------------------------------------------------------------------------------------


UTF8 = {"MIME_Version": "1.0", "Content_Type": "text/plain; charset=utf-8", "Content_Transfer_Encoding": "8bit"}


@pytest.mark.parametrize("mark", ["", "\u2502 "])
def test_a_notification_that_is_quoted_without_a_mark_stays_inside(post: Any, first: int, mark: str) -> None:
    answering = notification(post, first)
    [row] = [row for row in post.outbox("notification", first) if row.message_id == answering]
    wrapped = row.mail["text"].replace("begin with a line", "begin with\na line")
    quoted = "\n".join(f"{mark}{line}" for line in wrapped.splitlines())
    post.from_staff("Re", text=f"#public\nIt is mended.\n\n{quoted}", In_Reply_To=answering, **UTF8)
    assert post.entries(first)[-1].kind == "note"
    assert "nothing marks it as quoted" in post.events(first, "skipped")[0].new
    assert post.outbox("reply") == []


def test_a_notification_that_is_attached_stays_inside(post: Any, first: int) -> None:
    attached = "Content-Type: message/rfc822\r\n\r\nSubject: Broken\r\n\r\nThey have not paid."
    text = f"--b\r\n\r\n#public\r\nIt is mended.\r\n--b\r\n{attached}\r\n--b--"
    parts = {"MIME_Version": "1.0", "Content_Type": 'multipart/mixed; boundary="b"'}
    post.from_staff("Re", text=text, In_Reply_To=notification(post, first), **parts)
    assert post.entries(first)[-1].kind == "note"
    assert "attached" in post.events(first, "skipped")[0].new


def test_a_public_answer_keeps_its_signature(post: Any, first: int) -> None:
    signed = "It is mended.\n\nBest regards,\nAlice\n-- \nExample Ltd, 1 Road"
    text = f"#public\n{signed}\n\nOn Mon, Nov 2, 2026 the desk wrote:\n> They have not paid."
    post.from_staff("Re", text=text, In_Reply_To=notification(post, first), **UTF8)
    assert (post.entries(first)[-1].kind, post.entries(first)[-1].text) == ("reply", signed)


def test_a_signature_alone_is_no_answer(post: Any, first: int) -> None:
    post.from_staff("Re", text="#public\n\n-- \nAlice\nExample Ltd", In_Reply_To=notification(post, first), **UTF8)
    assert post.entries(first)[-1].kind == "note"
