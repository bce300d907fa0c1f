"""What a `[[calendar]]` may say, and how it is told what is wrong with it."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from tkt.sla.calendar import Calendar, CalendarError, problems

HOURS = {"mon": ["09:00-17:00"]}


def definition(**changes: Any) -> dict[str, Any]:
    return {"timezone": "Europe/Berlin", "hours": HOURS, **changes}


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"timezone": "Europe/Berlni"}, ("timezone",), '"Europe/Berlni" is not a time zone.*"Europe/Berlin"'),
        ({"timezone": "Europe"}, ("timezone",), "is not a time zone"),
        ({"timezone": "../etc/passwd"}, ("timezone",), "is not a time zone"),
        ({"timezone": ""}, ("timezone",), "is not a time zone"),
        ({"timezone": None}, ("timezone",), "needs a timezone"),
        ({"hours": {"mon": ["9-17"]}}, ("hours", "mon", 0), '"9-17" is not an interval: write "09:00-17:00"'),
        ({"hours": {"mon": ["09:00-17:00", 9]}}, ("hours", "mon", 1), "9 is not an interval"),
        ({"hours": {"mon": ["09:60-17:00"]}}, ("hours", "mon", 0), "a time that no day has"),
        ({"hours": {"mon": ["09:00-24:01"]}}, ("hours", "mon", 0), "a time that no day has"),
        ({"hours": {"mon": ["24:00-08:00"]}}, ("hours", "mon", 0), "a time that no day has"),
        ({"hours": {"mon": ["08:00-08:00"]}}, ("hours", "mon", 0), "ends when it begins"),
        ({"hours": {"mon": ["09:00-12:00", "11:59-17:00"]}}, ("hours", "mon", 1), "overlaps another"),
        ({"hours": {"mon": ["11:59-17:00", "09:00-12:00"]}}, ("hours", "mon", 0), "overlaps another"),
        ({"hours": {"mon": ["20:00-06:00", "23:00-24:00"]}}, ("hours", "mon", 1), "overlaps another"),
        (
            {"hours": {"sun": ["22:00-06:00"], "mon": ["05:00-12:00"]}},
            ("hours", "mon"),
            "The night of Sunday runs into the hours of Monday",
        ),
        ({"hours": {"mon": "09:00-17:00"}}, ("hours", "mon"), "mon must be a list"),
        ({"hours": {"monday": []}}, ("hours", "monday"), 'no key "monday" here: did you mean mon?'),
        ({"hours": ["09:00-17:00"]}, ("hours",), "hours must be a table"),
        ({"hours": {}}, ("hours",), "never open"),
        ({"hours": {"mon": [], "tue": []}}, ("hours",), "never open"),
        ({"holydays": {}}, ("holydays",), 'no key "holydays" here: did you mean holidays?'),
        ({"holidays": {"land": "DE"}}, ("holidays", "land"), 'no key "land" here: known are country'),
        ({"holidays": {"country": "XX"}}, ("holidays", "country"), 'known for the country "XX"'),
        ({"holidays": {"country": "HolidayBase"}}, ("holidays", "country"), "No holidays are known"),
        ({"holidays": {"country": "de"}}, ("holidays", "country"), 'write "DE"'),
        ({"holidays": {"country": 49}}, ("holidays", "country"), "country must be text, not 49"),
        (
            {"holidays": {"country": "DE", "subdivision": "XX"}},
            ("holidays", "subdivision"),
            '"XX" is not a subdivision of "DE": write one of BB, BE,',
        ),
        (
            {"holidays": {"country": "MC", "subdivision": "MC"}},
            ("holidays", "subdivision"),
            "has the same holidays everywhere",
        ),
        ({"holidays": {"subdivision": "BE"}}, ("holidays", "subdivision"), "needs its country"),
        ({"holidays": {"extra": ["2026-02-29"]}}, ("holidays", "extra", 0), "is not a date"),
        ({"holidays": {"extra": ["20261224"]}}, ("holidays", "extra", 0), "is not a date"),
        ({"holidays": {"extra": [datetime(2026, 1, 1)]}}, ("holidays", "extra", 0), "is not a date"),
        (
            {"holidays": {"half": [{"date": "2026-12-27", "hours": ["09:00-12:00"]}]}},
            ("holidays", "half", 0, "date"),
            "2026-12-27 is a Sunday, which has no hours that a half day could shorten",
        ),
        (
            {"holidays": {"half": [{"date": "2026-12-28", "hours": []}]}},
            ("holidays", "half", 0, "hours"),
            "belongs under holidays.extra",
        ),
        (
            {"holidays": {"extra": ["2026-12-28"], "half": [{"date": "2026-12-28", "hours": ["9:00-9:30"]}]}},
            ("holidays", "half", 0),
            "2026-12-28 is named twice: as holiday of the desk and as half day",
        ),
        ({"open": [{"hours": ["09:00-12:00"]}]}, ("open", 0, "date"), "nothing is not a date"),
        (
            {"open": [{"date": "2026-12-05", "hours": ["09:00-12:00", "x"]}]},
            ("open", 0, "hours", 1),
            '"x" is not an interval',
        ),
        ({"open": [{"date": "2026-12-05", "hour": []}]}, ("open", 0, "hour"), "did you mean hours?"),
    ],
)
def test_a_mistake_is_named_with_its_place(changes: dict[str, Any], path: tuple[str | int, ...], words: str) -> None:
    with pytest.raises(CalendarError, match=words) as caught:
        Calendar.from_definition("office", definition(**changes))
    assert caught.value.path == path
    assert isinstance(caught.value, ValueError)
    assert str(caught.value)[-1] in ".?"
    assert "\n" not in str(caught.value)


def test_the_table_of_the_contract_is_understood() -> None:
    table = tomllib.loads(
        """
        name = "office"
        timezone = "Europe/Berlin"
        holidays = { country = "DE", subdivision = "BE", extra = ["2026-12-24", 2026-12-23] }
        [hours]
        mon = ["09:00-12:00", "13:00-18:00"]
        wed = ["9:00 - 24:00"]
        sat = []
        """
    )
    office = Calendar.from_definition("office", table)
    week = office.between(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC))
    assert week == (8 + 15) * 3600
    december = office.special_days(datetime(2026, 12, 20, tzinfo=UTC), datetime(2026, 12, 24, tzinfo=UTC))
    assert december == [(date(2026, 12, 23), "holiday of the desk")], "nobody works on the Thursday of the 24th"
    assert repr(office) == "Calendar('office', Europe/Berlin)"


def test_intervals_may_stand_in_any_order_and_touch() -> None:
    hours = {"mon": ["13:00-18:00", "09:00-13:00", "22:00-00:00"], "tue": ["00:00-01:00"]}
    office = Calendar.from_definition("office", definition(timezone="UTC", hours=hours))
    spans = office.spans(datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 16, tzinfo=UTC))
    assert [(f"{a:%a %H:%M}", f"{b:%a %H:%M}") for a, b in spans] == [
        ("Mon 09:00", "Mon 18:00"),
        ("Mon 22:00", "Tue 01:00"),
    ]


def test_every_mistake_of_a_calendar_is_found_at_once() -> None:
    table = {
        "timezone": "Mars",
        "hours": {"mon": ["9-5", "10:00-12:00", "11:00-13:00"], "tue": "all day", "mo": []},
        "holidays": {"country": "Narnia", "extra": ["2026-02-30"], "half": [{"date": "2026-12-28", "hour": []}]},
        "open": [{"hours": ["25:00-26:00"]}],
    }
    assert [problem.path for problem in problems(table)] == [
        ("timezone",),
        ("hours", "mo"),
        ("hours", "mon", 0),
        ("hours", "mon", 2),
        ("hours", "tue"),
        ("holidays", "extra", 0),
        ("holidays", "half", 0, "hour"),
        ("holidays", "half", 0, "hours"),
        ("open", 0, "hours", 0),
        ("open", 0, "date"),
        ("holidays", "country"),
    ]


def test_what_is_misread_is_not_reported_twice() -> None:
    half = {"holidays": {"half": [{"date": "2026-12-28", "hours": ["09:00-12:00"]}]}}  # a Monday
    found = problems(definition(hours={"mon": ["9-5"]}, **half))
    assert [problem.path for problem in found] == [("hours", "mon", 0)]


def test_nothing_is_wrong_with_what_is_understood() -> None:
    assert problems(definition(holidays={"country": "DE", "subdivision": "BE"})) == []
