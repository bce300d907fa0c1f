"""Open time in words."""

from __future__ import annotations

import pytest

from tkt.sla.open_time import format_open_time


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"), (9, "9s"), (60, "1m"), (310, "5m 10s"), (3600, "1h"), (3659, "1h"), (5400, "1h 30m"),
        (86_400, "24h"), (113_400, "31h 30m"), (604_800, "168h"), (-5400, "-1h 30m"),
    ],
)  # fmt: skip
def test_hours_are_never_made_days(seconds: int, text: str) -> None:
    assert format_open_time(seconds) == text
