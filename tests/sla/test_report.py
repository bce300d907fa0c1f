"""The report's numbers, on both engines: by hand for a known story, and against plain SQL for many."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from statistics import median
from typing import Any

import pytest
from rich.cells import cell_len

from tkt.errors import UsageError
from tkt.query.compile import compile_query
from tkt.query.language import parse
from tkt.sla.report import Line, Report, document, report, rows
from tkt.sla.report_text import bar, lines
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
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
    assert line(week, "all", "", "resolution").running == 4


def test_breaches_tell_how_late_in_open_time(week: Report) -> None:
    assert [(one.ticket, one.late_seconds, one.met_at is None, one.by_change) for one in week.breaches] == [
        (3, 5 * 3600, True, False), (4, 4 * 3600, True, True), (2, 2 * 3600, False, False),
    ]  # fmt: skip


def test_only_the_period_and_the_query_count(desk: Any, reader: Reader, week: Report) -> None:
    later = report(reader, start=desk.at(3.5), end=desk.at(20), now=desk.at(6))
    assert [one.metric for one in later.lines if one.dimension == "all"] == ["resolution"] and not later.breaches
    where = compile_query(parse("team:shop"), reader.vocabulary(to_micros(desk.at(6))), reader.dialect)
    shop = report(reader, where, desk.at(-1), desk.at(20), ["policy"], query="team:shop", now=desk.at(6))
    assert {one.group for one in shop.lines if one.dimension == "policy"} == {"vip"}


def test_numbers_agree_with_plain_sql(desk: Any, reader: Reader) -> None:
    dice = random.Random(7)
    for _ in range(40):
        desk.create(desk.at(dice.random() * 100), priority=dice.choice(["urgent", "normal"]))
        begun = desk.ticket().created_at
        for share in sorted(dice.random() for _ in range(dice.randrange(4))):
            at = desk.at((begun - desk.at(0)).total_seconds() / 3600 + share * 40)
            dice.choice([desk.reply, desk.inbound, lambda at: desk.status(at, "resolved"), desk.check])(at)
    start, end = to_micros(desk.at(5)), to_micros(desk.at(120))
    found = report(reader, start=desk.at(5), end=desk.at(120), now=desk.at(200))
    for one in [one for one in found.lines if one.dimension == "priority"]:
        rank = {"urgent": 4, "normal": 2}[one.group]
        counted = reader.rows(
            "SELECT count(CASE WHEN k.state = 'met' AND k.met_at >= ? AND k.met_at < ? THEN 1 END),"
            " count(CASE WHEN k.breached_at >= ? AND k.breached_at < ? AND NOT k.by_change THEN 1 END)"
            " FROM clock k JOIN ticket t ON t.number = k.ticket WHERE k.metric = ? AND t.priority = ?",
            (start, end, start, end, one.metric, rank),
        )
        assert [(one.kept, one.broken)] == counted
        used = reader.rows(
            "SELECT k.carried_seconds + k.used_seconds FROM clock k JOIN ticket t ON t.number = k.ticket"
            " WHERE k.met_at >= ? AND k.met_at < ? AND k.metric = ? AND t.priority = ?",
            (start, end, one.metric, rank),
        )
        assert one.median_seconds == (round(median(row[0] for row in used)) if used else None)
    assert sum(one.kept + one.broken for one in found.lines if one.dimension == "all") > 20


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


def test_open_time_is_told_in_hours(desk: Any, reader: Reader) -> None:
    desk.create()
    desk.status(desk.at(5 * 24), "resolved")  # 40 h of office, promised were 24
    text = "\n".join(lines(report(reader, start=desk.at(-1), end=desk.at(200), now=desk.at(200)), 120))
    assert "16h of open time late" in text and "     40h     40h" in text and "in hours" in text


def test_json_and_csv_hold_the_same_lines(week: Report) -> None:
    told = json.loads(json.dumps(document(week)))
    assert told["metrics"][0]["metric"] == "first_response" and told["metrics"][0]["broken"] == 2
    assert {one["team"] for one in told["by"]["team"]} == {"shop", None}
    header, lines_ = rows(week)
    assert header[:3] == ("dimension", "group", "metric") and len(lines_) == len(week.lines)
    assert told["breaches"][0]["due_at"] == "2026-03-02T10:00:00Z"


@pytest.mark.parametrize("width", [20, 70, 80, 200])
def test_text_keeps_to_the_width(week: Report, width: int) -> None:
    shown = list(lines(week, width))
    assert "SLA report" in shown[0]
    assert max(map(cell_len, shown)) <= max(width, 70)


def test_a_bar_grows_in_eighths() -> None:
    assert [bar(share, 2) for share in (0, 0.0625, 0.5, 1)] == ["", "▏", "█", "██"]


def test_mistakes_are_said(desk: Any, reader: Reader) -> None:
    with pytest.raises(UsageError, match="by 'moon'"):
        report(reader, by=["moon"])
    with pytest.raises(UsageError, match="ends before"):
        report(reader, start=desk.at(2), end=desk.at(1))


def test_nothing_promised_is_said(desk: Any, reader: Reader) -> None:
    assert list(lines(report(reader, now=desk.at(0))))[1] == "Nothing was promised in this period."
