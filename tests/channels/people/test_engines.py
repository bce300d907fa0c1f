"""What colleagues write by mail, a case of each kind on each engine."""

from __future__ import annotations

from typing import Any

from tkt.channels.mail.receiving import quarantine
from tkt.desk import tickets

FORWARD = "See below.\n\n---------- Forwarded message ---------\nFrom: Ann <ann@customer.example>\nSubject: It\n\nHums."


def test_a_public_answer_verified_by_its_notification(post: Any) -> None:
    number = post.mail("Broken").ticket
    tickets.assign(post.desk, number, "alice")
    [told] = post.outbox("notification", number)
    post.from_staff("Re", text="#public\r\nDone.", verdict="", In_Reply_To=told.message_id)
    assert [(entry.kind, entry.author) for entry in post.entries(number)] == [("inbound", "Carol"), ("reply", "alice")]


def test_a_forward_verified_by_our_server(post: Any) -> None:
    filed = post.from_staff("Fwd: It", text=FORWARD)
    assert [(entry.kind, entry.author) for entry in post.entries(filed.ticket)] == [
        ("inbound", "Ann"),
        ("note", "alice"),
    ]
    assert post.outbox("confirmation")[0].recipients == ["ann@customer.example"]


def test_a_forgery_let_in_by_a_person(post: Any) -> None:
    number = post.mail("Broken").ticket
    assert post.from_staff(f"[#{number}]", text="#public\r\nHello", verdict="fail").state == "quarantined"
    [held] = quarantine.quarantined(post.desk)
    assert quarantine.retry(post.desk, held.id).state == "entry"
    assert post.entries(number)[-1].author == "Alice (not verified)"
