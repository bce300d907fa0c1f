"""The line at the top (what is shown, where in it, who looks) and the one at the foot (messages, else keys)."""

from __future__ import annotations

from time import monotonic

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from tkt.safe_text import safe_line
from tkt.tui import theme
from tkt.tui.columns import fitted

READING_HINTS = "j k scroll  n N next  r reply  c note  a assign  s status  h history  q back"
HINTS = "enter read  r reply  c note  a assign  t take  s status  / filter  ? help"


class TitleBar(Widget):
    """`left` is cut, `right` never."""

    def __init__(self) -> None:
        super().__init__(id="title")
        self._left = ""
        self._right = ""

    def say(self, left: str, right: str) -> None:
        if (left, right) != (self._left, self._right):
            self._left, self._right = safe_line(left, 300), safe_line(right, 100)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        right = f"{self._right} "
        left = fitted(f" {self._left}", max(0, width - cell_len(right)))
        return Strip([Segment(left + right, theme.TITLE)]).adjust_cell_length(width)


class MessageLine(Widget):
    """One line: the last message until a key is pressed, else what keys there are."""

    def __init__(self) -> None:
        super().__init__(id="message")
        self.text = ""
        self.said_at = 0.0
        """When the message was said, on the clock of `time.monotonic`."""
        self._style = theme.PLAIN
        self.lasting = ""
        """What stands here as long as it is true (the store is away)."""
        self.hints = HINTS

    def say(self, text: str, style: Style = theme.PLAIN) -> None:
        """Show a message; an empty one shows the hints again."""
        text, self.said_at = safe_line(text, 500), monotonic()
        if (text, style) != (self.text, self._style):
            self.text, self._style = text, style
            self.refresh()

    def hush(self, typed_at: float) -> None:
        """A key was pressed at that moment: what was said before has been read."""
        if self.said_at <= typed_at:
            self.say("")

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        text, style = (self.text, self._style) if self.text else (self.lasting or self.hints, theme.DIM)
        if text and text == self.lasting:
            style = theme.ERROR
        return Strip([Segment(fitted(f" {text}", width), style)], width)
