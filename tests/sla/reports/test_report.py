"""The report's numbers, on both engines, by hand for a known story (`test_report_laws` has random ones)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tkt.errors import UsageError
from tkt.query.compile import compile_query
from tkt.query.language import parse
from tkt.sla.reports import reading as report_reading
from tkt.sla.reports.figures import Line
from tkt.sla.reports.report import Report, report
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.tables import Agent, Company, Person, Setting
from tkt.times import to_micros


@pytest.fixture
def desk(store: Store, desk_at: Any) -> Any:
    return desk_at(store)


@pytest.fixture
def reader(location: Location) -> Iterator[Reader]:
    with open_reader(location) as opened:
        yield opened


def line(found: Report, dimension: str, group: str, metric: str) -> Line:
    (only,) = [one for one in found.lines if (one.dimension, one.group, one.metric) == (dimension, group, metric)]
    return only


@pytest.fixture
def week(desk: Any, reader: Reader) -> Report:
    """Four tickets: answered in time, answered late, never answered, broken by a change."""
    desk.create()
    desk.reply(desk.at(1))
    desk.create(team="shop", category="vip")
    desk.reply(desk.at(3))
    desk.create(priority="urgent")
    desk.check(desk.at(2))
    desk.create()
    desk.set(desk.at(2), priority="urgent")
    return report(reader, start=desk.at(-1), end=desk.at(20), now=desk.at(6))


def test_attainment_is_what_was_kept_of_what_was_decided(week: Report) -> None:
    found = line(week, "all", "", "first_response")
    assert (found.kept, found.broken, found.by_change, found.attainment) == (1, 2, 1, 0.3333)
    assert (found.average_seconds, found.median_seconds) == (2 * 3600, 2 * 3600)  # one hour and three
    assert line(week, "team", "shop", "first_response").attainment == 0.0
    assert line(week, "policy", "vip", "first_response").broken == 1
    assert line(week, "priority", "urgent", "first_response").by_change == 1
    resolution = line(week, "all", "", "resolution")
    assert (resolution.running, resolution.broken, resolution.overdue) == (2, 2, 2)  # broken, and no check has run
    assert found.overdue == 2 and (found.late_median_seconds, found.late_worst_seconds) == (3.5 * 3600, 5 * 3600)


def test_breaches_tell_how_late_in_open_time(week: Report) -> None:
    assert [(one.ticket, one.late_seconds // 3600, one.is_open, one.by_change) for one in week.breaches] == [
        (3, 5, True, False), (4, 4, True, True), (2, 2, False, False), (3, 2, True, False), (4, 2, True, False),
    ]  # fmt: skip
    assert week.breached == 5 and week.breaches[1].change.startswith("priority")


def test_the_list_holds_the_worst(desk: Any, reader: Reader, week: Report) -> None:
    two = report(reader, start=desk.at(-1), end=desk.at(20), worst=2, now=desk.at(6))
    assert (two.breached, two.breaches) == (5, week.breaches[:2])
    assert report(reader, start=desk.at(-1), end=desk.at(20), worst=0, now=desk.at(6)).breaches == week.breaches


def test_only_the_period_and_the_query_count(desk: Any, reader: Reader, week: Report) -> None:
    later = report(reader, start=desk.at(3.5), end=desk.at(20), now=desk.at(6))
    counted = [(one.metric, one.broken) for one in later.lines if one.dimension == "all"]
    assert counted == [("resolution", 2)] and not {one.ticket for one in later.breaches} & {1, 2}
    where = compile_query(parse("team:shop"), reader.vocabulary(to_micros(desk.at(6))), reader.dialect)
    shop = report(reader, where, desk.at(-1), desk.at(20), ["policy"], query="team:shop", now=desk.at(6))
    assert {one.group for one in shop.lines if one.dimension == "policy"} == {"vip"}


def test_an_answer_taken_back_counts_for_nothing(desk: Any, reader: Reader) -> None:
    desk.create()
    desk.reply(desk.at(1))
    desk.withdraw(desk.at(1, seconds=20), first=True, unanswered_since=None)
    found = line(report(reader, start=desk.at(0), end=desk.at(9), now=desk.at(2)), "all", "", "first_response")
    assert (found.kept, found.running) == (0, 1)


def test_what_was_taken_back_and_what_was_late_before_reopening_count_once(desk: Any, reader: Reader) -> None:
    desk.create()
    before = desk.ticket()
    for hour in (1, 2, 3):
        desk.status(desk.at(hour), "resolved")
        desk.undo(desk.at(hour, seconds=20), before)
    desk.create(category="vip", priority="urgent")
    desk.check(desk.at(1))
    desk.status(desk.at(2), "resolved")
    desk.status(desk.at(3), "open")
    desk.check(desk.at(3.5))
    found = report(reader, start=desk.at(0), end=desk.at(9), now=desk.at(3.5))
    resolution = line(found, "all", "", "resolution")
    assert (resolution.kept, resolution.broken, resolution.running) == (1, 0, 2)
    first = line(found, "all", "", "first_response")
    assert (first.kept, first.broken, first.by_change) == (0, 1, 0)
    assert [(one.ticket, one.metric) for one in found.breaches] == [(2, "first_response")]


def test_hour_and_weekday_are_those_of_the_beginning_in_the_calendars_zone(desk: Any, reader: Reader) -> None:
    with desk.store.transaction() as session:
        session.add(Setting(key="desk.timezone", value="Asia/Tokyo"))
    desk.create(desk.at(-10), category="vip")  # Sunday 23:00 UTC, 24x7: Monday 8:00 in Tokyo
    desk.create(desk.at(1))  # the office is in UTC
    found = report(reader, start=desk.at(-12), end=desk.at(99), by=["weekday", "hour"], now=desk.at(99))
    assert {one.group for one in found.lines if one.dimension == "weekday,hour"} == {"mon 08", "mon 10"}
    assert [one.group for one in found.lines if one.dimension == "hour"] == ["08", "08", "10", "10"]


def test_groups_by_what_the_ticket_is(desk: Any, reader: Reader) -> None:
    with desk.store.transaction() as session:
        session.add(Company(id=1, name="Acme", tier="gold"))
        session.add_all(
            Person(id=number, tier=tier, company_id=1, created_at=desk.at(0)) for number, tier in ((1, ""), (2, "vip"))
        )
        session.add(Agent(id=1, name="alice"))
    desk.create(requester_id=1, assignee_id=1)
    desk.create(requester_id=2, category="network/vpn", channel="mail")
    desk.create()
    by = ["agent", "category", "channel", "customer.tier"]
    found = report(reader, start=desk.at(0), end=desk.at(9), by=by, now=desk.at(1))
    groups = {name: [one.group for one in found.lines if one.dimension == name][::2] for name in by}
    assert groups == {
        "agent": ["alice", ""], "category": ["network/vpn", ""], "channel": ["cli", "mail"],
        "customer.tier": ["gold", "vip", ""],
    }  # fmt: skip


def test_progress_goes_from_window_to_window(desk: Any, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    for hour in range(9):
        desk.create(desk.at(hour // 3))
    told: list[float] = []
    whole = report(reader, start=desk.at(0), end=desk.at(9), now=desk.at(9))
    monkeypatch.setattr(report_reading, "WINDOW", 2)
    assert report(reader, start=desk.at(0), end=desk.at(9), now=desk.at(9), progress=told.append) == whole
    assert len(told) == 9 and told == sorted(told) and told[-1] <= 1.0


def test_mistakes_are_said(desk: Any, reader: Reader) -> None:
    with pytest.raises(UsageError, match="by 'moon'"):
        report(reader, by=["moon"])
    with pytest.raises(UsageError, match="ends before"):
        report(reader, start=desk.at(2), end=desk.at(1))
