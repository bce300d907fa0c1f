"""Macros: several actions by one person, all or nothing, taken back as one."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import tickets
from tkt.desk.conversation import Message
from tkt.desk.macros import run_macro
from tkt.desk.undo import undo
from tkt.errors import Conflict, NotAllowed, NotFound

ANN = "ann@customer.example"
MACROS = """
[[macro]]
name = "need-logs"
do = ["assign:me", "tag:+logs", "reply:Please send us the log, {{ requester.name }}.", "status:waiting"]
[[macro]]
name = "nobody"
do = ["tag:+x", "assign:auto"]
"""


@pytest.fixture
def number(office: Any, mailbox: str) -> int:
    office.declare(mailbox, MACROS)
    made = tickets.create(office.customer(ANN), "VPN", message=Message("Help", "Ann", ANN))
    return made.number or 0


def test_a_macro_is_one_change_by_the_person(office: Any, number: int) -> None:
    done = run_macro(office.bob, number, "need-logs")
    assert done[0] == "assign:me" and len(done) == 4
    document = office.document(number)
    assert (document["status"], document["assignee"], document["tags"]) == ("waiting", "bob", ["logs"])
    assert (document["version"], document["first_response_at"]) == (2, "2026-11-02T09:00:00Z")
    [mail] = office.mails("reply")
    assert (mail.mail["text"], mail.mail["auto"]) == ("Please send us the log, Ann.", "")
    assert len({event.change for event in office.events(number)}) == 2


def test_it_is_taken_back_as_one(office: Any, number: int) -> None:
    before = office.document(number)
    run_macro(office.bob, number, "need-logs")
    undo(office.bob)
    after = office.document(number)
    for key in ("status", "assignee", "tags", "entries", "first_response_at"):
        assert after[key] == before[key]
    assert office.mails("reply")[0].state == "recalled"


def test_an_action_that_cannot_be_done_stops_it(office: Any, number: int) -> None:
    before = office.document(number)
    with pytest.raises(Conflict, match="nobody can be chosen"):
        run_macro(office.bob, number, "nobody")
    with pytest.raises(NotFound, match="did you mean 'need-logs'"):
        run_macro(office.bob, number, "need-log")
    with pytest.raises(NotAllowed):
        run_macro(office.carol, number, "need-logs")
    with pytest.raises(NotFound):
        run_macro(office.bob, 99, "need-logs")
    with pytest.raises(Conflict):
        run_macro(office.bob, number, "need-logs", version=99)
    assert office.document(number) == before
