"""Why a promise was broken, by the history that the desk's own verbs write (random histories: `test_report_laws`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tkt.desk import conversation, tickets, undo
from tkt.desk.configure import apply_config
from tkt.desk.unit import SYSTEM, Desk, find_actor
from tkt.sla.reports.report import Breach, report
from tkt.store.engine import Store
from tkt.store.read import open_reader
from tkt.store.tables import Setting

CONFIG = """
[desk]
name = "Example Support"
timezone = "UTC"
[[agent]]
name = "alice"
email = "alice@desk.example"
role = "admin"
[[agent]]
name = "bob"
email = "bob@desk.example"
[[team]]
name = "network"
members = ["alice", "bob"]
[[team]]
name = "billing"
members = ["bob"]
[[sla]]
name = "standard"
match = ""
calendar = "24x7"
pause = ["on-hold"]
targets = { default = { first_response = "2h", resolution = "4h" } }
"""


class Day:
    """A desk on a day that passes by hand, with one ticket."""

    def __init__(self, store: Store) -> None:
        self.now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        with store.transaction() as session:
            session.add(Setting(key="desk.secret", value="the secret of the tests"))
        system = Desk(store, SYSTEM, lambda: self.now)
        apply_config(system, CONFIG)
        self.alice, self.bob = (Desk(store, find_actor(store, name), lambda: self.now) for name in ("alice", "bob"))
        self.store = store

    def hours(self, hours: float) -> None:
        self.now += timedelta(hours=hours)

    def breach(self, metric: str) -> Breach:
        with open_reader(self.store.location) as reader:
            [found] = [one for one in report(reader, now=self.now).breaches if one.metric == metric]
        return found

    def why(self, metric: str = "first_response") -> list[tuple[str, str, float]]:
        """Cause, detail, hours; the largest first."""
        return [(one.cause, one.detail, one.seconds / 3600) for one in self.breach(metric).shares]


@pytest.fixture
def day(sqlite_location: object) -> Iterator[Day]:
    store = Store(sqlite_location)  # type: ignore[arg-type]
    yield Day(store)
    store.close()


def test_nobody_took_it_from_the_teams_queue(day: Day) -> None:
    tickets.create(day.alice, "VPN is down", team="network")
    day.hours(3)
    tickets.take(day.bob, 1)
    day.hours(1)
    conversation.reply(day.bob, 1, "It is up again.")
    assert day.why() == [("team", "network", 3), ("agent", "", 1)]
    assert day.breach("first_response").late_seconds == 2 * 3600


def test_nobody_knew_whose_it_is(day: Day) -> None:
    tickets.create(day.alice, "VPN is down")
    day.hours(3)
    assert day.why() == [("assignment", "", 3)]


def test_its_agent_did_not_answer(day: Day) -> None:
    tickets.create(day.alice, "VPN is down", team="network", assignee="bob")
    day.hours(3)
    assert day.why() == [("agent", "", 3)]


def test_a_hand_over_waits_until_the_new_one_has_touched_it(day: Day) -> None:
    tickets.create(day.alice, "VPN is down", assignee="alice")
    day.hours(1)
    tickets.assign(day.alice, 1, "bob")
    day.hours(3)
    conversation.note(day.bob, 1, "I am on it.")
    day.hours(2)
    assert day.why() == [("handover", "", 3), ("agent", "", 3)]


def test_who_takes_it_over_waits_for_nobody(day: Day) -> None:
    tickets.create(day.alice, "VPN is down", assignee="alice")
    day.hours(1)
    tickets.assign(day.bob, 1, "me")
    day.hours(2)
    assert day.why() == [("agent", "", 3)]


def test_the_wrong_team_first(day: Day) -> None:
    tickets.create(day.alice, "VPN is down", team="billing")
    day.hours(2)
    tickets.set_fields(day.alice, 1, {"team": "network"})
    day.hours(1)
    tickets.assign(day.alice, 1, "bob")
    day.hours(4)
    assert day.why() == [("handover", "", 4), ("team", "billing", 2), ("team", "network", 1)]


@pytest.mark.parametrize(("status", "why"), [("waiting", [("waiting", "waiting", 5)]), ("on-hold", [])])
def test_waiting_counts_where_the_policy_does_not_pause(
    day: Day, status: str, why: list[tuple[str, str, float]]
) -> None:
    tickets.create(day.alice, "VPN is down", assignee="bob")
    tickets.set_fields(day.bob, 1, {"status": status})
    day.hours(5)
    tickets.set_fields(day.bob, 1, {"status": "open"})
    day.hours(4.5)
    assert day.why("resolution") == [*why, ("agent", "", 4.5)]


def test_a_reopened_ticket_carries_what_it_had_used(day: Day) -> None:
    tickets.create(day.alice, "VPN is down", assignee="bob")
    day.hours(1)
    tickets.set_fields(day.bob, 1, {"status": "resolved"})
    day.hours(10)
    tickets.set_fields(day.bob, 1, {"status": "open"})
    day.hours(5)
    assert day.why("resolution") == [("reopened", "", 5), ("agent", "", 1)]


def test_an_undone_resolving_is_no_reopening(day: Day) -> None:
    tickets.create(day.alice, "VPN is down", assignee="bob")
    day.hours(1)
    tickets.set_fields(day.bob, 1, {"status": "resolved"})
    undo.undo(day.bob, 1)
    day.hours(5)
    assert day.why("resolution") == [("agent", "", 6)]


def test_broken_by_a_change_says_which(day: Day) -> None:
    apply_config(
        day.alice,
        CONFIG.replace("targets = {", 'targets = { urgent = { resolution = "1h", first_response = "3h" },'),
    )
    tickets.create(day.alice, "VPN is down", team="network")
    day.hours(1.5)
    tickets.set_fields(day.alice, 1, {"priority": "urgent"})
    day.hours(1)
    found = day.breach("resolution")
    assert found.by_change and "priority normal → urgent" in found.change
    assert day.why("resolution") == [("team", "network", 2.5)]


def test_what_began_out_of_hours_is_marked(day: Day) -> None:
    office = '[[calendar]]\nname = "office"\ntimezone = "UTC"\n[calendar.hours]\nmon = ["10:00-18:00"]\n'
    apply_config(day.alice, office + CONFIG.replace('"24x7"', '"office"'))
    tickets.create(day.alice, "VPN is down", team="network")
    day.hours(4)
    assert day.breach("first_response").out_of_hours and day.why() == [("team", "network", 3)]
