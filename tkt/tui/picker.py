"""A short list to choose one word from: typing narrows it, enter takes the one under the cursor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from tkt.safe_text import safe_line
from tkt.tui import theme
from tkt.tui.columns import fitted
from tkt.tui.keyboard import Work
from tkt.tui.keymap import typed

MOST_LINES = 9


class Choice(NamedTuple):
    word: str
    help: str = ""


class Picker(Widget):
    """Opened by `ask`; closes when something is picked, or nothing is."""

    def __init__(self) -> None:
        super().__init__(id="picker")
        self.is_open = False
        self._title = ""
        self._choices: list[Choice] = []
        self._picked: Callable[[str], Work] = lambda _word: None
        self._typed = ""
        self._cursor = 0

    def ask(self, title: str, choices: Sequence[Choice], picked: Callable[[str], Work]) -> None:
        """Open; `picked` gets the word that is chosen."""
        self._title, self._choices, self._picked = title, list(choices), picked
        self._typed, self._cursor = "", 0
        self.styles.height = min(MOST_LINES, len(choices)) + 1
        self.is_open = self.display = True
        self.refresh()

    def leave(self) -> None:
        self.is_open = self.display = False

    @property
    def offered(self) -> list[Choice]:
        """The choices that what was typed leaves; those that begin so come first."""
        typed = self._typed.lower()
        begun = [choice for choice in self._choices if choice.word.lower().startswith(typed)]
        return begun + [choice for choice in self._choices if choice not in begun and typed in choice.word.lower()]

    @property
    def takes_keys(self) -> bool:
        return self.is_open

    def take_key(self, event: events.Key) -> Work:
        self.refresh()
        if event.key in ("escape", "ctrl+c"):
            self.leave()
        elif event.key in ("enter", "tab"):
            return self._pick()
        elif event.key in ("down", "ctrl+n", "up", "ctrl+p"):
            step = 1 if event.key in ("down", "ctrl+n") else -1
            self._cursor = (self._cursor + step) % max(1, len(self.offered))
        elif event.key in ("backspace", "ctrl+h", "ctrl+u"):
            self._type("" if event.key == "ctrl+u" else self._typed[:-1])
        elif typed(event):
            self._type(self._typed + typed(event))
        return None

    def take_paste(self, text: str) -> Work:
        self._type(self._typed + safe_line(text))
        return None

    def _type(self, text: str) -> None:
        self._typed, self._cursor = text, 0
        self.refresh()

    def _pick(self) -> Work:
        offered = self.offered
        if not offered:
            return None
        self.leave()
        return self._picked(offered[self._cursor].word)

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
