"""Tables of a mail: data stays in columns, layout becomes text one piece after another.

A table is data if it holds no other table and its rows are of several short cells; mail uses all others to place
things on the page.
"""

from __future__ import annotations

from itertools import islice
from unicodedata import east_asian_width

COLUMNS_LIMIT = 50
WIDTH_LIMIT = 100

_CELL_LIMIT = 60
_GAP = "  "


class Table:
    """A table while it is read: rows of cells, a cell being its lines."""

    def __init__(self, is_ruled: bool) -> None:
        self.rows: list[list[list[str]]] = []
        self.holds_table = False
        self.has_heads = False
        self._is_ruled = is_ruled

    def add_row(self) -> None:
        """Begin a row."""
        self.rows.append([])

    def add_cell(self, lines: list[str], span: int) -> None:
        """Add a cell that stretches over so many columns to the last row."""
        if not self.rows:
            self.add_row()
        row = self.rows[-1]
        row.append(lines)
        row.extend([] for _ in range(min(span, COLUMNS_LIMIT - len(row)) - 1))

    def lines(self) -> list[str]:
        """The table as text."""
        rows = [row for row in self.rows if any(row)]
        if self.is_data():
            return _columns(rows)
        return [line for row in rows for line in _in_sequence([cell for cell in row if cell])]

    def is_data(self) -> bool:
        """Is it read by row and column?"""
        rows = [row for row in self.rows if any(row)]
        if self.holds_table or len(rows) < 2 or max(map(len, rows)) > COLUMNS_LIMIT:
            return False
        filled = [sum(map(bool, row)) for row in rows]
        if max(filled) < 2 or not all(_is_short(cell) for row in rows for cell in row):
            return False
        return self.has_heads or self._is_ruled or sum(count > 1 for count in filled) > len(rows) / 2


def _is_short(cell: list[str]) -> bool:
    return len(cell) <= 3 and all(len(line) <= _CELL_LIMIT for line in cell)


def _in_sequence(cells: list[list[str]]) -> list[str]:
    """The cells of one row of a layout: side by side if they are a few words each, else one below the other."""
    if all(len(cell) == 1 for cell in cells) and sum(len(cell[0]) + len(_GAP) for cell in cells) <= WIDTH_LIMIT:
        return [_GAP.join(cell[0].strip() for cell in cells)]
    return [line for cell in cells for line in cell]


def _columns(rows: list[list[list[str]]]) -> list[str]:
    """Rows of aligned columns; of cells with a bar between them where they are too wide for that."""
    texts = [[" ".join(line.strip() for line in cell if line) for cell in row] for row in rows]
    count = max(map(len, texts))
    kept = [n for n in range(count) if any(len(row) > n and row[n] for row in texts)]
    texts = [[row[n] if n < len(row) else "" for n in kept] for row in texts]
    widths = [max(_width(row[n]) for row in texts) for n in range(len(kept))]
    if sum(widths) + len(_GAP) * len(widths) > WIDTH_LIMIT:
        return [" | ".join(row).strip() for row in texts]
    return [_GAP.join(_padded(text, width) for text, width in zip(row, widths, strict=True)).rstrip() for row in texts]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Cells on a terminal, near enough: East Asian characters take two."""
    if text.isascii():
        return len(text)
    return len(text) + sum(east_asian_width(character) in "WF" for character in islice(text, 1000))
