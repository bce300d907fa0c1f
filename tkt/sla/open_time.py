"""How open time is written: in hours, never in days.

A day of an office has eight hours: "1d" of open time would be read as tomorrow where three working days are meant.
Pure; imports nothing, since every command that shows a ticket needs it.
"""

from __future__ import annotations


def format_open_time(seconds: int) -> str:
    """`24h`, `31h 30m`, `5m 10s`: the largest unit up to hours and the one below it, cut; negative ones get a `-`."""
    sign, rest = ("-", -seconds) if seconds < 0 else ("", seconds)
    (large, small), size = (("h", "m"), 3600) if rest >= 3600 else (("m", "s"), 60)
    first, second = rest // size, rest % size * 60 // size
    parts = [f"{first}{large}"] * bool(first) + [f"{second}{small}"] * bool(second)
    return sign + (" ".join(parts) or "0s")
