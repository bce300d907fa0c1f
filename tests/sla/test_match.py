"""`tkt sla match`: the policy that holds, what fails of the others, the terms."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import select

from tkt.cli.main import run
from tkt.query.terms import KEYS
from tkt.sla.match import Matched, document, lines, match
from tkt.store.read import Reader, open_reader
from tkt.store.tables import Agent, Definition, Ticket, TicketField, TicketTag

PICKY = {
    "name": "picky",
    "match": "tag:vip (category:network OR type:incident) NOT status:new,open field.site:hq outage",
    "calendar": "office",
    "targets": {"default": {"resolution": "4h"}},
}


@pytest.fixture
def policies(policies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [PICKY, *policies]


@pytest.fixture
def desk(desk: Any) -> Any:
    with desk.store.transaction() as session:
        session.add(Definition(kind="field", name="site", body={"type": "string"}, created_at=desk.at(0)))
    return desk


@pytest.fixture
def reader(desk: Any) -> Iterator[Reader]:
    with open_reader(desk.store.location) as opened:
        yield opened


def reasons(found: Matched, policy: str) -> list[tuple[str, str]]:
    return [tuple(reason) for one in found.policies if one.name == policy for reason in one.reasons]  # type: ignore[misc]


def failing(desk: Any, reader: Reader, query: str) -> list[str]:
    """What the ticket has where a policy with this query fails, two hours after its creation."""
    with desk.store.transaction() as session:
        policy = session.exec(select(Definition).where(Definition.kind == "sla", Definition.name == "picky")).one()
        policy.body = {**policy.body, "match": query}
    return [value for _, value in reasons(match(reader, 1, desk.at(2)), "picky")]


def test_each_part_that_fails_is_named_with_what_the_ticket_has(desk: Any, reader: Reader) -> None:
    desk.create(category="mail")
    found = match(reader, 1)
    assert reasons(found, "picky") == [
        ("tag:vip", "tag is none"),
        ("category:network", "category is mail"),
        ("type:incident", "type is none"),
        ("NOT status:new,open", "status is new"),
        ("field.site:hq", "field.site is empty"),
        ("outage", "no message and not the subject has these words"),
    ]
    assert reasons(found, "vip") == [("category:vip", "category is mail")]
    assert found.chosen == "standard"


def test_what_holds_is_not_blamed(desk: Any, reader: Reader) -> None:
    desk.create(category="network/vpn")
    with desk.store.transaction() as session:
        session.add(TicketTag(ticket=1, tag="vip"))
        session.add(TicketField(ticket=1, name="site", value="hq"))
        session.get_one(Ticket, 1).status = "waiting"
    assert [term for term, _ in reasons(match(reader, 1), "picky")] == ["outage"]


def test_the_terms_are_those_of_the_policy_that_holds(desk: Any, reader: Reader) -> None:
    desk.create(team="shop", priority="high")
    found = match(reader, 1)
    assert (found.chosen, found.calendar, found.calendar_of, found.zone) == ("team", "shop", "team", "UTC")
    assert found.promised == {"first_response": 7200, "next_response": 10800, "resolution": 36000}
    text = "\n".join(lines(found))
    assert "Calendar: shop (UTC; the team's)" in text
    assert "  high: first_response 2h, next_response 3h, resolution 10h   <- this ticket" in text
    assert text.count("<- this ticket") == 1


def test_whatever_a_query_may_ask_has_an_answer(desk: Any, reader: Reader) -> None:
    """Of a term and its opposite one always fails: for each key of the language."""
    known = {"status": ":new", "team": ":shop", "assignee": ":none", "watcher": ":alice"}
    of_sort = {"time": ">1d", "number": ":7", "count": ":7", "text": ":other"}
    terms = {
        key: key + (f":{one.words[0]}" if one.words else known.get(key, of_sort[one.sort])) for key, one in KEYS.items()
    }
    desk.create()
    with desk.store.transaction() as session:
        session.add(Agent(name="alice"))
    for key, term in (terms | {"field.site": "field.site:hq"}).items():
        (value,) = failing(desk, reader, f"{term} NOT {term}")
        assert value.startswith(f"{key} is "), term


def test_counts_and_marks_are_told_as_they_are(desk: Any, reader: Reader) -> None:
    desk.create()
    with desk.store.transaction() as session:
        ticket = session.get_one(Ticket, 1)
        ticket.unanswered_count, ticket.reopened_count = 3, 2
        ticket.unread = ticket.undelivered = ticket.breached = True
        ticket.snoozed_until, ticket.due_at = desk.at(24), desk.at(1)
    assert failing(desk, reader, "unanswered<3 reopened:0") == ["unanswered is 3", "reopened is 2"]
    marks = "breached, unread, snoozed, unassigned, overdue, undelivered"
    assert failing(desk, reader, "NOT is:overdue") == [f"is is {marks}"]


def test_a_ticket_that_no_policy_fits(desk: Any, reader: Reader) -> None:
    desk.create(category="free")
    found = match(reader, 1)
    assert (found.chosen, found.calendar, dict(found.promised)) == ("", "", {})
    assert "Policy: none; nothing is promised." in list(lines(found))
    assert document(found)["policy"] is None
    assert ("NOT category:free", "category is free") in reasons(found, "standard")


def test_the_command_changes_nothing(desk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    desk.create(category="vip", priority="urgent")
    before = desk.ledger()
    where = ["--desk", desk.store.location.target]
    assert run([*where, "sla", "match", "#1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["policy"], told["calendar"], told["calendar_of"]) == ("vip", "24x7", "policy")
    assert told["promised"] == {"first_response": 900, "next_response": 1800, "resolution": 14400}
    assert list(told["targets"]) == ["urgent", "default"]
    assert run([*where, "sla", "match", "9"]) == 3
    assert desk.ledger() == before
