"""Setting a table for a terminal: columns as wide as needed, one that gives way, widths in cells (Chinese counts
two).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tkt.safe_text import safe_line

if TYPE_CHECKING:
    from tkt.cli.output import Cell

GAP = "  "
LEAST = 8
"""The least width to which the giving column is cut."""


def layout(
    header: list[str], rows: Sequence[Sequence[Cell]], width: int, stretch: int, right: Sequence[int]
) -> list[str]:
    """The lines of the table, styles included, none wider than `width` cells (unless the terminal is tiny)."""
    from tkt.cli.output import Cell, styled

    texts = [[safe_line(cell.text) for cell in row] for row in rows]
    widths = [max([cells(name), *(cells(row[at]) for row in texts)]) for at, name in enumerate(header)]
    _give_way(widths, width, stretch)
    head = [Cell(name.upper(), "dim") for name in header]
    lines = []
    for styles, row in zip([head, *rows], [[cell.text for cell in head], *texts], strict=True):
        fitted = [styled(fit(text, widths[at], at in right), styles[at].style) for at, text in enumerate(row)]
        lines.append(GAP.join(fitted).rstrip())
    return lines


def cells(text: str) -> int:
    """How many cells a text takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fit(text: str, width: int, right: bool = False) -> str:
    """The text in exactly `width` cells: padded, or cut with an ellipsis."""
    taken = cells(text)
    if taken > width:
        text = _cut(text, width)
        taken = cells(text)
    space = " " * (width - taken)
    return space + text if right else text + space


def _cut(text: str, width: int) -> str:
    kept, taken = [], 0
    for character in text:
        step = cells(character)
        if taken + step > width - 1:
            break
        kept.append(character)
        taken += step
    return "".join(kept) + "…"


def _give_way(widths: list[int], width: int, stretch: int) -> None:
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    if excess > 0 and stretch >= 0:
        widths[stretch] = max(LEAST, widths[stretch] - excess)
