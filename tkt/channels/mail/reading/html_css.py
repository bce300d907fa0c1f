"""Which elements of a mail's HTML its reader doesn't see, by their attributes and by the mail's own style sheets.

Only what senders use to hide text is understood: `display: none` and its many relatives, in a `style` attribute or
in a rule for a class, an id, or a class of one kind of element. Rules inside `@media` are left aside: they are for
other screens. A later rule that shows what an earlier one hid wins, as does an element's own `style`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

SHEETS_LIMIT = 300_000
RULES_LIMIT = 5_000
_KEPT_LENGTH = 300

_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|"
    r"(?:max-height|(?<![\w-])opacity)\s*:\s*0+(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:;|!|$)|"
    r"(?:left|top|text-indent)\s*:\s*-\d{4,}"
)
_SHOWING = re.compile(r"display\s*:\s*(?!none)[a-z]", re.IGNORECASE)
_SUSPECT = ("none", "hidden", "collapse", "max-height", "opacity", ":-", ": -")
_FONT_SIZE = re.compile(r"font-size\s*:\s*(\d{0,4}(?:\.\d{1,4})?)(px|pt|em|rem|%)?(?![\w.])|font-size\s*:")
_COLOUR = re.compile(r"(?<![\w-])(background-color|background|color)\s*:\s*([#\w]{1,30})")
_NO_COLOUR = ("inherit", "transparent", "initial", "none")
_SAME_COLOUR = {"#fff": "white", "#ffffff": "white"}
_SELECTOR = re.compile(r"([a-zA-Z][\w-]{0,30})?([.#])([\w-]{1,100})\Z")


class Says(NamedTuple):
    """`hides`: the element and all in it. `shows`: against what a rule says.

    `mutes`: its own text is too small or too pale to be seen, None if that is left as it was around it. Elements inside
    may show theirs again: layouts set `font-size: 0` on a whole page to close gaps.
    """

    hides: bool
    shows: bool
    mutes: bool | None


class Hidden:
    """What the style sheets of one message hide."""

    def __init__(self, sheets: Iterable[str]) -> None:
        self._rules: dict[tuple[str, str, str], None] = {}
        sheet = "\n".join(sheets)[:SHEETS_LIMIT]
        if any(word in sheet.lower() for word in _SUSPECT):
            for selectors, declarations in _rules(sheet):
                self._learn(selectors, declarations)

    def _learn(self, selectors: str, declarations: str) -> None:
        hides = _hides(declarations.lower())
        if not hides and not _SHOWING.search(declarations):
            return
        for selector in selectors.split(","):
            if found := _SELECTOR.match(selector.strip()):
                key = ((found[1] or "").lower(), found[2], found[3])
                if hides:
                    self._rules[key] = None
                else:
                    self._rules.pop(key, None)

    def hides(self, tag: str, attributes: Mapping[str, str]) -> bool:
        """Is an element with these attributes hidden, and so everything in it?"""
        if "hidden" in attributes:
            return True
        style = attributes.get("style")
        if not style:
            return bool(self._rules) and self._by_rule(tag, attributes)
        says = style_says(style)
        return says.hides or (bool(self._rules) and not says.shows and self._by_rule(tag, attributes))

    def _by_rule(self, tag: str, attributes: Mapping[str, str]) -> bool:
        for kind, value in ((".", attributes.get("class", "")), ("#", attributes.get("id", ""))):
            for name in value.split()[:20]:
                if ("", kind, name) in self._rules or (tag, kind, name) in self._rules:
                    return True
        return False


def style_says(style: str) -> Says:
    """What the declarations of a `style` attribute say of what is seen."""
    return _known_style(style) if len(style) <= _KEPT_LENGTH else _read_style(style)


def _read_style(style: str) -> Says:
    style = style.lower()
    return Says(_hides(style), "display" in style and _SHOWING.search(style) is not None, _mutes(style))


_known_style = lru_cache(maxsize=1024)(_read_style)


def _hides(declarations: str) -> bool:
    return any(word in declarations for word in _SUSPECT) and _HIDING.search(declarations) is not None


def _mutes(style: str) -> bool | None:
    if "font-size" not in style and "color" not in style:
        return None
    if found := _FONT_SIZE.search(style):
        size = found[1]
        if size and size != "." and (float(size) == 0 or (found[2] == "px" and float(size) <= 1)):
            return True
    return _is_tone_on_tone(style)


def _is_tone_on_tone(style: str) -> bool:
    """Text in the very colour of its own background."""
    if "background" not in style:
        return False
    colours = {name: _SAME_COLOUR.get(value, value) for name, value in _COLOUR.findall(style)}
    behind = colours.get("background-color") or colours.get("background")
    return behind is not None and behind == colours.get("color") and behind not in _NO_COLOUR


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """(selectors, declarations) of each rule that stands outside of @ blocks."""
    depth, start, selectors = 0, 0, ""
    sheet = _without_comments(sheet)
    for count, brace in enumerate(re.finditer("[{};]", sheet)):
        if count > 10 * RULES_LIMIT:
            return
        if brace[0] == "{":
            depth += 1
            if depth == 1:
                selectors = sheet[start : brace.start()].strip()
                start = brace.end()
        elif brace[0] == "}":
            depth = max(0, depth - 1)
            if depth == 0:
                if selectors and selectors[0] != "@":
                    yield selectors, sheet[start : brace.start()]
                start = brace.end()
        elif depth == 0:
            start = brace.end()


def _without_comments(sheet: str) -> str:
    """The sheet without comments and without the <!-- --> that old mailers wrap it in."""
    pieces = sheet.replace("<!--", " ").replace("-->", " ").split("/*")
    return pieces[0] + " ".join(piece.partition("*/")[2] for piece in pieces[1:])
