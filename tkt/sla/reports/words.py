"""The words that every form of the SLA report uses: titles, names of groups, causes and times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from itertools import groupby

from tkt.safe_text import safe_line
from tkt.sla.open_time import format_open_time
from tkt.sla.reports.figures import Cause, Line
from tkt.sla.reports.groups import ALL, HEAT, zone_named
from tkt.sla.reports.report import Breach, Report
from tkt.store.constants import METRICS
from tkt.times import format_duration

NOTHING = "Nothing was promised in this period."

_TITLES = {
    ALL: "All",
    "customer.tier": "By tier",
    "hour": "By hour of the beginning",
    "weekday": "By weekday of the beginning",
}
_NOBODY = {"team": "no team", "agent": "nobody"}
_CAUSES = {
    "waiting": "waited, not paused",
    "reopened": "reopened",
    "team": "waited in team",
    "assignment": "waited for assignment",
    "handover": "after a hand-over",
    "agent": "at its agent",
}


def title(dimension: str) -> str:
    return _TITLES.get(dimension, f"By {dimension}")


def group_name(line: Line) -> str:
    """The group in words; empty where there is only one."""
    if line.dimension == ALL:
        return ""
    if line.dimension == "hour":
        return f"{line.group}:00"
    return safe_line(line.group) or _NOBODY.get(line.dimension, "none")


def cause_name(cause: str, detail: str) -> str:
    if cause == "waiting":
        return f"{_CAUSES[cause]} ({safe_line(detail)})"
    return " ".join(filter(None, (_CAUSES[cause], safe_line(detail))))


def period(found: Report) -> str:
    """From when to when, in the desk's zone."""
    zone = zone_named(found.zone)
    start, end = (moment.astimezone(zone) for moment in (found.start, found.end))
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({found.zone})"


def headline(found: Report) -> str:
    """One line for the subject of a mail: what was kept of each promise."""
    zone = zone_named(found.zone)
    start, end = (moment.astimezone(zone) for moment in (found.start, found.end))
    kept = [f"{one.metric.replace('_', ' ')} {share(one)}" for one in found.lines if one.dimension == ALL]
    return f"SLA report {start:%Y-%m-%d} to {end:%Y-%m-%d}: {', '.join(kept) or 'nothing was promised'}"


def sections(found: Report) -> Iterator[tuple[str, list[Line]]]:
    """The tables of the report: a dimension and its lines. The week's hours stand for the hour and the weekday where
    both were asked for; they are no table.
    """
    drawn = {"hour", "weekday", HEAT} if any(one.dimension == HEAT for one in found.lines) else set()
    for dimension, some in groupby(found.lines, key=lambda line: line.dimension):
        if dimension not in drawn:
            yield dimension, list(some)


def by_group(some: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:
    """The groups of a section: their names and lines."""
    for _, of_group in groupby(some, key=lambda line: line.group):
        lines = list(of_group)
        yield group_name(lines[0]), lines


def week(found: Report) -> dict[str, dict[tuple[str, int], Line]]:
    """By metric the line of each hour of the week in which something was decided."""
    cells: dict[str, dict[tuple[str, int], Line]] = {}
    for line in found.lines:
        if line.dimension == HEAT and line.attainment is not None:
            day, hour = line.group.split()
            cells.setdefault(line.metric, {})[day, int(hour)] = line
    return {metric: cells[metric] for metric in METRICS if metric in cells}


def share(line: Line) -> str:
    return "-" if line.attainment is None else f"{line.attainment:.1%}"


def open_time(seconds: int | None) -> str:
    """From a hundred hours on, minutes don't matter."""
    if seconds is None:
        return "-"
    return format_open_time(seconds if seconds < 360_000 else seconds - seconds % 3600)


def wall_time(seconds: int | None) -> str:
    return "-" if seconds is None else format_duration(seconds)


def merged_causes(some: Sequence[Line]) -> list[tuple[Cause, float]]:
    """The causes of a group, all metrics together, each with its share of the broken promises; the commonest first."""
    sums: dict[tuple[str, str], list[int]] = {}
    for line in some:
        for one in line.causes:
            counted = sums.setdefault((one.cause, one.detail), [0, 0])
            counted[0] += one.breaches
            counted[1] += one.seconds
    broken = sum(line.broken for line in some)
    told = [Cause(*name, *counted) for name, counted in sums.items()]
    told.sort(key=lambda one: (-one.breaches, -one.seconds, one.cause, one.detail))
    return [(one, one.breaches / broken) for one in told]


def list_title(found: Report) -> str:
    """Of how many broken promises the list holds how many."""
    shown = f", {len(found.breaches):,} of them here" if len(found.breaches) < found.breached else ""
    return f"Broken promises ({found.breached:,}{shown}), longest overdue first"


def lateness(breach: Breach) -> str:
    late = f"{open_time(breach.late_seconds)} of open time late"
    ended = "" if breach.met_at else ", still open" if breach.is_open else ", not met"
    return late + ended


def reason(breach: Breach) -> str:
    """The cause, or the change that broke it."""
    if breach.by_change:
        return f"broken by a change: {safe_line(breach.change)}" if breach.change else "broken by a change"
    return "; ".join(f"{cause_name(one.cause, one.detail)} {open_time(one.seconds)}" for one in breach.shares[:3])


def moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
