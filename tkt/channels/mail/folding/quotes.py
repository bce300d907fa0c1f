"""Which lines of a mail are the writer's own, which are quoted, which are a signature.

`fold` cuts a text into pieces for a view that hides the known: it changes nothing, and the pieces joined are
the text again, character by character. Its time is linear in the text. Rules:

- Lines with ">" are quoted, and an attribution ("On … Bob wrote:") belongs to what it introduces. Without ">" after it,
  or after a header block as Outlook writes it, the rest of the mail is quoted.
- ">" lines in a mail without any attribution are quoted if they look like a mail; prompts, log lines and arrows stay
  visible, and so does what the writer introduces with a colon.
- Answers between quoted lines stay visible.
- What is forwarded is the point of a forward, so it stays visible; so does a mail pasted below "… wrote me this:".
- What is a signature, `signatures` says.
- A mail that would have no visible words keeps them.
"""

from __future__ import annotations

from typing import NamedTuple

from tkt.channels.mail.folding import quote_marks as marks
from tkt.channels.mail.folding.quoted_lines import (
    attribution_length,
    is_prose,
    is_quoted,
    opens_original,
    plain,
    quoted_from,
)
from tkt.channels.mail.folding.signatures import signature_lines

TEXT, QUOTE, SIGNATURE = "text", "quote", "signature"
LINES_LIMIT = 20_000
OVERHANG = 40
WRAPPED_AT = 65


class Piece(NamedTuple):
    """A run of lines; `kind` is "text", "quote" or "signature"."""

    kind: str
    text: str


def fold(text: str, subject: str = "") -> list[Piece]:
    """`text` in pieces whose texts joined are `text`; this mail's `subject` tells a forward that has no other mark."""
    lines = text.splitlines(keepends=True) if len(text) < 2_000_000 else [text]
    if len(lines) > LINES_LIMIT:
        return [Piece(TEXT, text)]
    kinds = _kinds([line.rstrip("\r\n") for line in lines], subject)
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


def without_quotes(text: str, subject: str = "") -> str:
    """What the writer of this mail wrote, with how they signed it, trimmed."""
    return "".join(piece.text for piece in fold(text, subject) if piece.kind != QUOTE).strip()


def _kinds(lines: list[str], subject: str) -> list[str]:
    """The kind of each line."""
    quotes = _Quotes(lines, subject)
    kinds = quotes.kinds()
    start = 0
    while start < quotes.forwarded_from:
        end = start
        while end < quotes.forwarded_from and kinds[end] == kinds[start]:
            end += 1
        if kinds[start] == TEXT:
            for at in signature_lines(quotes.plain[start:end]):
                kinds[start + at] = SIGNATURE
        start = end
    _blank_lines_follow(lines, kinds, SIGNATURE, (SIGNATURE, QUOTE))
    if not _has_words(lines, kinds):
        kinds = [TEXT if kind == SIGNATURE else kind for kind in kinds]
    return kinds if _has_words(lines, kinds) else [TEXT] * len(kinds)


def _has_words(lines: list[str], kinds: list[str]) -> bool:
    return any(kind == TEXT and line.strip() for line, kind in zip(lines, kinds, strict=True))


def _blank_lines_follow(lines: list[str], kinds: list[str], kind: str, before: tuple[str, ...]) -> None:
    """Empty lines after a line of this kind are of it too, up to a line of one of the kinds `before`, or to the end."""
    previous = -1
    for at in (*(at for at, line in enumerate(lines) if line.strip()), len(lines)):
        if previous >= 0 and kinds[previous] == kind and (at == len(lines) or kinds[at] in before):
            kinds[previous + 1 : at] = [kind] * (at - previous - 1)
        previous = at


class _Quotes:
    """Tells quoted lines from the others, from the top."""

    def __init__(self, lines: list[str], subject: str) -> None:
        self.lines = lines
        self.plain = [plain(line) for line in lines]
        finnish = marks.FINNISH_REPLY.match(subject) and any(line.startswith(marks.FINNISH_SENDER) for line in lines)
        self.is_forward = marks.FORWARD_SUBJECT.match(subject) is not None and not finnish
        self.is_reply = bool(marks.REPLY_SUBJECT.match(subject) or finnish)
        self.forwarded_from = len(lines)
        """From here on everything is what somebody forwarded, or pasted."""
        self._found: list[str] = []
        self._last_said = ""
        self._seen_quote = False

    def kinds(self) -> list[str]:
        count = len(self.lines)
        while len(self._found) < count:
            at = len(self._found)
            line = self.plain[at]
            if not line.strip():
                self._mark(TEXT, at + 1)
            elif marks.FORWARDED.fullmatch(line):
                self._keep_rest(at)
            elif not self._quote(at):
                self._last_said = line
                self._mark(TEXT, at + 1)
        _blank_lines_follow(self.lines, self._found, QUOTE, (QUOTE,))
        self._overhangs()
        return self._found

    def _mark(self, kind: str, end: int) -> None:
        self._found += [kind] * (end - len(self._found))
        self._seen_quote = self._seen_quote or kind == QUOTE

    def _keep_rest(self, at: int) -> None:
        self.forwarded_from = at
        self._mark(TEXT, len(self.lines))

    def _quote(self, at: int) -> bool:
        """Marks the quote that starts at line `at`, if one does."""
        if is_quoted(self.plain[at]):
            self._run(at)
        elif length := attribution_length(self.plain, at):
            self._attributed(at, at + length)
        elif opens_original(self.plain, at):
            self._rest(at)
        else:
            return False
        return True

    def _run(self, at: int) -> None:
        """Lines with ">"."""
        end = at
        while end < len(self.plain) and is_quoted(self.plain[end]):
            end += 1
        introduced = self._last_said.rstrip().endswith((":", "："))
        if self._seen_quote or (not introduced and is_prose(self.plain[at:end])):
            self._mark(QUOTE, end)
        else:
            self._last_said = self.plain[end - 1]
            self._mark(TEXT, end)

    def _attributed(self, at: int, end: int) -> None:
        """An attribution and the ">" lines after it; without them everything that follows is the quote."""
        if quoted_from(self.plain, end):
            self._mark(QUOTE, end)
        elif any(line.strip() for line in self.lines[end:]) or self._last_said:
            self._rest(at)
        else:
            self._mark(TEXT, len(self.lines))

    def _rest(self, at: int) -> None:
        """The rest is quoted, unless it is a forward, pasted, or all that the mail says."""
        pasted = self._last_said.rstrip().endswith((":", "：")) and not self.is_reply
        if self._last_said and not self.is_forward and not pasted:
            self._mark(QUOTE, len(self.lines))
        else:
            self._keep_rest(at)

    def _overhangs(self) -> None:
        """Words that a mailer broke off a quoted line, between two quoted lines, are quoted."""
        for at in range(1, len(self.plain) - 1):
            above = self.plain[at - 1]
            if (
                self._found[at] == TEXT
                and self._found[at - 1] == self._found[at + 1] == QUOTE
                and 0 < len(self.plain[at].strip()) <= OVERHANG
                and is_quoted(above)
                and is_quoted(self.plain[at + 1])
                and len(above) >= WRAPPED_AT
                and not marks.SENTENCE_END.search(above)
            ):
                self._found[at] = QUOTE
