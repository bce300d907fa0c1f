"""A plain text as simple HTML: paragraphs, line breaks, links, quotes. Whatever is in it is escaped, so that no text,
by whomever, can become markup of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby

from markupsafe import Markup, escape

DEEPEST = 10
"""Quotes within quotes; what is deeper stands at this depth."""

_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")
_QUOTE = re.compile(r"> ?")


def to_html(text: str) -> Markup:
    """The text as HTML. Lines that begin with ">" are quotes, an empty line ends a paragraph."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n").split("\n")
    return Markup("\n").join(_blocks(lines, 0))


def _blocks(lines: list[str], depth: int) -> Iterable[Markup]:
    for quoted, some in groupby(lines, key=lambda line: line.startswith(">")):
        if quoted and depth < DEEPEST:
            inner = Markup("\n").join(_blocks([_QUOTE.sub("", line, count=1) for line in some], depth + 1))
            yield Markup("<blockquote>\n{}\n</blockquote>").format(inner)
        else:
            yield from _paragraphs(some)


def _paragraphs(lines: Iterable[str]) -> Iterable[Markup]:
    for filled, some in groupby(lines, key=lambda line: bool(line.strip())):
        if filled:
            yield Markup("<p>{}</p>").format(Markup("<br>\n").join(map(_line, some)))


def _line(line: str) -> Markup:
    """One line: its indentation stays, what looks like a web address can be followed."""
    bare = line.lstrip(" ")
    parts, end = [Markup("&nbsp;") * (len(line) - len(bare))], 0
    for found in _LINK.finditer(bare):
        parts += [escape(bare[end : found.start()]), Markup('<a href="{0}">{0}</a>').format(found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(bare[end:])])
