"""Moments and durations: exact in the store, plain for people, strict about what they can't read."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tkt.errors import UsageError
from tkt.times import (
    age,
    format_duration,
    from_micros,
    parse_duration,
    parse_when,
    rfc3339,
    to_micros,
    utcnow,
)

MONDAY = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)  # 09:00 in Berlin
offsets = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(timezone)
moments = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=offsets)


@settings(deadline=None)
@given(moments)
def test_a_moment_survives_the_store_exactly(moment: datetime) -> None:
    back = from_micros(to_micros(moment))
    assert back == moment
    assert back.tzinfo is UTC


@settings(deadline=None)
@given(moments, moments)
def test_the_store_sorts_as_time_does(one: datetime, other: datetime) -> None:
    assert (to_micros(one) < to_micros(other)) == (one < other)


def test_micros_count_from_1970() -> None:
    assert to_micros(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert to_micros(datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)) == -1


def test_now_is_aware() -> None:
    assert utcnow().tzinfo is UTC


@pytest.mark.parametrize("function", [to_micros, rfc3339])
def test_a_moment_without_a_zone_is_refused(function: object) -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        function(datetime(2026, 1, 1))  # type: ignore[operator]


def test_rfc3339_is_utc_with_whole_seconds() -> None:
    berlin = timezone(timedelta(hours=1))
    assert rfc3339(datetime(2026, 11, 1, 9, 5, 7, 999999, tzinfo=berlin)) == "2026-11-01T08:05:07Z"
    assert rfc3339(datetime(800, 1, 1, tzinfo=UTC)) == "0800-01-01T00:00:00Z"


@settings(deadline=None)
@given(moments)
def test_what_rfc3339_writes_parse_when_reads(moment: datetime) -> None:
    assert rfc3339(parse_when(rfc3339(moment), MONDAY)) == rfc3339(moment)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        (" 2D ", 172_800),
        ("1w", 604_800),
        ("1w2d3h4m5s", 788_645),
        ("0m", 0),
    ],
)
def test_durations_are_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "90", "h", "1.5h", "30m1h", "1h1h", "-5m", "5 m", "٣h", "9" * 11 + "w", "1y"]
)
def test_other_durations_are_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match=r"90s, 15m, 1h30m, 2d or 1w"):
        parse_duration(text)


def test_a_refused_text_is_quoted_harmlessly_and_briefly() -> None:
    with pytest.raises(UsageError) as refused:
        parse_duration("\x1b[31m\u202e" + "x" * 10_000)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("seconds", "shown", "one_unit"),
    [
        (0, "0s", "0s"),
        (59, "59s", "59s"),
        (60, "1m", "1m"),
        (3661, "1h 1m", "1h"),
        (5400, "1h 30m", "1h"),
        (86_460, "1d", "1d"),
        (90_000, "1d 1h", "1d"),
        (1_036_800, "12d", "12d"),
        (-5400, "-1h 30m", "-1h"),
        (-1, "-1s", "-1s"),
    ],
)
def test_durations_are_shown(seconds: int, shown: str, one_unit: str) -> None:
    assert format_duration(seconds) == shown
    assert age(seconds) == one_unit


@settings(deadline=None)
@given(st.integers(0, 36_500 * 86_400))
def test_what_is_shown_reads_back_cut_by_less_than_its_last_unit(seconds: int) -> None:
    shown = parse_duration(format_duration(seconds))
    assert 0 <= seconds - shown < (60 if seconds < 3600 else 3600 if seconds > 86_400 else 61)
    assert parse_duration(age(seconds)) <= shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", "2026-11-02T10:00:00Z"),
        ("1d12h", "2026-11-03T20:00:00Z"),
        ("today 17:30", "2026-11-02T16:30:00Z"),
        ("Tomorrow", "2026-11-03T08:00:00Z"),
        ("tomorrow 14:00", "2026-11-03T13:00:00Z"),
        ("tue", "2026-11-03T08:00:00Z"),
        ("mon", "2026-11-09T08:00:00Z"),
        ("sunday 7:05", "2026-11-08T06:05:00Z"),
        ("2026-11-05", "2026-11-04T23:00:00Z"),
        ("2026-11-05 14:00", "2026-11-05T13:00:00Z"),
        ("2026-11-05T14:00", "2026-11-05T13:00:00Z"),
        ("2026-11-05t14:00:00z", "2026-11-05T14:00:00Z"),
        ("2026-11-05T14:00:00.5-08:00", "2026-11-05T22:00:00Z"),
        ("2026-07-01", "2026-06-30T22:00:00Z"),
        ("2027-03-28 02:30", "2027-03-28T01:30:00Z"),  # skipped by the clock change
    ],
)
def test_moments_are_read_in_the_zone(text: str, expected: str) -> None:
    assert rfc3339(parse_when(text, MONDAY, "Europe/Berlin")) == expected


def test_the_zone_decides_which_day_tomorrow_is() -> None:
    late = datetime(2026, 11, 2, 23, 30, tzinfo=UTC)
    assert rfc3339(parse_when("tomorrow", late)) == "2026-11-03T09:00:00Z"
    assert rfc3339(parse_when("tomorrow", late, "Asia/Shanghai")) == "2026-11-04T01:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "14:00",
        "mon 25:00",
        "mon 9",
        "2026-13-01",
        "2026-02-30",
        "99999999w",
        "next mon",
        "20261101",
    ],
)
def test_other_moments_are_refused_with_the_forms(text: str) -> None:
    with pytest.raises(UsageError, match="write 2h, tomorrow, mon, tomorrow 14:00"):
        parse_when(text, MONDAY)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        assert parse_when(text, MONDAY).tzinfo is UTC


def test_a_moment_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(UsageError):
        parse_when("1w", datetime(9999, 12, 31, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "../../etc/passwd", "", "\x00"])
def test_an_unknown_zone_is_a_usage_error(zone: str) -> None:
    with pytest.raises(UsageError, match="is not a time zone"):
        parse_when("tomorrow", MONDAY, zone)


def test_the_module_is_light() -> None:
    code = "import sys, tkt.times; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"zoneinfo", "typing", "dataclasses", "inspect"} & set(loaded)
