"""Which lines of a mail are the writer's own, which are quoted, which are a signature.

`fold` cuts a text into pieces for a view that hides the known: it changes nothing, and the pieces joined are
the text again, character by character. Rules: lines with ">" are quoted; an attribution ("On … Bob wrote:")
belongs to what it introduces; without ">" after it, or after an Outlook header block, the rest of the mail is
quoted; answers between quoted lines stay visible; what is forwarded is the point of a forward, so it stays
visible; a mail that would have no visible words keeps them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tkt.channels.mail.quote_marks import (
    ATTRIBUTION_LENGTH,
    ATTRIBUTION_LINES,
    DETAIL_LABEL,
    ENDS_IN_ADDRESS,
    FORWARD_SUBJECT,
    FORWARDED,
    MOBILE,
    ORIGINAL_MESSAGE,
    RECEIVER_LABEL,
    RULE,
    SENDER_LABEL,
    SIGNATURE_LOOSE,
    SIGNATURE_STRICT,
    TWO_NUMBERS,
    WROTE,
    WROTE_BEFORE_NAME,
    YEAR_AND_TIME,
)

TEXT, QUOTE, SIGNATURE = "text", "quote", "signature"
LINES_LIMIT = 20_000
SIGNATURE_LINES = 12
STRICT_SIGNATURE_LINES = 30
MOBILE_LINES = 4
HEADER_BLOCK_LINES = 7

_QUOTED = re.compile(r"[ \t]{0,3}>")
_ENDS_IN_COLON = (":", "：")


class Piece(NamedTuple):
    """A run of lines; `kind` is "text", "quote" or "signature"."""

    kind: str
    text: str


def fold(text: str, subject: str = "") -> list[Piece]:
    """`text` in pieces whose texts joined are `text`; `subject` tells a forward that has no other mark."""
    lines = text.splitlines(keepends=True) if len(text) < 2_000_000 else [text]
    if len(lines) > LINES_LIMIT:
        return [Piece(TEXT, text)]
    forwarded = FORWARD_SUBJECT.match(subject) is not None
    kinds = _Folder([line.rstrip("\r\n") for line in lines], forwarded).kinds()
    pieces: list[Piece] = []
    start = 0
    for end in range(1, len(lines) + 1):
        if end == len(lines) or kinds[end] != kinds[start]:
            pieces.append(Piece(kinds[start], "".join(lines[start:end])))
            start = end
    return pieces


def own_text(text: str, subject: str = "") -> str:
    """What the writer of this mail wrote: the visible pieces, trimmed."""
    return "".join(piece.text for piece in fold(text, subject) if piece.kind == TEXT).strip()


class _Folder:
    """Decides the kind of each line, from the top."""

    def __init__(self, lines: list[str], forwarded: bool) -> None:
        self.lines = lines
        self.forwarded = forwarded
        self.found: list[str] = []

    def kinds(self) -> list[str]:
        count = len(self.lines)
        while len(self.found) < count:
            at = len(self.found)
            if FORWARDED.fullmatch(self.lines[at][:ATTRIBUTION_LENGTH]):
                self._mark(TEXT, count)
            elif not self._quote(at):
                self._mark(TEXT, at + 1)
        self._blank_lines_follow()
        _mark_signatures(self.lines, self.found)
        return self.found

    def _mark(self, kind: str, end: int) -> None:
        self.found += [kind] * (end - len(self.found))

    def _quote(self, at: int) -> bool:
        """Marks the quote that starts at line `at`, if one does."""
        if not self.lines[at].strip():
            return False
        if _QUOTED.match(self.lines[at]):
            self._mark(QUOTE, at + 1)
        elif length := self._attribution(at):
            self._quote_after(at + length)
        elif self._original_message(at):
            self._mark(QUOTE if self._may_hide_rest() else TEXT, len(self.lines))
        else:
            return False
        return True

    def _attribution(self, at: int) -> int:
        """How many lines the attribution at `at` has; 0 if it is none."""
        joined = ""
        for length, line in enumerate(self.lines[at : at + ATTRIBUTION_LINES], 1):
            if not line.strip() or _QUOTED.match(line):
                return 0
            joined = f"{joined} {line.strip()}".strip()
            if len(joined) > ATTRIBUTION_LENGTH:
                return 0
            if joined.endswith(_ENDS_IN_COLON) and _is_attribution(joined, self._quoted_at(at + length)):
                return length
        return 0

    def _quoted_at(self, at: int) -> bool:
        """Is the first line with words from `at` a quoted one?"""
        return _QUOTED.match(next((line for line in self.lines[at : at + 4] if line.strip()), "")) is not None

    def _quote_after(self, end: int) -> None:
        """An attribution and the ">" lines after it; without them everything that follows is the quote."""
        if self._quoted_at(end):
            self._mark(QUOTE, end)
        elif any(line.strip() for line in self.lines[end:]):
            self._mark(QUOTE if self._may_hide_rest() else TEXT, len(self.lines))
        else:
            self._mark(TEXT, len(self.lines))

    def _may_hide_rest(self) -> bool:
        """Not in a forward, and not if nothing that the writer said would stay visible."""
        said = any(line.strip() and kind == TEXT for line, kind in zip(self.lines, self.found, strict=False))
        return said and not self.forwarded

    def _original_message(self, at: int) -> bool:
        """Does a separator or a header block, as Outlook writes them, start at `at`?"""
        line = self.lines[at]
        if ORIGINAL_MESSAGE.fullmatch(line[:ATTRIBUTION_LENGTH]):
            return True
        if RULE.fullmatch(line[:ATTRIBUTION_LENGTH]):
            at = next((n for n in range(at + 1, min(at + 4, len(self.lines))) if self.lines[n].strip()), at)
        return self._header_block(at)

    def _header_block(self, at: int) -> bool:
        """From, then at least two more labels near it, a date or a subject among them."""
        if not SENDER_LABEL.fullmatch(self.lines[at][:ATTRIBUTION_LENGTH]):
            return False
        near = [line[:ATTRIBUTION_LENGTH] for line in self.lines[at + 1 : at + HEADER_BLOCK_LINES]]
        details = sum(DETAIL_LABEL.fullmatch(line) is not None for line in near)
        receivers = sum(RECEIVER_LABEL.fullmatch(line) is not None for line in near)
        return details >= 1 and details + receivers >= 2

    def _blank_lines_follow(self) -> None:
        """An empty line between two quoted ones is quoted too."""
        for at in range(1, len(self.lines)):
            if not self.lines[at].strip() and self.found[at - 1] == QUOTE and self._quoted_next(at):
                self.found[at] = QUOTE

    def _quoted_next(self, at: int) -> bool:
        while at < len(self.lines) and not self.lines[at].strip():
            at += 1
        return at == len(self.lines) or self.found[at] == QUOTE


def _is_attribution(joined: str, before_quote: bool) -> bool:
    """Before ">" lines the verb is enough; else a date or an address must show that it is no sentence."""
    if WROTE.search(joined) or WROTE_BEFORE_NAME.match(joined):
        return before_quote or "@" in joined or TWO_NUMBERS.search(joined) is not None
    return ENDS_IN_ADDRESS.search(joined) is not None and YEAR_AND_TIME.search(joined) is not None


def _mark_signatures(lines: list[str], kinds: list[str]) -> None:
    """Marks the signature at the end of each run of visible lines, unless nothing else would be visible."""
    start = 0
    while start < len(lines):
        end = start
        while end < len(lines) and kinds[end] == kinds[start]:
            end += 1
        if kinds[start] == TEXT and (cut := _signature_start(lines, start, end)) < end:
            kinds[cut:end] = [SIGNATURE] * (end - cut)
        start = end
    if not any(line.strip() and kind == TEXT for line, kind in zip(lines, kinds, strict=True)):
        kinds[:] = [TEXT if kind == SIGNATURE else kind for kind in kinds]


def _signature_start(lines: list[str], start: int, end: int) -> int:
    """The first line of the signature within `start` to `end`; `end` if there is none."""
    filled = 0
    found = end
    for at in range(end - 1, start - 1, -1):
        line = lines[at]
        filled += bool(line.strip())
        if filled > STRICT_SIGNATURE_LINES:
            break
        if _opens_signature(line, filled):
            found = at
    return found


def _opens_signature(line: str, filled: int) -> bool:
    """Does `line` begin a signature, `filled` being the lines with words from it to the end?"""
    if filled <= MOBILE_LINES and len(line) < 160 and MOBILE.fullmatch(line):
        return True
    loose = filled <= SIGNATURE_LINES and SIGNATURE_LOOSE.fullmatch(line)
    return bool(loose or SIGNATURE_STRICT.fullmatch(line))
