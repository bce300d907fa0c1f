"""What the terminal shows, remembered cell by cell, so that only what differs is written to it.

Textual writes every dirty region whole: 15 KB when a prompt opens, which is felt over SSH. `Frame` takes the same
updates and gives the shortest usual sequence that turns the last picture into the new one.

Promises: after the sequence, the terminal shows what Textual's own would have shown. Text whose width terminals
disagree about (joined emoji, combining marks) is one unit: written whole or not at all, and the cursor is placed
anew after it. Leaves to others: when the terminal was cleared behind its back, `forget` must be called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate

Cell = tuple[str, str]
"""What stands in a cell, and its SGR parameters. The cells after the first of a wide unit hold an empty text."""

BLANK: Cell = (" ", "")
UNKNOWN: Cell = ("\0", "")
BRIDGE = 5
"""Unchanged cells that are cheaper to write again than to jump over (a jump is about eight bytes)."""

_codes: dict[tuple[Style, ColorSystem | None], str] = {}


class Frame:
    """The picture on the terminal."""

    def __init__(self) -> None:
        self._rows: list[list[Cell]] = []

    def forget(self) -> None:
        """Nothing is known of the terminal any more: what comes next is written whole."""
        self._rows = [[UNKNOWN] * len(row) for row in self._rows]

    def sequence(self, update: CompositorUpdate, console: Console) -> str:
        """What to write so that the terminal shows the update."""
        system = console._color_system
        if isinstance(update, LayoutUpdate):
            self._fit(update.region.bottom, update.region.right)
            pieces: Iterable[tuple[int, int, Iterable[Segment]]] = _layout_pieces(update)
        elif isinstance(update, ChopsUpdate):
            pieces = _chop_pieces(update)
        else:
            self.forget()
            return update.render_segments(console)
        return "".join(self._piece(x, y, list(_cells(segments, system))) for x, y, segments in pieces)

    def _fit(self, height: int, width: int) -> None:
        if len(self._rows) != height or (self._rows and len(self._rows[0]) != width):
            self._rows = [[UNKNOWN] * width for _ in range(height)]

    def _piece(self, x: int, y: int, new: list[Cell]) -> str:
        if y >= len(self._rows):
            return ""
        row = self._rows[y]
        new = new[: len(row) - x]
        old = row[x : x + len(new)]
        if old == new:
            return ""
        row[x : x + len(new)] = new
        to_end = x + len(new) == len(row)
        return "".join(_run(x, y, new, start, end, to_end) for start, end in _changes(old, new))


def _layout_pieces(update: LayoutUpdate) -> Iterator[tuple[int, int, Iterable[Segment]]]:
    for y, line in enumerate(update.strips, update.region.y):
        yield update.region.x, y, [segment for strip in line for segment in strip]


def _chop_pieces(update: ChopsUpdate) -> Iterator[tuple[int, int, Iterable[Segment]]]:
    """The parts of lines that the update covers; the choice is that of `ChopsUpdate.render_segments`."""
    for y, x1, x2 in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or x > x2 or end <= x1:
                continue
            whole = x2 > x >= x1 and end <= x2
            yield x, y, strip if whole else strip.crop(0, min(end, x2) - x)


def _cells(segments: Iterable[Segment], system: ColorSystem | None) -> Iterator[Cell]:
    for text, style, control in segments:
        if control or not text:
            continue
        code = _code(style, system)
        if text.isascii():
            yield from ((letter, code) for letter in text)
        else:
            yield from _wide_cells(text, code)


def _wide_cells(text: str, code: str) -> Iterator[Cell]:
    widths = [cell_len(letter) for letter in text]
    if 0 in widths or sum(widths) != cell_len(text):
        yield text, code
        yield from (("", code) for _ in range(cell_len(text) - 1))
        return
    for letter, width in zip(text, widths, strict=True):
        yield letter, code
        if width == 2:
            yield "", code


def _code(style: Style | None, system: ColorSystem | None) -> str:
    """The SGR parameters of a style, after a reset (so that default colours need none)."""
    if style is None:
        return ""
    key = style, system
    if key not in _codes:
        shown = style if system is not None else style.without_color
        start, escape, parameters = shown.render("x", color_system=system or ColorSystem.STANDARD).partition("\x1b[")
        found = parameters.partition("m")[0].split(";") if escape and not start else []
        _codes[key] = ";".join(one for one in found if one not in ("", "39", "49"))
    return _codes[key]


def _changes(old: Sequence[Cell], new: Sequence[Cell]) -> list[tuple[int, int]]:
    """Runs [start, end) of cells to write: changed ones, joined over short unchanged gaps, wide units whole."""
    runs: list[tuple[int, int]] = []
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if before == after:
            continue
        if runs and index - runs[-1][1] <= BRIDGE:
            runs[-1] = runs[-1][0], index + 1
        else:
            runs.append((index, index + 1))
    return [_whole_units(new, start, end) for start, end in runs]


def _whole_units(row: Sequence[Cell], start: int, end: int) -> tuple[int, int]:
    while start > 0 and row[start][0] == "":
        start -= 1
    while end < len(row) and row[end][0] == "":
        end += 1
    return start, end


def _run(x: int, y: int, row: Sequence[Cell], start: int, end: int, to_end: bool) -> str:
    """Move, write the cells with as few style changes as possible, leave the style reset."""
    out = [_move(x + start, y)]
    rest = end
    if to_end and end == len(row):  # blanks up to the terminal's edge are erased, not written
        while rest > start and row[rest - 1] == BLANK:
            rest -= 1
        rest = end if end - rest < 4 else rest
    current = ""
    for column in range(start, rest):
        text, code = row[column]
        if code != current and text:
            out.append(f"\x1b[0;{code}m" if code else "\x1b[m")
            current = code
        out.append(text)
        if len(text) > 1 and column + 1 < rest:
            out.append(_move(x + column + _unit_width(row, column), y))
    if current:
        out.append("\x1b[m")
    if rest < end:
        out.append("\x1b[K")
    return "".join(out)


def _unit_width(row: Sequence[Cell], column: int) -> int:
    width = 1
    while column + width < len(row) and row[column + width][0] == "":
        width += 1
    return width


def _move(x: int, y: int) -> str:
    return f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H"
