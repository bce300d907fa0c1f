"""Impact and urgency give the priority, in the same change, until somebody says otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import tickets, undo
from tkt.store.tables import Clock

MATRIX = """
[[field]]
name = "impact"
type = "choice"
choices = ["one", "all"]

[[field]]
name = "urgency"
type = "choice"
choices = ["soon", "now"]

[[matrix]]
name = "standard"
[matrix.priorities]
one = { soon = "low", now = "normal" }
all = { soon = "high", now = "urgent" }

[[sla]]
name = "standard"
[sla.targets]
urgent = { resolution = "1h" }
default = { resolution = "8h" }
"""
RULE = """
[[rule]]
name = "outage"
on = "created"
when = "subject:outage"
do = ["set:field.impact=all", "set:field.urgency=now"]
"""


@pytest.fixture
def desk(office: Any) -> Any:
    office.declare(MATRIX, RULE)
    return office


def new(desk: Any, subject: str = "help", **values: Any) -> int:
    number: int = tickets.create(desk.alice, subject, text="x", **values).number
    return number


def priority(desk: Any, number: int) -> str:
    found: str = desk.document(number)["priority"]
    return found


def test_a_new_ticket_with_both_has_its_priority_and_its_promise(desk: Any) -> None:
    number = new(desk, fields={"impact": "all", "urgency": "now"})
    assert priority(desk, number) == "urgent"
    assert [clock.target_seconds for clock in desk.rows(Clock)] == [3600]
    told = [one for one in desk.history(number) if one[2] == "priority"]
    assert told == [("alice", "set", "priority", "normal", "urgent", "matrix standard")]


def test_one_of_the_two_says_nothing_yet(desk: Any) -> None:
    number = new(desk, fields={"impact": "all"})
    assert priority(desk, number) == "normal"
    assert tickets.set_fields(desk.alice, number, {"field.urgency": "soon"}) == ["field.urgency", "priority"]
    assert priority(desk, number) == "high"
    tickets.set_fields(desk.alice, number, {"field.urgency": ""})
    assert priority(desk, number) == "high"


def test_who_names_a_priority_wins_until_impact_or_urgency_change(desk: Any) -> None:
    number = new(desk, fields={"impact": "all", "urgency": "now"}, priority="low")
    assert priority(desk, number) == "low"
    tickets.set_fields(desk.alice, number, {"category": "x", "type": "incident"})
    assert priority(desk, number) == "low"
    tickets.set_fields(desk.alice, number, {"field.urgency": "soon"})
    assert priority(desk, number) == "high"
    tickets.set_fields(desk.alice, number, {"priority": "normal", "field.impact": "one"})
    assert priority(desk, number) == "normal"
    tickets.set_fields(desk.alice, number, {"priority": "urgent"})
    assert priority(desk, number) == "urgent"


def test_both_at_once_are_one_step(desk: Any) -> None:
    number = new(desk, fields={"impact": "one", "urgency": "soon"})
    tickets.set_fields(desk.alice, number, {"field.impact": "all", "field.urgency": "now"})
    told = [one[3:5] for one in desk.history(number) if one[2] == "priority"]
    assert told == [("normal", "low"), ("low", "urgent")]


def test_a_rule_that_sets_them_sets_the_priority(desk: Any) -> None:
    assert priority(desk, new(desk, "outage")) == "urgent"


def test_undo_takes_both_back_and_redo_brings_both_again(desk: Any) -> None:
    number = new(desk, fields={"impact": "one", "urgency": "soon"})
    tickets.set_fields(desk.alice, number, {"field.impact": "all"})
    assert priority(desk, number) == "high"
    undo.undo(desk.alice, number)
    assert (priority(desk, number), desk.document(number)["fields"]["impact"]) == ("low", "one")
    undo.redo(desk.alice)
    assert (priority(desk, number), desk.document(number)["fields"]["impact"]) == ("high", "all")


def test_without_a_matrix_nothing_follows(office: Any) -> None:
    office.declare(MATRIX[: MATRIX.index("[[matrix]]")])
    assert priority(office, new(office, fields={"impact": "all", "urgency": "now"})) == "normal"
