"""The list of tickets on the screen: draws the loaded part of a list of any length, line by line.

The list is read by key, so its length is unknown and there is nothing for a scroll bar to measure: the widget keeps its
own `Window` (what is loaded, cursor, top line) and repaints only lines that change.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tkt.safe_text import safe_line
from tkt.tui import theme
from tkt.tui.columns import Context, age_of, deadline, fitted, layout
from tkt.tui.window import Window

WAITING = "Reading the desk …"


class QueueList(Widget):
    """Draws a `Window`. `says` is shown instead of rows: while nothing is read yet, or nothing is there."""

    def __init__(self) -> None:
        super().__init__(id="queue")
        self.window = Window()
        self.says: tuple[str, ...] = (WAITING,)
        self.context = Context(0)
        self._layout = layout(80)
        self._drawn: dict[int, tuple[int, str, str]] = {}

    def on_resize(self) -> None:
        self.window.resize(self.size.height - 1)
        self._choose_columns()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return Strip(self._layout.heads(), width).crop(0, width)
        index = self.window.top + y - 1
        if index >= len(self.window.rows):
            return self._word(y, width)
        row = self.window.rows[index]
        self._drawn[y] = row.number, deadline(row, self.context).text, age_of(row, self.context).text
        current = index == self.window.cursor
        return Strip(self._layout.line(row, self.context, current)).crop(0, width)

    def _word(self, y: int, width: int) -> Strip:
        self._drawn.pop(y, None)
        line = y - 2
        if self.window.rows or not 0 <= line < len(self.says):
            return Strip.blank(width)
        return Strip([Segment(fitted(f"  {safe_line(self.says[line])}", width), theme.PLAIN)], width)

    def show(self) -> None:
        """Draw the window anew; only cells that differ reach the terminal."""
        self._choose_columns()
        self.refresh()

    def moved(self, cursor: int, top: int) -> None:
        """The cursor was on row `cursor` while `top` was the first line's row: repaint what differs."""
        if top != self.window.top or self.window.gone:
            self.refresh()
            return
        self.repaint({cursor, self.window.cursor})

    def repaint(self, indexes: set[int]) -> None:
        """Repaint the lines of these rows, where they are on the screen."""
        lines = [index - self.window.top + 1 for index in indexes]
        regions = [Region(0, y, self.size.width, 1) for y in lines if 0 < y < self.size.height]
        if regions:
            self.refresh(*regions)

    def tick(self, context: Context) -> None:
        """Time has passed: repaint the lines whose words it changed."""
        self.context = context
        stale = set()
        for index, row in enumerate(self.window.visible, self.window.top):
            now = row.number, deadline(row, context).text, age_of(row, context).text
            if self._drawn.get(index - self.window.top + 1) not in (None, now):
                stale.add(index)
        self.repaint(stale)

    def _choose_columns(self) -> None:
        largest = max((row.number for row in self.window.visible), default=0)
        chosen = layout(self.size.width, len(str(largest)))
        if chosen != self._layout:
            self._layout = chosen
            self.refresh()
