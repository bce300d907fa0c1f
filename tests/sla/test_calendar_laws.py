"""The laws of business time, and agreement with a slow reference that looks at the clock every minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tkt.sla.calendar import Calendar

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)

# Places and the days on which their clocks do something: the first is an ordinary week.
PLACES = (
    ("Europe/Berlin", "2026-05-10"),
    ("Europe/Berlin", "2026-03-29"),
    ("Europe/Berlin", "2026-10-25"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2019-02-17"),
    ("America/Havana", "2026-11-01"),
    ("America/Recife", "2000-10-11"),
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Kiritimati", "1995-01-01"),
    ("America/Havana", "2026-03-08"),
    ("Asia/Beirut", "2026-03-29"),
    ("Asia/Beirut", "2026-10-25"),
    ("America/Santiago", "2026-09-06"),
    ("Asia/Kathmandu", "2026-01-01"),
    ("Pacific/Kwajalein", "1993-08-21"),
    ("Pacific/Chatham", "2026-09-27"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Antarctica/Troll", "2026-03-29"),
)


def minutes_of(text: str) -> tuple[int, int]:
    """The reference's own reading of an interval, in minutes after midnight."""
    (h1, m1), (h2, m2) = (part.split(":") for part in text.split("-"))
    opens, closes = int(h1) * 60 + int(m1), int(h2) * 60 + int(m2)
    return opens, closes if closes > opens else closes + 1440


def hours_on(definition: dict[str, Any], day: date) -> list[str]:
    """The hours that begin on a date: what the desk names for the date, else those of the weekday."""
    holidays = definition.get("holidays", {})
    for table in (*definition.get("open", []), *holidays.get("half", [])):
        if table["date"] == day.isoformat():
            return list(table["hours"])
    if day.isoformat() in holidays.get("extra", []):
        return []
    return list(definition["hours"].get(DAYS[day.weekday()], []))


def open_by_the_wall_clock(definition: dict[str, Any], moment: datetime) -> bool:
    wall = moment.astimezone(ZoneInfo(definition["timezone"]))
    minute = wall.hour * 60 + wall.minute
    today = [minutes_of(text) for text in hours_on(definition, wall.date())]
    yesterday = [minutes_of(text) for text in hours_on(definition, wall.date() - timedelta(days=1))]
    return any(a <= minute < b for a, b in today) or any(a <= minute + 1440 < b for a, b in yesterday)


@st.composite
def days(draw: st.DrawFn) -> list[str]:
    """Up to three intervals; the last may run into the next day, but not past what `days` may begin with."""
    count = draw(st.integers(0, 3))
    tens = draw(st.sets(st.integers(20, 144), min_size=2 * count, max_size=2 * count))
    marks = [ten * 10 for ten in sorted(tens)]
    if draw(st.booleans()) and marks:
        marks[-1] = draw(st.integers(1440, 1440 + 190))
    return [
        f"{a // 60:02}:{a % 60:02}-{'24:00' if b == 1440 else f'{b % 1440 // 60:02}:{b % 60:02}'}"
        for a, b in zip(marks[::2], marks[1::2], strict=True)
    ]


@st.composite
def special(draw: st.DrawFn, around: date) -> dict[str, Any]:
    dates = draw(st.lists(st.integers(-4, 4), unique=True, max_size=4))
    extra, opened = [], []
    for offset in dates:
        day = (around + timedelta(days=offset)).isoformat()
        hours = draw(days())
        if hours:
            opened.append({"date": day, "hours": hours})
        else:
            extra.append(day)
    return {"holidays": {"extra": extra}, "open": opened}


@st.composite
def places(draw: st.DrawFn) -> tuple[dict[str, Any], datetime]:
    """A random definition, and a moment around which something happens in its zone."""
    zone, day = draw(st.sampled_from(PLACES))
    around = date.fromisoformat(day)
    whole = draw(st.booleans())
    hours = {name: ["00:00-24:00"] if whole and draw(st.booleans()) else draw(days()) for name in DAYS}
    for name, following in zip(DAYS, (*DAYS[1:], DAYS[0]), strict=True):
        if hours[following] == ["00:00-24:00"]:
            hours[name] = [text for text in hours[name] if minutes_of(text)[1] <= 1440]
    assume(any(hours.values()))
    definition = {"timezone": zone, "hours": hours, **draw(special(around))}
    return definition, datetime.combine(around, datetime.min.time(), UTC)


def micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // TICK


def near(around: datetime, hours: int = 96) -> st.SearchStrategy[datetime]:
    limit = timedelta(hours=hours) // MINUTE
    return st.integers(-limit, limit).map(lambda minutes: around + minutes * MINUTE)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_agrees_with_a_look_at_the_wall_clock_every_minute(data: st.DataObject) -> None:
    definition, around = data.draw(places())
    calendar = Calendar.from_definition("random", definition)
    calendar.between(around - timedelta(days=200), data.draw(near(around)))  # so that it has weeks to share
    start = data.draw(near(around))
    length = data.draw(st.integers(0, 3 * 1440))
    moments = [start + n * MINUTE for n in range(length + 1)]
    is_open = [open_by_the_wall_clock(definition, moment) for moment in moments]
    passed = sum(is_open[:-1])

    assert calendar.between(start, moments[-1]) == passed * 60
    probe = data.draw(st.integers(0, length))
    assert calendar.is_open(moments[probe]) == is_open[probe]
    if True in is_open:
        assert calendar.next_open(start) == moments[is_open.index(True)]
    assert calendar.spans(start, moments[-1]) == runs(moments, is_open)
    if passed:
        wanted = data.draw(st.integers(1, passed))
        opened = [n for n, is_it in enumerate(is_open[:-1]) if is_it]
        assert calendar.add(start, wanted * 60) == moments[opened[wanted - 1] + 1]
        assert calendar.add(moments[-1], -wanted * 60) == moments[opened[-wanted]]


def runs(moments: list[datetime], is_open: list[bool]) -> list[tuple[datetime, datetime]]:
    """The stretches of open minutes between the first and the last moment."""
    found: list[tuple[datetime, datetime]] = []
    for moment, following, is_it in zip(moments, moments[1:], is_open, strict=False):
        if is_it and found and found[-1][1] == moment:
            found[-1] = (found[-1][0], following)
        elif is_it:
            found.append((moment, following))
    return found


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_agrees_with_the_wall_clock_every_second(data: st.DataObject) -> None:
    definition, around = data.draw(places())
    calendar = Calendar.from_definition("random", definition)
    start = data.draw(near(around, 24)) + timedelta(seconds=data.draw(st.integers(0, 59)))
    length = data.draw(st.integers(1, 1800))
    seconds = [start + timedelta(seconds=n) for n in range(length + 1)]
    is_open = [open_by_the_wall_clock(definition, second) for second in seconds]
    passed = sum(is_open[:-1])
    assert calendar.between(start, seconds[-1]) == passed
    if passed:
        last = max(n for n, is_it in enumerate(is_open[:-1]) if is_it)
        assert calendar.add(start, passed) == seconds[last + 1]


moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))
amounts = st.integers(0, 3_000_000)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    definition, _ = draw(places())
    if draw(st.booleans()):
        definition["holidays"]["country"] = draw(st.sampled_from(("DE", "US", "CN")))
    return Calendar.from_definition("random", definition)


@settings(max_examples=100, deadline=None)
@given(calendars(), moments, amounts)
def test_add_and_between_are_inverse(calendar: Calendar, start: datetime, seconds: int) -> None:
    due = calendar.add(start, seconds)
    assert due >= start
    assert calendar.between(start, due) == seconds
    if seconds:
        assert calendar.is_open(due - TICK)  # so no earlier moment will do
    before = calendar.add(start, -seconds)
    assert before <= start
    assert calendar.between(before, start) == seconds
    if seconds:
        assert calendar.is_open(before)  # so no later moment will do


@settings(max_examples=100, deadline=None)
@given(calendars(), moments, st.integers(0, 90 * 86400 * 10**6))
def test_adding_what_lies_between_gets_no_further(calendar: Calendar, start: datetime, length: int) -> None:
    end = start + length * TICK
    first, last = micros(start), micros(end)
    reached = calendar.add_micros(first, calendar.between_micros(first, last))
    assert first <= reached <= last
    assert calendar.between_micros(reached, last) == 0
    if calendar.is_open(end - TICK) and last > first:
        assert reached == last


@settings(max_examples=100, deadline=None)
@given(calendars(), st.lists(st.integers(0, 2**51), min_size=3, max_size=3))
def test_between_is_additive_and_never_negative_nor_more_than_real(calendar: Calendar, points: list[int]) -> None:
    a, b, c = sorted(points)
    first, second = calendar.between_micros(a, b), calendar.between_micros(b, c)
    assert calendar.between_micros(a, c) == first + second
    assert 0 <= first <= b - a
    assert calendar.between_micros(c, a) == 0


@settings(max_examples=100, deadline=None)
@given(calendars(), moments, st.integers(0, 10**7), amounts, amounts)
@example(Calendar.always(), datetime(2026, 1, 1, tzinfo=UTC), 0, 0, 1)
def test_add_never_falls(calendar: Calendar, start: datetime, later: int, a: int, b: int) -> None:
    less, more = sorted((a, b))
    assert calendar.add(start, less) <= calendar.add(start, more)
    assert calendar.add(start, -more) <= calendar.add(start, -less)
    assert calendar.add(start, less) <= calendar.add(start + timedelta(seconds=later), less)
    if less < more:
        assert calendar.add(start, less) < calendar.add(start, more)


@settings(max_examples=100, deadline=None)
@given(calendars(), moments, amounts, amounts)
def test_adding_twice_is_adding_the_sum(calendar: Calendar, start: datetime, a: int, b: int) -> None:
    assert calendar.add(calendar.add(start, a), b) == calendar.add(start, a + b)


@settings(max_examples=100, deadline=None)
@given(calendars(), moments, st.integers(0, 40 * 86400))
def test_spans_are_ordered_apart_and_sum_up(calendar: Calendar, start: datetime, length: int) -> None:
    end = start + timedelta(seconds=length)
    spans = calendar.spans(start, end)
    edges = [start, *(edge for span in spans for edge in span), end]
    assert edges == sorted(edges)
    assert all(opens < closes for opens, closes in spans)
    assert all(closes < opens for (_, closes), (opens, _) in zip(spans, spans[1:], strict=False))
    total = sum(micros(closes) - micros(opens) for opens, closes in spans)
    assert total == calendar.between_micros(micros(start), micros(end))


@settings(max_examples=100, deadline=None)
@given(calendars(), moments)
def test_next_open_is_open_and_nothing_is_before_it(calendar: Calendar, moment: datetime) -> None:
    opening = calendar.next_open(moment)
    assert calendar.is_open(opening)
    assert calendar.between(moment, opening) == 0
    assert opening == moment or not calendar.is_open(moment)
