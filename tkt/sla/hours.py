"""What a `[[calendar]]` of desk.toml says, read and checked: opening hours, special days, zone.

    {"timezone": "Europe/Berlin",
     "hours": {"mon": ["09:00-12:00", "13:00-18:00"], "fri": ["22:00-06:00"], "sat": []},
     "holidays": {"country": "DE", "subdivision": "BE", "extra": ["2026-12-24"],
                  "half": [{"date": "2026-12-31", "hours": ["09:00-12:00"]}]},
     "open": [{"date": "2026-12-05", "hours": ["10:00-16:00"]}]}

Promises: a definition is either understood completely or refused with a `CalendarError` that names the key.

- A weekday that is left out is closed. "24:00" is the end of a day; an interval that ends at or before its
  start ("22:00-06:00") ends on the next day and belongs to the day on which it begins.
- A special day replaces the hours that begin on its date; a night that began the day before is not cut.
  What the desk names itself (`extra`, `half`, `open`) wins over the country's holidays.
- `half` shortens a day that has hours; `open` is for a day that has none, or a holiday worked on.
- Dates are strings or TOML dates. A `name` key is allowed and not read here.

Leaves to others: the country's holidays (`tkt.sla.public_holidays`) and time itself (`tkt.sla.calendar`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, tzinfo
from itertools import pairwise
from typing import NamedTuple, TypeVar

from tkt.sla.week import DAY, SECOND, Span

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_CLOCK = r"([0-9]{1,2}):([0-9]{2})"
_INTERVAL = re.compile(rf"\s*{_CLOCK}\s*-\s*{_CLOCK}\s*")
_LAST_MINUTE = 24 * 60
_NO_ZONE: tzinfo = UTC

Path = tuple[str | int, ...]
Hours = tuple[Span, ...]
"""The intervals that begin on one date, in microseconds after its midnight; the last may end past 24 h."""


class CalendarError(ValueError):
    """A calendar that can't be used.

    The text is one sentence; `path` leads to the culprit inside the definition (`("hours", "mon", 1)`), and
    is empty where it is the calendar as a whole.
    """

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.path = path


class SpecialDay(NamedTuple):
    """A date with hours of its own (none: closed) and the reason for them."""

    hours: Hours
    reason: str


class Definition(NamedTuple):
    """A calendar as it was declared. `special` is keyed by `day_number`; `country` is empty for none."""

    zone: tzinfo
    week: tuple[Hours, ...]
    special: dict[int, SpecialDay]
    country: str = ""
    subdivision: str = ""


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(number: int) -> date:
    """The date of a day number. Raises ValueError outside the years 1 to 9999."""
    return date.fromordinal(number + _EPOCH_ORDINAL)


def weekday_of(number: int) -> int:
    """0 for Monday to 6 for Sunday; 1970-01-01 was a Thursday."""
    return (number + 3) % 7


def read_definition(definition: Mapping[str, object]) -> Definition:
    """The definition, checked. Raises CalendarError: the first of its mistakes."""
    found, problems = check_definition(definition)
    if problems:
        raise problems[0]
    return found


def check_definition(definition: Mapping[str, object]) -> tuple[Definition, list[CalendarError]]:
    """The definition as far as it can be understood, and every mistake in it."""
    reading = _Reading()
    reading.refuse_unknown(definition, ("name", "timezone", "hours", "holidays", "open"), ())
    zone = reading.attempt(_NO_ZONE, _zone, definition.get("timezone"))
    week = _week(reading, reading.table(definition.get("hours", {}), ("hours",)))
    holidays = reading.table(definition.get("holidays", {}), ("holidays",))
    reading.refuse_unknown(holidays, ("country", "subdivision", "extra", "half"), ("holidays",))
    country, subdivision = reading.attempt(("", ""), _country, holidays)
    special = _special_days(reading, definition, holidays, week)
    if not reading.problems and not any(week) and not any(day.hours for day in special.values()):
        reading.problems.append(never_open())
    return Definition(zone, week, special, country, subdivision), reading.problems


def never_open() -> CalendarError:
    """What is wrong with a calendar that has no open time at all."""
    return CalendarError("A calendar that is never open can't be used: give it hours.", ("hours",))


Read = TypeVar("Read")


class _Reading:
    """One reading of a definition, which goes on after a mistake and keeps it in `problems`."""

    def __init__(self) -> None:
        self.problems: list[CalendarError] = []

    def attempt(self, instead: Read, read: Callable[..., Read], *values: object) -> Read:
        """What `read` makes of the values, or `instead`."""
        try:
            return read(*values)
        except CalendarError as problem:
            self.problems.append(problem)
            return instead

    def table(self, value: object, path: Path) -> Mapping[str, object]:
        return self.attempt({}, _table, value, path)

    def list(self, value: object, path: Path) -> Sequence[object]:
        return self.attempt((), _list, value, path)

    def refuse_unknown(self, table: Mapping[str, object], known: Sequence[str], path: Path) -> None:
        for key in table:
            if key not in known:
                hint = _nearest(key, known)
                advice = f"did you mean {hint}?" if hint else f"known are {', '.join(known)}."
                self.problems.append(CalendarError(f'A calendar has no key "{key}" here: {advice}', (*path, key)))


def _zone(name: object) -> tzinfo:
    from zoneinfo import ZoneInfo

    if not isinstance(name, str):
        raise CalendarError('A calendar needs a timezone such as "Europe/Berlin".', ("timezone",))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: the name of a directory of the zone database
        hint = _nearest(name, _zone_names()) or "Europe/Berlin"
        raise CalendarError(f'"{name}" is not a time zone: write a name such as "{hint}".', ("timezone",)) from None


def _zone_names() -> Iterable[str]:
    from zoneinfo import available_timezones

    return sorted(available_timezones())


def _week(reading: _Reading, hours: Mapping[str, object]) -> tuple[Hours, ...]:
    reading.refuse_unknown(hours, WEEKDAYS, ("hours",))
    week = tuple(_day_hours(reading, hours.get(day, []), ("hours", day)) for day in WEEKDAYS)
    for number, today in enumerate(week):
        following = (number + 1) % 7
        if today and week[following] and today[-1][1] - DAY > week[following][0][0]:
            reading.problems.append(
                CalendarError(
                    f"The night of {_WEEKDAY_NAMES[number]} runs into the hours of {_WEEKDAY_NAMES[following]}: "
                    "let one end before the other begins.",
                    ("hours", WEEKDAYS[following]),
                )
            )
    return week


def _day_hours(reading: _Reading, value: object, path: Path) -> Hours:
    texts = reading.list(value, path)
    intervals: list[tuple[Span, int]] = []
    for number, text in enumerate(texts):
        if (interval := reading.attempt(None, _interval, text, (*path, number))) is not None:
            intervals.append((interval, number))
    intervals.sort()
    for ((_, closes), _), ((opens, _), number) in pairwise(intervals):
        if opens < closes:
            words = (
                f"The interval {texts[number]} overlaps another of the same day: let one end before the other begins."
            )
            reading.problems.append(CalendarError(words, (*path, number)))
    return tuple(interval for interval, _ in intervals)


def _interval(text: object, path: Path) -> Span:
    match = _INTERVAL.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise CalendarError(f'{_shown(text)} is not an interval: write "09:00-17:00".', path)
    opens, closes = _minutes(match[1], match[2]), _minutes(match[3], match[4])
    if opens is None or closes is None or opens == _LAST_MINUTE:
        raise CalendarError(f"{_shown(text)} names a time that no day has: use 00:00 to 24:00.", path)
    if opens == closes:
        raise CalendarError(
            f'{_shown(text)} ends when it begins: write "00:00-24:00" for a day that is open throughout.',
            path,
        )
    if closes < opens:
        closes += _LAST_MINUTE
    return opens * 60 * SECOND, closes * 60 * SECOND


def _minutes(hour: str, minute: str) -> int | None:
    minutes = int(hour) * 60 + int(minute)
    return minutes if int(minute) < 60 and minutes <= _LAST_MINUTE else None


def _country(holidays: Mapping[str, object]) -> tuple[str, str]:
    country = _text(holidays.get("country", ""), ("holidays", "country"))
    subdivision = _text(holidays.get("subdivision", ""), ("holidays", "subdivision"))
    if subdivision and not country:
        raise CalendarError("A subdivision needs its country beside it.", ("holidays", "subdivision"))
    return country, subdivision


def _special_days(
    reading: _Reading, definition: Mapping[str, object], holidays: Mapping[str, object], week: tuple[Hours, ...]
) -> dict[int, SpecialDay]:
    special: dict[int, SpecialDay] = {}
    understood = not any(problem.path[:1] == ("hours",) for problem in reading.problems)
    for number, value in enumerate(reading.list(holidays.get("extra", []), ("holidays", "extra"))):
        day = reading.attempt(None, _date, value, ("holidays", "extra", number))
        if day is not None:
            special[day_number(day)] = SpecialDay((), "holiday of the desk")
    for number, value in enumerate(reading.list(holidays.get("half", []), ("holidays", "half"))):
        _put(reading, special, value, "half day", ("holidays", "half", number), week if understood else None)
    for number, value in enumerate(reading.list(definition.get("open", []), ("open",))):
        _put(reading, special, value, "open by exception", ("open", number))
    return special


def _put(
    reading: _Reading,
    special: dict[int, SpecialDay],
    value: object,
    reason: str,
    path: Path,
    week: tuple[Hours, ...] | None = None,
) -> None:
    """Add a day with hours of its own; where `week` is given, only to a weekday that has hours anyway."""
    table = reading.table(value, path)
    reading.refuse_unknown(table, ("date", "hours"), path)
    found = len(reading.problems)
    hours = _day_hours(reading, table.get("hours", []), (*path, "hours"))
    day = reading.attempt(None, _date, table.get("date"), (*path, "date"))
    if day is None:
        return
    if not hours and len(reading.problems) == found:
        words = f'{day} needs hours such as ["09:00-12:00"]; a whole day off belongs under holidays.extra.'
        reading.problems.append(CalendarError(words, (*path, "hours")))
    if (problem := _misplaced(day, reason, special, path, week)) is not None:
        return reading.problems.append(problem)
    special[day_number(day)] = SpecialDay(hours, reason)


def _misplaced(
    day: date, reason: str, special: Mapping[int, SpecialDay], path: Path, week: tuple[Hours, ...] | None
) -> CalendarError | None:
    """Why this date can't have hours of its own."""
    number = day_number(day)
    if number in special:
        return CalendarError(f"{day} is named twice: as {special[number].reason} and as {reason}.", path)
    if week is not None and not week[weekday_of(number)]:
        return CalendarError(
            f"{day} is a {_WEEKDAY_NAMES[day.weekday()]}, which has no hours that a half day could shorten: "
            "leave it out, or name it under open.",
            (*path, "date"),
        )
    return None


def _date(value: object, path: Path) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and len(value) == len("2026-12-24"):
            return date.fromisoformat(value)
    except ValueError:
        pass  # the shape was right but there is no such day: the same answer as for any other text
    raise CalendarError(f'{_shown(value)} is not a date: write "2026-12-24".', path)


def _table(value: object, path: Path) -> Mapping[str, object]:
    if isinstance(value, Mapping):
        return value
    raise CalendarError(f"{path[-1]} must be a table, not {_shown(value)}.", path)


def _list(value: object, path: Path) -> Sequence[object]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    raise CalendarError(f"{path[-1]} must be a list, not {_shown(value)}.", path)


def _text(value: object, path: Path) -> str:
    if isinstance(value, str):
        return value
    raise CalendarError(f"{path[-1]} must be text, not {_shown(value)}.", path)


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else "nothing" if value is None else str(value)


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1)), "")
