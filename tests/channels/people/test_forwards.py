"""A colleague forwards a customer's mail: the ticket is the customer's (attached: `test_forwards_attached`)."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.channels.mail.filing.forwards import read_forward
from tkt.channels.mail.reading.parse import parse
from tkt.store.tables import Follower

UTF8 = {"MIME_Version": "1.0", "Content_Type": "text/plain; charset=utf-8"}

GMAIL = """\
Can somebody look at this?

---------- Forwarded message ---------
From: *Ann Lee* <ann@customer.example>
Date: Mon, 2 Nov 2026 at 07:55
Subject: The printer hums
To: Alice <alice@desk.example>
Cc: Bert <bert@customer.example>


It is a sad tune.

Ann
"""
GMAIL_DE = """\
---------- Forwarded message ---------
Von: Ann Lee <ann@customer.example>
Date: Mo., 2. Nov. 2026 um 07:55 Uhr
Subject: The printer hums
To: Alice <alice@desk.example>


It is a sad tune.

Ann
"""
OUTLOOK = """\
Can somebody look at this?

________________________________
From: Ann Lee <ann@customer.example>
Sent: Monday, November 2, 2026 7:55 AM
To: Alice; Bert; somebody with a long name; somebody with a longer name; and the one with the
 longest name of all
Subject: The printer hums

It is a sad tune.

Ann
"""
OUTLOOK_DE = """\
Can somebody look at this?

Von: Ann Lee [mailto:ann@customer.example]
Gesendet: Montag, 2. November 2026 07:55
An: Alice
Betreff: The printer hums
Wichtigkeit: Hoch

It is a sad tune.

Ann
"""
OUTLOOK_FR = """\
Can somebody look at this?

-----Message d'origine-----
De : Ann Lee <ann@customer.example>
Envoyé : lundi 2 novembre 2026 07:55
À : Alice
Objet : The printer hums

It is a sad tune.

Ann
"""
OUTLOOK_ZH = """\
Can somebody look at this?

发件人: Ann Lee <ann@customer.example>
发送时间: 2026年11月2日 7:55
收件人: Alice
主题: The printer hums

It is a sad tune.

Ann
"""
APPLE = """\
Can somebody look at this?

Begin forwarded message:

> From: Ann Lee <ann@customer.example>
> Subject: The printer hums
> Date: 2 November 2026 at 07:55:00 GMT
> To: Alice <alice@desk.example>
>\x20
> It is a sad tune.
>\x20
> Ann
"""
APPLE_DE = """\
Can somebody look at this?

Anfang der weitergeleiteten Nachricht:

Von: Ann Lee <ann@customer.example>
Betreff: The printer hums
Datum: 2. November 2026 um 07:55:00 MEZ
An: Alice <alice@desk.example>
Antwort an: Office <office@customer.example>

It is a sad tune.

Ann
"""
THUNDERBIRD = """\
Can somebody look at this?


-------- Forwarded Message --------
Subject: \tThe printer hums
Date: \tMon, 2 Nov 2026 07:55:00 +0000
From: \tAnn Lee <ann@customer.example>
To: \tAlice <alice@desk.example>



It is a sad tune.

Ann
"""
THUNDERBIRD_NL = """\
Can somebody look at this?

-------- Doorgestuurd bericht --------
Onderwerp: \tThe printer hums
Datum: \tMon, 2 Nov 2026 07:55:00 +0000
Van: \tAnn Lee <ann@customer.example>
Aan: \talice@desk.example

It is a sad tune.

Ann
"""
JAPANESE = """\
Can somebody look at this?

---------- 転送メッセージ ----------
差出人: Ann Lee <ann@customer.example>
日時: 2026年11月2日(月) 7:55
件名: The printer hums
宛先: alice@desk.example

It is a sad tune.

Ann
"""
RUSSIAN = """\
Can somebody look at this?

-------- Пересылаемое сообщение --------
От: Ann Lee <ann@customer.example>
Дата: 2 ноября 2026 г., 7:55
Тема: The printer hums
Кому: alice@desk.example

It is a sad tune.

Ann
"""
FORMS = {
    "gmail": ("Fwd: The printer hums", GMAIL),
    "outlook": ("FW: The printer hums", OUTLOOK),
    "outlook de": ("WG: The printer hums", OUTLOOK_DE),
    "outlook fr": ("TR: The printer hums", OUTLOOK_FR),
    "outlook zh": ("转发: The printer hums", OUTLOOK_ZH),
    "apple": ("Fwd: The printer hums", APPLE),
    "apple de": ("Fwd: The printer hums", APPLE_DE),
    "thunderbird": ("Fwd: The printer hums", THUNDERBIRD),
    "thunderbird nl": ("Fwd: The printer hums", THUNDERBIRD_NL),
    "japanese": ("Fwd: The printer hums", JAPANESE),
    "russian": ("Fwd: The printer hums", RUSSIAN),
    "gmail de, nothing added": ("Fwd: The printer hums", GMAIL_DE),
}


def read(subject: str, text: str, **headers: str) -> Any:
    fields = {"From": "alice@desk.example", "Subject": subject, "MIME-Version": "1.0"}
    fields |= {"Content-Type": "text/plain; charset=utf-8"} | {
        key.replace("_", "-"): value for key, value in headers.items()
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return read_forward(parse(f"{head}\r\n{text}".encode()))


@pytest.mark.parametrize("name", FORMS)
def test_the_original_is_found_in_every_form(name: str) -> None:
    found = read(*FORMS[name])
    assert found is not None
    assert found.sender == ("Ann Lee", "ann@customer.example")
    assert (found.subject, found.text) == ("The printer hums", "It is a sad tune.\n\nAnn")
    assert found.added == ("" if "nothing" in name else "Can somebody look at this?")


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Fwd: Hello", "No original at all."),
        ("Hello", OUTLOOK),
        ("Re: Fwd: The printer hums", GMAIL),
        ("Fwd: x", GMAIL.replace(" <ann@customer.example>", "")),
        ("Fwd: x", GMAIL.replace("*Ann Lee*", "noreply@lists.example on behalf of Ann")),
        (
            "Fwd: x",
            "> ---------- Forwarded message ---------\n> From: Ann <ann@customer.example>\n> Subject: x\n\nI saw.",
        ),
        ("Fwd: x", "---------- Forwarded message ---------\nFrom: Ann <ann@customer.example>\n\nNothing else is said."),
        ("Fwd: x", "From: here to there.\nThis is a text: with colons.\n"),
    ],
)
def test_what_is_not_certain_is_no_forward(subject: str, text: str) -> None:
    assert read(subject, text) is None


def test_the_originals_identity_where_the_mailer_gives_it() -> None:
    named = {"X_Forwarded_Message_Id": "<orig@customer.example>", "References": "<a@b> <c@d>"}
    assert read("Fwd: x", GMAIL, **named).message_id == "<orig@customer.example>"
    assert read("Fwd: x", GMAIL, In_Reply_To="<orig@customer.example>").message_id == "<orig@customer.example>"
    assert read("Fwd: x", GMAIL, References="<a@b> <orig@customer.example>").message_id == "<orig@customer.example>"
    assert read("Fwd: x", GMAIL).message_id == ""


def test_a_colleagues_signature_is_no_note() -> None:
    assert read("Fwd: x", f"-- \nAlice\nExample Ltd\n{GMAIL_DE}").added == ""
    assert read("Fwd: x", f"Please.\n\n-- \nAlice\n{GMAIL_DE}").added == "Please."


@pytest.fixture
def post(sqlite_post: Any) -> Any:
    """On one engine; `test_engines` has a case of each kind on both."""
    return sqlite_post


# --- on the desk ------------------------------------------------------------------------------------------------------


def test_a_verified_colleagues_forward_opens_the_customers_ticket(post: Any) -> None:
    headers = {"References": "<orig@customer.example>", "Cc": "carol@customer.example", **UTF8}
    filed = post.from_staff("Fwd: The printer hums", text=THUNDERBIRD, **headers)
    assert filed.state == "ticket"
    ticket, (words, note) = post.ticket(filed.ticket), post.entries(filed.ticket)
    assert (ticket.subject, ticket.mailbox, post.teams(filed.ticket)) == ("The printer hums", "support", ["network"])
    assert (words.kind, words.author, words.author_address) == ("inbound", "Ann Lee", "ann@customer.example")
    assert (words.text, words.agent_id, words.person_id) == ("It is a sad tune.\n\nAnn", None, ticket.requester_id)
    assert (note.kind, note.text, note.author) == ("note", "Can somebody look at this?", "alice")
    [confirmation] = post.outbox("confirmation")
    assert confirmation.recipients == ["ann@customer.example"]
    assert confirmation.mail["in_reply_to"] == "<orig@customer.example>"
    post.reply(filed.ticket)
    [reply] = post.outbox("reply")
    assert reply.recipients == ["ann@customer.example"]
    assert post.rows(Follower) == []
    assert [(event.actor, event.new) for event in post.events(filed.ticket, "forward")] == [
        ("alice", "ann@customer.example")
    ]


def test_a_forward_to_two_mailboxes_concerns_both_teams(post: Any) -> None:
    filed = post.from_staff("Fwd: The printer hums", text=GMAIL, To="support@desk.example, sales@desk.example")
    assert post.teams(filed.ticket) == ["network", "sales"]


def test_the_customers_answer_finds_it(post: Any) -> None:
    filed = post.from_staff("Fwd: The printer hums", text=GMAIL, References="<orig@customer.example>")
    answer = post.mail("More", "ann@customer.example", References="<orig@customer.example>")
    assert answer.ticket == filed.ticket


@pytest.mark.parametrize("verdict", ["", "none", "temperror"])
def test_an_unverified_forward_is_a_mail_like_others(post: Any, verdict: str) -> None:
    filed = post.from_staff("Fwd: The printer hums", text=GMAIL, verdict=verdict)
    assert post.ticket(filed.ticket).requester_id is None
    assert post.entries(filed.ticket)[0].author_address == "alice@desk.example"
    assert post.outbox("confirmation") == []


def test_a_customer_who_forwards_stays_the_customer(post: Any) -> None:
    filed = post.mail("Fwd: The printer hums", text=GMAIL)
    assert post.entries(filed.ticket)[0].author_address == "carol@customer.example"


def test_a_colleagues_mail_forwarded_is_no_customers(post: Any) -> None:
    inside = GMAIL.replace("ann@customer.example", "bob+x@desk.example")
    filed = post.from_staff("Fwd: Lunch", text=inside)
    assert post.ticket(filed.ticket).requester_id is None


def test_what_the_desk_has_already_gets_a_note(post: Any) -> None:
    first = post.mail("The printer hums", "ann@customer.example", Message_ID="<orig@customer.example>")
    again = post.from_staff("Fwd: The printer hums", text=GMAIL, References="<orig@customer.example>")
    assert again.ticket == first.ticket
    assert [entry.kind for entry in post.entries(first.ticket)] == ["inbound", "note"]
