"""Moments and durations as people read them: in their own zone, ages in one unit, deadlines counted down."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tkt.times import age

if TYPE_CHECKING:
    from datetime import datetime

MICROS = 1_000_000


def local(micros: int | None) -> str:
    """ "2026-11-22 09:30 CET" in the zone of this terminal, which it names; empty for None."""
    if micros is None:
        return ""
    return time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(micros / MICROS))


def age_of(micros: int, now: int) -> str:
    """How old: "5m", "3h", "12d"."""
    return age(max(0, (now - micros) // MICROS))


def countdown(due: int | None, now: int) -> str:
    """How long until a deadline: "2h", "-15m" when it has passed, empty without one."""
    if due is None:
        return ""
    left = (due - now) // MICROS
    return age(left) if left >= 0 else f"-{age(-left)}"


def urgency(due: int | None, now: int) -> str:
    """The style of a deadline: red when passed, yellow in the last hour."""
    if due is None:
        return ""
    left = (due - now) // MICROS
    return "red" if left < 0 else "yellow" if left < 3600 else ""


def past_period(start: str, end: str, zone: str) -> tuple[datetime, datetime]:
    """From `--from` to `--to`, not later than now; the last 30 days unless they say otherwise. Raises UsageError."""
    from tkt.sla.reports.report import PERIOD, check_period
    from tkt.times import utcnow

    now = utcnow()
    until = min(in_the_past(end, now, zone), now) if end else now
    since = in_the_past(start, now, zone) if start else until - PERIOD
    check_period(since, until, now)
    return since, until


def in_the_past(text: str, now: datetime, zone: str) -> datetime:
    """A moment that somebody named for looking back: a duration is meant into the past. Raises UsageError."""
    from datetime import timedelta

    from tkt.errors import UsageError
    from tkt.times import parse_duration, parse_when

    try:
        return now - timedelta(seconds=parse_duration(text))
    except UsageError:
        pass  # no duration: a date, perhaps
    try:
        return parse_when(text, now, zone)
    except UsageError:
        shown = repr(text if len(text) <= 40 else text[:39] + "…")
        raise UsageError(
            f"{shown} is not a time: write 7d for so long ago, today, 2026-11-01 or 2026-11-01T14:00:00Z."
        ) from None
