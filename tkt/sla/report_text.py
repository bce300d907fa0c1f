"""The SLA report as lines of text with bars, for a terminal or a mail.

Columns: kept, broken, broken by a change ("change"), open now; median and average open time used.

Every name passes `safe_line`; lines are at most `width` cells (never less than 70 are used).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size

from tkt.safe_text import safe_line
from tkt.sla.open_time import format_open_time
from tkt.sla.report import Breach, Line, Report

NARROWEST = 70
_NAME, _LONGEST_BAR = 17, 40
_EIGHTHS = " ▏▎▍▌▋▊▉"
_TITLES = {"all": "All", "team": "By team", "priority": "By priority", "policy": "By policy"}
_NOBODY = {"team": "no team"}


def lines(found: Report, width: int = 80, zone: str = "UTC") -> Iterator[str]:
    """The whole report; days are those of `zone`."""
    width = max(width, NARROWEST)
    start, end = (moment.astimezone(ZoneInfo(zone)) for moment in (found.start, found.end))
    yield f"SLA report, {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({zone})"
    if found.query:
        yield f"Tickets: {safe_line(found.query)}"
    if not found.lines:
        yield "Nothing was promised in this period."
        return
    yield "Times are open time of the policies' calendars, in hours."
    for dimension, some in groupby(found.lines, key=lambda line: line.dimension):
        yield ""
        yield from _section(dimension, list(some), width)
    yield ""
    yield from _breaches(found.breaches, width, ZoneInfo(zone))


def bar(share: float, cells: int) -> str:
    """A bar of `cells` for 1.0, in eighths of a cell."""
    full, part = divmod(round(share * cells * 8), 8)
    return "█" * full + (_EIGHTHS[part] if part else "")


def _section(dimension: str, some: Sequence[Line], width: int) -> Iterator[str]:
    room = max(0, min(_LONGEST_BAR, width - NARROWEST))
    title = f"{_TITLES[dimension]:<{_NAME}} attained {'':<{room}}"
    yield f"{title}  kept broken change  open  median average"
    for group, of_group in groupby(some, key=lambda line: line.group):
        if dimension != "all":
            yield _cut(safe_line(group) or _NOBODY.get(dimension, "none"), width)
        for line in of_group:
            yield _line(line, room)


def _line(line: Line, room: int) -> str:
    share = "-" if line.attainment is None else f"{line.attainment:.1%}"
    drawn = f"{share:>9} {bar(line.attainment or 0.0, room):<{room}}"
    counts = f"{line.kept:>6} {line.broken:>6} {line.by_change:>6} {line.running:>5}"
    times = f"{_time(line.median_seconds):>7} {_time(line.average_seconds):>7}"
    return f"{'  ' + line.metric:<{_NAME}}{drawn}{counts} {times}"


def _time(seconds: int | None) -> str:
    """In seven cells: from a hundred hours on, minutes don't matter."""
    if seconds is None:
        return "-"
    return format_open_time(seconds if seconds < 360_000 else seconds - seconds % 3600)


def _breaches(breaches: Sequence[Breach], width: int, zone: ZoneInfo) -> Iterator[str]:
    if not breaches:
        yield "No promise was broken."
        return
    yield f"Broken promises ({len(breaches)}), longest overdue first"
    for one in breaches:
        change = ", by change" if one.by_change else ""
        ended = "late" if one.met_at else "late, not met"
        who = safe_line(one.assignee) or "nobody"
        late = f"{format_open_time(one.late_seconds)} of open time {ended}{change}"
        told = f"due {one.due_at.astimezone(zone):%Y-%m-%d %H:%M}, {late}"
        head = f"  #{one.ticket} {one.metric}, {safe_line(one.policy)}, {one.priority}, {who}: {told}"
        yield _cut(head, width)
        yield _cut(f"      {safe_line(one.subject)}", width)


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
