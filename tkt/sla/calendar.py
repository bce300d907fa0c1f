"""Business time: when a desk is open, and how much open time lies between two moments.

Promises
- A calendar is open exactly while a clock on the wall of its zone shows a time inside the hours of that date.
  So an hour that a clock change skips is never open, an hour that it repeats is open twice, "00:00-24:00" has
  23 or 25 hours on such days, and a date that a zone skipped has none. The part of a night after midnight
  belongs to the date before it; a holiday removes what begins on its date, not the night that runs into it.
- Time is counted on real moments in whole microseconds; an interval has its opening, not its closing, in it.
- `add(start, n)` is the first moment by which n seconds were open: work that fills Friday to the last minute
  is due on Friday at closing time, not on Monday. `add(start, 0)` is start, open or not. `add(start, -n)` is
  the mirror: the last moment from which n seconds were open until start, so it is Monday's opening, not
  Friday's closing.
- `between(s, add(s, n)) == n` and `between(add(s, -n), s) == n`; between is additive and never negative; the
  result of `add` never falls when start or n rises.
- Cost: a week is computed once, and ordinary weeks of one UTC offset share one result, so a step costs one
  look-up per week crossed. Outside the years 2 to 9998 every calendar is closed.

Pure: no database, no clock of its own. What a definition may say is in `tkt.sla.hours`. Leaves policies,
pauses and clocks to the rest of `tkt.sla`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo

from tkt.sla.hours import (
    CalendarError,
    Definition,
    Hours,
    SpecialDay,
    check_definition,
    date_of,
    day_number,
    never_open,
    read_definition,
    weekday_of,
)
from tkt.sla.public_holidays import (
    KEPT,
    PublicHolidays,
    country_problem,
    from_kept,
    in_year,
    subdivision_problem,
)
from tkt.sla.week import CLOSED, DAY, SECOND, WEEK, Span, Week, joined
from tkt.times import from_micros, to_micros

__all__ = ["Calendar", "CalendarError", "NoOpenTime", "problems"]

_FIRST_WEEK = day_number(date(2, 1, 1)) // 7
_LAST_WEEK = day_number(date(9998, 12, 31)) // 7


class NoOpenTime(CalendarError):
    """The calendar has too little open time in that direction: it has no weekly hours, only single days."""


class Calendar:
    """Opening hours in a time zone. Doesn't change; may be shared between threads and kept for long."""

    __slots__ = (
        "_alike", "_definition", "_first", "_holidays", "_last", "_special", "_weeks", "_years", "name",
    )  # fmt: skip

    def __init__(self, name: str, definition: Definition, public_holidays: PublicHolidays = in_year) -> None:
        self.name = name
        self._definition = definition
        self._holidays = public_holidays
        self._special = dict(definition.special)
        self._years: set[int] = set()
        self._weeks: dict[int, Week] = {}
        self._alike: dict[int, Week] = {}
        self._first, self._last = _reach(definition)

    @classmethod
    def from_definition(
        cls, name: str, definition: Mapping[str, object], public_holidays: PublicHolidays | None = None
    ) -> Calendar:
        """A calendar from a `[[calendar]]` table of desk.toml (see `tkt.sla.hours`).

        Raises CalendarError for what can't be understood and for a calendar that is never open. Where a
        country is named its holidays come from the `holidays` library, loaded here, unless `public_holidays`
        is given, or the definition keeps them (a stored one does): then from there, and country and
        subdivision are taken as they are.
        """
        parsed = read_definition({key: value for key, value in definition.items() if key != KEPT})
        if public_holidays is None and isinstance(kept := definition.get(KEPT), dict):
            public_holidays = from_kept(kept)
        if public_holidays is None and (problem := _country_problem(parsed)) is not None:
            raise problem
        found = cls(name, parsed, public_holidays or in_year)
        if not found._ever_opens():
            raise never_open()
        return found

    @classmethod
    def always(cls) -> Calendar:
        """The built-in calendar "24x7"."""
        return cls("24x7", Definition(UTC, (((0, DAY),),) * 7, {}))

    def __repr__(self) -> str:
        return f"Calendar({self.name!r}, {self.zone})"

    @property
    def zone(self) -> tzinfo:
        """The zone in which the hours are meant."""
        return self._definition.zone

    def add(self, start: datetime, business_seconds: int) -> datetime:
        """The UTC moment that lies this much open time after start (before it, where negative).

        Raises NoOpenTime where the calendar never reaches it, ValueError for a start without a zone.
        """
        return from_micros(self.add_micros(to_micros(start), business_seconds * SECOND))

    def between(self, start: datetime, end: datetime) -> int:
        """The open seconds from start to end, cut to whole ones; 0 where end is not after start.

        Exact where both are whole seconds; `between_micros` is exact always.
        """
        return self.between_micros(to_micros(start), to_micros(end)) // SECOND

    def is_open(self, moment: datetime) -> bool:
        """Whether the desk is open at that moment; at closing time it is not."""
        index, at = divmod(to_micros(moment), WEEK)
        return self._week(index).is_open(at)

    def next_open(self, moment: datetime) -> datetime:
        """That moment, if open, else the next opening, in UTC. Raises NoOpenTime where none follows."""
        index, at = divmod(max(to_micros(moment), self._first * WEEK), WEEK)
        week = self._week(index)
        while (found := week.next_open(at)) is None:
            index, at = index + 1, 0
            week = self._week_in_reach(index)
        return from_micros(index * WEEK + found)

    def spans(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The open pieces of start to end, in order, in UTC; their lengths sum up to `between`."""
        pieces = joined(self._open_pieces(to_micros(start), to_micros(end)))
        return [(from_micros(opens), from_micros(closes)) for opens, closes in pieces]

    def special_days(self, start: datetime, end: datetime) -> list[tuple[date, str]]:
        """The dates from start to end, both in, that have other hours than their weekday, each with the reason
        ("Good Friday", "half day").
        """
        first, last = (day_number(moment.astimezone(self.zone)) for moment in (start, end))
        found = ((number, self._special_day(number)) for number in range(first, last + 1))
        week = self._definition.week
        return [(date_of(number), day.reason) for number, day in found if day and day.hours != week[weekday_of(number)]]

    def add_micros(self, start: int, amount: int) -> int:
        """`add` in microseconds since 1970 UTC, as the store keeps moments."""
        if amount <= 0:
            return self._back(start, -amount) if amount else start
        index, at = divmod(max(start, self._first * WEEK), WEEK)
        week = self._week(index)
        wanted = week.elapsed(at) + amount
        while wanted > week.total:
            wanted -= week.total
            index += 1
            week = self._weeks.get(index) or self._week_in_reach(index)
        return index * WEEK + week.earliest(wanted)

    def between_micros(self, start: int, end: int) -> int:
        """`between` in microseconds, exactly."""
        if end <= start:
            return 0
        first, start_at = divmod(start, WEEK)
        last, end_at = divmod(end, WEEK)
        weeks = self._weeks
        begun = weeks.get(first) or self._week(first)
        if first == last:
            return begun.elapsed(end_at) - begun.elapsed(start_at)
        passed = begun.total - begun.elapsed(start_at)
        for index in range(max(first, self._first - 1) + 1, min(last, self._last + 1)):
            passed += (weeks.get(index) or self._week(index)).total
        return passed + (weeks.get(last) or self._week(last)).elapsed(end_at)

    def _back(self, start: int, amount: int) -> int:
        index, at = divmod(min(start, (self._last + 1) * WEEK), WEEK)
        week = self._week(index)
        wanted = week.elapsed(at) - amount
        while wanted < 0:
            index -= 1
            week = self._week_in_reach(index)
            wanted += week.total
        return index * WEEK + week.latest(wanted)

    def _ever_opens(self) -> bool:
        """A calendar of single days may have none that its zone did not skip."""
        return any(self._definition.week) or self.between_micros(self._first * WEEK, (self._last + 1) * WEEK) > 0

    def _open_pieces(self, start: int, end: int) -> Iterator[Span]:
        for index in range(max(start // WEEK, self._first), min(end // WEEK, self._last) + 1):
            week, base = self._week(index), index * WEEK
            for opens, closes in zip(week.opens, week.closes, strict=True):
                first, last = max(base + opens, start), min(base + closes, end)
                if first < last:
                    yield first, last

    def _week(self, index: int) -> Week:
        week = self._weeks.get(index)
        if week is None:
            if not self._first <= index <= self._last:
                return CLOSED
            week = self._weeks[index] = self._compute(index)
        return week

    def _week_in_reach(self, index: int) -> Week:
        week = self._week(index)
        if week is CLOSED:
            raise NoOpenTime(f"The calendar {self.name} has too little open time for that: give it weekly hours.")
        return week

    def _compute(self, index: int) -> Week:
        stretches = list(_stretches(self.zone, index * WEEK))
        alike = self._is_ordinary(index) and len(stretches) == 1
        offset = stretches[0][2]
        if alike and offset in self._alike:
            return self._alike[offset]
        pieces = (piece for stretch in stretches for piece in self._pieces(*stretch))
        week = Week((opens - index * WEEK, closes - index * WEEK) for opens, closes in pieces)
        if alike:
            self._alike[offset] = week
        return week

    def _is_ordinary(self, index: int) -> bool:
        """Whether no special day can touch the week; loads the holidays of its years.

        Two more days on each side are looked at: one for the zone, one for a night from the day before.
        """
        days = range(index * 7 - 2, index * 7 + 9)
        self._load_year(date_of(days[0]).year)
        self._load_year(date_of(days[-1]).year)
        return self._special.keys().isdisjoint(days)

    def _load_year(self, year: int) -> None:
        definition = self._definition
        if year in self._years or not definition.country:
            return
        for day, name in self._holidays(definition.country, definition.subdivision, year).items():
            self._special.setdefault(day_number(day), SpecialDay((), name))
        self._years.add(year)

    def _special_day(self, number: int) -> SpecialDay | None:
        self._load_year(date_of(number).year)
        return self._special.get(number)

    def _pieces(self, start: int, end: int, offset: int) -> Iterator[Span]:
        """What is open from start to end, where the zone is `offset` ahead of UTC all the time."""
        yesterday = (start + offset) // DAY - 1
        for day in range(yesterday, (end + offset - 1) // DAY + 1):
            midnight = day * DAY - offset
            for opens, closes in self._hours_of(day):
                first, last = max(midnight + opens, start), min(midnight + closes, end)
                if first < last:
                    yield first, last

    def _hours_of(self, day: int) -> Hours:
        special = self._special.get(day)
        return special.hours if special else self._definition.week[weekday_of(day)]


def _reach(definition: Definition) -> tuple[int, int]:
    """The first and the last week that can have open time."""
    if any(definition.week):
        return _FIRST_WEEK, _LAST_WEEK
    days = [number for number, day in definition.special.items() if day.hours]
    # two days around: a night reaches into the next date, and a zone may be a day away from UTC
    return max((min(days) - 2) // 7, _FIRST_WEEK), min((max(days) + 3) // 7, _LAST_WEEK)


def problems(definition: Mapping[str, object]) -> list[CalendarError]:
    """Every mistake in a `[[calendar]]` table of desk.toml; none where `Calendar.from_definition` takes it."""
    parsed, found = check_definition(definition)
    if (problem := _country_problem(parsed)) is not None:
        found.append(problem)
    if not found and not Calendar("", parsed)._ever_opens():
        found.append(never_open())
    return found


def _country_problem(definition: Definition) -> CalendarError | None:
    country, subdivision = definition.country, definition.subdivision
    if country and (problem := country_problem(country)):
        return CalendarError(problem, ("holidays", "country"))
    if subdivision and (problem := subdivision_problem(country, subdivision)):
        return CalendarError(problem, ("holidays", "subdivision"))
    return None


def _stretches(zone: tzinfo, week_start: int) -> Iterator[tuple[int, int, int]]:
    """The week as (start, end, offset from UTC) wherever the offset changes, in microseconds.

    Each day is looked at, since a zone may go back within a week (Recife in October 2000: after six days).
    """
    start, offset = week_start, _offset(zone, week_start)
    for day in range(week_start, week_start + WEEK, DAY):
        for moment, changed in _changes(zone, day, day + DAY, _offset(zone, day), _offset(zone, day + DAY)):
            yield start, moment, offset
            start, offset = moment, changed
    if start < week_start + WEEK:
        yield start, week_start + WEEK, offset


def _changes(zone: tzinfo, low: int, high: int, before: int, after: int) -> Iterator[tuple[int, int]]:
    """The moments after low, up to high, from which another offset holds, by halving down to a second."""
    if before == after:
        return
    if high - low == SECOND:
        yield high, after
        return
    middle = low + (high - low) // SECOND // 2 * SECOND
    between = _offset(zone, middle)
    yield from _changes(zone, low, middle, before, between)
    yield from _changes(zone, middle, high, between, after)


def _offset(zone: tzinfo, moment: int) -> int:
    ahead = from_micros(moment).astimezone(zone).utcoffset() or timedelta()
    return (ahead.days * 86_400 + ahead.seconds) * SECOND
