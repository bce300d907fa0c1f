"""Quiet hours: when an agent wants no mail about what may wait.

Each agent has them for themselves, every day from one time to another of a zone ("22:00-07:00", over midnight too).
What an agent could mute waits in the outbox until they end, and leaves then with whatever else has come up. What
somebody decided that it has to be known does not wait: `notify:` of a rule or macro, an `urgent` step, an escalation to
a supervisor.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tkt.errors import UsageError

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")


def check_hours(text: str) -> str:
    """Hours as they are kept: "22:00-07:00". Raises UsageError for anything else, and for a whole day."""
    found = _HOURS.fullmatch(text.replace(" ", ""))
    if found is None or (found[3] == "24" and found[4] != "00"):
        raise UsageError(f"'{text}' are no quiet hours: write them like 22:00-07:00, or none")
    begin, end = _ends(found[0])
    if begin == end:
        raise UsageError("quiet hours have to end: mute what you never want to hear of")
    return found[0]


def check_zone(name: str) -> str:
    """The name of a time zone. Raises UsageError."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UsageError(f"'{name}' is not a time zone: write one like Europe/Berlin") from None
    return name


def end_of_quiet(hours: str, zone: str, now: datetime) -> datetime | None:
    """When the quiet hours in which `now` lies end (UTC); None outside of them. An end that a clock change skips is at
    the next time there is.
    """
    if not hours:
        return None
    begin, end = _ends(hours)
    here = now.astimezone(ZoneInfo(zone))
    at = here.time().replace(tzinfo=None)
    inside = begin <= at < end if begin < end else at >= begin or at < end
    if not inside:
        return None
    day = here.date() if at < end else here.date() + timedelta(days=1)
    return datetime.combine(day, end, here.tzinfo).astimezone(UTC)


def _ends(hours: str) -> tuple[time, time]:
    begin, end = hours.split("-")
    return time.fromisoformat(begin), time() if end.startswith("24") else time.fromisoformat(end)
