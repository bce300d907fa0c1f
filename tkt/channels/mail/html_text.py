"""HTML of a mail to the text that its reader would see.

Promises: any string gives text; nothing is fetched; scripts, styles and hidden text are dropped; a link is
kept as "text (address)" when the text does not show the address already; lists and tables stay readable; a
quoted block's lines begin with "> ", as in plain mail. Size is bounded; broken markup falls back to stripping
tags.
"""

from __future__ import annotations

import html
import re
from typing import Any

HTML_LIMIT = 1_000_000

_INVISIBLE = ("script", "style", "head", "title", "template", "object", "iframe", "svg", "noframes")
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all|"
    r"font-size\s*:\s*0(?:\.0+)?(?:px|pt|em|%)?\s*(?:;|!|$)|max-height\s*:\s*0(?:px)?\s*(?:;|!|$)|(?<![\w-])opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)",
    re.IGNORECASE,
)
_LINK = re.compile(r"(?:https?|ftp|mailto|tel):", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?://|ftp://|mailto:|tel:)?(?:www\.)?", re.IGNORECASE)
_DROPPED = re.compile(r"<(script|style|head|title)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.S | re.I)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h[1-6]|hr)\b[^>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,5000}>")
_EMBEDDED_FILE = re.compile(r"data:[a-z]+/[^\s\"'<>]{100,}", re.IGNORECASE)
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SPACES = re.compile(r"[ \t]+")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n){2,}")
_ODD_SPACE = re.compile("[\u200b\u200c\u2060\ufeff\u00ad\u034f]+")
# Private-use characters that mark where a quoted block starts and ends while inscriptis lays the text out.
_OPEN, _CLOSE = "\ue0fa", "\ue0fb"


def html_to_text(markup: str) -> str:
    """The readable text of `markup`; "" if it shows none."""
    markup = _EMBEDDED_FILE.sub("", markup)[:HTML_LIMIT]
    markup = _NOT_XML.sub("", markup).replace(_OPEN, "").replace(_CLOSE, "")
    text = _tidy(_render(markup))
    return text or _tidy(_strip_tags(markup))


def _render(markup: str) -> str:
    # lxml and inscriptis are loaded only when a mail has no usable plain text.
    from inscriptis.css_profiles import STRICT_CSS_PROFILE
    from inscriptis.html_engine import Inscriptis
    from inscriptis.model.config import ParserConfig
    from lxml import etree  # type: ignore[import-untyped]
    from lxml import html as lxml_html

    if not markup.strip():
        return ""
    try:
        parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
        tree = lxml_html.document_fromstring(markup.encode("utf-8"), parser=parser)
        _prepare(tree)
        return str(Inscriptis(tree, ParserConfig(css=STRICT_CSS_PROFILE)).get_text())
    except (etree.LxmlError, ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError):
        return ""
    except (TypeError, ValueError):
        return ""


def _prepare(tree: Any) -> None:
    """Turns the tree into one whose plain layout says all that a reader of the HTML sees."""
    for element in list(tree.iter()):
        if element.getparent() is None:
            continue
        if not isinstance(element.tag, str) or _is_hidden(element):
            element.drop_tree()
        elif element.tag == "a":
            _show_link(element)
        elif element.tag == "img":
            _show_image(element)
        elif element.tag == "blockquote":
            _mark_quote(element)


def _is_hidden(element: Any) -> bool:
    if element.tag in _INVISIBLE or "hidden" in element.attrib:
        return True
    style = element.get("style")
    return bool(style) and _HIDDEN_STYLE.search(style) is not None and element.tag not in ("html", "body")


def _show_link(element: Any) -> None:
    """Puts the address behind the link's text, unless the text is the address."""
    address = "".join((element.get("href") or "").split())
    text = " ".join(element.text_content().split())
    if not text or not _LINK.match(address):
        return
    bare = _SCHEME.sub("", address, count=1).rstrip("/").lower()
    if bare.partition("?")[0] != _SCHEME.sub("", text, count=1).rstrip("/").lower() and bare != text.lower():
        shown = address[7:] if address.lower().startswith("mailto:") else address
        element.tail = f" ({shown}){element.tail or ''}"


def _show_image(element: Any) -> None:
    """The words for an image; one that belongs to the mail itself is named even without words."""
    words = " ".join((element.get("alt") or "").split())[:200]
    inside = (element.get("src") or "").lower().startswith("cid:")
    if inside:
        element.tail = f"[image: {words}]{element.tail or ''}" if words else f"[image]{element.tail or ''}"
    elif words and element.getparent().tag == "a":
        element.tail = f"{words}{element.tail or ''}"


def _mark_quote(element: Any) -> None:
    element.text = f"{_OPEN}{element.text or ''}"
    if len(element):
        element[-1].tail = f"{element[-1].tail or ''}{_CLOSE}"
    else:
        element.text += _CLOSE


def _strip_tags(markup: str) -> str:
    text = _TAG.sub(" ", _BREAK.sub("\n", _DROPPED.sub(" ", markup)))
    return html.unescape(_SPACES.sub(" ", text))


def _tidy(text: str) -> str:
    """No trailing blanks, no odd spaces, no runs of empty lines; quoted blocks get their prefix."""
    text = _ODD_SPACE.sub("", text.replace("\u00a0", " "))
    lines, depth = [], 0
    for line in text.split("\n"):
        opened, closed = line.count(_OPEN), line.count(_CLOSE)
        words = line.replace(_OPEN, "").replace(_CLOSE, "").rstrip()
        depth += opened
        lines.append("> " * min(depth, 20) + words if depth and words else words)
        depth = max(0, depth - closed)
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n").rstrip()
