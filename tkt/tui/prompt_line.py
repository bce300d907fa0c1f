"""The line at the bottom where a filter or a command is typed: editing, history, completion, and errors pointed at.

Three lines over the foot of the screen: the input, below it candidates or a caret, below that words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from tkt.errors import QueryError, TktError
from tkt.safe_text import safe_line
from tkt.tui import theme
from tkt.tui.columns import fitted
from tkt.tui.keyboard import Work
from tkt.tui.keymap import typed


class Completion(NamedTuple):
    """Words that may replace what stands from `start` to the cursor; `end` follows the only one."""

    start: int
    words: list[str]
    end: str = " "


Completer = Callable[[str], Completion]


class PromptLine(Widget):
    """Opened by `ask`. Stays open until `leave`, so that an error can be shown."""

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.sign = ":"
        self.text = ""
        self.cursor = 0
        self.is_open = False
        self._entered: Callable[[str], Work] = lambda _text: None
        self._histories: dict[str, list[str]] = {}
        self._place = 0
        self._complete: Completer = lambda _text: Completion(0, [])
        self._choices = Completion(0, [])
        self._chosen = -1
        self._below: tuple[str, str] = ("", "")

    def ask(self, sign: str, text: str, complete: Completer, entered: Callable[[str], Work]) -> None:
        """Open with this text. `sign` stands before the input and keeps histories apart; `entered` gets what was typed
        when enter is pressed."""
        self.sign, self._complete, self._entered = sign, complete, entered
        self._place = len(self._histories.setdefault(sign, []))
        self._put(text, len(text))
        self.is_open = self.display = True

    def leave(self) -> None:
        self.is_open = self.display = False

    def point_out(self, error: TktError) -> None:
        """Show what is wrong, with a caret below the place if it is known."""
        if isinstance(error, QueryError) and error.query in self.text:
            start = self.text.index(error.query) + error.position
            before = self._offset() + cell_len(self.text[:start])
            carets = "^" * max(1, cell_len(self.text[start : start + error.length]))
            hint = f" did you mean '{error.hint}'?" if error.hint else ""
            self._below = " " * before + carets + hint, safe_line(str(error), 300)
        else:
            self._below = "", safe_line(str(error), 300)
        self.refresh()

    @property
    def takes_keys(self) -> bool:
        return self.is_open

    def take_key(self, event: events.Key) -> Work:
        if event.key == "enter":
            return self._enter()
        action = self._actions().get(event.key)
        if action:
            action()
        else:
            self._insert(typed(event))
        return None

    def take_paste(self, text: str) -> Work:
        self._insert(safe_line(text))
        return None

    def _actions(self) -> dict[str, Callable[[], object]]:
        text, at = self.text, self.cursor
        return {
            "escape": self.leave,
            "ctrl+c": self.leave,
            "tab": lambda: self._next_choice(1),
            "shift+tab": lambda: self._next_choice(-1),
            "up": lambda: self._recall(-1),
            "down": lambda: self._recall(1),
            "left": lambda: self._put(text, at - 1),
            "right": lambda: self._put(text, at + 1),
            "home": lambda: self._put(text, 0),
            "ctrl+a": lambda: self._put(text, 0),
            "end": lambda: self._put(text, len(text)),
            "ctrl+e": lambda: self._put(text, len(text)),
            "backspace": self._backspace,
            "ctrl+h": self._backspace,
            "delete": lambda: self._put(text[:at] + text[at + 1 :], at),
            "ctrl+u": lambda: self._put(text[at:], 0),
            "ctrl+k": lambda: self._put(text[:at], at),
            "ctrl+w": self._erase_word,
        }

    def _enter(self) -> Work:
        history = self._histories[self.sign]
        if self.text.strip() and history[-1:] != [self.text]:
            history.append(self.text)
        self._place = len(history)
        return self._entered(self.text.strip())

    def _backspace(self) -> None:
        if not self.text:
            self.leave()
        elif self.cursor:
            self._put(self.text[: self.cursor - 1] + self.text[self.cursor :], self.cursor - 1)

    def _erase_word(self) -> None:
        kept = self.text[: self.cursor].rstrip().rpartition(" ")
        before = kept[0] + kept[1]
        self._put(before + self.text[self.cursor :], len(before))

    def _insert(self, text: str) -> None:
        self._put(self.text[: self.cursor] + text + self.text[self.cursor :], self.cursor + len(text))

    def _recall(self, step: int) -> None:
        history = self._histories[self.sign]
        self._place = max(0, min(self._place + step, len(history)))
        text = history[self._place] if self._place < len(history) else ""
        self._put(text, len(text))

    def _put(self, text: str, cursor: int) -> None:
        self.text, self.cursor = safe_line(text), max(0, min(cursor, len(text)))
        self._choices = self._complete(text[: self.cursor])
        self._chosen = -1
        self._below = "", ""
        self.refresh()

    def _next_choice(self, step: int) -> None:
        start, words, end = self._choices
        if not words:
            return
        kept = self._choices
        chosen = (self._chosen + step) % len(words) if self._chosen >= 0 or step > 0 else len(words) - 1
        end = end if len(words) == 1 else ""
        before = self.text[:start] + words[chosen] + end
        self._put(before + self.text[self.cursor :], len(before))
        if len(words) > 1:
            self._choices, self._chosen = kept, chosen

    def _offset(self) -> int:
        """Cells before the first character of the text; negative once it has scrolled left."""
        sign = cell_len(self.sign)
        room = max(8, self.size.width - 2 - sign)
        return sign - max(0, cell_len(self.text[: self.cursor]) - room)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if y == 0:
            return self._input_line(width)
        if y == 1 and self._choices.words and not any(self._below):
            return self._choice_line(width)
        text = self._below[y - 1] if 0 < y < 3 else ""
        return Strip([Segment(fitted(text, width), theme.ERROR)], width)

    def _input_line(self, width: int) -> Strip:
        at = self.cursor
        under = Segment(self.text[at : at + 1] or " ", theme.CURRENT)
        line = Strip([Segment(self.text[:at]), under, Segment(self.text[at + 1 :])])
        sign = cell_len(self.sign)
        hidden = sign - self._offset()
        shown = line.crop(hidden, hidden + width - sign)
        return Strip.join([Strip([Segment(self.sign, theme.UNREAD)]), shown]).adjust_cell_length(width)

    def _choice_line(self, width: int) -> Strip:
        first = max(0, self._chosen - 4)
        segments = [Segment(" ")]
        for index, word in enumerate(self._choices.words[first:], first):
            style = theme.CURRENT if index == self._chosen else theme.DIM
            segments += [Segment(safe_line(word, 60), style), Segment("  ")]
        return Strip(segments).adjust_cell_length(width)
