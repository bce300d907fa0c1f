r"""What may reach a terminal: text from strangers, made harmless, and names of files from strangers.

Everything that came from outside (subjects, bodies, names, addresses, file names, answers of mail servers)
passes `safe_line` or `safe_block` before it is shown, in every interface, in notifications and in logs.

Promises, for any `str`:
- No escape sequence is left, in the 7-bit form or the 8-bit one (ECMA-48): CSI, OSC (titles, links,
  clipboard), DCS, SOS, PM, APC and the short ones. A whole sequence goes, parameters and payload included. A
  string sequence that does not end on its line loses only its introducer: it can't make the rest vanish.
- No control character is left (C0, DEL, C1, so no carriage return or backspace that overwrites); `safe_block`
  keeps line feeds. A line end of any kind becomes a line feed, in `safe_line` a space; tabs become spaces.
- No character is left that reorders or hides: bidi marks, embeddings, overrides and isolates, zero-width
  space, byte-order mark, word joiner, soft hyphen, invisible operators, blank "letters" (Hangul fillers),
  deprecated format characters, interlinear annotation, tag characters (so the flags of England, Scotland and
  Wales lose their emblem), variation selectors other than the two of emoji.
- ZWNJ and ZWJ stay, since Persian, Indic scripts and emoji families are spelt with them. They, the two emoji
  selectors and combining marks are capped at `MARKS_PER_BASE` in a row, so that nothing can be piled up.
- A lone surrogate becomes U+FFFD, so the text can always be encoded.
- Clean text comes back unchanged, and a second pass changes nothing.

Leaves to others: markup. `[red]x[/red]` is plain text and stays so; an interface must never parse what a
stranger wrote as markup but pass it on as `rich.text.Text` or as Segments. Width in cells: `rich.cells`.
"""

from __future__ import annotations

import re

MARKS_PER_BASE = 8
"""Marks kept in a row. Tibetan stacks eight; no living language needs more."""

FILENAME_BYTES = 120
"""The longest file name given, in UTF-8: room for a suffix or prefix under the 255 of common file systems."""

_CONTROLS = r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
_HIDDEN = (
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    r"\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_LINE_ENDS = r"\x0b\x0c\r\x85\u2028\u2029"
_SURROGATES = r"\ud800-\udfff"
# Every combining mark is outside \w and ASCII; the blocks named here hold none, but things people draw lines
# and lists with. What else is caught is sorted out one by one in `_capped`.
_PERHAPS_MARKS = (
    r"[^\x00-\x7f\w\u2010-\u20cf\u2100-\u2bff\u3000-\u3029\u3030-\u303f\uff00-\uffef\U0001f000-\U0001faff]"
    rf"{{{MARKS_PER_BASE + 1},}}"
)

# Patterns stay text: `re` compiles each at its first use and keeps it, and clean ASCII needs none.
_SUSPECT = rf"[{_CONTROLS}{_HIDDEN}{_LINE_ENDS}{_SURROGATES}\t]|{_PERHAPS_MARKS}"
_SEQUENCE = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])"  # OSC, DCS, SOS, PM, APC …
    r"(?:[^\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]*(?:\x07|\x1b\\|\x9c))?"  # … to BEL or ST on the same line
    r"|\x1b[ -/]*[0-~]?"  # the short ones
)
_JOINERS = "\u200c\u200d"
_SEPARATORS = r"[/\\\u2044\u2215\u29f5\u29f8\uff0f\uff3c]"
_RESERVED = r"(?i:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\.|$)"


def safe_line(text: str, limit: int | None = None) -> str:
    """The text as one harmless line of at most `limit` characters; where it was cut it ends in `…`."""
    if limit is None or len(text) <= limit:
        clean = text.isprintable() if text.isascii() else "\n" not in text and not re.search(_SUSPECT, text)
        if clean:
            return text
    return _cleaned(text, limit, one_line=True)


def safe_block(text: str, limit: int | None = None) -> str:
    """The text as harmless lines of together at most `limit` characters; where it was cut it ends in `…`."""
    if (limit is None or len(text) <= limit) and not re.search(_SUSPECT, text):
        return text
    return _cleaned(text, limit, one_line=False)


def safe_filename(name: str) -> str:
    """A name under which a stranger's file may be written into a folder, on any system, and shown.

    Only what follows the last separator counts (RFC 2183, 2.3: directories are to be ignored). The name is
    never empty, hidden, an option (`-rf`), a device of Windows or a stream, holds no `..`, and is at most
    `FILENAME_BYTES` long in UTF-8 with its extension kept. It need not be unique in its folder.
    """
    parts = [part for part in map(_filename_part, re.split(_SEPARATORS, safe_line(name))) if part]
    part = parts[-1] if parts else "attachment"
    if re.match(_RESERVED, part):
        part = "_" + part
    return _shortened(part)


def _cleaned(text: str, limit: int | None, one_line: bool) -> str:
    if limit is None:
        return _harmless(text, one_line)
    head = text[: 16 * limit + 4096]  # a subject of megabytes must not cost more than its visible beginning
    cleaned = _harmless(head, one_line)
    if len(cleaned) <= limit and len(head) == len(text):
        return cleaned
    return cleaned[: max(0, limit - 1)] + "…"[:limit]


def _harmless(text: str, one_line: bool) -> str:
    text = re.sub(_SEQUENCE, "", text)
    text = re.sub(rf"\r\n|[{_LINE_ENDS}]", "\n", text)
    text = re.sub(f"[{_CONTROLS}{_HIDDEN}]", "", text)
    text = re.sub(f"[{_SURROGATES}]", "\ufffd", text)
    text = re.sub(_PERHAPS_MARKS, _capped, text)  # last: what was dropped may have stood between marks
    return re.sub(r"[\t\n]+", " ", text) if one_line else text.expandtabs(8)


def _capped(pile: re.Match[str]) -> str:
    from unicodedata import category

    kept, row = [], 0
    for character in pile[0]:
        row = row + 1 if character in _JOINERS or category(character) in ("Mn", "Me") else 0
        if row <= MARKS_PER_BASE:
            kept.append(character)
    return "".join(kept)


def _filename_part(part: str) -> str:
    part = re.sub(r"^\s*[A-Za-z]:", "", part)
    part = re.sub('[:*?"<>|\ufffd]', "_", part)
    part = re.sub(r"\.{2,}", ".", re.sub(r"\s+", " ", part))
    return part.lstrip(" .-" + _JOINERS).rstrip(" .")


def _shortened(name: str) -> str:
    if len(name.encode()) <= FILENAME_BYTES:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > 20:
        stem, dot, extension = name, "", ""
    room = FILENAME_BYTES - len((dot + extension).encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + dot + extension
