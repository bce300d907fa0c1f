"""Confirmations for customers: once per request, in their language, never to a machine."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import automatic, tickets
from tkt.desk.conversation import Message
from tkt.desk.message_ids import read_message_id
from tkt.store.tables import AddressState

ANN = "ann@customer.example"


def mailed(office: Any, subject: str = "VPN", address: str = ANN, **more: Any) -> int:
    message = Message("Help", "Ann", address, message_id=more.pop("message_id", ""))
    made = tickets.create(office.customer(address), subject, message=message, channel="mail", confirm=True, **more)
    assert made.number is not None
    return made.number


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
    assert len(office.mails("confirmation")) == automatic.PER_ADDRESS == 5
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
