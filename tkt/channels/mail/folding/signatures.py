"""Which lines of a writer's own words are a signature.

A signature is: what follows "-- "; a sign-off ("Best regards") with the name, title and contact lines under it; a
block of contact lines between rules; a mailer's own line ("Sent from my iPhone"); a legal notice or a list's footer at
the end.

The writer's words are never hidden for it. "Thanks, Bob" is said, not signed, unless contact lines follow. A postscript
and a question after the signature stay visible, and so does a line in it that is neither a name nor contact data
("Serial number: …"); a sentence ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tkt.channels.mail.folding import footer_marks as footers
from tkt.channels.mail.folding import signature_marks as marks

SIGNATURE_LINES = 14
STRICT_SIGNATURE_LINES = 30
SIGN_OFFS, SIGN_OFF_LENGTH = 10, 80
"""How many sign-offs, from the end, are looked at; the longest one's characters."""
LINES_BELOW = 40
"""Lines below a sign-off that are looked at, empty ones too."""
NAME_WORDS, COLUMN_WORDS, NAME_LENGTH, ASIAN_NAME_LENGTH = 8, 16, 80, 24
CONTACT_LENGTH, OTHER_WORDS, REGISTERED_WORDS = 120, 3, 12
"""How long contact data may be; how many words may stand around it."""
NOTICE_LENGTH, NOTICE_AT_LEAST = 4_000, 60
"""Characters of a paragraph that are looked at, and that a notice has at least."""

NAME, CONTACT, DATA, WORDS = "name", "contact", "data", "words"


def signature_lines(lines: Sequence[str]) -> set[int]:
    """Which of these lines (the writer's own, without quotes) are a signature."""
    found = set(_mailers_lines(lines))
    found.update(_delimited(lines, found))
    found.update(_notices(lines, found))
    found.update(_signed_off(lines, found))
    found.update(_framed(lines, found))
    return found


def line_kind(line: str) -> str:
    """What a line could be in a signature: a name or title, contact data, other data, or words that somebody says."""
    line = line.strip()
    words = line.split()
    if marks.POSTSCRIPT.match(line) or marks.QUESTION.search(line):
        return WORDS
    if len(line) <= CONTACT_LENGTH and _is_contact(line, words):
        return CONTACT
    if _is_name(line, words):
        return NAME
    return DATA if len(words) <= NAME_WORDS and marks.DATA.search(line) else WORDS


def _is_contact(line: str, words: list[str]) -> bool:
    """Says how to reach somebody and not much else."""
    if marks.RULE.fullmatch(line) or footers.LINK_ONLY.fullmatch(line):
        return True
    if marks.REGISTERED.search(line):
        return len(words) <= REGISTERED_WORDS and not marks.ENDS_SENTENCE.search(line)
    rest, count = marks.REACH.subn(" ", line)
    others = sum(word.strip(",;.:()").isalpha() for word in rest.split())
    return count > 0 and others <= (NAME_WORDS if marks.COLUMNS.search(line) else OTHER_WORDS)


def _is_name(line: str, words: list[str]) -> bool:
    """Short, capitalised if it has capitals, no figures, and no sentence: a name, a title, a firm, a street."""
    words = marks.ON_BEHALF.sub("", line, count=1).split() or words
    is_place = marks.PLACE.search(line) or marks.COLUMNS.search(line)
    if not is_place and marks.DATA.search(line):
        return False
    if marks.SHORT_ASIAN.search(line):
        return len(line) <= ASIAN_NAME_LENGTH and not marks.ENDS_SENTENCE.search(line)
    if len(words) > (COLUMN_WORDS if marks.COLUMNS.search(line) else NAME_WORDS) or len(line) > NAME_LENGTH:
        return False
    if marks.ENDS_SENTENCE.search(line) and not (line.endswith(".") and (is_place or len(words) <= 3)):
        return False
    long_words = [word for word in words if len(word) > 3]
    capitals = sum(word[0].isupper() or not word[0].isalpha() for word in long_words)
    return (
        bool(is_place)
        or len(words) <= 2
        or (not words[0][0].islower() and (len(words) <= 4 or 2 * capitals >= len(long_words)))
    )


def _mailers_lines(lines: Sequence[str]) -> Iterator[int]:
    """Lines that a mailer or a virus scanner added, each with the links under it."""
    for at, line in enumerate(lines):
        if (
            not line.strip()
            or len(line) >= 160
            or not (footers.MOBILE.fullmatch(line) or footers.SCANNED.fullmatch(line))
        ):
            continue
        yield at
        below = at + 1
        while below < min(at + 4, len(lines)) and footers.LINK_ONLY.fullmatch(lines[below]):
            yield below
            below += 1


def _delimited(lines: Sequence[str], found: set[int]) -> Iterator[int]:
    """What follows "-- ", without postscripts and questions; a list's footer."""
    filled = [at for at, line in enumerate(lines) if line.strip()]
    for at in filled[-STRICT_SIGNATURE_LINES:]:
        after = [line for line in filled if line > at] if _may_delimit(lines[at]) else []
        if not after:
            continue
        strict = marks.STRICT.fullmatch(lines[at])
        if strict or (len(after) <= SIGNATURE_LINES and _delimits(lines, at, after, found)):
            yield at
            for paragraph in _paragraphs(lines, at + 1):
                if paragraph[0] == after[0] or not _is_said(lines, paragraph):
                    yield from paragraph
            return


def _may_delimit(line: str) -> bool:
    return bool(marks.STRICT.fullmatch(line) or marks.LOOSE.fullmatch(line) or marks.RULE.fullmatch(line))


def _delimits(lines: Sequence[str], at: int, after: Sequence[int], found: set[int]) -> bool:
    """Does a line that is not quite "-- " delimit a signature? Not if something is said right under it."""
    if marks.RULE.fullmatch(lines[at]):
        return any(footers.LIST_FOOTER.search(lines[below]) for below in after[:2])
    paragraph = next(_paragraphs(lines, after[0]))
    return all(below in found or line_kind(lines[below]) != WORDS for below in paragraph)


def _is_said(lines: Sequence[str], paragraph: Sequence[int]) -> bool:
    text = " ".join(lines[at].strip() for at in paragraph)
    return bool(marks.POSTSCRIPT.match(text) or marks.QUESTION.search(text)) and not _is_notice(text)


def _paragraphs(lines: Sequence[str], start: int, end: int | None = None) -> Iterator[list[int]]:
    """Runs of lines with words, from `start` on."""
    paragraph: list[int] = []
    for at in range(start, min(end or len(lines), len(lines))):
        if lines[at].strip():
            paragraph.append(at)
        elif paragraph:
            yield paragraph
            paragraph = []
    if paragraph:
        yield paragraph


def _notices(lines: Sequence[str], found: set[int]) -> Iterator[int]:
    """The legal notices that end the text."""
    for paragraph in reversed(list(_paragraphs(lines, 0))):
        if found.issuperset(paragraph):
            continue
        if not _is_notice(" ".join(lines[at].strip() for at in paragraph)):
            return
        yield from paragraph


def _is_notice(text: str) -> bool:
    """By one sentence that nobody says otherwise; by three of the four things that legal notices say, or two in many
    words of which one is how confidential it all is.
    """
    text = text[:NOTICE_LENGTH]
    lower = text.lower()
    said = [words.is_in(lower) for words in footers.NOTICE_WORDS]
    if footers.ENVIRONMENT.search(text) or sum(said) >= 3:
        return True
    headed = footers.NOTICE_HEADING.match(text) is not None
    return sum(said) + headed >= 2 and (headed or (said[0] and len(text) >= NOTICE_AT_LEAST))


def _signed_off(lines: Sequence[str], found: set[int]) -> Iterator[int]:
    """Each sign-off with what is under it."""
    end = 0
    candidates = [at for at, line in enumerate(lines) if at not in found and _is_sign_off(line)]
    for at in candidates[-SIGN_OFFS:]:
        if at < end:
            continue
        signature, has_contact = _under(lines, at, found)
        if has_contact or (signature and _is_farewell(lines[at])):
            yield at
            yield from signature
            end = max((at, *signature)) + 1


def _is_sign_off(line: str) -> bool:
    return 0 < len(line) <= SIGN_OFF_LENGTH and (marks.THANKS.fullmatch(line) is not None or _is_farewell(line))


def _under(lines: Sequence[str], at: int, found: set[int]) -> tuple[list[int], bool]:
    """The lines of the signature under a sign-off, and whether contact data is among them."""
    signature: list[int] = []
    has_contact = False
    for number, paragraph in enumerate(_paragraphs(lines, at + 1, at + LINES_BELOW)):
        kinds = [NAME if line in found or _is_farewell(lines[line]) else line_kind(lines[line]) for line in paragraph]
        contact = CONTACT in kinds
        if number and not contact and not (number == 1 and not has_contact and _is_farewell(lines[paragraph[0] - 2])):
            break
        for line, kind in zip(paragraph, kinds, strict=True):
            if kind == WORDS or len(signature) >= SIGNATURE_LINES:
                return signature, has_contact
            if kind != DATA and line not in found:
                signature.append(line)
        has_contact = has_contact or contact
    return signature, has_contact


def _is_farewell(line: str) -> bool:
    """A sign-off, or thanks and a sign-off."""
    if not 0 < len(line) <= SIGN_OFF_LENGTH:
        return False
    if marks.FAREWELL.fullmatch(line):
        return True
    parts = marks.AND.split(line.rstrip(" ,.!"), 2)
    farewells = [marks.FAREWELL.fullmatch(part) is not None for part in parts]
    return any(farewells) and all(
        farewell or marks.THANKS.fullmatch(part) for part, farewell in zip(parts, farewells, strict=True)
    )


def _framed(lines: Sequence[str], found: set[int]) -> Iterator[int]:
    """A name and contact lines between two rules, at the end of the text."""
    filled = [at for at, line in enumerate(lines) if line.strip() and at not in found][-SIGNATURE_LINES:]
    if not filled or not marks.RULE.fullmatch(lines[filled[-1]]):
        return
    for number, at in enumerate(filled[:-1]):
        if not marks.RULE.fullmatch(lines[at]):
            continue
        kinds = [line_kind(lines[below]) for below in filled[number:] if not marks.RULE.fullmatch(lines[below])]
        if NAME in kinds and kinds.count(CONTACT) >= 2 and WORDS not in kinds:
            yield from filled[number:]
            return
