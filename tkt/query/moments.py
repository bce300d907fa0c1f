"""Times in queries: durations from now, dates in the desk's time zone, exact moments.

`created>7d` is older than seven days, `updated<1h` younger than an hour, `due<2h` due within two hours
(what is overdue is due before that, so it is among them), `due>2h` due later than that. A date is the whole
day: `created<2026-11-01` is before it begins, `created>2026-11-01` after it has ended, `created:2026-11-01`
during it.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from tkt.errors import QueryError, UsageError
from tkt.times import parse_duration, to_micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tkt.query.tree import Term, Value

Span = tuple[int | None, int | None]
"""From this moment (inclusive) to that one (exclusive), in microseconds UTC; None is without end."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
_SECOND = 1_000_000


def span(term: Term, now: int, zone: str) -> Span:
    """The moments that a checked time term with `> >= < <=` means, or with `:` and one value."""
    return _span(term.operator, term.key, term.values[0].text.lower(), now, zone)


def spans(term: Term, now: int, zone: str) -> list[Span]:
    """One span for each alternative of the term."""
    return [_span(term.operator, term.key, value.text.lower(), now, zone) for value in term.values]


def turns(term: Term, moment: int, since: int, until: int, zone: str) -> Iterator[int]:
    """When, as time goes by from `since` to `until`, a time term may begin or cease to hold for a moment of a ticket's:
    then, or a microsecond later. Not in order.
    """
    for value in term.values:
        text = value.text.lower()
        seconds = _seconds(text)
        if seconds is not None:
            yield moment - seconds * _SECOND if term.key == "due" else moment + seconds * _SECOND
        elif text in _DAYS:
            yield from midnights(since, until, zone)


def midnights(since: int, until: int, zone: str) -> Iterator[int]:
    """Every beginning of a day between two moments."""
    day = _local_date(since, zone) + timedelta(days=1)
    while (begin := _midnight(day, zone)) <= until:
        yield begin
        day += timedelta(days=1)


def check_moment(term: Term, value: Value) -> None:
    """Raise QueryError unless the value can be read as a time for this term."""
    text = value.text.lower()
    if _seconds(text) is not None and term.operator == ":":
        message = f"'{term.key}' compares a duration with '<' or '>'"
        place = term.position + len(term.key)
        raise QueryError(message, term.query, place, 1, "<")
    try:
        _span(term.operator, term.key, text, 0, "UTC")
    except (ValueError, OverflowError):
        message = f"'{value.text}' is no time: write 7d, 2h, 2026-11-01, 2026-11-01T14:00Z or today"
        raise QueryError(message, term.query, value.position, value.length) from None


def _span(operator: str, key: str, text: str, now: int, zone: str) -> Span:
    seconds = _seconds(text)
    if seconds is not None:
        return _from_now(operator, key, now, seconds * _SECOND)
    begin, end = _period(text, now, zone)
    return {
        ":": (begin, end),
        "<": (None, begin),
        "<=": (None, end),
        ">": (end, None),
        ">=": (begin, None),
    }[operator]


def _from_now(operator: str, key: str, now: int, length: int) -> Span:
    """For what lies behind us a larger duration is an earlier moment; for a deadline a later one."""
    inclusive = int(operator.endswith("="))
    if key == "due":
        edge = now + length
        return (None, edge + inclusive) if operator[0] == "<" else (edge + 1 - inclusive, None)
    edge = now - length
    return (edge + 1 - inclusive, None) if operator[0] == "<" else (None, edge + inclusive)


def _seconds(text: str) -> int | None:
    if not text[:1].isdigit() or text[-1:] not in "wdhms":
        return None
    try:
        return parse_duration(text)
    except UsageError:
        return None


def _period(text: str, now: int, zone: str) -> tuple[int, int]:
    """The day or the microsecond that is named. Raises ValueError, OverflowError."""
    if text in _DAYS:
        today = _local_date(now, zone)
        return _day(today + timedelta(days=_DAYS[text]), zone)
    if _DATE.fullmatch(text):
        return _day(date.fromisoformat(text), zone)
    if not _DATE.match(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text.upper())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=_zone(zone))
    begin = to_micros(moment)
    return begin, begin + 1


def _day(day: date, zone: str) -> tuple[int, int]:
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def _midnight(day: date, zone: str) -> int:
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=_zone(zone)))


def _local_date(now: int, zone: str) -> date:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=now)
    return moment.astimezone(_zone(zone)).date()


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)
