"""The figures of one metric of one group, counted promise by promise.

A promise counts in the period in which it was decided: kept when it was met in time then, broken when its deadline
passed then without it. Attainment = kept / (kept + broken); what a change broke (a higher priority with no time left)
stands apart, and so does what began before the period's end and is open now. Times are those of promises met in the
period, late ones too: open time of their calendar, all cycles, and time on the wall since the first cycle began.

The median of an even number is the mean of the two in the middle; p90 and p95 are nearest ranks: the smallest time that
was enough for so many of a hundred promises, so always the time of a real one (definition 1 of Hyndman and Fan, "Sample
Quantiles in Statistical Packages", The American Statistician 50, 1996; `percentile_disc` of SQL).

Costs: 8 bytes for each time that is kept; two times for a promise met, one for a broken one, in each dimension.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from tkt.sla.reports.causes import Share
from tkt.sla.reports.reading import Period, Promise


class Cause(NamedTuple):
    """Of how many broken promises this was the cause (most of their time went to it), and the open seconds that all of
    the group spent so. `detail` names the team or the status.
    """

    cause: str
    detail: str
    breaches: int
    seconds: int


class Line(NamedTuple):
    """One metric of one group. `attainment` is 0 to 1, None where nothing was decided; times None where nothing was
    met, lateness None where nothing was broken.

    `overdue`: how many of those broken (by a change too) are open to this day. `out_of_hours`: how many of those broken
    began while their calendar was closed. Lateness and causes leave out what a change broke.
    """

    dimension: str
    group: str
    metric: str
    attainment: float | None
    kept: int
    broken: int
    by_change: int
    running: int
    average_seconds: int | None
    median_seconds: int | None
    average_wall_seconds: int | None
    median_wall_seconds: int | None
    overdue: int
    p90_seconds: int | None
    p95_seconds: int | None
    p90_wall_seconds: int | None
    p95_wall_seconds: int | None
    late_median_seconds: int | None
    late_worst_seconds: int | None
    out_of_hours: int
    causes: tuple[Cause, ...]


class Late(NamedTuple):
    """How a promise was broken: open seconds beyond its deadline, whether it began out of hours, where its time went
    (the largest share first).
    """

    seconds: int
    out_of_hours: bool
    shares: tuple[Share, ...]


class Tally:
    """Counts the promises of one metric of one group."""

    def __init__(self) -> None:
        self.kept = self.broken = self.by_change = self.running = self.overdue = self.out_of_hours = 0
        self.used, self.wall, self.late = array("q"), array("q"), array("q")
        self.causes: dict[tuple[str, str], list[int]] = {}

    def add(self, one: Promise, period: Period, late: Late | None) -> None:
        """Count a promise; `late` where it was broken in the period."""
        self.running += one.is_open
        if period.holds(one.met_at):
            self.kept += one.state == "met"
            self.used.append(one.carried_seconds + one.used_seconds)
            self.wall.append(one.wall_seconds)
        if late is not None:
            self.overdue += one.ended_at is None
            if one.by_change:
                self.by_change += 1
            else:
                self._break(late)

    def _break(self, late: Late) -> None:
        self.broken += 1
        self.out_of_hours += late.out_of_hours
        self.late.append(late.seconds)
        for place, share in enumerate(late.shares):
            counted = self.causes.setdefault((share.cause, share.detail), [0, 0])
            counted[0] += place == 0
            counted[1] += share.seconds

    def line(self, dimension: str, group: str, metric: str) -> Line:
        """The line of this group's metric."""
        decided = self.kept + self.broken
        used, wall, late = sorted(self.used), sorted(self.wall), sorted(self.late)
        return Line(
            dimension,
            group,
            metric,
            attainment=round(self.kept / decided, 4) if decided else None,
            kept=self.kept,
            broken=self.broken,
            by_change=self.by_change,
            running=self.running,
            average_seconds=_average(used),
            median_seconds=_median(used),
            average_wall_seconds=_average(wall),
            median_wall_seconds=_median(wall),
            overdue=self.overdue,
            p90_seconds=percentile(used, 90),
            p95_seconds=percentile(used, 95),
            p90_wall_seconds=percentile(wall, 90),
            p95_wall_seconds=percentile(wall, 95),
            late_median_seconds=_median(late),
            late_worst_seconds=late[-1] if late else None,
            out_of_hours=self.out_of_hours,
            causes=self._causes(),
        )

    def _causes(self) -> tuple[Cause, ...]:
        told = [Cause(*name, *counted) for name, counted in self.causes.items()]
        return tuple(sorted(told, key=lambda one: (-one.breaches, -one.seconds, one.cause, one.detail)))


def percentile(values: Sequence[int], percent: int) -> int | None:
    """The nearest rank in sorted values: the smallest one that at least `percent` of a hundred don't exceed."""
    return values[-(-len(values) * percent // 100) - 1] if values else None


def _average(values: Sequence[int]) -> int | None:
    return round(sum(values) / len(values)) if values else None


def _median(values: Sequence[int]) -> int | None:
    return round(median(values)) if values else None
