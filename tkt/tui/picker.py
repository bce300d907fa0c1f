"""A short list to choose one word from: typing narrows it, enter takes the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tkt.safe_text import safe_line
from tkt.tui import theme
from tkt.tui.columns import fitted

MOST_LINES = 9


class Choice(NamedTuple):
    word: str
    help: str = ""


class Picker(Widget, can_focus=True):
    """Opened by `ask`; tells `Picked`, with an empty word when nothing was chosen."""

    class Picked(Message):
        def __init__(self, purpose: str, word: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.word = word

    def __init__(self) -> None:
        super().__init__(id="picker")
        self._purpose = ""
        self._title = ""
        self._choices: list[Choice] = []
        self._typed = ""
        self._cursor = 0

    def ask(self, purpose: str, title: str, choices: Sequence[Choice]) -> None:
        self._purpose, self._title, self._choices = purpose, title, list(choices)
        self._typed, self._cursor = "", 0
        self.styles.height = min(MOST_LINES, len(choices)) + 1
        self.display = True
        self.refresh()
        self.focus()

    def leave(self) -> None:
        self.display = False
        self.screen.set_focus(None)

    @property
    def offered(self) -> list[Choice]:
        """The choices that what was typed leaves; those that begin so come first."""
        typed = self._typed.lower()
        begun = [choice for choice in self._choices if choice.word.lower().startswith(typed)]
        return begun + [choice for choice in self._choices if choice not in begun and typed in choice.word.lower()]

    def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key in ("escape", "ctrl+c"):
            self.post_message(self.Picked(self._purpose, ""))
        elif event.key in ("enter", "tab"):
            self._pick()
        elif event.key in ("down", "ctrl+n", "up", "ctrl+p"):
            step = 1 if event.key in ("down", "ctrl+n") else -1
            self._cursor = (self._cursor + step) % max(1, len(self.offered))
        elif event.key in ("backspace", "ctrl+h", "ctrl+u"):
            self._type("" if event.key == "ctrl+u" else self._typed[:-1])
        elif event.character and event.is_printable:
            self._type(self._typed + event.character)
        self.refresh()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self._type(self._typed + safe_line(event.text))

    def _type(self, text: str) -> None:
        self._typed, self._cursor = text, 0
        self.refresh()

    def _pick(self) -> None:
        offered = self.offered
        if offered:
            self.post_message(self.Picked(self._purpose, offered[self._cursor].word))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            text = fitted(f" {self._title}: {self._typed}▏", width)
            return Strip([Segment(text, theme.HEAD)], width)
        first = max(0, self._cursor - self.size.height + 2)
        index, offered = first + y - 1, self.offered
        if index >= len(offered):
            return Strip([Segment(fitted("" if offered else " no such name", width), theme.DIM)], width)
        word, help = safe_line(offered[index].word, 60), safe_line(offered[index].help, 100)
        style = theme.CURRENT if index == self._cursor else theme.PLAIN
        return Strip([Segment(fitted(f"   {word:<20} {help}", width), style)], width)
