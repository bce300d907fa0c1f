"""Only what differs is written, and the terminal shows what Textual meant: held against a small terminal."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from tkt.tui.frame import Frame

CONSOLE = Console(color_system="truecolor", force_terminal=True)
STYLES = [None, Style(), Style(bold=True), Style(color="red"), Style(reverse=True), Style(color="red", bgcolor="blue")]
WIDTH = 24


class Terminal:
    """Understands what `Frame` writes: cursor moves, styles, erase to the end of the line, text."""

    def __init__(self, width: int, height: int) -> None:
        self.cells = [[("?", "?")] * width for _ in range(height)]
        self.x = self.y = 0
        self.style = ""

    def feed(self, sequence: str) -> None:
        for moved, style, erased, text in re.findall(r"\x1b\[([\d;]*)H|\x1b\[([\d;]*)m|\x1b\[(K)|([^\x1b])", sequence):
            if text:
                self.put(text)
            elif erased:
                row = self.cells[self.y]
                row[self.x :] = [(" ", "")] * (len(row) - self.x)
            elif moved:
                y, _, x = moved.partition(";")
                self.y, self.x = int(y) - 1, int(x or 1) - 1
            else:
                self.style = style.removeprefix("0").removeprefix(";")

    def put(self, text: str) -> None:
        width = cell_len(text)
        if width == 0:
            return
        self.cells[self.y][self.x : self.x + width] = [(text, self.style), *[("", self.style)] * (width - 1)]
        self.x += width


def update(lines: list[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in lines], Region(0, 0, WIDTH, len(lines)))


parts = st.tuples(st.text(alphabet="ab 中é", max_size=6), st.sampled_from(STYLES))
line = st.lists(parts, max_size=8).map(
    lambda found: Strip([Segment(text, style) for text, style in found]).adjust_cell_length(WIDTH)
)
pictures = st.lists(st.lists(line, min_size=3, max_size=3), min_size=1, max_size=4)


@given(pictures)
def test_the_terminal_shows_the_same_as_if_everything_was_written(found):
    compared, whole = Frame(), Terminal(WIDTH, 3)
    terminal = Terminal(WIDTH, 3)
    for picture in found:
        terminal.feed(compared.sequence(update(picture), CONSOLE))
        whole = Terminal(WIDTH, 3)
        whole.feed(Frame().sequence(update(picture), CONSOLE))
        assert terminal.cells == whole.cells
    assert [[text for text, _ in row] for row in whole.cells] == [
        [part for letter in strip.text for part in (letter, *[""] * (cell_len(letter) - 1))] for strip in found[-1]
    ]


@given(st.lists(line, min_size=3, max_size=3))
def test_the_same_picture_again_costs_nothing(picture):
    frame = Frame()
    frame.sequence(update(picture), CONSOLE)
    assert frame.sequence(update(picture), CONSOLE) == ""
    frame.forget()
    assert frame.sequence(update(picture), CONSOLE) != ""


def test_one_changed_letter_costs_a_move_and_the_letter():
    frame = Frame()
    frame.sequence(update([Strip([Segment("x" * WIDTH)])]), CONSOLE)
    assert frame.sequence(update([Strip([Segment("x" * 9 + "y" + "x" * 14)])]), CONSOLE) == "\x1b[1;10Hy"


def test_joined_letters_are_written_whole_and_the_cursor_is_placed_after_them():
    frame = Frame()
    family = "👨‍👩‍👧"
    frame.sequence(update([Strip([Segment(" " * WIDTH)])]), CONSOLE)
    strip = Strip([Segment(family), Segment("ab")]).adjust_cell_length(WIDTH)
    assert frame.sequence(update([strip]), CONSOLE) == f"\x1b[1H{family}\x1b[1;3Hab"


def test_no_colour_is_written_where_there_is_none():
    console = Console(color_system=None, force_terminal=True)
    written = Frame().sequence(update([Strip([Segment("x" * WIDTH, Style(color="red", bold=True))])]), console)
    assert "\x1b[0;1m" in written and "31" not in written
