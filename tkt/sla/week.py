"""One week of real time and the spans of it that are open.

A calendar cuts time into weeks of exactly 604,800 s, counted from 1970-01-01 UTC, and knows each week by one
`Week`. Everything here is whole microseconds since the week began, so the arithmetic is exact. A `Week` never
changes; weeks that look alike share one.

Leaves to others: which spans are open (`tkt.sla.calendar`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

SECOND = 1_000_000
DAY = 86_400 * SECOND
WEEK = 7 * DAY

Span = tuple[int, int]
"""A piece of time in microseconds: the first moment in it, the first moment after it."""


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same time as sorted spans that neither overlap nor touch."""
    result: list[Span] = []
    for opens, closes in sorted(spans):
        if result and opens <= result[-1][1]:
            result[-1] = (result[-1][0], max(closes, result[-1][1]))
        else:
            result.append((opens, closes))
    return result


class Week:
    """The open spans of one week, with the open time that lies before each.

    `opens`, `closes` and `before` run in parallel; `total` is the open time of the whole week.
    """

    __slots__ = ("before", "closes", "opens", "total")

    def __init__(self, spans: Iterable[Span]) -> None:
        self.opens: list[int] = []
        self.closes: list[int] = []
        self.before: list[int] = []
        self.total = 0
        for opens, closes in joined(spans):
            self.opens.append(opens)
            self.closes.append(closes)
            self.before.append(self.total)
            self.total += closes - opens

    def elapsed(self, at: int) -> int:
        """The open time between the start of the week and `at`."""
        last = bisect_right(self.opens, at) - 1
        if last < 0:
            return 0
        closes = self.closes[last]
        return self.before[last] + (at if at < closes else closes) - self.opens[last]

    def earliest(self, elapsed: int) -> int:
        """The first moment by which `elapsed` has passed; 0 < elapsed <= total."""
        span = bisect_left(self.before, elapsed) - 1
        return self.opens[span] + elapsed - self.before[span]

    def latest(self, elapsed: int) -> int:
        """The last moment by which no more than `elapsed` has passed; 0 <= elapsed < total."""
        span = bisect_right(self.before, elapsed) - 1
        return self.opens[span] + elapsed - self.before[span]

    def is_open(self, at: int) -> bool:
        """Whether `at` lies in a span; the moment of closing does not."""
        last = bisect_right(self.opens, at) - 1
        return last >= 0 and at < self.closes[last]

    def next_open(self, at: int) -> int | None:
        """The first open moment from `at` on, or None if the week has no more."""
        span = bisect_right(self.closes, at)
        return max(at, self.opens[span]) if span < len(self.opens) else None


CLOSED = Week(())
