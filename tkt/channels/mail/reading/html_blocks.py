"""Blocks of text that are set apart while a mail's HTML is laid out: the page, a quote, a list item, a cell."""

from __future__ import annotations

import re
from typing import Any

_SPACES = re.compile(r"[ \t\n\r\f]+")


class Block:
    """Lines that are finished, the pieces of the line being written, and whether a gap goes before it.

    `first` stands before the block's first line when it is finished, `rest` before the others. `element` is the
    one that began the block.
    """

    __slots__ = ("element", "first", "gap", "lines", "pieces", "rest")

    def __init__(self, element: Any, first: str = "", rest: str = "") -> None:
        self.element = element
        self.first, self.rest = first, rest
        self.lines: list[str] = []
        self.pieces: list[str] = []
        self.gap = False

    def end_line(self, preformatted: bool = False) -> None:
        """Finish the line being written; one without words is none."""
        if not self.pieces:
            return
        text = "".join(self.pieces)
        self.pieces = []
        if preformatted:
            self.add(text.split("\n"))
        elif line := _SPACES.sub(" ", text).strip(" "):
            self._open_gap()
            self.lines.append(line)

    def break_line(self) -> None:
        """Finish the line even if it is empty."""
        count = len(self.lines)
        self.end_line()
        if len(self.lines) == count:
            self._open_gap()
            self.lines.append("")

    def add(self, lines: list[str]) -> None:
        """Take over finished lines of a block inside."""
        self.end_line()
        if lines:
            self._open_gap()
            self.lines.extend(lines)

    def append(self, text: str) -> None:
        """Put `text` behind the last word, also where a block inside has just ended."""
        if self.pieces or self.gap or not self.lines:
            self.pieces.append(text)
        else:
            self.lines[-1] += text

    def finished(self) -> list[str]:
        """The block's lines with what stands before them, without empty ones at its end."""
        self.end_line()
        lines = self.lines
        while lines and not lines[-1].strip(" \xa0"):
            lines.pop()
        if not self.rest:
            return lines
        empty = self.rest.rstrip()
        return [(self.rest if n else self.first) + line if line else empty for n, line in enumerate(lines)]

    def _open_gap(self) -> None:
        if self.gap and self.lines and self.lines[-1]:
            self.lines.append("")
        self.gap = False
