"""HTML of a mail to the text that its reader would see.

Promises: any string gives text; nothing is fetched; scripts, styles and hidden text are dropped; a link is
kept as "text (address)" when the text does not show the address already; lists and tables stay readable; a
quoted block's lines begin with "> ", as in plain mail. Time and memory grow with the length of the markup and
are bounded: of more than `HTML_LIMIT` characters the rest is left out, and markup of more than `TAGS_LIMIT`
tags, or nested beyond what the parser takes, is read by stripping its tags. Which elements are hidden is told
by `html_css`, how the rest is laid out by `html_layout`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from tkt.channels.mail.reading.html_layout import lay_out

HTML_LIMIT = 1_000_000
TAGS_LIMIT = 60_000
CROWDED = 200
CROWDED_LENGTH = 20_000
"""Attributes of one tag, and how long markup must be before they are counted. The parser compares each with all before
it, and comes to no end over a tag that is made of nothing else."""

_INVISIBLE = re.compile(r"<(script|style|head|title|svg|template|iframe|object)\b", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|hr)\b[^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,5000}>")
_ATTRIBUTE = r"[\s/]*+=?+[^\s/>=]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?+)?+"
_UNCROWDED = re.compile(
    rf"(?:[^<]++|<[a-z][^\s/>]*+(?:{_ATTRIBUTE}){{0,{CROWDED}}}+(?!{_ATTRIBUTE})|<(?![a-z]))*+", re.IGNORECASE
)
_EMBEDDED_FILE = re.compile(r"data:[a-z]{1,20}/[^\s\"'<>]{100,}", re.IGNORECASE)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SPACES = re.compile(r"[ \t\xa0]+")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
# Invisible characters: filling of preview texts, hints for line breaking. ZWNJ and ZWJ stay inside words,
# where Persian and Indic scripts and emoji need them.
_ODD_SPACE = re.compile(
    "[\u200b\u2060\ufeff\u00ad\u034f]+|[\u200c\u200d]+(?=[\\s\u200b-\u200d\u034f\ufeff]|\\Z)|(?:(?<=\\s)|^)[\u200c\u200d]+"
)
_HIDDEN_CHARACTER = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad\u034f]")


def html_to_text(markup: str, images: Mapping[str, str] | None = None) -> str:
    """The readable text of `markup`; "" if it shows none.

    `images` gives the name of an attached file by what an `<img src>` calls it ("cid:..." or a location), in
    lower case.
    """
    if "data:" in markup:
        markup = _EMBEDDED_FILE.sub("", markup)
    markup = _NOT_XML.sub("", markup[:HTML_LIMIT])
    if not markup.strip():
        return ""
    text = "" if _is_too_much(markup) else _tidy(lay_out(markup, images or {}))
    return text or _tidy(_strip_tags(markup))


def _is_too_much(markup: str) -> bool:
    """Whether a parser could take very long for it."""
    if markup.count("<") > TAGS_LIMIT:
        return True
    return len(markup) > CROWDED_LENGTH and _UNCROWDED.fullmatch(markup) is None


def _strip_tags(markup: str) -> str:
    """The words between the tags; the last resort for markup that is too much or too broken for a parser."""
    markup = _without_invisible(_without("<!--", "-->", markup))
    words = _SPACES.sub(" ", html.unescape(_TAG.sub(" ", _BREAK.sub("\n", markup))))
    return "\n".join(line.strip() for line in words.split("\n"))


def _without(begin: str, end: str, markup: str) -> str:
    """`markup` without its comments; an open one ends where `markup` does."""
    if begin not in markup:
        return markup
    kept, at = [], 0
    while (start := markup.find(begin, at)) >= 0:
        kept.append(markup[at:start])
        stop = markup.find(end, start)
        at = stop + len(end) if stop >= 0 else len(markup)
    return " ".join([*kept, markup[at:]])


def _without_invisible(markup: str) -> str:
    """`markup` without the elements whose content is no text; one that is never closed hides the rest."""
    lower = markup.lower() if markup.isascii() else _ascii_lower(markup)
    kept, at = [], 0
    while found := _INVISIBLE.search(markup, at):
        kept.append(markup[at : found.start()])
        stop = lower.find(f"</{found[1].lower()}", found.end())
        at = stop if stop >= 0 else len(markup)
        if stop >= 0:
            at = markup.find(">", stop) + 1 or len(markup)
    return " ".join([*kept, markup[at:]])


def _ascii_lower(text: str) -> str:
    """`text.lower()` of its ASCII letters alone, so that it stays as long as it was."""
    return text.translate({code: code + 32 for code in range(65, 91)})


def _tidy(text: str) -> str:
    """No trailing blanks, no odd spaces, no runs of empty lines."""
    text = text.replace("\u00a0", " ")
    if not text.isascii() and _HIDDEN_CHARACTER.search(text):
        text = _ODD_SPACE.sub("", text)
    lines = [line.rstrip() for line in text.split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
