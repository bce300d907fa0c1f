"""A mistake in a query, pointed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tkt.errors import QueryError

WIDTH = 76
"""Cells that the drawn query takes at most; of a longer one the part around the mistake is shown."""


def point(error: QueryError) -> str:
    """Two lines: the query, and carets below the place of the mistake. Safe for a terminal."""
    before, marked, after = _parts(error)
    carets = "^" * max(1, min(_cells(marked), WIDTH))
    return f"{before}{marked}{after}\n{' ' * _cells(before)}{carets}"


def _parts(error: QueryError) -> tuple[str, str, str]:
    text = "".join(_shown(letter) for letter in error.query)
    start = max(0, min(error.position, len(text)))
    end = start + error.length
    before, marked, after = text[:start], text[start:end][:WIDTH], text[end:]
    if _cells(text) <= WIDTH:
        return before, marked, after
    room = max(8, (WIDTH - _cells(marked)) // 2)
    if _cells(before) > room:
        before = "…" + before[len(before) - room + 1 :] if before.isascii() else "…" + before[-(room // 2) :]
    return before, marked, after[:room] + "…" if len(after) > room else after


def _shown(letter: str) -> str:
    """One character in one place, so that the carets stay below it: what a terminal might obey becomes a space."""
    if letter.isprintable():
        return letter
    return " "


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
