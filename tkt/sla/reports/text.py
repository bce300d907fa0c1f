"""The SLA report as lines of text with bars, for a terminal or a mail.

Of each dimension three tables: how much was kept; how long it took, in open time and on the wall, and how late what was
broken is; why it was broken. Hours and weekdays together are drawn as a week. Every name passes `safe_line`; lines are
at most `width` cells (never less than 70 are used).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from tkt.safe_text import safe_line
from tkt.sla.reports import words
from tkt.sla.reports.figures import Line
from tkt.sla.reports.groups import ALL, WEEKDAYS, zone_named
from tkt.sla.reports.report import Report

NARROWEST = 70
_NAME, _CAUSE, _LONGEST_BAR = 17, 34, 40
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SHADES = ((0.0, "·"), (0.05, "░"), (0.2, "▒"), (0.5, "▓"), (1.0, "█"))
"""What a cell of the week shows, by the share broken: none, up to 5 %, 20 %, half, more."""


def lines(found: Report, width: int = 80) -> Iterator[str]:
    """The whole report; days are those of the desk's zone."""
    width = max(width, NARROWEST)
    yield f"SLA report, {words.period(found)}"
    if found.query:
        yield _cut(f"Tickets: {safe_line(found.query)}", width)
    if not found.lines:
        yield words.NOTHING
        return
    yield "Times are open time of the policies' calendars, in hours."
    for dimension, some in words.sections(found):
        yield from _section(dimension, some, width)
    yield from _week(found)
    yield ""
    yield from _breaches(found, width)


def bar(share: float, cells: int) -> str:
    """A bar of `cells` for 1.0, in eighths of a cell."""
    full, part = divmod(round(share * cells * 8), 8)
    return "█" * full + (_EIGHTHS[part] if part else "")


def _section(dimension: str, some: Sequence[Line], width: int) -> Iterator[str]:
    room = max(0, min(_LONGEST_BAR, width - 63))
    title = words.title(dimension)
    head = f"{'kept':>7}{'broken':>7}{'change':>7}{'open':>7}{'overdue':>8}"
    yield from _table(f"{title:<{_NAME}} attained {'':<{room}}{head}", some, width, lambda line: [_kept(line, room)])
    timed = [line for line in some if line.average_seconds is not None or line.late_worst_seconds is not None]
    if timed:
        head = f"{'average':>9}{'median':>9}{'p90':>9}{'p95':>9}{'late':>8}{'worst':>8}"
        yield from _table(f"{'Time taken':<{_NAME}}{head}", timed, width, _times)
    yield from _why(some, width)


def _table(head: str, some: Sequence[Line], width: int, told: Callable[[Line], list[str]]) -> Iterator[str]:
    yield ""
    yield head
    for name, of_group in words.by_group(some):
        if of_group[0].dimension != ALL:
            yield _cut(name, width)
        for line in of_group:
            yield from told(line)


def _kept(line: Line, room: int) -> str:
    drawn = f"{words.share(line):>9} {bar(line.attainment or 0.0, room):<{room}}"
    counts = f"{line.kept:>7}{line.broken:>7}{line.by_change:>7}{line.running:>7}{line.overdue:>8}"
    return f"{'  ' + line.metric:<{_NAME}}{drawn}{counts}"


def _times(line: Line) -> list[str]:
    used = (line.average_seconds, line.median_seconds, line.p90_seconds, line.p95_seconds)
    late = (line.late_median_seconds, line.late_worst_seconds)
    wall = (line.average_wall_seconds, line.median_wall_seconds, line.p90_wall_seconds, line.p95_wall_seconds)
    columns = [f"{words.open_time(one):>9}" for one in used] + [f"{words.open_time(one):>8}" for one in late]
    told = [f"{'  ' + line.metric:<{_NAME}}{''.join(columns)}"]
    if line.average_wall_seconds is not None:
        told.append(f"{'    on the wall':<{_NAME}}{''.join(f'{words.wall_time(one):>9}' for one in wall)}")
    return told


# --- why --------------------------------------------------------------------------------------------------------------


def _why(some: Sequence[Line], width: int) -> Iterator[str]:
    if not any(line.broken for line in some):
        return
    room = max(0, min(_LONGEST_BAR, width - _CAUSE - 27))
    yield ""
    yield f"{'Why promises were broken':<{_CAUSE}} {'':<{room}} {'share':>7}{'broken':>8}{'time':>9}"
    for name, of_group in words.by_group(some):
        causes = words.merged_causes(of_group)
        if causes and of_group[0].dimension != ALL:
            yield _cut(name, width)
        for one, share in causes:
            cause = _padded(f"  {words.cause_name(one.cause, one.detail)}", _CAUSE)
            counts = f"{share:>7.1%}{one.breaches:>8}{words.open_time(one.seconds):>9}"
            yield f"{cause} {bar(share, room):<{room}} {counts}"
        if closed := sum(line.out_of_hours for line in of_group):
            yield f"  {closed} of {sum(line.broken for line in of_group)} began out of hours"


# --- the week ---------------------------------------------------------------------------------------------------------


def _week(found: Report) -> Iterator[str]:
    """How much was broken in each hour of the week, a map for each promise."""
    for metric, cells in words.week(found).items():
        yield ""
        yield f"{metric} by the hour it began: how much was broken"
        yield "      " + "  ".join(f"{hour:02}" for hour in range(0, 24, 2))
        for day in WEEKDAYS:
            drawn = (_shade(cells[day, hour]) if (day, hour) in cells else "  " for hour in range(24))
            yield f"  {day} {''.join(drawn)}".rstrip()
        yield "  ·· none  ░░ up to 5%  ▒▒ up to 20%  ▓▓ up to half  ██ more"


def _shade(line: Line) -> str:
    broken = 1 - (line.attainment or 0.0)
    return next(sign for limit, sign in _SHADES if broken <= limit) * 2


# --- the list ---------------------------------------------------------------------------------------------------------


def _breaches(found: Report, width: int) -> Iterator[str]:
    if not found.breached:
        yield "No promise was broken."
        return
    yield words.list_title(found)
    zone = zone_named(found.zone)
    for one in found.breaches:
        who = safe_line(one.assignee) or "nobody"
        head = f"  #{one.ticket} {one.metric}, {safe_line(one.policy)}, {one.priority}, {who}: {safe_line(one.subject)}"
        yield _cut(head, width)
        yield _cut(f"      due {words.moment(one.due_at, zone)}, {words.lateness(one)}", width)
        yield _cut(f"      {words.reason(one)}", width)


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def _padded(text: str, width: int) -> str:
    return set_cell_size(_cut(text, width), width)
