"""Machine mail is told from a person's, with the kind and the reason; bounces name their message."""

from __future__ import annotations

import pytest

from tkt.channels.mail.reading.bounces import Bounce, Outcome
from tkt.channels.mail.reading.classify import Machine
from tkt.channels.mail.reading.parse import parse


def machine(*lines: str, body: str = "words\n") -> Machine | None:
    head = "\n".join(lines)
    sender = "" if "from:" in head.lower() else "From: bob@example.org\n"
    return parse(f"{sender}{head}\n\n{body}".encode()).machine


@pytest.mark.parametrize(
    "line",
    [
        "Auto-Submitted: no",
        "Auto-Submitted: No (a person)",
        "Auto-Submitted: (really) no; reason=none",
        "Disposition-Notification-To: bob@example.org",
        "Return-Receipt-To: bob@example.org",
        "From: The postmaster <postmaster@example.org>",
        "From: postmaster@example.org\nSubject: Re: Delivery problem with your server",
        "From: Microsoft Outlook Team Lead <kim@example.org>",
        "Precedence: first-class",
        "X-Auto-Response-Suppress: OOF",
        "X-Auto-Response-Suppress: All",
        "X-Mailer: Thunderbird",
        "X-Autoreply: no",
        "Return-Path: <bob@example.org>",
        "Subject: Please send an automatic reply to everybody",
        "Subject: Is the office out of paper?",
        "Subject: Undeliverable parcel",
        "Subject: Re: my out of office notice is wrong",
        "Subject: 打印机坏了",
    ],
)
def test_a_person_is_no_machine(line: str) -> None:
    assert machine(line) is None


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        ("X-Tkt-Desk: 1234", "loop", "X-Tkt-Desk"),
        ("Auto-Submitted: auto-replied", "auto-reply", "RFC 3834"),
        ("Auto-Submitted: Auto-Replied; owner-email=a@b.org", "auto-reply", "RFC 3834"),
        ("Auto-Submitted: auto-generated", "bulk", "auto-generated"),
        ("Auto-Submitted: auto-notified", "bulk", "auto-notified"),
        ("Precedence: bulk", "bulk", "bulk"),
        ("Precedence: JUNK", "bulk", "junk"),
        ("Precedence: list", "list", "list"),
        ("Precedence: auto_reply", "auto-reply", "auto_reply"),
        ("List-Id: Users <users.example.org>", "list", "list-id"),
        ("List-Post: <mailto:users@example.org>", "list", "list-post"),
        ("List-Unsubscribe: <mailto:leave@example.org>", "bulk", "List-Unsubscribe"),
        ("X-Autoreply: yes", "auto-reply", "x-autoreply"),
        ("X-Autorespond: Re: x", "auto-reply", "x-autorespond"),
        ("X-Mailer: Acme AutoResponder 2", "auto-reply", "X-Mailer"),
        ("Return-Path: <>", "auto-reply", "Return-Path"),
        ("From: MAILER-DAEMON@example.org", "auto-reply", "mail system"),
        ("From: Mail Delivery Subsystem <postmaster@example.org>", "auto-reply", "mail system"),
        ("Auto-Submitted: (by Sieve) auto-replied (vacation); owner-token=x", "auto-reply", "RFC 3834"),
        ("Auto-Submitted: auto-notified; owner-email=kim@example.org", "bulk", "auto-notified"),
        ("Auto-Submitted: x-acme-answer", "bulk", "x-acme-answer"),
        ("From: noreply@example.org\nX-Auto-Response-Suppress: All", "bulk", "takes none"),
        ("Subject: Automatic reply: VPN", "auto-reply", "subject"),
        ("Subject: Out of Office: VPN", "auto-reply", "subject"),
        ("Subject: Abwesenheitsnotiz: VPN", "auto-reply", "subject"),
        ("Subject: Automatische Antwort: VPN", "auto-reply", "subject"),
        ("Subject: 自动回复: VPN", "auto-reply", "subject"),
        ("Subject: Re: VPN (Out of office)", "auto-reply", "subject"),
        ("Subject: =?utf-8?b?6Ieq5Yqo5Zue5aSNOiBWUE4=?=", "auto-reply", "subject"),
        ("Subject: Réponse automatique : VPN", "auto-reply", "subject"),
    ],
)
def test_machines_by_kind_and_reason(line: str, kind: str, reason: str) -> None:
    found = machine(line)
    assert found is not None
    assert (found.kind, reason in found.reason) == (kind, True)


REPORT = "Content-Type: multipart/report; report-type={}; boundary=R"


def report(*parts: str) -> str:
    return "".join(f"--R\n{part}\n" for part in parts) + "--R--\n"


def status(*fields: str) -> str:
    head = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
    return head + "\n".join(fields) + "\n"


RETURNED = "Content-Type: message/rfc822\n\nFrom: desk@example.com\nMessage-ID: <orig@desk>\n\nhello"
WORDS = "Content-Type: text/plain\n\nYour message was not delivered."


def bounce_of(*parts: str) -> Bounce:
    body = report(WORDS, *parts)
    found = machine("From: MAILER-DAEMON@mx.example", REPORT.format("delivery-status"), body=body)
    assert found is not None
    assert found.kind == "bounce"
    assert found.bounce is not None
    return found.bounce


def test_a_failed_delivery_names_everything() -> None:
    failed = status(
        "Original-Recipient: rfc822;Kim@Example.org",
        "Final-Recipient: rfc822; kim@internal.example.org",
        "Action: failed",
        "Status: 5.1.1 (unknown user)",
        "Diagnostic-Code: smtp; 550 5.1.1 no such\n user",
    )
    bounce = bounce_of(failed, RETURNED)
    assert bounce == Bounce((Outcome("kim@example.org", "failed", "5.1.1", "550 5.1.1 no such user"),), "<orig@desk>")


def test_a_delayed_delivery_is_not_permanent() -> None:
    delayed = status("Final-Recipient: rfc822; kim@example.org", "Action: delayed", "Status: 4.4.1")
    bounce = bounce_of(delayed, RETURNED)
    assert (bounce.recipients, bounce.status, bounce.permanent) == (("kim@example.org",), "4.4.1", False)


def test_a_failure_among_successes_counts() -> None:
    mixed = status(
        "Final-Recipient: rfc822; ok@example.org\nAction: delivered\nStatus: 2.0.0\n",
        "Final-Recipient: rfc822; kim@example.org\nAction: failed\nStatus: 5.2.2",
    )
    bounce = bounce_of(mixed)
    assert (bounce.recipients, bounce.status, bounce.permanent) == (("kim@example.org",), "5.2.2", True)


def test_the_message_is_found_by_returned_headers_or_references() -> None:
    failed = status("Final-Recipient: rfc822; kim@example.org", "Action: failed", "Status: 5.1.1")
    headers = "Content-Type: text/rfc822-headers\n\nMessage-ID:\n <orig@desk>\nSubject: s\n"
    assert bounce_of(failed, headers).original_message_id == "<orig@desk>"
    named = machine(
        *("From: MAILER-DAEMON@mx.example", "References: <orig@desk>", REPORT.format("delivery-status")),
        body=report(failed),
    )
    assert named is not None and named.bounce is not None
    assert named.bounce.original_message_id == "<orig@desk>"


def test_a_bounce_without_any_sender_is_still_a_bounce() -> None:
    failed = status("Final-Recipient: rfc822; kim@example.org", "Action: failed", "Status: 5.1.1")
    head = "From: <>\nReturn-Path: <>\n" + REPORT.format("delivery-status")
    parsed = parse(f"{head}\n\n{report(failed)}".encode())
    assert parsed.machine is not None and parsed.machine.kind == "bounce"
    assert parsed.sender.email.endswith(".invalid")


def test_a_successful_delivery_is_a_report() -> None:
    delivered = status("Final-Recipient: rfc822; kim@example.org", "Action: delivered", "Status: 2.0.0")
    found = machine("From: MAILER-DAEMON@mx", REPORT.format("delivery-status"), body=report(delivered))
    assert found is not None
    assert found.bounce is not None
    assert (found.kind, found.bounce.delivered) == ("report", True)


@pytest.mark.parametrize(
    ("report_type", "part", "word"),
    [
        ("disposition-notification", "Content-Type: message/disposition-notification\n\nx: y", "receipt"),
        ("feedback-report", "Content-Type: message/feedback-report\n\nFeedback-Type: abuse", "abuse"),
    ],
)
def test_other_reports(report_type: str, part: str, word: str) -> None:
    found = machine(REPORT.format(report_type), body=report(WORDS, part))
    assert found is not None
    assert (found.kind, word in found.reason) == ("report", True)


def test_exim_bounces_by_their_field_and_text() -> None:
    found = machine(
        "From: Mail Delivery System <Mailer-Daemon@mx.example>",
        "X-Failed-Recipients: kim@example.org, lee@example.org",
        "Subject: Mail delivery failed: returning message to sender",
        body="It failed: SMTP error: 550 5.7.1 refused\n\n------ copy ------\nMessage-ID: <orig@desk>\n",
    )
    assert found is not None
    assert found.bounce is not None
    assert found.bounce.recipients == ("kim@example.org", "lee@example.org")
    assert (found.bounce.status, found.bounce.original_message_id) == ("5.7.1", "<orig@desk>")
    assert found.bounce.permanent and not found.bounce.worst.address_at_fault


def test_qmail_bounces_by_their_text() -> None:
    found = machine(
        "From: MAILER-DAEMON@mx.example",
        "Subject: failure notice",
        body="Hi.\n\n<kim@example.org>:\n421 4.2.0 try later\n\n--- Below:\nMessage-ID: <orig@desk>\n",
    )
    assert found is not None
    assert found.bounce is not None
    assert (found.bounce.recipients, found.bounce.status) == (("kim@example.org",), "4.2.0")
    assert found.bounce.permanent and not found.bounce.worst.address_at_fault  # it has given up, whatever the code says


@pytest.mark.parametrize(
    "text",
    ["\n" * 60_000, "-" * 60_000, "<head " * 10_000, "<br" * 20_000, " " * 60_000 + "x", "a@" * 30_000, "<a" * 30_000],
    ids=["lines", "dashes", "heads", "breaks", "blanks", "addresses", "tags"],
)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_a_bounce_made_to_take_long_is_read_at_once(text: str, kind: str) -> None:
    found = machine(
        "From: MAILER-DAEMON@mx.example", "Subject: failure notice", f"Content-Type: text/{kind}", body=text
    )
    assert found is not None and found.kind == "bounce"


def test_a_person_who_forwards_a_bounce_is_a_person() -> None:
    head = "From: MAILER-DAEMON@mx\n" + REPORT.format("delivery-status")
    inner = f"{head}\n\n{report(status('Action: failed'))}"
    body = f"--F\n\nplease help\n--F\nContent-Type: message/rfc822\n\n{inner}\n--F--\n"
    assert machine("Content-Type: multipart/mixed; boundary=F", body=body) is None
