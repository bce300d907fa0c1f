"""Long text into lines of a width: by words, in cells, and never past it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells


def wrapped(text: str, width: int) -> Iterator[str]:
    """The lines of `text` at most `width` cells wide; words that are longer are cut, indentation is kept."""
    for line in text.split("\n"):
        yield from _wrapped_line(line.rstrip(), max(2, width))


def hanging(line: str, width: int) -> Iterator[str]:
    """One line of an outline at most `width` cells wide; what does not fit stands below it, further in."""
    inset = min(cell_len(line) - cell_len(line.lstrip(" ")), width // 2)
    first, *_ = wrapped(line, width)
    yield first
    rest = line.rstrip()[len(first) :].lstrip(" ")
    if rest:
        yield from (" " * (inset + 2) + part for part in wrapped(rest, width - inset - 2))


def _wrapped_line(line: str, width: int) -> Iterator[str]:
    while cell_len(line) > width:
        head = chop_cells(line, width)[0] or line[:1]
        cut = head.rfind(" ")
        if cut > 0 and head[:cut].strip() and line[len(head) : len(head) + 1] != " ":
            head = head[:cut]
        yield head.rstrip()
        line = line[len(head) :].lstrip(" ")
    yield line
