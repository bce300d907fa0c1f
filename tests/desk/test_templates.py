"""What the desk's mails say around a message: which template, in which language, for which team; and when one fails."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.config.template_language import LONGEST
from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message
from tkt.desk.preview import held_reply, preview_reply
from tkt.desk.templates.simple_html import DEEPEST, to_html
from tkt.errors import Conflict, NotAllowed, NotFound, TktError, UsageError

ANN = "ann@customer.example"


def declared(name: str = "reply", language: str = "en", team: str = "", text: str = "", **more: str) -> str:
    words = text or f"{language}{team}: {{{{ message.text }}}}"
    keys = {"name": name, "language": language, "team": team, "text": words, **more}
    return "[[template]]\n" + "".join(f"{key} = '''{value}'''\n" for key, value in keys.items() if value)


def asked(office: Any, **more: Any) -> int:
    return int(tickets.create(office.customer(ANN), "VPN", message=Message("Help", "Ann", ANN), **more).number)


def sent(office: Any, kind: str = "reply") -> dict[str, Any]:
    found: dict[str, Any] = office.mails(kind)[-1].mail
    return found


def test_without_a_template_a_reply_leaves_as_it_is(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = asked(office)
    conversation.reply(office.bob, number, "{{ 7 * 7 }}\n  as it is\n")
    assert (sent(office)["subject"], sent(office)["text"]) == (f"Re: VPN [#{number}]", "{{ 7 * 7 }}\n  as it is\n")
    assert "html" not in sent(office)


def test_a_reply_gets_a_greeting_and_a_signature(office: Any, mailbox: str) -> None:
    greeting = "Hello {{ requester.name }},\n\n{{ message.text }}\n\n{{ agent.name }}, {{ ticket.team }}"
    office.declare(mailbox, declared(text=greeting, subject="{{ ticket.tagged_subject }}: answered"))
    number = asked(office, team="network")
    conversation.reply(office.bob, number, "Try {{ again }}.")
    mail = sent(office)
    assert mail["text"] == "Hello Ann,\n\nTry {{ again }}.\n\nbob, network"
    assert mail["subject"] == f"VPN [#{number}]: answered"
    assert office.entries(number)[-1].text == "Try {{ again }}."


@pytest.mark.parametrize(
    ("language", "team", "words"),
    [
        ("de", "network", "denetwork"),
        ("de", "empty", "de"),
        ("de", None, "de"),
        ("fr", "network", "ennetwork"),
        ("fr", None, "en"),
        ("", None, "en"),
        ("en", "empty", "en"),
    ],
)
def test_which_one(sqlite_office: Any, mailbox: str, language: str, team: str | None, words: str) -> None:
    """The language and the team; the language; the desk's language and the team; the desk's language."""
    each = [("de", "network"), ("de", ""), ("en", "network"), ("en", "")]
    sqlite_office.declare(mailbox, *(declared("reply", *one) for one in each))
    number = asked(sqlite_office, team=team, language=language)
    conversation.reply(sqlite_office.bob, number, "Hello")
    assert sent(sqlite_office)["text"] == f"{words}: Hello"


@pytest.mark.parametrize(("language", "word"), [("de", "Guten Tag"), ("zh", "您好"), ("fr", "mine"), ("en", "mine")])
def test_a_confirmation_is_rather_shipped_in_the_customer_s_language_than_one_s_own_in_another(
    sqlite_office: Any, mailbox: str, language: str, word: str
) -> None:
    sqlite_office.declare(mailbox, declared("confirmation", "en", text="mine", subject="Got it"))
    asked(sqlite_office, language=language, channel="mail", confirm=True)
    assert word in sent(sqlite_office, "confirmation")["text"]


def test_staff_reads_the_desk_s_language(office: Any, mailbox: str) -> None:
    office.declare(mailbox, declared("notification", "de"), declared("notification", "en"))
    tickets.create(office.alice, "VPN", assignee="bob", language="de")
    assert sent(office, "notification")["text"].startswith("en: alice assigned this ticket to you.")


def test_html_goes_along_where_a_template_has_it(office: Any, mailbox: str) -> None:
    html = "<p>{{ requester.name }}</p>{{ message.html }}<i>{{ ticket.subject }}</i>"
    office.declare(mailbox, declared(html=html))
    number = int(tickets.create(office.customer(ANN), "<b>VPN", message=Message("?", "Ann <script>", ANN)).number)
    conversation.reply(office.bob, number, "One & two\n\n> said\nhttps://a.example/?b=1&c=2.")
    assert sent(office)["html"] == (
        "<p>Ann &lt;script&gt;</p><p>One &amp; two</p>\n<blockquote>\n<p>said</p>\n</blockquote>\n"
        '<p><a href="https://a.example/?b=1&amp;c=2">https://a.example/?b=1&amp;c=2</a>.</p><i>&lt;b&gt;VPN</i>'
    )
    assert sent(office)["text"].startswith("en: One & two")


# --- a template that fails ------------------------------------------------------------------------------------------


def test_a_template_that_fails_loses_no_mail(office: Any, mailbox: str) -> None:
    """It passed the check and fails on this ticket alone."""
    broken = "{{ message.text }}{{ 1 // (ticket.number - 1) }}"
    office.declare(mailbox, declared(text=broken), declared("confirmation", text=broken[18:], subject="x"))
    number = asked(office, channel="mail", confirm=True)
    assert number == 1
    conversation.reply(office.bob, number, "Hello")
    assert sent(office)["text"] == "Hello"
    assert "Somebody will answer you" in sent(office, "confirmation")["text"]
    skipped = [event for event in office.events(number) if event.verb == "skipped"]
    assert [event.field for event in skipped] == ["template confirmation/en", "template reply/en"]
    assert "by zero" in skipped[0].new


def test_a_message_that_no_template_can_hold_leaves_without_one(office: Any, mailbox: str) -> None:
    office.declare(mailbox, declared())
    number = asked(office)
    conversation.reply(office.bob, number, "x" * (LONGEST + 1))
    assert len(sent(office)["text"]) == LONGEST + 1


# --- HTML from a text -----------------------------------------------------------------------------------------------


@given(st.text("a \n>\r<&\"'h:/.", max_size=120) | st.text(max_size=60))
def test_no_text_becomes_markup_of_its_own(text: str) -> None:
    page = to_html(text)
    for tag in ("<p>", "</p>", "<br>", "<blockquote>", "</blockquote>", "</a>"):
        page = page.replace(tag, "")
    assert "<script" not in page.lower() and page.count("<") == page.count('<a href="http')


def test_quotes_in_quotes_have_an_end() -> None:
    assert str(to_html(">" * 500 + " deep")).count("<blockquote>") == DEEPEST


def test_an_address_beside_a_bracket() -> None:
    assert '<a href="https://a.example/b">https://a.example/b</a>),' in to_html("(see https://a.example/b), then")
    assert "<a" not in to_html("javascript:alert(1) file:///etc/passwd")


# --- before it is written -------------------------------------------------------------------------------------------


def test_a_preview_is_what_leaves_and_changes_nothing(office: Any, mailbox: str) -> None:
    office.declare(mailbox, declared())
    number = asked(office)
    before = office.document(number)
    preview = preview_reply(office.bob, number, "Hello", ["Bo@C.example"])
    assert (office.document(number), office.mails()) == (before, [])
    entry = conversation.reply(office.bob, number, "Hello", cc=["Bo@C.example"])
    mail = sent(office)
    assert (list(preview.to), list(preview.cc), preview.subject, preview.text) == tuple(
        mail[key] for key in ("to", "cc", "subject", "text")
    )
    assert preview.sender == "Example Support <support@desk.example>"
    held = held_reply(office.bob, entry)
    assert held is not None and (held.leaves_at - office.moment).total_seconds() == 20


def test_a_preview_refuses_what_a_reply_would(office: Any) -> None:
    number = asked(office)
    for error, desk, text, cc in (
        (NotAllowed, office.carol, "x", []),
        (UsageError, office.bob, "x", ["nobody"]),
        (TktError, office.bob, " ", []),
    ):
        with pytest.raises(error):
            preview_reply(desk, number, text, cc)
    with pytest.raises(NotFound):
        preview_reply(office.bob, 99, "x")
    other = asked(office)
    with office.store.transaction() as session:
        session.get_one(tickets.Ticket, number).merged_into = other
    with pytest.raises(Conflict, match="was merged"):
        preview_reply(office.bob, number, "x")
