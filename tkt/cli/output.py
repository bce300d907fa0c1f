"""The one place that prints: data to standard output, words to standard error, nothing of a stranger unsanitised.

Tables go to a terminal with colour (unless NO_COLOR), to a pipe as TSV, untruncated; JSON and CSV look the same
everywhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from tkt.safe_text import safe_block, safe_line

STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
}


class Cell(NamedTuple):
    """A cell of a table: its text and, on a terminal with colour, its style."""

    text: str
    style: str = ""


def prepare() -> None:
    """What the terminal's encoding can't show is spelt out, as on standard error."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller (`>&-`): read nothing, write nowhere
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open until the end
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def give_up() -> None:
    """Nothing more can be written to standard output: let what is left of it go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def on_terminal() -> bool:
    """Whether standard output is a terminal."""
    return sys.stdout.isatty()


def colour() -> bool:
    """Whether to write colour: on a terminal, unless NO_COLOR is set (no-color.org) or the terminal is dumb."""
    return on_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def line(text: str = "") -> None:
    """A line of data. Text of strangers must have passed `safe_line` or `safe_block`; this is the safety net."""
    sys.stdout.write(safe_block(text) + "\n")


def styled(text: str, style: str) -> str:
    """Text in a style, where colour is written at all. Print it with `raw_line`."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if style and colour() else text


def raw_line(text: str) -> None:
    """A line that holds our own styles; every part of it has passed safe_text already."""
    sys.stdout.write(text + "\n")


def raw_bytes(data: bytes) -> None:
    """Bytes as they are, for `show --raw` into a pipe."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def words(text: str) -> None:
    """Narration: one line on standard error."""
    sys.stderr.write(safe_block(text) + "\n")


def as_json(document: Any) -> None:
    """One JSON document, readable on a terminal, with every control character escaped."""
    import json

    text = json.dumps(document, ensure_ascii=False, indent=2)
    sys.stdout.write(_printable_json(text) + "\n")


def as_jsonl(documents: Iterable[Any]) -> None:
    """One JSON object a line."""
    import json

    for document in documents:
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        sys.stdout.write(_printable_json(text) + "\n")


def as_separated(header: Sequence[str], rows: Iterable[Sequence[object]], *, tabs: bool = False) -> None:
    """CSV (RFC 4180) or TSV; in TSV, tabs and line ends in a value become spaces."""
    if tabs:
        for row in (header, *rows):
            sys.stdout.write("\t".join(safe_line(_plain(value)) for value in row) + "\n")
        return
    import csv

    writer = csv.writer(sys.stdout)
    writer.writerow(header)
    for row in rows:
        writer.writerow([safe_block(_plain(value)) for value in row])


def as_table(
    header: Sequence[str],
    rows: Sequence[Sequence[Cell | str]],
    *,
    stretch: int = -1,
    right: Sequence[int] = (),
) -> None:
    """A table on a terminal, as wide as it is; the column `stretch` gives way first. In a pipe: TSV.

    `right` names the columns that are set flush right.
    """
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    if not on_terminal():
        as_separated(header, [[cell.text for cell in row] for row in cells], tabs=True)
        return
    from tkt.cli.table import layout

    for text in layout([str(name) for name in header], cells, width(), stretch, right):
        raw_line(text)


def width() -> int:
    """Columns of the terminal."""
    import shutil

    return shutil.get_terminal_size().columns


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(str(one) for one in value)
    return str(value)


def _printable_json(text: str) -> str:
    """JSON escapes C0 itself; DEL, C1 and what reorders or hides are left to us, as escapes: the value stays exact."""
    if text.isascii() and "\x7f" not in text:
        return text
    import re

    return re.sub(_HIDDEN, _escaped, text)


_HIDDEN = (
    r"[\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0"
    r"\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def _escaped(found: Any) -> str:
    """As JSON spells a character: UTF-16, so two escapes for one beyond the first plane (RFC 8259 section 7)."""
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
