"""The ticket being read: right of the list, below it, or on the whole screen. Draws prepared lines and scrolls them."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tkt.safe_text import safe_line
from tkt.tui import theme
from tkt.tui.columns import Context, fitted
from tkt.tui.conversation_text import Line, Page, conversation_page, history_page, promises_page
from tkt.tui.source import CONVERSATION, HISTORY, PROMISES, Reading

EDGE = "│"
STICKY_FROM = 16
"""Lines of a pane in which the ticket's facts stay on top while the conversation scrolls."""


class ReadingPane(Widget):
    """Shows one `Reading`. `beside` draws an edge on the left instead of a line on top."""

    def __init__(self) -> None:
        super().__init__(id="reading")
        self.reading: Reading | None = None
        self.says = ""
        self.beside = False
        self.unfolded = False
        self.aspect = CONVERSATION
        self.context: Callable[[], Context] = lambda: Context(0)
        self._sticky: list[Line] = []
        self._lines: list[Line] = []
        self._top = 0

    @property
    def unread(self) -> bool:
        """Whether nobody has read the ticket that is shown, as far as its row says."""
        return self.reading is not None and self.reading.row.unread

    @property
    def lines_shown(self) -> int:
        return max(1, self.size.height - 1 - len(self._sticky))

    def show(self, reading: Reading | None, says: str = "") -> None:
        """Another ticket, or its newer state: of the same ticket, the place that is read is kept."""
        same = reading is not None and self.reading is not None and reading.row.number == self.reading.row.number
        grown = (
            same
            and reading is not None
            and self.reading is not None
            and (len(reading.messages) != len(self.reading.messages))
        )
        self.reading, self.says = reading, says
        self._lay_out(keep=same and not grown)

    def lay_out(self) -> None:
        """Width, folding or the page's kind has changed."""
        self._lay_out(keep=False)

    def _lay_out(self, keep: bool) -> None:
        page = self._made()
        tall = self.size.height >= STICKY_FROM
        self._sticky = [*page.facts, []] if tall else []
        self._lines = page.lines if tall or not page.facts else [*page.facts, [], *page.lines]
        if not keep:
            offset = len(self._lines) - len(page.lines)
            self._top = page.starts[-1] + offset if page.starts else 0
        self._limit()
        self.refresh()

    def _made(self) -> Page:
        if self.reading is None:
            return Page([], [[Segment(self.says, theme.DIM)]] if self.says else [], [])
        width = self.size.width - (2 if self.beside else 0)
        if self.aspect == HISTORY:
            return history_page(self.reading, width, self.context())
        if self.aspect == PROMISES:
            return promises_page(self.reading, width, self.context())
        return conversation_page(self.reading, width, self.context(), self.unfolded)

    def _limit(self) -> None:
        self._top = max(0, min(self._top, len(self._lines) - self.lines_shown))

    def scroll_by(self, lines: int) -> None:
        before = self._top
        self._top += lines
        self._limit()
        if self._top != before:
            self.refresh()

    def scroll_to_edge(self, end: bool) -> None:
        self.scroll_by(len(self._lines) * (1 if end else -1))

    def on_resize(self) -> None:
        self._lay_out(keep=self.reading is not None)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return Strip([Segment(self._head(width), theme.HEAD)], width)
        line = self._line(y - 1)
        if self.beside:
            line.insert(0, Segment(f"{EDGE} ", theme.DIM))
        return Strip(line).adjust_cell_length(width)

    def _line(self, y: int) -> Line:
        if y < len(self._sticky):
            return list(self._sticky[y])
        index = self._top + y - len(self._sticky)
        return list(self._lines[index]) if index < len(self._lines) else []

    def _head(self, width: int) -> str:
        left = EDGE + " " if self.beside else ""
        if self.reading is not None:
            subject = safe_line(self.reading.row.subject, 300)
            what = subject if self.aspect == CONVERSATION else self.aspect
            left += f"#{self.reading.row.number} {what}"
        above, below = self._top, max(0, len(self._lines) - self._top - self.lines_shown)
        right = f"{f' ↑{above}' if above else ''}{f' ↓{below}' if below else ''}"
        return fitted(left, max(0, width - len(right))) + right
