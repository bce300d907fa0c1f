"""The loaded part of a list that may be a million tickets long, the cursor in it, and what of it is on the screen.

Pure: no store, no widget. The rows are a run of the list without gaps; `at_start` and `at_end` say whether there is
more outside it. The cursor belongs to a ticket: when rows come, go or move, it stays with its number.
"""

from __future__ import annotations

from collections.abc import Sequence

from tkt.store.read_tickets import TicketRow

MOST_ROWS = 2000
"""Rows kept; more are dropped at the far side."""
NEAR = 40
"""So few loaded rows ahead of the cursor ask for the next page."""


class Window:
    """Rows, cursor (an index, kept on its ticket) and top (the index of the first row on the screen)."""

    def __init__(self) -> None:
        self.rows: list[TicketRow] = []
        self.at_start = True
        self.at_end = True
        self.cursor = 0
        self.top = 0
        self.height = 1
        self.before = 0
        """How many rows of the list precede the first loaded one; meaningful while `anchored`."""
        self.anchored = True
        self.revision = 0
        """Grows whenever rows come or go, so that an answer that was asked for before can be told."""
        self.gone: frozenset[int] = frozenset()
        """Tickets that left the list under the cursor; they are shown until it moves."""

    @property
    def current(self) -> TicketRow | None:
        return self.rows[self.cursor] if self.rows else None

    @property
    def number(self) -> int | None:
        return self.rows[self.cursor].number if self.rows else None

    @property
    def visible(self) -> list[TicketRow]:
        return self.rows[self.top : self.top + self.height]

    @property
    def position(self) -> int | None:
        """The cursor's place in the whole list from 1, None when rows before the loaded ones were not counted."""
        return self.before + self.cursor + 1 if self.anchored and self.rows else None

    @property
    def wants_more(self) -> bool:
        return not self.at_end and len(self.rows) - max(self.cursor, self.top + self.height) < NEAR

    @property
    def wants_earlier(self) -> bool:
        return not self.at_start and min(self.cursor, self.top) < NEAR

    def show(self, rows: Sequence[TicketRow], *, at_start: bool, at_end: bool, cursor: int = 0, line: int = 0) -> None:
        """A new list; the cursor's row stands on this line of the screen if it can."""
        self.revision += 1
        self.rows = list(rows)
        self.at_start, self.at_end = at_start, at_end
        self.before, self.anchored = 0, at_start
        self.gone = frozenset()
        self.cursor = max(0, min(cursor, len(rows) - 1))
        self.top = max(0, self.cursor - line)
        self._keep_visible()

    def extend(self, rows: Sequence[TicketRow], at_end: bool) -> None:
        """The next page; rows that are already there are left out."""
        self.revision += 1
        known = {row.number for row in self.rows}
        self.rows += [row for row in rows if row.number not in known]
        self.at_end = at_end
        surplus = len(self.rows) - MOST_ROWS
        if surplus > 0 and surplus < self.top:
            del self.rows[:surplus]
            self.at_start = False
            self.before += surplus
            self.cursor -= surplus
            self.top -= surplus

    def extend_back(self, rows: Sequence[TicketRow], at_start: bool) -> None:
        """The page before."""
        self.revision += 1
        known = {row.number for row in self.rows}
        new = [row for row in rows if row.number not in known]
        self.rows[:0] = new
        self.at_start = at_start
        self.cursor += len(new)
        self.top += len(new)
        self.before = 0 if at_start else self.before - len(new)
        self.anchored = at_start or self.anchored
        if len(self.rows) > MOST_ROWS:
            del self.rows[max(MOST_ROWS, self.top + self.height) :]
            self.at_end = False

    def refresh(self, start: int, rows: Sequence[TicketRow], *, at_end: bool, keep: TicketRow | None = None) -> None:
        """What now stands from index `start` on. The cursor's ticket keeps its line on the screen; if it is no longer
        in the list, `keep` (its present row) stays as gone, or without `keep` the cursor goes to who took its place."""
        self.revision += 1
        number, old_cursor, offset = self.number, self.cursor, self.cursor - self.top
        fresh = {row.number for row in rows}
        self.rows = [row for row in self.rows[:start] if row.number not in fresh] + list(rows)
        self.at_end = at_end
        index = self.index_of(number)
        self.gone = frozenset()
        if index is None and keep is not None:
            index = min(old_cursor, len(self.rows))
            self.rows.insert(index, keep)
            self.gone = frozenset((keep.number,))
        self.cursor = max(0, min(old_cursor if index is None else index, len(self.rows) - 1))
        self.top = self.cursor - offset
        self._keep_visible()

    def holds(self, index: int) -> bool:
        """Whether a row of the list is loaded, or there is none there."""
        return (index < len(self.rows) or self.at_end) and (index >= 0 or self.at_start)

    def index_of(self, number: int | None) -> int | None:
        return next((index for index, row in enumerate(self.rows) if row.number == number), None)

    def move_to(self, index: int) -> None:
        """Put the cursor on a loaded row; gone tickets disappear when it leaves them."""
        index = max(0, min(index, len(self.rows) - 1))
        if self.gone and self.rows and self.rows[index].number not in self.gone:
            dropped = [at for at, row in enumerate(self.rows) if row.number in self.gone]
            self.rows = [row for row in self.rows if row.number not in self.gone]
            index -= sum(at < index for at in dropped)
            self.revision += 1
            self.gone = frozenset()
        self.cursor = index
        self._keep_visible()

    def resize(self, height: int) -> None:
        self.height = max(1, height)
        self._keep_visible()

    def _keep_visible(self) -> None:
        lowest = max(0, self.cursor - self.height + 1)
        self.top = max(lowest, min(self.top, self.cursor, max(0, len(self.rows) - self.height)))
