"""Business time in real places, on days that were checked by hand against a wall calendar."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tkt.sla.calendar import Calendar, CalendarError, NoOpenTime

HOUR = 3600
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERY_DAY = (*WORKDAYS, "sat", "sun")


def calendar(zone: str, hours: list[str], days: tuple[str, ...] = WORKDAYS, **more: object) -> Calendar:
    return Calendar.from_definition("test", {"timezone": zone, "hours": dict.fromkeys(days, hours), **more})


def local(zone: str, text: str) -> datetime:
    """The UTC moment at which a wall clock shows this; in UTC, so that a timedelta added is real time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def shown(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")


@pytest.fixture
def berlin() -> Calendar:
    """Monday to Friday with a lunch break, and the holidays of Berlin."""
    return calendar(
        "Europe/Berlin",
        ["09:00-12:00", "13:00-18:00"],
        holidays={
            "country": "DE",
            "subdivision": "BE",
            "extra": ["2026-12-24"],
            "half": [{"date": "2026-12-31", "hours": ["09:00-12:00"]}],
        },
        open=[{"date": "2026-12-05", "hours": ["10:00-16:00"]}],
    )


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-03-10 10:00", 1, "2026-03-10 11:00"),
        ("2026-03-10 11:30", 1, "2026-03-10 13:30"),  # over lunch
        ("2026-03-10 12:20", 1, "2026-03-10 14:00"),  # in the lunch break
        ("2026-03-10 11:00", 1, "2026-03-10 12:00"),  # fills the morning: due before lunch, not after it
        ("2026-03-13 16:00", 2, "2026-03-13 18:00"),  # fills Friday: due on Friday
        ("2026-03-13 16:00", 3, "2026-03-16 10:00"),  # over the weekend
        ("2026-03-14 08:00", 4, "2026-03-16 14:00"),  # from a Saturday
        ("2026-04-02 17:00", 2, "2026-04-07 10:00"),  # Good Friday, the weekend and Easter Monday
        ("2026-03-06 17:00", 2, "2026-03-09 10:00"),  # Women's Day, a holiday in Berlin only, is a Sunday
        ("2027-03-05 17:00", 2, "2027-03-09 10:00"),  # and a Monday a year later
        ("2026-12-04 17:00", 3, "2026-12-05 12:00"),  # the Saturday that is open by exception
        ("2026-12-23 17:00", 2, "2026-12-28 10:00"),  # the desk's own holiday and two of the country
        ("2026-12-31 11:00", 2, "2027-01-04 10:00"),  # the half day and New Year
        ("2026-03-27 17:00", 2, "2026-03-30 10:00"),  # the clocks go forward in between
        ("2026-10-23 17:00", 2, "2026-10-26 10:00"),  # and back
        ("2027-03-25 17:00", 2, "2027-03-30 10:00"),  # Easter in the very week in which the clocks change
    ],
)
def test_due_times_in_berlin(berlin: Calendar, start: str, hours: int, due: str) -> None:
    begun = local("Europe/Berlin", start)
    reached = berlin.add(begun, hours * HOUR)
    assert shown(reached, "Europe/Berlin") == due
    assert reached.tzinfo is UTC
    assert berlin.between(begun, reached) == hours * HOUR


def test_a_year_of_work_in_berlin(berlin: Calendar) -> None:
    year = berlin.between(local("Europe/Berlin", "2026-01-01"), local("Europe/Berlin", "2027-01-01"))
    # 261 workdays; off are Jan 1, Good Friday, Easter Monday, May 1, Ascension, Whit Monday, Dec 24 and 25;
    # Dec 31 has 3 hours, the Saturday of Dec 5 has 6
    assert year == ((261 - 9) * 8 + 3 + 6) * HOUR


def test_adding_nothing_is_the_start_itself_even_when_closed(berlin: Calendar) -> None:
    sunday = local("Europe/Berlin", "2026-03-15 11:00")
    assert berlin.add(sunday, 0) == sunday


@pytest.mark.parametrize(
    ("due", "minutes", "before"),
    [
        ("2026-03-10 11:00", 10, "2026-03-10 10:50"),
        ("2026-03-10 13:05", 10, "2026-03-10 11:55"),  # over lunch
        ("2026-03-13 18:00", 10, "2026-03-13 17:50"),
        ("2026-03-16 09:10", 10, "2026-03-16 09:00"),  # the last such moment is Monday's opening
        ("2026-03-16 09:05", 10, "2026-03-13 17:55"),
        ("2026-04-07 09:00", 60, "2026-04-02 17:00"),  # over Easter
    ],
)
def test_a_reminder_goes_back_in_business_time(berlin: Calendar, due: str, minutes: int, before: str) -> None:
    end = local("Europe/Berlin", due)
    reminder = berlin.add(end, -minutes * 60)
    assert shown(reminder, "Europe/Berlin") == before
    assert berlin.between(reminder, end) == minutes * 60


def test_open_from_the_first_moment_to_just_before_closing(berlin: Calendar) -> None:
    opening, closing = local("Europe/Berlin", "2026-03-10 09:00"), local("Europe/Berlin", "2026-03-10 12:00")
    tick = timedelta(microseconds=1)
    assert [berlin.is_open(opening - tick), berlin.is_open(opening)] == [False, True]
    assert [berlin.is_open(closing - tick), berlin.is_open(closing)] == [True, False]


def test_next_open_is_now_or_the_next_opening(berlin: Calendar) -> None:
    assert berlin.next_open(local("Europe/Berlin", "2026-03-10 10:17")) == local("Europe/Berlin", "2026-03-10 10:17")
    assert shown(berlin.next_open(local("Europe/Berlin", "2026-04-02 18:00")), "Europe/Berlin") == ("2026-04-07 09:00")


def test_spans_are_the_open_pieces(berlin: Calendar) -> None:
    start, end = local("Europe/Berlin", "2026-04-02 11:00"), local("Europe/Berlin", "2026-04-07 09:30")
    pieces = berlin.spans(start, end)
    assert [(shown(a, "Europe/Berlin"), shown(b, "Europe/Berlin")) for a, b in pieces] == [
        ("2026-04-02 11:00", "2026-04-02 12:00"),
        ("2026-04-02 13:00", "2026-04-02 18:00"),
        ("2026-04-07 09:00", "2026-04-07 09:30"),
    ]
    assert sum((b - a).total_seconds() for a, b in pieces) == berlin.between(start, end)


def test_special_days_have_their_reason(berlin: Calendar) -> None:
    start, end = local("Europe/Berlin", "2026-12-05 23:30"), local("Europe/Berlin", "2027-01-01 00:30")
    assert [(str(day), reason) for day, reason in berlin.special_days(start, end)] == [
        ("2026-12-05", "open by exception"),
        ("2026-12-24", "holiday of the desk"),
        ("2026-12-25", "Christmas Day"),
        ("2026-12-31", "half day"),
        ("2027-01-01", "New Year's Day"),
    ], "the second day of Christmas is a Saturday, closed anyway"


def test_a_country_day_that_the_desk_works_on() -> None:
    working = calendar(
        "Europe/Berlin",
        ["09:00-17:00"],
        holidays={"country": "DE"},
        open=[{"date": "2026-04-03", "hours": ["09:00-11:00"]}],
    )
    due = working.add(local("Europe/Berlin", "2026-04-02 16:00"), 3 * HOUR)
    assert shown(due, "Europe/Berlin") == "2026-04-03 11:00"


def test_24x7_is_the_clock_on_the_wall() -> None:
    always = Calendar.always()
    start = datetime(2026, 3, 28, 22, 15, tzinfo=UTC)
    assert always.add(start, 48 * HOUR) == start + timedelta(hours=48)
    assert always.add(start, -90) == start - timedelta(seconds=90)
    assert always.between(start, start + timedelta(days=1000)) == 1000 * 24 * HOUR
    assert always.spans(start, start + timedelta(days=30)) == [(start, start + timedelta(days=30))]
    assert always.is_open(start)
    assert always.name == "24x7"


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("Europe/Berlin", "2026-03-29", 23),  # 02:00 -> 03:00
        ("Europe/Berlin", "2026-10-25", 25),  # 03:00 -> 02:00
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),  # half an hour
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("America/Sao_Paulo", "2018-11-04", 23),  # the day began at 01:00
        ("America/Sao_Paulo", "2019-02-16", 25),  # 24:00 -> 23:00, the same date twice
        ("America/Havana", "2026-11-01", 25),  # 01:00 -> 00:00
        ("America/Havana", "2026-03-08", 23),  # the day began at 01:00
        ("Asia/Beirut", "2026-03-29", 23),  # the day began at 01:00
        ("Asia/Beirut", "2026-10-24", 25),  # 24:00 -> 23:00, the same date twice
        ("America/Santiago", "2026-09-06", 23),
        ("Pacific/Kwajalein", "1993-08-20", 24),
        ("Pacific/Kwajalein", "1993-08-22", 24),
        ("Asia/Kathmandu", "2026-11-01", 24),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-31", 24),
    ],
)
def test_how_long_a_day_is(zone: str, day: str, length: float) -> None:
    all_day = calendar(zone, ["00:00-24:00"], EVERY_DAY)
    only_that_day = Calendar.from_definition(
        "day", {"timezone": zone, "open": [{"date": day, "hours": ["00:00-24:00"]}]}
    )
    noon = local(zone, f"{day} 12:00")
    week = timedelta(days=3)
    assert only_that_day.between(noon - week, noon + week) == length * HOUR
    assert all_day.between(noon - week, noon + week) == 2 * week.total_seconds()


def test_a_date_that_the_zone_skipped_has_no_hours() -> None:
    apia = calendar("Pacific/Apia", ["09:00-17:00"], EVERY_DAY)
    start, end = local("Pacific/Apia", "2011-12-29 16:00"), local("Pacific/Apia", "2011-12-31 10:00")
    assert apia.between(start, end) == 2 * HOUR  # Friday, December 30 did not happen
    assert apia.add(start, 2 * HOUR) == end
    skipped = {"timezone": "Pacific/Apia", "open": [{"date": "2011-12-30", "hours": ["09:00-17:00"]}]}
    with pytest.raises(CalendarError, match="never open"):
        Calendar.from_definition("never", skipped)


@pytest.mark.parametrize(
    ("hours", "day", "spans"),
    [
        # spring: 02:00-03:00 does not exist
        ("01:30-02:30", "2026-03-29", [("00:30", "01:00")]),
        ("02:15-02:45", "2026-03-29", []),
        ("02:30-04:00", "2026-03-29", [("01:00", "02:00")]),
        # autumn: 02:00-03:00 comes twice
        ("01:30-02:30", "2026-10-25", [("23:30", "00:30"), ("01:00", "01:30")]),
        ("02:15-02:45", "2026-10-25", [("00:15", "00:45"), ("01:15", "01:45")]),
        ("02:00-04:00", "2026-10-25", [("00:00", "03:00")]),
    ],
)
def test_hours_inside_the_change_of_clocks(hours: str, day: str, spans: list[tuple[str, str]]) -> None:
    sundays = calendar("Europe/Berlin", [hours], ("sun",))
    noon = local("Europe/Berlin", f"{day} 12:00")
    found = sundays.spans(noon - timedelta(days=1), noon + timedelta(days=1))
    assert [(f"{a:%H:%M}", f"{b:%H:%M}") for a, b in found] == spans


@pytest.mark.parametrize(
    ("evening", "morning", "length"),
    [("2026-03-27", "2026-03-28", 8), ("2026-03-28", "2026-03-29", 7), ("2026-10-24", "2026-10-25", 9)],
)
def test_a_night_over_the_change_of_clocks(evening: str, morning: str, length: int) -> None:
    nights = calendar("Europe/Berlin", ["22:00-06:00"], EVERY_DAY)
    noon, next_noon = (local("Europe/Berlin", f"{day} 12:00") for day in (evening, morning))
    assert nights.between(noon, next_noon) == length * HOUR
    assert nights.add(noon, length * HOUR) == local("Europe/Berlin", f"{morning} 06:00")


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    nights = calendar("Europe/Berlin", ["22:00-06:00"], ("fri",), holidays={"extra": ["2026-03-13"]})
    saturday = local("Europe/Berlin", "2026-03-07 03:00")
    assert nights.is_open(saturday)
    assert not nights.is_open(saturday + timedelta(days=7))  # the Friday before is a holiday
    eve = calendar("Europe/Berlin", ["22:00-06:00"], EVERY_DAY, holidays={"extra": ["2026-03-13"]})
    found = eve.spans(local("Europe/Berlin", "2026-03-12 12:00"), local("Europe/Berlin", "2026-03-14 23:00"))
    assert [(shown(a, "Europe/Berlin"), shown(b, "Europe/Berlin")) for a, b in found] == [
        ("2026-03-12 22:00", "2026-03-13 06:00"),  # the night into the holiday is not cut
        ("2026-03-14 22:00", "2026-03-14 23:00"),
    ]


def test_weeks_around_a_change_of_clocks_within_six_days() -> None:
    recife = calendar("America/Recife", ["09:00-17:00"], EVERY_DAY)  # summer time of October 8 to 15, 2000
    start = local("America/Recife", "2000-10-05 09:00")
    for day in range(15):
        opening = local("America/Recife", f"2000-10-{5 + day:02} 09:00")
        assert recife.between(start, opening) == day * 8 * HOUR
        assert recife.next_open(opening - timedelta(hours=3)) == opening


def test_every_opening_of_a_year_in_turn() -> None:
    mornings = calendar("Europe/Berlin", ["00:00-06:00"], EVERY_DAY)
    day = date(2026, 1, 1)
    while day.year == 2026:
        midnight, noon = (local("Europe/Berlin", f"{day} {hour}:00") for hour in ("00", "12"))
        length = {date(2026, 3, 29): 5, date(2026, 10, 25): 7}.get(day, 6)
        assert mornings.spans(midnight, noon) == [(midnight, midnight + timedelta(hours=length))]
        day += timedelta(days=1)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago", "UTC"])
@pytest.mark.parametrize("day", range(9, 18))
@pytest.mark.parametrize("hours", ["00:00-24:00", "12:00-11:59"])
def test_a_single_day_off_is_off_wherever_in_the_week(zone: str, day: int, hours: str) -> None:
    always = calendar(zone, [hours], EVERY_DAY, holidays={"extra": [f"2026-03-{day:02}"]})
    opening = local(zone, f"2026-03-{day:02} {hours[:5]}")
    length = always.between(opening - timedelta(days=1), opening)
    assert always.between(opening - timedelta(days=40), opening - timedelta(days=10)) == 30 * length
    assert always.between(opening, opening + timedelta(days=1)) == 0
    assert always.between(opening - timedelta(days=4), opening + timedelta(days=4)) == 7 * length


def test_an_exceptional_overlap_counts_once() -> None:
    nights = calendar("UTC", ["22:00-06:00"], ("fri",), open=[{"date": "2026-03-07", "hours": ["04:00-10:00"]}])
    start = datetime(2026, 3, 6, 12, tzinfo=UTC)
    assert nights.between(start, start + timedelta(days=1)) == 12 * HOUR


def test_open_only_by_exception_ends_some_day() -> None:
    fair = Calendar.from_definition(
        "fair",
        {"timezone": "Europe/Berlin", "open": [{"date": "2026-12-05", "hours": ["10:00-16:00"]}]},
    )
    long_before, long_after = datetime(2020, 1, 1, tzinfo=UTC), datetime(2033, 1, 1, tzinfo=UTC)
    assert shown(fair.add(long_before, 6 * HOUR), "Europe/Berlin") == "2026-12-05 16:00"
    assert shown(fair.add(long_after, -6 * HOUR), "Europe/Berlin") == "2026-12-05 10:00"
    assert shown(fair.next_open(long_before), "Europe/Berlin") == "2026-12-05 10:00"
    assert fair.between(long_before, long_after) == 6 * HOUR
    assert not fair.is_open(long_after)
    for start, seconds in ((long_before, 6 * HOUR + 1), (long_after, 1), (long_before, -1)):
        with pytest.raises(NoOpenTime, match="The calendar fair has too little open time"):
            fair.add(start, seconds)
    with pytest.raises(NoOpenTime):
        fair.next_open(long_after)


def test_a_moment_without_a_zone_is_refused(berlin: Calendar) -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        berlin.add(datetime(2026, 3, 10, 10), 60)


def test_a_result_does_not_depend_on_what_was_asked_before() -> None:
    definition = {
        "timezone": "America/New_York",
        "hours": dict.fromkeys(WORKDAYS, ["09:00-17:00"]),
        "holidays": {"country": "US"},
    }
    start, end = datetime(2021, 12, 20, tzinfo=UTC), datetime(2022, 1, 10, tzinfo=UTC)
    fresh, used = (Calendar.from_definition(name, definition) for name in ("fresh", "used"))
    for year in (2023, 2022, 2020, 2021):
        used.next_open(datetime(year, 6, 1, tzinfo=UTC))
    # Christmas Day and New Year's Day were Saturdays: the Fridays before them were off
    assert fresh.between(start, end) == used.between(start, end) == 13 * 8 * HOUR


def test_holidays_can_come_from_elsewhere() -> None:
    asked: list[tuple[str, str, int]] = []

    def kept(country: str, subdivision: str, year: int) -> dict[date, str]:
        asked.append((country, subdivision, year))
        return {date(2026, 3, 10): "Kept Day"}

    definition = {
        "timezone": "UTC",
        "hours": {"tue": ["09:00-17:00"]},
        "holidays": {"country": "DE", "subdivision": "BE"},
    }
    office = Calendar.from_definition("office", definition, kept)
    assert asked == []
    assert office.next_open(datetime(2026, 3, 9, tzinfo=UTC)) == datetime(2026, 3, 17, 9, tzinfo=UTC)
    assert set(asked) == {("DE", "BE", 2026)}


def test_the_holiday_library_is_loaded_only_for_a_country() -> None:
    code = (
        "import sys; from datetime import datetime, UTC; from tkt.sla.calendar import Calendar\n"
        "d = {'timezone': 'Europe/Berlin', 'hours': {'mon': ['09:00-17:00']}, 'holidays': {'extra': []}}\n"
        "Calendar.from_definition('a', d).add(datetime(2026, 3, 9, tzinfo=UTC), 60)\n"
        "heavy = {'holidays', 'dateutil', 'pydantic', 'sqlmodel'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
