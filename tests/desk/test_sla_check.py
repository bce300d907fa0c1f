"""The check through the desk's own verbs, on both engines: what it marks, does, records, and that it does it once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from tkt.desk import sla_check, tickets
from tkt.desk.unit import SYSTEM, Desk
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.tables import Clock, ClockStep, Definition, Event, Setting, Ticket, TicketTag

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY: dict[str, Any] = {
    "match": "",
    "calendar": "24x7",
    "targets": {"default": {"first_response": "1h", "resolution": "8h"}},
    "steps": [
        {"metric": "first_response", "at": "-10m", "do": ["tag:+soon"]},
        {"metric": "first_response", "at": "+0m", "do": ["set:priority=urgent", "set:team=gone", "tag:+late"]},
        {"metric": "resolution", "at": "+1h", "do": ["status:closed"]},
    ],
}


class Hands:
    """A moment that the tests move on."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at

    def after(self, **passed: float) -> None:
        self.at = NOW + timedelta(**passed)


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
def desk(store: Store, hands: Hands) -> Iterator[Desk]:
    with store.transaction() as session:
        session.add(Definition(kind="sla", name="all", body=POLICY, created_at=NOW))
        session.add(Setting(key="desk.secret", value="0" * 64))
    yield Desk(store, SYSTEM, hands)


def told(fired: list[sla_check.Fired]) -> list[tuple[int, str, str]]:
    return [(one.ticket, one.metric, one.what) for one in fired]


def events(desk: Desk, verb: str) -> list[Event]:
    with desk.store.transaction() as session:
        return list(session.exec(select(Event).where(Event.verb == verb).order_by(col(Event.id))))


def test_the_check_is_quiet_when_nothing_is_due(desk: Desk, hands: Hands) -> None:
    tickets.create(desk, "help")
    hands.after(minutes=49)
    assert sla_check.check(desk) == []
    assert events(desk, "sla") == []


def test_reminders_breaches_and_escalations_act_and_are_recorded(desk: Desk, hands: Hands) -> None:
    number = tickets.create(desk, "help").number
    assert number is not None
    hands.after(minutes=51)
    assert told(sla_check.check(desk)) == [(number, "first_response", "-10m")]
    hands.after(minutes=61)
    assert told(sla_check.check(desk)) == [(number, "first_response", "breached"), (number, "first_response", "+0m")]
    assert [(event.field, event.new) for event in events(desk, "sla")] == [
        ("first_response", "step -10m"), ("first_response", "breached"), ("first_response", "step +0m"),
    ]  # fmt: skip
    with desk.store.transaction() as session:
        ticket = session.get_one(Ticket, number)
        assert (ticket.priority, ticket.breached) == (4, True)
        assert set(session.exec(select(TicketTag.tag))) == {"soon", "late"}
    (changed,) = [event for event in events(desk, "set") if event.field == "priority"]
    assert (changed.actor, changed.cause) == ("tkt", "SLA all, first_response +0m")


def test_an_action_that_cannot_be_done_is_recorded_and_stops_nothing(desk: Desk, hands: Hands) -> None:
    tickets.create(desk, "help")
    hands.after(hours=2)
    sla_check.check(desk)
    (skipped,) = events(desk, "skipped")
    assert skipped.field == "set:team=gone" and "gone" in str(skipped.new)
    with desk.store.transaction() as session:
        assert "late" in set(session.exec(select(TicketTag.tag)))


def test_what_was_missed_says_how_late_it_is(desk: Desk, hands: Hands) -> None:
    number = tickets.create(desk, "help").number
    hands.after(hours=3)
    fired = sla_check.check(desk)
    assert told(fired) == [(number, "first_response", what) for what in ("-10m", "breached", "+0m")]
    assert [one.late_seconds for one in fired] == [130 * 60, 120 * 60, 120 * 60]
    assert {event.cause for event in events(desk, "tag")} == {
        "SLA all, first_response -10m (2h 10m late)", "SLA all, first_response +0m (2h late)",
    }  # fmt: skip
    assert sla_check.check(desk) == []


def test_a_step_may_end_what_it_escalates(desk: Desk, hands: Hands) -> None:
    number = tickets.create(desk, "help").number
    hands.after(hours=10)
    assert (number, "resolution", "+1h") in told(sla_check.check(desk))
    with desk.store.transaction() as session:
        clock = session.exec(select(Clock).where(Clock.metric == "resolution")).one()
        assert (clock.state, clock.met_at, clock.next_check_at) == ("breached", NOW + timedelta(hours=10), None)
    assert sla_check.check(desk) == []


def test_two_checks_at_once_do_everything_once(desk: Desk, hands: Hands, location: Location) -> None:
    for number in range(12):
        tickets.create(desk, f"help {number}")
    hands.after(hours=2)
    found: list[list[sla_check.Fired]] = []
    together = threading.Barrier(3)

    def run() -> None:
        store = Store(location)
        together.wait()
        found.append(sla_check.check(Desk(store, SYSTEM, hands)))
        store.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    fired = sorted(told([one for some in found for one in some]))
    assert fired == sorted(
        (number, "first_response", what) for number in range(1, 13) for what in ("-10m", "breached", "+0m")
    )
    assert len(events(desk, "sla")) == 36
    with desk.store.transaction() as session:
        assert len(session.exec(select(ClockStep)).all()) == 24


def test_a_limit_takes_the_longest_overdue_first(desk: Desk, hands: Hands) -> None:
    first = tickets.create(desk, "help").number
    hands.after(minutes=5)
    tickets.create(desk, "help")
    hands.after(hours=2)
    assert {one.ticket for one in sla_check.check(desk, limit=1)} == {first}
