"""The SLA report as one HTML page: no scripts, no images, nothing from elsewhere, so that a mail program shows it.

Styles stand in the tags and bars are cells of a table, because mail programs drop style sheets and drawings. Whatever
has a name is escaped; times, titles and causes are worded as in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape

from tkt.safe_text import safe_line
from tkt.sla.reports import words
from tkt.sla.reports.figures import Line
from tkt.sla.reports.groups import ALL, WEEKDAYS, zone_named
from tkt.sla.reports.report import Breach, Report

_FONT = "font-family:Helvetica,Arial,sans-serif;font-size:14px;color:#222222"
_CELL = "padding:3px 8px;border-bottom:1px solid #e4e4e4;vertical-align:top"
_NUMBER = f"{_CELL};text-align:right;white-space:nowrap"
_GOOD, _BAD, _REST, _HEAD = "#3a8f5c", "#c0504d", "#ededed", "#f5f5f5"
_HEAT = ((0.0, "#d8efdf"), (0.05, "#f7eecb"), (0.2, "#f2cf9c"), (0.5, "#e59a7c"), (1.0, "#c0504d"))
"""A cell's colour by the share broken: none, up to 5 %, 20 %, half, more."""

_KEPT = ("", "attained", "", "kept", "broken", "by change", "open", "overdue")
_TIMES = ("", "average", "median", "p90", "p95", "late (median)", "late (worst)")
_WHY = ("", "share", "", "broken", "time")
_BREACH = ("ticket", "promise", "due", "late", "why", "agent")


def page(found: Report) -> str:
    """The whole report as an HTML document; days are those of the desk's zone."""
    title = f"SLA report, {words.period(found)}"
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f'<title>{escape(title)}</title></head><body style="margin:16px;background:#ffffff;{_FONT}">',
            f'<h1 style="font-size:20px">{escape(title)}</h1>',
            *_body(found),
            "</body></html>",
        )
    )


def _body(found: Report) -> Iterator[str]:
    if found.query:
        yield f"<p>Tickets: <code>{_text(found.query)}</code></p>"
    if not found.lines:
        yield f"<p>{words.NOTHING}</p>"
        return
    yield "<p>Times are open time of the policies' calendars, in hours; in brackets time on the wall.</p>"
    for dimension, some in words.sections(found):
        yield from _section(dimension, some)
    yield from _week(found)
    yield from _breaches(found)


def _section(dimension: str, some: Sequence[Line]) -> Iterator[str]:
    yield f'<h2 style="font-size:16px;margin-top:24px">{escape(words.title(dimension))}</h2>'
    yield from _table(_KEPT, _grouped(some, len(_KEPT), _kept))
    timed = [line for line in some if line.average_seconds is not None or line.late_worst_seconds is not None]
    if timed:
        yield from _table(_TIMES, _grouped(timed, len(_TIMES), _times))
    if any(line.broken for line in some):
        yield '<p style="margin:12px 0 4px"><b>Why promises were broken</b></p>'
        yield from _table(_WHY, _why(some))


def _grouped(some: Sequence[Line], columns: int, cells: Callable[[Line], str]) -> Iterator[str]:
    """A row for each line, under its group's name."""
    for name, of_group in words.by_group(some):
        if of_group[0].dimension != ALL:
            yield _group_row(name, columns)
        for line in of_group:
            yield f'<tr><td style="{_CELL}">{escape(line.metric.replace("_", " "))}</td>{cells(line)}</tr>'


def _group_row(name: str, columns: int) -> str:
    return f'<tr><td colspan="{columns}" style="{_CELL};background:#fafafa"><b>{_text(name)}</b></td></tr>'


def _kept(line: Line) -> str:
    drawn = "" if line.attainment is None else _bar(line.attainment, _GOOD, _BAD)
    counts = (line.kept, line.broken, line.by_change, line.running, line.overdue)
    return f'{_number(words.share(line))}<td style="{_CELL}">{drawn}</td>{"".join(map(_number, counts))}'


def _times(line: Line) -> str:
    used = (line.average_seconds, line.median_seconds, line.p90_seconds, line.p95_seconds)
    wall = (line.average_wall_seconds, line.median_wall_seconds, line.p90_wall_seconds, line.p95_wall_seconds)
    taken = (
        _number("-" if one is None else f"{words.open_time(one)} ({words.wall_time(beside)})")
        for one, beside in zip(used, wall, strict=True)
    )
    late = (line.late_median_seconds, line.late_worst_seconds)
    return "".join((*taken, *(_number(words.open_time(one)) for one in late)))


def _why(some: Sequence[Line]) -> Iterator[str]:
    for name, of_group in words.by_group(some):
        causes = words.merged_causes(of_group)
        if causes and of_group[0].dimension != ALL:
            yield _group_row(name, len(_WHY))
        for one, share in causes:
            told = _text(words.cause_name(one.cause, one.detail))
            numbers = f"{_number(one.breaches)}{_number(words.open_time(one.seconds))}"
            drawn = f'<td style="{_CELL}">{_bar(share, _BAD, _REST)}</td>'
            yield f'<tr><td style="{_CELL}">{told}</td>{_number(f"{share:.1%}")}{drawn}{numbers}</tr>'
        if closed := sum(line.out_of_hours for line in of_group):
            broken = sum(line.broken for line in of_group)
            yield f'<tr><td colspan="{len(_WHY)}" style="{_CELL}">{closed} of {broken} began out of hours</td></tr>'


def _week(found: Report) -> Iterator[str]:
    """How much was broken in each hour of the week, a map for each promise."""
    for metric, cells in words.week(found).items():
        title = f"{metric.replace('_', ' ')} by the hour it began: how much was broken, in percent"
        yield f'<h2 style="font-size:16px;margin-top:24px">{escape(title)}</h2>'
        head = ("", *(f"{hour:02}" for hour in range(24)))
        yield from _table(head, (_day(day, [cells.get((day, hour)) for hour in range(24)]) for day in WEEKDAYS))


def _day(day: str, cells: Sequence[Line | None]) -> str:
    return f'<tr><td style="{_CELL}">{day}</td>{"".join(map(_heat, cells))}</tr>'


def _heat(line: Line | None) -> str:
    if line is None:
        return f'<td style="{_CELL}"></td>'
    broken = 1 - (line.attainment or 0.0)
    colour = next(colour for limit, colour in _HEAT if broken <= limit)
    return f'<td bgcolor="{colour}" style="padding:3px 4px;text-align:center;background:{colour}">{broken:.0%}</td>'


def _breaches(found: Report) -> Iterator[str]:
    if not found.breached:
        yield "<p>No promise was broken.</p>"
        return
    yield f'<h2 style="font-size:16px;margin-top:24px">{escape(words.list_title(found))}</h2>'
    zone = zone_named(found.zone)
    yield from _table(_BREACH, (_breach(one, words.moment(one.due_at, zone)) for one in found.breaches))


def _breach(one: Breach, due: str) -> str:
    promise = f"{one.metric.replace('_', ' ')}, {one.policy}, {one.priority}"
    told = (
        f"#{one.ticket} {one.subject}",
        promise,
        due,
        words.lateness(one),
        words.reason(one),
        one.assignee or "nobody",
    )
    return "<tr>" + "".join(f'<td style="{_CELL}">{_text(text)}</td>' for text in told) + "</tr>"


def _table(head: Sequence[str], rows: Iterable[str]) -> Iterator[str]:
    yield '<table cellpadding="0" cellspacing="0" border="0" style="border-collapse:collapse;margin:4px 0 12px">'
    cells = (f'<th align="left" bgcolor="{_HEAD}" style="{_CELL};background:{_HEAD}">{one}</th>' for one in head)
    yield f"<tr>{''.join(cells)}</tr>"
    yield from rows
    yield "</table>"


def _bar(share: float, colour: str, rest: str) -> str:
    """A bar 120 pixels long, its first part the share."""
    full = round(share * 120)
    parts = ((full, colour), (120 - full, rest))
    cells = "".join(
        f'<td width="{width}" height="12" bgcolor="{paint}" style="width:{width}px;background:{paint};font-size:1px">'
        "&nbsp;</td>"
        for width, paint in parts
        if width
    )
    return f'<table cellpadding="0" cellspacing="0" border="0" width="120"><tr>{cells}</tr></table>'


def _number(value: object) -> str:
    return f'<td align="right" style="{_NUMBER}">{escape(str(value))}</td>'


def _text(text: str) -> str:
    return escape(safe_line(text))
