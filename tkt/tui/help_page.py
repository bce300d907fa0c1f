"""The help screen, made from the command table and the keys that are really in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from tkt.tui import theme
from tkt.tui.columns import DRAFT, GONE, MARKED, MINE, TAKEN, UNDELIVERED, UNREAD
from tkt.tui.commands import TABLE
from tkt.tui.keyboard import Work
from tkt.tui.keymap import key_of, shown

SIGNS = (
    (MARKED, "marked"),
    (UNREAD, "the customer wrote, and no agent has opened or answered it"),
    (UNDELIVERED, "a mail could not be delivered"),
    (DRAFT, "you have begun a reply or a note"),
    (MINE, "yours"),
    (TAKEN, "somebody else's"),
    (GONE, "has left this list; it goes when the cursor does"),
    ("! 42m", "due within the hour"),
    ("late 2h", "the deadline was missed so long ago"),
    ("x 3h", "a promise was broken before; the next deadline"),
)

Line = list[Segment]


def help_lines(keys: Mapping[str, str]) -> list[Line]:
    """The help text; `keys` are commands by key."""
    title = "tkt: the queue. j k ^d ^u scroll this page, esc leaves it."
    return [[Segment(title, theme.UNREAD)], *_commands(keys), *_signs()]


def _commands(keys: Mapping[str, str]) -> Iterator[Line]:
    for group, commands in TABLE.items():
        yield []
        yield [Segment(group, theme.HEAD)]
        for command in commands:
            own = " ".join(shown(key) for key, name in keys.items() if name == command.name)
            line = [Segment(f"  {own:<12} ", theme.NUMBER), Segment(f":{command.name:<12} "), Segment(command.help)]
            if command.usage:
                line.append(Segment(f"  {command.usage}", theme.DIM))
            yield line


def _signs() -> Iterator[Line]:
    yield []
    yield [Segment("Signs in the list", theme.HEAD)]
    yield from ([Segment(f"  {sign:<12} ", theme.NUMBER), Segment(words)] for sign, words in SIGNS)
    yield []
    yield [Segment("Filter: status:open kind:waiting team:net assignee:me|none priority>=high from:@acme.com tag:vpn")]
    yield [Segment('        due<2h created>7d is:breached|unread|undelivered "a phrase" -not OR (…)')]


class HelpPage(Widget):
    """Covers the queue while it is open. Scrolls with the queue's own moving keys; anything that leaves, leaves."""

    def __init__(self, keys: Mapping[str, str]) -> None:
        super().__init__(id="help")
        self.is_open = False
        self._keys = keys
        self._lines: list[Line] = []
        self._top = 0

    def open(self) -> None:
        self._lines, self._top = help_lines(self._keys), 0
        self.is_open = self.display = True
        self.refresh()

    @property
    def takes_keys(self) -> bool:
        return self.is_open

    def take_key(self, event: events.Key) -> Work:
        page = max(1, self.screen.size.height - 1)
        steps = {"down": 1, "up": -1, "half-down": page // 2, "half-up": -page // 2, "page-down": page,
                 "page-up": -page, "first": -10_000, "last": 10_000}  # fmt: skip
        name = self._keys.get(key_of(event), "")
        if name in steps:
            self._scroll_by(steps[name])
        elif name in ("back", "quit", "help") or event.key == "ctrl+c":
            self.is_open = self.display = False
        return None

    def take_paste(self, text: str) -> Work:
        return None

    def _scroll_by(self, lines: int) -> None:
        """The page is as high as the screen; its own size is known only once it has been drawn."""
        self._top = max(0, min(self._top + lines, len(self._lines) - self.screen.size.height))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        index = self._top + y
        line = self._lines[index] if index < len(self._lines) else []
        return Strip(line).adjust_cell_length(self.size.width)
