"""One ticket as one line: which columns fit a width, what stands in each, and in which colour.

Promises: a line is exactly as wide as asked (in cells: Chinese is two), strangers' text passes `safe_line`, and
whatever a colour says a word or a sign says too, so that a monochrome terminal shows the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from tkt.safe_text import safe_line
from tkt.store.read_tickets import TicketRow
from tkt.times import age
from tkt.tui import theme

SECOND = 1_000_000
SOON = 3600
"""Seconds before a deadline from which it is shown as near."""

WIDE_FROM = 140
"""Columns of a list in which names need not be cut short."""

MARKED, UNREAD, UNDELIVERED, DRAFT, MINE, TAKEN, GONE = "✓", "●", "✗", "✎", "@", "·", "†"


class Context(NamedTuple):
    """What a line depends on besides its ticket. `now` in microseconds UTC, `drafts` are kinds by ticket, `names` those
    of agents and teams, whom notes may mention."""

    now: int
    me: str = ""
    marked: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()
    drafts: Mapping[int, Sequence[str]] = MappingProxyType({})
    names: Sequence[str] = ()


class Cell(NamedTuple):
    text: str
    style: Style = theme.PLAIN


class Column(NamedTuple):
    """`from_width` is the narrowest list that shows it; `wide` is its width in lists that have room."""

    head: str
    width: int
    wide: int
    from_width: int
    cell: Callable[[TicketRow, Context], Cell]
    right: bool = False


def marks(row: TicketRow, context: Context) -> Cell:
    """Marked, unread or gone, undelivered or with a draft, whose."""
    owner = " " if not row.assignee else MINE if row.assignee == context.me else TAKEN
    news = GONE if row.number in context.gone else UNREAD if row.unread else " "
    text = UNDELIVERED if row.undelivered else DRAFT if row.number in context.drafts else " "
    text = (MARKED if row.number in context.marked else " ") + news + text + owner
    style = theme.LATE if row.undelivered else theme.MARK if row.number in context.marked else theme.UNREAD
    return Cell(text, style)


def number(row: TicketRow, _context: Context) -> Cell:
    return Cell(str(row.number), theme.NUMBER)


def subject(row: TicketRow, _context: Context) -> Cell:
    return Cell(safe_line(row.subject, 300) or "(no subject)", theme.UNREAD if row.unread else theme.PLAIN)


def requester(row: TicketRow, _context: Context) -> Cell:
    return Cell(safe_line(row.requester_name or row.requester_email, 80), theme.DIM)


def team(row: TicketRow, _context: Context) -> Cell:
    return Cell(safe_line(row.team, 40), theme.DIM)


def assignee(row: TicketRow, context: Context) -> Cell:
    return Cell(safe_line(row.assignee, 40) or "-", theme.MINE if row.assignee == context.me else theme.PLAIN)


def status(row: TicketRow, _context: Context) -> Cell:
    return Cell(safe_line(row.status, 40), theme.STATUS.get(row.status_kind, theme.PLAIN))


def priority(row: TicketRow, _context: Context) -> Cell:
    shown = {"urgent": "URG!", "normal": "-"}.get(row.priority, row.priority)
    return Cell(shown, theme.PRIORITY.get(row.priority, theme.PLAIN))


def age_of(row: TicketRow, context: Context) -> Cell:
    return Cell(age(max(0, context.now - row.created_at) // SECOND), theme.DIM)


def deadline(row: TicketRow, context: Context) -> Cell:
    """Time left, counting down; `!` when near, `late` with the time since when missed, `breach` when a promise was
    broken and nothing is due any more."""
    if row.status_kind in ("resolved", "closed") or row.due_at is None:
        return Cell("breached", theme.DIM) if row.breached else Cell("-", theme.DIM)
    left = (row.due_at - context.now) // SECOND
    if left < 0:
        return Cell(f"late {age(-left)}", theme.LATE)
    broken = "x " if row.breached else ""
    if left < SOON:
        return Cell(f"{broken}! {_short(left)}", theme.LATE if row.breached else theme.SOON)
    return Cell(broken + _short(left), theme.LATE if row.breached else theme.IN_TIME)


def _short(seconds: int) -> str:
    """At most six cells: `45s`, `12m`, `3h 05m`, `2d 4h`, `40d`."""
    if seconds < 120:
        return f"{seconds // 5 * 5}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    if seconds < 86400:
        return f"{seconds // 3600}h{seconds % 3600 // 60:02}m"
    days, hours = seconds // 86400, seconds % 86400 // 3600
    return f"{days}d{hours}h" if days < 100 else f"{days}d"


COLUMNS = (
    Column("", 4, 4, 0, marks),
    Column("#", 3, 6, 0, number, right=True),
    Column("SUBJECT", 0, 0, 0, subject),
    Column("FROM", 12, 20, 54, requester),
    Column("TEAM", 9, 10, 100, team),
    Column("ASSIGNEE", 8, 10, 86, assignee),
    Column("STATUS", 8, 9, 62, status),
    Column("PRIO", 4, 4, 46, priority),
    Column("AGE", 4, 4, 74, age_of, right=True),
    Column("DEADLINE", 8, 9, 0, deadline, right=True),
)


class Layout(NamedTuple):
    """The columns of one width, with their widths in cells."""

    columns: tuple[tuple[Column, int], ...]

    def heads(self) -> list[Segment]:
        return _line([(Cell(column.head, theme.HEAD), column, width) for column, width in self.columns], theme.HEAD)

    def line(self, row: TicketRow, context: Context, current: bool) -> list[Segment]:
        """The ticket's line; the one under the cursor is reversed as a whole."""
        cells = [(column.cell(row, context), column, width) for column, width in self.columns]
        if row.number in context.gone:
            cells = [(Cell(cell.text, theme.DIM), column, width) for cell, column, width in cells]
        if not current:
            return _line(cells, theme.PLAIN)
        text = "".join(segment.text for segment in _line(cells, theme.PLAIN))
        return [Segment(text, theme.CURRENT)]


def layout(width: int, number_width: int = 1) -> Layout:
    """Choose columns for a list of this width; what is left belongs to the subject."""
    chosen = [
        (column, max(number_width if column.head == "#" else 0, column.wide if width >= WIDE_FROM else column.width))
        for column in COLUMNS
        if width >= column.from_width
    ]
    rest = width - sum(size for _, size in chosen) - (len(chosen) - 1)
    return Layout(tuple((column, max(4, rest) if column.head == "SUBJECT" else size) for column, size in chosen))


def _line(cells: Sequence[tuple[Cell, Column, int]], between: Style) -> list[Segment]:
    found: list[Segment] = []
    for index, (cell, column, width) in enumerate(cells):
        if index:
            found.append(Segment(" ", between))
        found.append(Segment(fitted(cell.text, width, column.right), cell.style))
    return found


def fitted(text: str, width: int, right: bool = False) -> str:
    """Exactly `width` cells: padded, or cut with an ellipsis."""
    size = cell_len(text)
    if size > width:
        return set_cell_size(set_cell_size(text, max(0, width - 1)).rstrip() + "…", width)
    return " " * (width - size) + text if right else text + " " * (width - size)
