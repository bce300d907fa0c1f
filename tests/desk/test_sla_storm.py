"""Many deadlines at once: those of which people are only told share a transaction, and are as they would be alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tkt.desk import sla_check, tickets, undo
from tkt.store.tables import Clock, ClockStep, Event, Outbox

PROMISES = """
[[sla]]
name = "escalating"
match = "category:hot"
targets = { default = { resolution = "1h" } }
[[sla.steps]]
metric = "resolution"
at = "+0m"
do = ["notify:supervisor", "set:priority=urgent"]

[[sla]]
name = "telling"
targets = { default = { resolution = "1h" } }
[[sla.steps]]
metric = "resolution"
at = "-10m"
do = ["notify:supervisor"]
[[sla.steps]]
metric = "resolution"
at = "+0m"
do = ["notify:bob"]
"""
TELLING, ESCALATING = 12, 3


@pytest.fixture
def storm(office: Any, mailbox: str) -> Any:
    office.declare(PROMISES, mailbox)
    for _ in range(TELLING):
        tickets.create(office.alice, "help", text="please")
    for _ in range(ESCALATING):
        tickets.create(office.alice, "help", text="please", category="hot")
    office.later(minutes=90)
    return office


def test_everything_is_done_once(storm: Any) -> None:
    fired = sla_check.check(storm.system)
    assert len(fired) == TELLING * 3 + ESCALATING * 2
    assert {one.state for one in storm.rows(Clock)} == {"breached"}
    assert len(storm.rows(ClockStep)) == TELLING * 2 + ESCALATING
    assert all(storm.ticket(number).breached for number in range(1, TELLING + ESCALATING + 1))
    told = [(row.ticket, *row.mail["to"]) for row in storm.rows(Outbox, Outbox.kind == "notification")]
    assert len(told) == len(set(told)) == TELLING * 2 + ESCALATING
    assert sla_check.check(storm.system) == []


def test_each_ticket_has_the_history_it_would_have_alone(storm: Any) -> None:
    sla_check.check(storm.system)
    for number in (1, TELLING):
        told = [one[1:5] for one in storm.history(number) if one[1] == "sla"]
        assert told == [
            ("sla", "resolution", None, "step -10m"),
            ("sla", "resolution", None, "breached"),
            ("sla", "resolution", None, "step +0m"),
        ]
    changes = {(one.ticket, one.change) for one in storm.rows(Event, Event.verb == "sla")}
    assert len(changes) == len({change for _, change in changes}) == TELLING + ESCALATING


def test_what_a_step_did_is_taken_back_alone(storm: Any) -> None:
    sla_check.check(storm.system)
    hot = [TELLING + 1 + index for index in range(ESCALATING)]
    assert [storm.document(number)["priority"] for number in hot] == ["urgent"] * ESCALATING
    undo.undo(storm.alice, hot[0])
    assert [storm.document(number)["priority"] for number in hot] == ["normal", *["urgent"] * (ESCALATING - 1)]


def test_those_who_are_only_told_share_a_transaction(storm: Any, listen: Callable[[Any], list[str]]) -> None:
    seen = listen(storm.store)
    sla_check.check(storm.system)
    selects = [one for one in seen if "FROM clock" in one and "clock.ticket" in one]
    assert len(selects) == 1 + 2 * ESCALATING  # alone: once for what is due, once for what the step changed
