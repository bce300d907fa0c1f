"""The forms of the report: text with bars, JSON, CSV, a page for a mail."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from rich.cells import cell_len

from tkt.sla.reports.causes import CAUSES, Share
from tkt.sla.reports.document import document, rows
from tkt.sla.reports.figures import Cause, Line
from tkt.sla.reports.html import page
from tkt.sla.reports.report import Breach, Report, report
from tkt.sla.reports.text import bar, lines
from tkt.sla.reports.words import headline
from tkt.store.read import open_reader

MARKUP = "<script>alert('x')</script> \x1b[31mred\u202e"


@pytest.fixture
def found(desk: Any, sqlite_location: Any) -> Report:
    """Three tickets: answered in time, answered late, never answered."""
    desk.create(category=MARKUP)
    desk.reply(desk.at(1))
    desk.create(team="shop", category="vip", subject=MARKUP)
    desk.reply(desk.at(3))
    desk.create(desk.at(-2), priority="urgent")
    desk.check(desk.at(2))
    by = ["team", "category", "hour", "weekday"]
    with open_reader(sqlite_location) as reader:
        return report(reader, start=desk.at(-3), end=desk.at(20), by=by, query=f"-tag:{MARKUP}", now=desk.at(6))


def test_text_has_bars_times_causes_the_week_and_the_worst(found: Report) -> None:
    text = "\n".join(lines(found, 100))
    assert "first_response     33.3% ████" in text
    assert "    on the wall" in text and "By team" in text and "No promise" not in text
    assert "  waited in team shop" in text
    assert "  2 of 3 began out of hours" in text
    week = text.split("first_response by the hour it began")[1].splitlines()
    assert week[2] == "  mon" + " " * 15 + "██" + " " * 2 + "▓▓"
    assert "#3 first_response, standard, urgent, nobody: help" in text
    assert "due 2026-03-02 10:00, 5h of open time late, still open" in text


@pytest.mark.parametrize("width", [20, 70, 80, 200])
def test_text_keeps_to_the_width(found: Report, width: int) -> None:
    shown = list(lines(found, width))
    assert max(map(cell_len, shown)) <= max(width, 70)
    assert not {"\x1b", "\u202e"} & set("".join(shown))


def test_a_bar_grows_in_eighths() -> None:
    assert [bar(share, 2) for share in (0, 0.0625, 0.5, 1)] == ["", "▏", "█", "██"]


def test_open_time_is_told_in_hours(desk: Any, sqlite_location: Any) -> None:
    desk.create()
    desk.status(desk.at(5 * 24), "resolved")  # 40 h of office, promised were 24
    with open_reader(sqlite_location) as reader:
        text = "\n".join(lines(report(reader, start=desk.at(-1), end=desk.at(200), now=desk.at(200)), 120))
    assert "16h of open time late" in text and "      40h      40h" in text and "in hours" in text


def test_json_and_csv_hold_the_same_lines(found: Report) -> None:
    told = json.loads(json.dumps(document(found)))
    assert told["metrics"][0]["metric"] == "first_response" and told["metrics"][0]["broken"] == 2
    assert {one["team"] for one in told["by"]["team"]} == {"shop", None}
    assert {(one["weekday"], one["hour"]) for one in told["by"]["weekday,hour"]} == {("mon", "07"), ("mon", "09")}
    worst = told["breaches"][0]
    assert (worst["due_at"], worst["cause"], worst["is_open"]) == ("2026-03-02T10:00:00Z", "assignment", True)
    assert sum(one["seconds"] for one in worst["shares"]) == 6 * 3600
    header, values = rows(found)
    assert header[:3] == ("dimension", "group", "metric") and len(values) == len(found.lines)
    assert all(len(one) == len(header) for one in values)
    first = dict(zip(header, values[0], strict=True))
    assert [first[f"{cause}_breaches"] for cause in CAUSES] == [0, 0, 1, 1, 0, 0]


class Page(HTMLParser):
    """Collects the tags, attributes and text of a page, and that every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_static_escaped_and_whole(found: Report) -> None:
    read = Page(page(found))
    assert not read.open
    assert not read.tags & {"script", "style", "link", "img", "iframe", "form", "svg", "a"}
    assert not {name for name in read.attributes if name.startswith("on") or name in ("src", "href")}
    assert "<script>alert('x')</script> red" in read.text.replace("�", "")  # as text
    assert not {"\x1b", "\u202e"} & set(read.text)
    for words in (
        "By team",
        "33.3%",
        "waited in team shop",
        "of open time late, still open",
        "first response by the hour",
    ):
        assert words in read.text


def test_the_headline_says_what_was_kept(found: Report) -> None:
    assert headline(found) == "SLA report 2026-03-02 to 2026-03-03: first response 33.3%, resolution 0.0%"


def test_a_report_of_nothing_says_so(desk: Any, sqlite_location: Any) -> None:
    with open_reader(sqlite_location) as reader:
        nothing = report(reader, now=desk.at(0))
    assert list(lines(nothing))[1] == "Nothing was promised in this period."
    assert "Nothing was promised" in Page(page(nothing)).text and headline(nothing).endswith("nothing was promised")
    assert document(nothing)["metrics"] == [] and rows(nothing)[1] == []


def test_what_a_change_broke_says_which_and_large_numbers_fit() -> None:
    moment = datetime(2026, 3, 2, tzinfo=UTC)
    line = Line(
        "all", "", "resolution", 0.5, 123456, 123456, 12345, 12345, 10**9, 10**9, 10**9, 10**9, 12345, 10**9, 10**9,
        10**9, 10**9, 10**9, 10**9, 0, (Cause("waiting", "bei Kunden 等待" * 9, 123456, 10**9),),
    )  # fmt: skip
    breach = Breach(
        1, "x" * 99, "resolution", "vip", "", "", "urgent", moment, None, 10**9, True, "priority → urgent (alice)",
        False, False, (Share("agent", "", 5),),
    )  # fmt: skip
    found = Report(moment, moment + timedelta(days=1), "", "UTC", (line,), 3, (breach,))
    shown = list(lines(found, 80))
    assert max(map(cell_len, shown)) <= 80
    assert "Broken promises (3, 1 of them here)" in "\n".join(shown) and "priority → urgent (alice)" in "\n".join(shown)
    assert "not met" in Page(page(found)).text
