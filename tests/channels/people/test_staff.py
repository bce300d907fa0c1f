"""What colleagues write by mail: who is believed to be one, and what they may."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.channels.mail.receiving import quarantine
from tkt.desk import conversation, message_ids
from tkt.desk.unit import find_actor

SECRET = "the secret of the tests"


@pytest.fixture
def post(sqlite_post: Any) -> Any:
    """On one engine; `test_engines` has a case of each kind on both."""
    return sqlite_post


@pytest.fixture
def first(post: Any) -> int:
    """A ticket of alice's, with a notification about the customer's second message waiting for her."""
    from tkt.desk import tickets

    number = post.mail("Broken").ticket
    tickets.assign(post.desk.acting(post.alice.actor), number, "alice")
    post.mail(f"Broken [#{number}]", text="Still broken.")
    assert isinstance(number, int)
    return number


def notification(post: Any, number: int) -> str:
    """The Message-ID of the mail that told alice."""
    found = [row for row in post.outbox("notification", number) if row.recipients == ["alice@desk.example"]]
    return str(found[-1].message_id)


def kinds(post: Any, number: int) -> list[str]:
    return [entry.kind for entry in post.entries(number)]


# --- forged -----------------------------------------------------------------------------------------------------------


def test_mail_in_a_colleagues_name_that_fails_dmarc_waits_in_quarantine(post: Any, first: int) -> None:
    forged = post.from_staff(f"Re: Broken [#{first}]", text="Send me the password.", verdict="fail")
    assert forged.state == "quarantined"
    assert "did not come from alice <alice@desk.example> (DMARC failed)" in forged.reason
    assert kinds(post, first) == ["inbound", "inbound"]
    assert post.mail("New", sender="bob@desk.example", above=forged_verdict("desk.example")).state == "quarantined"


def forged_verdict(domain: str) -> str:
    return f"Authentication-Results: mx.desk.example; dmarc=fail header.from={domain}\r\n"


def test_a_person_lets_it_in_as_a_strangers_words(post: Any, first: int) -> None:
    post.from_staff(f"Re: Broken [#{first}]", text="#public\n\nSend me the password.", verdict="fail")
    [held] = quarantine.quarantined(post.desk)
    outcome = quarantine.retry(post.desk, held.id)
    assert (outcome.state, outcome.ticket) == ("entry", first)
    note = post.entries(first)[-1]
    assert (note.kind, note.author, note.agent_id) == ("note", "Alice (not verified)", None)
    assert post.outbox("reply") == []


def test_what_a_person_lets_in_is_no_spam(post: Any, first: int) -> None:
    post.from_staff(f"Re: Broken [#{first}]", text="Hm.", verdict="fail (p=reject dis=none)")
    [held] = quarantine.quarantined(post.desk)
    assert quarantine.retry(post.desk, held.id).ticket == first
    assert kinds(post, first)[-1] == "note"


def test_let_in_without_a_ticket_it_is_nobodys(post: Any) -> None:
    post.from_staff("Fwd: Broken", text=FORWARD, verdict="fail")
    [held] = quarantine.quarantined(post.desk)
    outcome = quarantine.retry(post.desk, held.id)
    assert outcome.state == "ticket"
    assert post.ticket(outcome.ticket).requester_id is None
    assert post.entries(outcome.ticket)[0].author == "Alice (not verified)"
    assert post.outbox("confirmation") == []


FORWARD = "---------- Forwarded message ---------\nFrom: Ann <ann@customer.example>\nSubject: Broken\n\nIt is."


def test_a_customer_who_fails_dmarc_is_no_case_for_quarantine(post: Any) -> None:
    customer = post.mail("Broken", above=forged_verdict("customer.example"))
    assert customer.state == "ticket"


def test_what_others_say_of_dmarc_counts_for_nothing(post: Any, first: int) -> None:
    says = "Authentication-Results: mx.elsewhere.example; dmarc=fail header.from=desk.example\r\n"
    assert post.mail(f"[#{first}]", sender="alice@desk.example", above=says).state == "entry"


# --- #public ----------------------------------------------------------------------------------------------------------


def test_public_on_the_first_line_answers_the_customer(post: Any, first: int) -> None:
    quoted = "On Mon, Nov 2, 2026 the desk wrote:\r\n> Carol wrote: secret"
    text = f"\r\n  #Public\u00a0 \r\n\r\nPlease turn it on.\r\n\r\n{quoted}"
    answer = post.from_staff("Re: Broken", text=text, In_Reply_To=notification(post, first), verdict="", **UTF8)
    entry = post.entries(first)[-1]
    assert (answer.state, entry.kind, entry.text, entry.author) == ("entry", "reply", "Please turn it on.", "alice")
    assert entry.agent_id == post.alice.actor.agent_id
    [mail] = post.outbox("reply")
    assert mail.recipients == ["carol@customer.example"]
    assert post.ticket(first).first_response_at is not None


UTF8 = {"MIME_Version": "1.0", "Content_Type": "text/plain; charset=utf-8"}


def test_public_written_by_a_mailer_that_encodes_its_spaces(post: Any, first: int) -> None:
    headers = UTF8 | {"Content_Transfer_Encoding": "quoted-printable"}
    post.from_staff("Re", text="=20#public=20=20\r\nOff=20and=20on.", In_Reply_To=notification(post, first), **headers)
    assert post.entries(first)[-1].text == "Off and on."


def test_attachments_go_with_a_public_answer(post: Any, first: int) -> None:
    text = "--b\r\n\r\n#public\r\nSee the file.\r\n--b\r\nContent-Type: text/csv; name=a.csv\r\n\r\n1,2\r\n--b--"
    parts = {"MIME_Version": "1.0", "Content_Type": 'multipart/mixed; boundary="b"'}
    post.from_staff("Re", text=text, In_Reply_To=notification(post, first), **parts)
    entry = post.entries(first)[-1]
    from tkt.store.tables import Attachment

    assert entry.kind == "reply"
    assert [file.name for file in post.rows(Attachment, Attachment.entry_id == entry.id)] == ["a.csv"]


def test_who_answers_somebody_elses_notification_is_not_verified_by_it(post: Any, first: int) -> None:
    before = len(post.outbox("notification", first))
    answer = post.from_staff(
        "Re", text="#public\r\nHello", sender="bob@desk.example", verdict="", In_Reply_To=notification(post, first)
    )
    assert answer.state == "entry"
    note = post.entries(first)[-1]
    assert (note.kind, note.text.strip()) == ("note", "#public\nHello")
    [skipped] = post.events(first, "skipped")
    assert (skipped.field, skipped.new) == ("#public", "it is not certain that you wrote it")
    told = post.outbox("notification", first)[before:]
    [row] = [row for row in told if row.recipients == ["bob@desk.example"]]
    assert "kept as an internal note" in row.mail["text"]
    assert post.outbox("reply") == []


def test_dmarc_verifies_for_somebody_elses_notification_too(post: Any, first: int) -> None:
    headers = {"In_Reply_To": notification(post, first)}
    post.from_staff("Re", text="#public\r\nHello", sender="Bob <bob@desk.example>", **headers)
    assert (kinds(post, first)[-1], post.entries(first)[-1].author) == ("reply", "bob")


@pytest.mark.parametrize(
    "sender", ["Alice <alice@desk.example>, mallory@evil.example", "a@desk.example\r\nFrom: alice@desk.example"]
)
def test_two_senders_are_not_verified(post: Any, first: int, sender: str) -> None:
    post.from_staff("Re", text="#public\r\nHello", sender=sender, In_Reply_To=notification(post, first))
    assert kinds(post, first)[-1] == "note"


def test_a_customer_who_got_hold_of_a_notification_stays_inside(post: Any, first: int) -> None:
    post.mail("Re", text="#public\r\nHello", In_Reply_To=notification(post, first))
    assert kinds(post, first)[-1] == "note"
    assert post.events(first, "skipped")


def test_nothing_below_public_is_said_to_nobody(post: Any, first: int) -> None:
    post.from_staff("Re", text="#public\r\n\r\n> quoted", In_Reply_To=notification(post, first))
    assert kinds(post, first)[-1] == "note"
    assert post.events(first, "skipped")[0].new == "nothing stands below it"


@pytest.mark.parametrize(
    "text", ["Not #public\r\nHello", "#publicly\r\nHello", "> #public\r\nHello", "Hello\r\n#public"]
)
def test_public_counts_on_the_first_line_alone(post: Any, first: int, text: str) -> None:
    post.from_staff("Re", text=text, In_Reply_To=notification(post, first))
    assert kinds(post, first)[-1] == "note"
    assert not post.events(first, "skipped")


def test_public_goes_with_an_answer_to_a_notification_alone(post: Any, first: int) -> None:
    post.from_staff(f"Broken [#{first}]", text="#public\r\nHello")
    assert kinds(post, first)[-1] == "note"
    assert "notification" in post.events(first, "skipped")[0].new


def test_a_viewer_answers_nobody(post: Any, first: int) -> None:
    made = message_ids.make_message_id(SECRET, "desk.example", first, "n")
    refused = post.from_staff("Re", text="#public\r\nHello", sender="victor@desk.example", In_Reply_To=made)
    assert refused.state == "quarantined"
    assert "viewer" in refused.reason


@pytest.fixture
def noted(post: Any, first: int) -> int:
    """The same ticket, when alice has been told what bob wrote about it inside."""
    bob = post.desk.acting(find_actor(post.desk.store, "bob"))
    conversation.note(bob, first, "They never pay.\n\nAsk for the money first.")
    return first


QUOTED = 'bob wrote a note:\n\nThey never pay.\n\n#1 "Broken": new, normal priority, assigned to alice'


@pytest.mark.parametrize(
    "below",
    [
        QUOTED,
        QUOTED.partition("\n\n")[0],
        QUOTED.rpartition("\n\n")[2],
        "\n".join(f"| {line}" for line in QUOTED.splitlines()),
        f"Από: Support <support@desk.example>\nΘέμα: Broken\n\n{QUOTED}",
        "bob wrote a\nnote: They never pay.",
    ],
    ids=["bare", "its head", "its end", "bars", "an unknown language", "wrapped"],
)
def test_what_was_said_inside_stays_there_though_nothing_marks_it_and_its_end_is_cut(
    post: Any, noted: int, below: str
) -> None:
    answer = f"#public\n\nHello Carol, it works again.\n\n{below}"
    headers = {"Content_Type": "text/plain; charset=utf-8", "In_Reply_To": notification(post, noted)}
    post.from_staff("Re", text=answer.replace("\n", "\r\n"), **headers)
    assert kinds(post, noted)[-1] == "note"
    assert "nothing marks it as quoted" in post.events(noted, "skipped")[-1].new


def test_the_words_of_a_note_may_be_those_of_the_answer(post: Any, noted: int) -> None:
    """What a colleague proposed in a note."""
    text = "#public\r\nHello Carol, bob wrote to me. Ask for the money first."
    post.from_staff("Re", text=text, In_Reply_To=notification(post, noted))
    assert kinds(post, noted)[-1] == "reply"


def test_a_detail_behind_a_colleagues_address_proves_nothing(post: Any, first: int) -> None:
    """There are providers where it is another person's."""
    answering = notification(post, first)
    post.from_staff("Re", text="#public\r\nHello", sender="alice+x@desk.example", In_Reply_To=answering)
    assert post.entries(first)[-1].kind == "note"
    assert "not certain" in post.events(first, "skipped")[0].new
