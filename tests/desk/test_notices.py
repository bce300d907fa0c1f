"""Who is told of what: confirmations for customers, notifications for the team."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import conversation, notices, tickets
from tkt.desk.conversation import Message
from tkt.desk.message_ids import make_message_id, make_token, read_message_id, read_token
from tkt.store.tables import AddressState

ANN = "ann@customer.example"


def mailed(office: Any, subject: str = "VPN", address: str = ANN, **more: Any) -> int:
    message = Message("Help", "Ann", address, message_id=more.pop("message_id", ""))
    made = tickets.create(office.customer(address), subject, message=message, channel="mail", confirm=True, **more)
    assert made.number is not None
    return made.number


def told(office: Any) -> list[tuple[str, str]]:
    """(address, text) of every notification."""
    return [(one.recipients[0], one.mail["text"]) for one in office.mails("notification")]


# --- confirmations ----------------------------------------------------------------------------------------------------


def test_a_confirmation(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office, message_id="<1@customer.example>")
    [mail] = office.mails()
    assert (mail.kind, mail.state, mail.recipients, mail.next_at) == ("confirmation", "waiting", [ANN], office.moment)
    assert mail.mail["auto"] == "auto-replied"
    assert mail.mail["in_reply_to"] == "<1@customer.example>"
    assert f"[#{number}]" in mail.mail["subject"] and "Ann" in mail.mail["text"]
    signed = read_message_id("the secret of the tests", mail.message_id)
    assert signed is not None and (signed.ticket, signed.kind) == (number, "c")


@pytest.mark.parametrize(
    ("language", "word"), [("en", "Hello"), ("de", "Guten Tag"), ("zh", "您好"), ("fr", "Hello"), ("", "Hello")]
)
def test_in_the_customers_language(sqlite_office: Any, mailbox: str, language: str, word: str) -> None:
    sqlite_office.declare(mailbox)
    mailed(sqlite_office, language=language)
    mail = sqlite_office.mails()[0].mail
    assert word in mail["subject"] + mail["text"]


def test_the_desks_language_where_the_mail_does_not_tell(sqlite_office: Any, mailbox: str) -> None:
    sqlite_office.declare(mailbox, people="[desk]\nname='D'\nlanguage='de'\n[[agent]]\nname='bob'\nrole='admin'\n")
    mailed(sqlite_office)
    assert "Guten Tag" in sqlite_office.mails()[0].mail["text"]


def test_in_other_words(office: Any, mailbox: str) -> None:
    template = '[[template]]\nname = "confirmation"\nlanguage = "en"\nsubject = "Got {{ ticket.number }}"\n'
    office.declare(mailbox, template + 'text = "Hello {{ requester.name }}: {{ ticket.subject }}"\n')
    number = mailed(office, "{{ 7 * 7 }} {% for %}", language="en")
    mail = office.mails()[0].mail
    assert (mail["subject"], mail["text"]) == (f"Got {number}", "Hello Ann: {{ 7 * 7 }} {% for %}")


def test_at_most_five_confirmations_an_hour_to_one_address(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    for n in range(7):
        mailed(office, f"VPN {n}")
        office.later(minutes=1)
    assert len(office.mails("confirmation")) == notices.CONFIRMATIONS == 5
    skipped = [event for event in office.history(7) if event[1] == "skipped"]
    assert skipped == [(ANN, "skipped", "confirmation", None, "too many to this address", "")]
    mailed(office, "Hello", address="bo@customer.example")
    assert len(office.mails("confirmation")) == 6
    office.later(hours=1)
    mailed(office, "VPN again")
    assert len(office.mails("confirmation")) == 7
    assert office.rows(AddressState, AddressState.address == ANN)[0].automatic_count == 1


def test_no_confirmation(office: Any, mailbox: str) -> None:
    mailed(office)
    assert office.mails() == []  # a desk that can't send
    office.declare(mailbox)
    mailed(office, machine="auto-reply: Auto-Submitted")
    assert (office.mails(), office.ticket(2).status) == ([], "closed")
    tickets.create(office.alice, "By telephone", requester=("Ann", ANN))
    tickets.create(office.alice, "Without anybody", confirm=True)
    assert office.mails() == []
    office.declare(mailbox, people="[desk]\nname='D'\nconfirm=false\n[[agent]]\nname='alice'\nrole='admin'\n")
    mailed(office)
    assert office.mails() == []


# --- notifications ----------------------------------------------------------------------------------------------------


def test_the_assignee_hears_of_a_message(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office, assignee=None)
    tickets.assign(office.bob, number, "me")
    conversation.note(office.bob, number, "secret")
    conversation.receive(office.customer(ANN), number, Message("Hello? \x1b[2J", "Ann \x1b]0;x\x07", ANN))
    [(address, text)] = told(office)
    assert address == "bob@desk.example"
    assert text == f"Ann  wrote:\n\nHello? \n\n-- \n#{number}: tkt show {number}"
    mail = office.mails("notification")[0]
    assert mail.mail["auto"] == "auto-generated"
    signed = read_message_id("the secret of the tests", mail.message_id)
    assert signed is not None and signed.kind == "n"


def test_the_team_hears_of_it_while_nobody_has_the_ticket(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = mailed(office, team="network")
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    assert [address for address, _ in told(office)] == ["alice@desk.example", "bob@desk.example", "carol@desk.example"]


def test_one_mail_per_person_and_change(office: Any, mailbox: str) -> None:
    twice = '[[rule]]\nname = "all"\non = "inbound"\nwhen = ""\ndo = ["notify:assignee", "notify:team", "notify:bob"]\n'
    office.declare(mailbox, twice)
    number = mailed(office, team="network")
    tickets.assign(office.bob, number, "me")
    conversation.receive(office.customer(ANN), number, Message("Hello?", "Ann", ANN))
    found = dict(told(office))
    assert len(told(office)) == 3
    assert "Ann wrote" in found["bob@desk.example"] and "rule all" in found["bob@desk.example"]
    assert found["alice@desk.example"].startswith("rule all")
    events = [event[2] for event in office.history(number) if event[1] == "notify"]
    assert events == ["assignee", "team", "bob"]


def test_nobody_is_told_of_what_they_did_themselves(office: Any, mailbox: str) -> None:
    office.declare(mailbox, '[[rule]]\nname = "all"\non = "changed"\nwhen = ""\ndo = ["notify:team"]\n')
    number = tickets.create(office.sue, "VPN", team="network").number
    tickets.assign(office.bob, number, "me")
    assert [address for address, _ in told(office)] == ["alice@desk.example", "carol@desk.example"]


def test_an_assignment_is_told(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    number = tickets.create(office.alice, "VPN", assignee="bob").number
    text = f"alice assigned this ticket to you.\n\n-- \n#{number}: tkt show {number}"
    assert told(office) == [("bob@desk.example", text)]
    tickets.set_fields(office.bob, number, {"assignee": "alice"})
    tickets.take(office.alice, number)
    assert [address for address, _ in told(office)] == ["bob@desk.example", "alice@desk.example"]


@pytest.mark.parametrize(
    ("whom", "heard"),
    [
        ("supervisor", ["sue@desk.example"]),
        ("network", ["alice@desk.example", "bob@desk.example", "carol@desk.example"]),
        ("empty", []),
        ("boss@other.example", ["boss@other.example"]),
        ("carol", ["carol@desk.example"]),
    ],
)
def test_whom_a_rule_may_tell(sqlite_office: Any, mailbox: str, whom: str, heard: list[str]) -> None:
    sqlite_office.declare(mailbox, f'[[rule]]\nname = "all"\non = "created"\nwhen = ""\ndo = ["notify:{whom}"]\n')
    tickets.create(sqlite_office.system, "VPN")
    assert [address for address, _ in told(sqlite_office)] == heard


def test_a_desk_that_sends_no_mail_tells_nobody(office: Any) -> None:
    tickets.create(office.alice, "VPN", assignee="bob")
    assert office.mails() == []


# --- signed names -----------------------------------------------------------------------------------------------------


def test_only_what_we_signed_is_ours() -> None:
    made = make_message_id("s", "d.example", 42, "r")
    assert read_message_id("s", made) == (42, "r")
    assert read_message_id("s", f" {made[1:-1]} ") == (42, "r")
    for wrong in (made.replace("-42-", "-43-"), made.replace("tkt-r", "tkt-c"), made + "x", "", "<x@y>"):
        assert read_message_id("s", wrong) is None
    assert read_message_id("other", made) is None and read_message_id("", made) is None


def test_only_our_tokens_lead_to_a_ticket() -> None:
    token = make_token("s", 42)
    assert read_token("s", token) == 42
    for wrong in (token.replace("42.", "43."), "42.", "42", "", "٤٢.x", "9" * 30 + ".x"):
        assert read_token("s", wrong) is None
    assert read_token("other", token) is None
