"""Moments and durations: how they are stored, read from a person, and shown.

Promises: inside Python every moment is an aware `datetime` in UTC; in the store it is a whole number of
microseconds since 1970-01-01 UTC; in JSON it is RFC 3339 with `Z` and whole seconds; a duration is a whole
number of seconds. Pure, and light enough for the read path: `zoneinfo` is loaded only when a zone is named.

Leaves to others: business time (`tkt.sla.calendar`) and dates inside queries (`tkt.query`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from tkt.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WORKDAY_START = time(9)
"""What a day that is named by a word ("tomorrow", "mon") means when no hour is given."""

_LONGEST = 100 * 366 * 86400  # a century: anything longer is a slip of the finger
_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_SHOWN = _UNITS[1:]  # weeks are read but never shown: "12d" compares at a glance with "9d"
_DURATION = re.compile(r"\s*".join(rf"(?:([0-9]{{1,12}}){unit})?" for unit, _ in _UNITS))
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[t ]"
    r"([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)"
    r"(z|[+-][0-9]{2}:[0-9]{2})?"
)
_DAY_AND_TIME = re.compile(r"(\S+)(?:\s+([0-9]{1,2}):([0-9]{2}))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY_FORMS = {form: n for n, day in enumerate(_WEEKDAYS) for form in (day, day[:3])}
_RELATIVE_DAYS = {"today": 0, "tomorrow": 1}


def utcnow() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exactly. Raises ValueError for a moment without a zone."""
    try:
        since = moment - EPOCH
    except TypeError:
        raise ValueError("a moment without a time zone can't be stored") from None
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    """The aware UTC moment of what `to_micros` gave. Raises OverflowError outside the years 1 to 9999."""
    return EPOCH + timedelta(microseconds=micros)


def rfc3339(moment: datetime) -> str:
    """The moment in UTC as RFC 3339, whole seconds: `2026-11-01T09:00:00Z`. Raises ValueError if naive."""
    if moment.utcoffset() is None:
        raise ValueError("a moment without a time zone can't be shown")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_duration(text: str) -> int:
    """Seconds of `90s`, `15m`, `1h30m`, `1h 30m`, `2d`, `1w`: larger units first, each at most once.

    Raises UsageError for anything else, and for more than a century.
    """
    seconds = _seconds(text)
    if seconds is None:
        raise UsageError(f"{_quoted(text)} is not a duration: write 90s, 15m, 1h30m, 2d or 1w.")
    return seconds


def format_duration(seconds: int) -> str:
    """`1h 30m`: the largest unit and the one below it, cut, not rounded; negative ones get a `-`."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    index = _largest_unit(rest)
    parts: list[str] = []
    for unit, size in _SHOWN[index : index + 2]:
        count, rest = divmod(rest, size)
        if count or not parts:
            parts.append(f"{count}{unit}")
    return sign + " ".join(parts)


def age(seconds: int) -> str:
    """One unit, cut, for narrow columns: `45s`, `5m`, `3h`, `12d`; negative ones get a `-`."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    unit, size = _SHOWN[_largest_unit(rest)]
    return f"{sign}{rest // size}{unit}"


def parse_when(text: str, now: datetime, zone: str = "UTC") -> datetime:
    """The UTC moment a person means; days and hours are those of `zone` (an IANA name); `now` must be aware.

    Read are: RFC 3339 (`2026-11-01T09:00:00Z`; without an offset it is in the zone), a date (the start of
    that day), a date with an hour (`2026-11-01 14:00`), a duration from `now` (`2h`), `today`, `tomorrow`
    and weekdays (`mon`, `friday`: always a later day than today), each alone (09:00) or with an hour
    (`tomorrow 14:00`). An hour that a clock change skips is read with the offset before the change.

    Raises UsageError for anything else and for an unknown zone.
    """
    words = text.strip().lower()
    local = now.astimezone(_zone(zone))
    try:
        moment = _exact(words, local) or _from_now(words, local) or _on_day(words, local)
        if moment is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # the shape was right but there is no such day or hour: the same answer as for any other text
    raise UsageError(
        f"{_quoted(text)} is not a time: write 2h, tomorrow, mon, tomorrow 14:00, 2026-11-01 or 2026-11-01T14:00:00Z."
    )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _seconds(text: str) -> int | None:
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None or match.lastindex is None:
        return None
    seconds = sum(int(count or 0) * size for count, (_, size) in zip(match.groups(), _UNITS, strict=True))
    return seconds if seconds <= _LONGEST else None


def _largest_unit(seconds: int) -> int:
    return next((n for n, (_, size) in enumerate(_SHOWN) if seconds >= size), len(_SHOWN) - 1)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"{_quoted(name)} is not a time zone: write one like Europe/Berlin.") from None


def _exact(words: str, local: datetime) -> datetime | None:
    match = _MOMENT.fullmatch(words)
    if match is None:
        return None
    day, clock, offset = match.groups()
    moment = datetime.fromisoformat(f"{day}T{clock}{(offset or '').upper()}")
    return moment if offset else moment.replace(tzinfo=local.tzinfo)


def _from_now(words: str, local: datetime) -> datetime | None:
    seconds = _seconds(words)
    return None if seconds is None else local.astimezone(UTC) + timedelta(seconds=seconds)


def _on_day(words: str, local: datetime) -> datetime | None:
    match = _DAY_AND_TIME.fullmatch(words)
    if match is None:
        return None
    name, hour, minute = match.groups()
    day = _named_day(name, local.date())
    if day is None:
        return None
    clock = time(int(hour), int(minute)) if hour else time() if _DATE.fullmatch(name) else WORKDAY_START
    return datetime.combine(day, clock, local.tzinfo)


def _named_day(name: str, today: date) -> date | None:
    if _DATE.fullmatch(name):
        return date.fromisoformat(name)
    if name in _RELATIVE_DAYS:
        return today + timedelta(days=_RELATIVE_DAYS[name])
    if name in _WEEKDAY_FORMS:
        return today + timedelta(days=(_WEEKDAY_FORMS[name] - today.weekday() - 1) % 7 + 1)
    return None
