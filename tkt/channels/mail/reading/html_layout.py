"""The elements of a mail's HTML laid out as lines of text: one walk over the tree that meets each element once.

A block that is set apart (a quote, a list item, a cell) gathers its lines, which go into the block around it when it
ends. What is too deep to be set apart any more stays in its block, so the work is bounded by the markup's length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from tkt.channels.mail.reading.html_blocks import Block
from tkt.channels.mail.reading.html_css import Hidden, style_says
from tkt.channels.mail.reading.html_tables import Table

BLOCKS_LIMIT = 60
PREFIXES_LIMIT = 20
SHOWN_LIMIT = 500

# fmt: off
_INVISIBLE = frozenset((
    "script", "style", "head", "title", "template", "object", "applet", "iframe", "svg", "noframes", "audio", "video",
    "canvas", "map", "select", "datalist", "math",
))
_LINES = (
    "div", "tr", "td", "th", "section", "article", "header", "footer", "main", "nav", "aside", "caption", "form",
    "body", "html", "figcaption", "figure", "legend", "details", "summary", "tbody", "thead", "tfoot", "center",
    "address", "fieldset", "dt", "dl",
)
# fmt: on
_SPACED = ("h1", "h2", "h3", "h4", "h5", "h6")
_MARGIN = re.compile(r"margin(-top|-bottom)?\s*:\s*([^;]{1,80})", re.IGNORECASE)
_WORD_BULLET = re.compile(r"\s*(?:[·o§•–Øüv\uf0a7\uf0b7\uf0d8\uf0fc-]|(\w{1,5}[.)]))[\s\xa0]+")
_WORD_LEVEL = re.compile(r"mso-list\s*:[^;]{0,40}\blevel([1-9])")
_WEB_LINK = re.compile(r"(?:https?|ftp|mailto|tel):", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?://|ftp://|mailto:|tel:)?(?:www\.)?", re.IGNORECASE)
_RULE = "_" * 32  # what Outlook writes in plain mail for the rule above what it quotes


def lay_out(markup: str, images: Mapping[str, str]) -> str:
    """The text of `markup`, still with hard spaces; "" if no parser can read it."""
    # lxml is loaded only when a mail has no usable plain text.
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = etree.fromstring(markup.encode("utf-8"), parser)
    except (etree.LxmlError, AssertionError, ValueError):
        return ""
    if tree is None:
        return ""
    sheets = (element.text or "" for element in tree.iter("style"))
    return "\n".join(_Layout(tree, Hidden(sheets), images).read(etree.iterwalk(tree, events=("start", "end"))))


class _Layout:
    """One walk over one page, and what is open where it stands."""

    def __init__(self, tree: Any, hidden: Hidden, images: Mapping[str, str]) -> None:
        self._hidden = hidden
        self._images = images
        self.block = Block(tree)
        self.blocks = [self.block]
        self.prefixes = 0
        self.tables: list[Table] = []
        self.lists: list[int] = []  # the number of the last item, -1 in a list without numbers
        self.links: list[list[str]] = []
        self.preformatted = 0
        self._muted: list[tuple[Any, bool]] = [(None, False)]

    def read(self, walk: Any) -> list[str]:
        """The lines of the page."""
        root, skipped = self.block.element, None
        for event, element in walk:
            tag = element.tag
            if event == "start":
                attributes = element.attrib
                if element is not root and (tag in _INVISIBLE or (attributes and self._is_hidden(tag, attributes))):
                    skipped = element
                    walk.skip_subtree()
                    continue
                if attributes and (style := attributes.get("style")):
                    self._mute(element, style_says(style).mutes)
                if starter := _START.get(tag):
                    starter(self, element)
                if element.text:
                    self.text(element.text)
                continue
            if element is not skipped:
                if ender := _END.get(tag):
                    ender(self, element)
                if self._muted[-1][0] is element:
                    self._muted.pop()
            if element.tail and element is not root:
                self.text(element.tail)
        return self.block.finished()

    def _is_hidden(self, tag: Any, attributes: Mapping[str, str]) -> bool:
        return tag != "body" and self._hidden.hides(tag, attributes)

    def _mute(self, element: Any, muted: bool | None) -> None:
        if muted is not None and muted != self._muted[-1][1]:
            self._muted.append((element, muted))

    def text(self, words: str) -> None:
        """Words that are read at this place."""
        if self._muted[-1][1]:
            return
        self.block.pieces.append(words)
        if self.links:
            self.links[-1].append(words[:SHOWN_LIMIT])

    def end_line(self) -> None:
        self.block.end_line(self.preformatted > 0)

    def space(self) -> None:
        """End the line and leave a gap after it."""
        self.end_line()
        self.block.gap = True

    def set_apart(self, element: Any, first: str = "", rest: str = "") -> None:
        """Begin a block; too deep inside, only its first mark is written."""
        self.end_line()
        if len(self.blocks) >= BLOCKS_LIMIT or (rest and self.prefixes >= PREFIXES_LIMIT):
            self.block.pieces.append(first)
            return
        self.prefixes += bool(rest)
        self.block = Block(element, first, rest)
        self.blocks.append(self.block)

    def finish(self, element: Any) -> list[str] | None:
        """The lines of the block that `element` began; None if it began none."""
        if self.block.element is not element or len(self.blocks) == 1:
            self.end_line()
            return None
        self.end_line()
        self.prefixes -= bool(self.block.rest)
        lines = self.blocks.pop().finished()
        self.block = self.blocks[-1]
        return lines

    def image_name(self, source: str) -> str:
        """The name of the attached file that an image shows; "" if none is known."""
        return self._images.get(unquote(source[:1000]).lower(), "") if self._images else ""


def _end_line(layout: _Layout, element: Any) -> None:
    layout.end_line()


def _space(layout: _Layout, element: Any) -> None:
    layout.space()


def _start_paragraph(layout: _Layout, element: Any) -> None:
    layout.end_line()
    if element.attrib and not _has_margin(element):
        return
    layout.block.gap = True


def _end_paragraph(layout: _Layout, element: Any) -> None:
    if element.attrib:
        style = element.get("style") or ""
        if "mso-list" in style:
            _mark_item(layout, style)
        if not _has_margin(element):
            layout.end_line()
            return
    layout.space()


def _has_margin(element: Any) -> bool:
    """Paragraphs of Word have none, nor have those whose style says so."""
    if (element.get("class") or "").startswith("Mso"):
        return False
    style = element.get("style")
    if not style or "margin" not in style:
        return True
    above = below = "1"
    for side, value in _MARGIN.findall(style):
        sizes = value.split() or ["1"]
        above = sizes[0] if side != "-bottom" else above
        below = sizes[2 if len(sizes) > 2 else 0] if side != "-top" else below
    return above.strip("0.") not in _NOTHING or below.strip("0.") not in _NOTHING


_NOTHING = ("", "px", "pt", "cm", "in", "em", "mm", "!important")


def _mark_item(layout: _Layout, style: str) -> None:
    """The bullet that Word writes as a character of a symbol font becomes a star."""
    text = "".join(layout.block.pieces)
    level = _WORD_LEVEL.search(style)
    indent = "\xa0\xa0" * (int(level[1]) - 1 if level else 0)
    layout.block.pieces = [_WORD_BULLET.sub(lambda found: f"{indent}{found[1] or '*'} ", text, count=1)]


def _start_list(layout: _Layout, element: Any) -> None:
    if layout.lists:
        layout.end_line()
    else:
        layout.space()
    layout.lists.append(_number(element.get("start"), 1) - 1 if element.tag == "ol" else -1)


def _end_list(layout: _Layout, element: Any) -> None:
    layout.lists.pop()
    _start_paragraph(layout, element) if not layout.lists else layout.end_line()


def _start_item(layout: _Layout, element: Any) -> None:
    mark = "* "
    if layout.lists and layout.lists[-1] >= 0:
        layout.lists[-1] = _number(element.get("value"), layout.lists[-1] + 1)
        mark = f"{layout.lists[-1]}. "
    layout.set_apart(element, mark, " " * len(mark))


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else otherwise


def _end_apart(layout: _Layout, element: Any) -> None:
    lines = layout.finish(element)
    if lines is not None:
        layout.block.add(lines)


def _start_quote(layout: _Layout, element: Any) -> None:
    """A quote, unless a mailer uses the element to indent."""
    style, kind = (element.get("style") or "").replace(" ", ""), element.get("class") or ""
    layout.space()
    is_indent = "border:none" in style and "quote" not in kind and element.get("type") != "cite"
    layout.set_apart(element, *("    ", "    ") if is_indent else ("> ", "> "))


def _end_quote(layout: _Layout, element: Any) -> None:
    _end_apart(layout, element)
    layout.space()


def _start_definition(layout: _Layout, element: Any) -> None:
    layout.set_apart(element, "    ", "    ")


def _start_preformatted(layout: _Layout, element: Any) -> None:
    layout.space()
    layout.preformatted += 1
    if element.text:
        element.text = element.text.removeprefix("\n")


def _end_preformatted(layout: _Layout, element: Any) -> None:
    layout.end_line()
    layout.preformatted -= 1
    layout.block.gap = True


def _break(layout: _Layout, element: Any) -> None:
    if layout.preformatted:
        layout.block.pieces.append("\n")
    else:
        layout.block.break_line()


def _rule(layout: _Layout, element: Any) -> None:
    layout.end_line()
    layout.block.add([_RULE])


def _start_table(layout: _Layout, element: Any) -> None:
    if layout.tables:
        layout.tables[-1].holds_table = True
    layout.tables.append(Table((element.get("border") or "0") != "0"))
    layout.set_apart(element)


def _end_table(layout: _Layout, element: Any) -> None:
    table = layout.tables.pop()
    outside = layout.finish(element) or []
    layout.block.gap |= table.is_data()
    layout.block.add(outside + table.lines())
    layout.block.gap |= table.is_data()


def _start_row(layout: _Layout, element: Any) -> None:
    layout.end_line()
    if layout.tables:
        layout.tables[-1].add_row()


def _start_cell(layout: _Layout, element: Any) -> None:
    if layout.tables:
        layout.tables[-1].has_heads |= element.tag == "th"
        layout.set_apart(element)
    else:
        layout.end_line()


def _end_cell(layout: _Layout, element: Any) -> None:
    lines = layout.finish(element)
    if lines is not None:
        layout.tables[-1].add_cell(lines, _number(element.get("colspan"), 1))


def _start_link(layout: _Layout, element: Any) -> None:
    layout.links.append([])


def _end_link(layout: _Layout, element: Any) -> None:
    """Puts the address behind the link's text, unless the text is the address."""
    shown = layout.links.pop()
    address = "".join((element.get("href") or "").split())
    if not shown or not _WEB_LINK.match(address):
        return
    text = " ".join("".join(shown).split())
    bare = _SCHEME.sub("", address, count=1).rstrip("/").lower()
    if not text or _SCHEME.sub("", text, count=1).rstrip("/").lower() == bare.partition("?")[0] or bare == text.lower():
        return
    layout.block.append(f" ({address[7:] if address.lower().startswith('mailto:') else address})")


def _image(layout: _Layout, element: Any) -> None:
    """The name of the file that an image shows, else the words for it; pixels that count readers have none."""
    source = element.get("src") or ""
    words = " ".join((element.get("alt") or "").split())[:200]
    name = layout.image_name(source)
    if name or source[:4].lower() == "cid:":
        shown = name or words
        layout.block.pieces.append(f"[image: {shown}]" if shown else "[image]")
    elif words and not {element.get("width"), element.get("height")} & {"0", "1", "2", "0px", "1px"}:
        layout.block.pieces.append(words)


def _quotation_mark(layout: _Layout, element: Any) -> None:
    layout.text('"')


_Step = Callable[[_Layout, Any], None]
_START: dict[str, _Step] = {
    **dict.fromkeys(_LINES, _end_line),
    **dict.fromkeys(_SPACED, _space),
    **dict.fromkeys(("ul", "ol"), _start_list),
    **dict.fromkeys(("td", "th"), _start_cell),
    "p": _start_paragraph,
    "li": _start_item,
    "dd": _start_definition,
    "blockquote": _start_quote,
    "pre": _start_preformatted,
    "table": _start_table,
    "tr": _start_row,
    "a": _start_link,
    "br": _break,
    "hr": _rule,
    "img": _image,
    "q": _quotation_mark,
}
_END: dict[str, _Step] = {
    **dict.fromkeys(_LINES, _end_line),
    **dict.fromkeys(_SPACED, _space),
    **dict.fromkeys(("ul", "ol"), _end_list),
    **dict.fromkeys(("td", "th"), _end_cell),
    **dict.fromkeys(("li", "dd"), _end_apart),
    "p": _end_paragraph,
    "blockquote": _end_quote,
    "pre": _end_preformatted,
    "table": _end_table,
    "a": _end_link,
    "q": _quotation_mark,
}
