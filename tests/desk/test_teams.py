"""Further teams of a ticket: found, shown, told, put on and taken off, taken back."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import tickets
from tkt.desk.conversation import Message, receive
from tkt.desk.facts import ticket_facts, vocabulary
from tkt.desk.teams import link_team
from tkt.desk.undo import redo, undo
from tkt.errors import NotFound
from tkt.query.compile import compile_query
from tkt.query.evaluate import matches
from tkt.query.language import parse
from tkt.sla.match import match
from tkt.store.read import open_reader
from tkt.store.read_documents import ticket_document
from tkt.store.read_tickets import page_numbers
from tkt.times import to_micros

SALES = """
[[agent]]
name = "dan"
email = "dan@desk.example"

[[team]]
name = "sales"
members = ["dan"]
"""


@pytest.fixture
def number(office: Any, mailbox: str) -> int:
    office.declare(SALES, mailbox)
    made = tickets.create(
        office.alice, "A quote for the VPN", team="network", requester=("Ann", "ann@customer.example")
    )
    assert made.number is not None
    return made.number


def teams_shown(office: Any, number: int) -> list[str]:
    with open_reader(office.store.location) as reader:
        found: list[str] = ticket_document(reader, number)["teams"]
        return found


def found_by(office: Any, query: str) -> list[int]:
    """What SQL finds; what Python says of each ticket must be the same."""
    tree = parse(query)
    with open_reader(office.store.location) as reader:
        words = reader.vocabulary(to_micros(office.now()))
        found = page_numbers(reader, compile_query(tree, words, reader.dialect, reader.few))
    with office.system.look() as change:
        for number in (row.number for row in office.rows(tickets.Ticket)):
            facts = ticket_facts(change, change.session.get_one(tickets.Ticket, number))
            assert matches(tree, facts, vocabulary(change)) == (number in found)
    return found


def test_a_further_team_finds_the_ticket(office: Any, number: int) -> None:
    assert found_by(office, "team:sales") == []
    assert tickets.set_fields(office.alice, number, {"teams": "sales, empty"}) == ["teams"]
    assert found_by(office, "team:sales") == found_by(office, "team:network") == [number]
    assert found_by(office, "-team:sales") == []
    assert teams_shown(office, number) == ["empty", "sales"]


def test_further_teams_are_what_was_set(office: Any, number: int) -> None:
    tickets.set_fields(office.alice, number, {"teams": "sales"})
    assert tickets.set_fields(office.alice, number, {"teams": "sales"}) == []
    assert tickets.set_fields(office.alice, number, {"teams": "empty"}) == ["teams"]
    assert teams_shown(office, number) == ["empty"]
    assert tickets.set_fields(office.alice, number, {"teams": "none"}) == ["teams"]
    assert teams_shown(office, number) == []
    with pytest.raises(NotFound, match="did you mean 'sales'"):
        tickets.set_fields(office.alice, number, {"teams": "saels"})


def test_a_tickets_own_team_is_no_further_one(office: Any, number: int) -> None:
    assert tickets.set_fields(office.alice, number, {"teams": "network"}) == []
    tickets.set_fields(office.alice, number, {"teams": "sales"})
    tickets.set_fields(office.alice, number, {"team": "sales"})
    assert teams_shown(office, number) == []
    tickets.set_fields(office.alice, number, {"team": "network"})
    assert teams_shown(office, number) == ["sales"]


def test_it_is_taken_back_and_done_again(office: Any, number: int) -> None:
    tickets.set_fields(office.alice, number, {"teams": "sales"})
    assert str(undo(office.alice)) == f"#{number}: teams: sales → nothing"
    assert teams_shown(office, number) == []
    redo(office.alice)
    assert teams_shown(office, number) == ["sales"]


def test_it_is_linked_once(office: Any, number: int) -> None:
    linked = []
    for _ in range(2):
        with office.system.change() as change:
            linked.append(link_team(change, change.ticket(number), "sales"))
    assert linked == [True, False]


def test_members_of_further_teams_hear_of_a_ticket_that_is_nobodys(office: Any, number: int) -> None:
    tickets.set_fields(office.alice, number, {"teams": "sales"})
    receive(office.customer("ann@customer.example"), number, Message("And?", "Ann", "ann@customer.example"))
    told = {address for mail in office.mails("notification", number) for address in mail.recipients}
    assert "dan@desk.example" in told


def test_rules_see_further_teams(office: Any, number: int, mailbox: str) -> None:
    rule = '[[rule]]\nname = "quotes"\non = "changed"\nwhen = "team:sales"\ndo = ["tag:+quote"]\n'
    office.declare(SALES, mailbox, rule)
    tickets.set_fields(office.alice, number, {"teams": "sales"})
    assert found_by(office, "tag:quote") == [number]


def test_promises_are_those_of_the_team_whose_ticket_it_is(office: Any, number: int, mailbox: str) -> None:
    """Who copies in another team's mailbox is promised neither more nor less."""
    policies = """
    [[sla]]
    name = "sales"
    match = "team:sales"
    targets.default.resolution = "1h"
    [[sla]]
    name = "all"
    targets.default.resolution = "8h"
    """
    office.declare(SALES, mailbox, policies)
    tickets.set_fields(office.alice, number, {"teams": "sales"})
    assert promised(office, number) == ("all", "all", ["team is network"])
    tickets.set_fields(office.alice, number, {"team": "sales"})
    assert promised(office, number) == ("sales", "sales", [])


def promised(office: Any, number: int) -> tuple[str, str, list[str]]:
    """Whose policy the clock has, whose `tkt sla match` names, and why not the one before."""
    with open_reader(office.store.location) as reader:
        found = match(reader, number)
        (held,) = reader.rows(
            "SELECT d.name FROM clock k JOIN definition d ON d.id = k.policy_id WHERE ticket = ?", (number,)
        )
    return held[0], found.chosen, [reason.value for one in found.policies for reason in one.reasons]
