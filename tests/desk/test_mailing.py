"""A report as a mail: who may send it where, and what stands in the outbox."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk.mailing import mail_report
from tkt.desk.message_ids import Signed, read_message_id
from tkt.errors import NotAllowed, TktError, UsageError
from tkt.store.tables import Event

WORDS = ("SLA report", "as text", "<p>as a page</p>")


def test_a_supervisor_mails_a_report_anywhere_once(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    to = mail_report(office.sue, ["Boss@Example.com", "boss@example.com", "bob@desk.example"], *WORDS)
    assert to == ["boss@example.com", "bob@desk.example"]
    [row] = office.mails("report")
    assert (row.ticket, row.state, row.mailbox, row.recipients) == (None, "waiting", "support", to)
    assert row.mail == {
        "from_name": "Example Support", "from_address": "support@desk.example", "to": to, "subject": "SLA report",
        "text": "as text", "html": "<p>as a page</p>", "auto": "auto-generated",
    }  # fmt: skip
    assert row.next_at == office.moment and read_message_id("the secret of the tests", row.message_id) == Signed(0, "p")
    [event] = office.rows(Event, Event.verb == "report")
    assert (event.actor, event.new) == ("sue", {"to": to, "subject": "SLA report"})


def test_an_agent_mails_it_to_colleagues_only(office: Any, mailbox: str) -> None:
    office.declare(mailbox)
    mail_report(office.bob, ["ALICE@desk.example"], *WORDS)
    with pytest.raises(NotAllowed, match=r"by a supervisor, and boss@example\.com is no address"):
        mail_report(office.bob, ["alice@desk.example", "boss@example.com"], *WORDS)
    with pytest.raises(NotAllowed):
        mail_report(office.carol, ["carol@desk.example"], *WORDS)
    assert len(office.mails("report")) == 1


def test_mistakes_are_said(office: Any) -> None:
    with pytest.raises(TktError, match="no mailbox of this desk can send"):
        mail_report(office.alice, ["boss@example.com"], *WORDS)
    with pytest.raises(UsageError, match="no mail address"):
        mail_report(office.alice, ["boss"], *WORDS)
    assert office.mails() == []
