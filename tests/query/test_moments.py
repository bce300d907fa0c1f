"""Times in queries: older and younger, whole days in the desk's zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tkt.query.language import Term, parse
from tkt.query.moments import span
from tkt.times import to_micros

NOW = to_micros(datetime(2026, 11, 1, 12, 0, tzinfo=UTC))
HOUR = 3_600_000_000


def meant(text: str, zone: str = "UTC") -> tuple[float | None, float | None]:
    """The span in hours from noon."""
    tree = parse(text)
    assert isinstance(tree, Term)
    begin, end = span(tree, NOW, zone)
    return (None if begin is None else (begin - NOW) / HOUR, None if end is None else (end - NOW) / HOUR)


def test_durations_are_ages_of_the_past_and_distances_to_a_deadline() -> None:
    tiny = 1 / HOUR
    assert meant("created>7d") == (None, -168)
    assert meant("created>=7d") == (None, -168 + tiny)
    assert meant("updated<1h") == (-1 + tiny, None)
    assert meant("updated<=1h") == (-1, None)
    assert meant("due<2h") == (None, 2)
    assert meant("due<=2h") == (None, 2 + tiny)
    assert meant("due>2h") == (2 + tiny, None)
    assert meant("due>=2h") == (2, None)


@pytest.mark.parametrize(
    ("text", "zone", "hours"),
    [
        ("created<2026-11-01", "UTC", (None, -12)),
        ("created<=2026-11-01", "UTC", (None, 12)),
        ("created>2026-11-01", "UTC", (12, None)),
        ("created>=2026-11-01", "UTC", (-12, None)),
        ("created:2026-11-01", "UTC", (-12, 12)),
        ("created:2026-11-01", "Europe/Berlin", (-13, 11)),
        ("created:today", "Asia/Tokyo", (-21, 3)),
        ("created:yesterday", "UTC", (-36, -12)),
        ("due:tomorrow", "UTC", (12, 36)),
        ("created:2026-10-25", "Europe/Berlin", (-182, -157)),
        ("created>=2026-11-01T13:30", "Europe/Berlin", (0.5, None)),
        ("created>=2026-11-01t13:00z", "Europe/Berlin", (1, None)),
        ("created>=2026-11-01T13:00+02:00", "UTC", (-1, None)),
        ('created>="2026-11-01 13:00"', "UTC", (1, None)),
    ],
)
def test_days_are_those_of_the_desk(text: str, zone: str, hours: tuple[float | None, float | None]) -> None:
    assert meant(text, zone) == hours
