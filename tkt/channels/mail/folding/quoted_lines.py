"""Single decisions about lines: is this an attribution, a header block, a quoted line, or does it only look like one?

Functions of lines made `plain`; nothing here knows of a whole mail, that is `quotes`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tkt.channels.mail.folding import quote_marks as marks

HEADER_BLOCK_LINES = 12
UNLABELLED_LINES = 3
"""Lines of a header block that have no label: values that were wrapped, an empty line."""


def plain(line: str) -> str:
    """The line as it is matched: of bounded length, with plain spaces."""
    line = line[: marks.LINE_LENGTH].replace("\u00a0", " ").replace("\ufeff", "")
    return line.replace("&nbsp;", " ").replace("&gt;", ">") if "&" in line else line


def is_quoted(line: str) -> bool:
    """Does the line begin with ">"?"""
    return line[:5].lstrip(" \t").startswith(">")


def attribution_length(lines: Sequence[str], at: int) -> int:
    """How many lines the attribution at `at` has; 0 if it is none."""
    joined = ""
    for length, line in enumerate(lines[at : at + marks.ATTRIBUTION_LINES], 1):
        if not line.strip() or is_quoted(line):
            return 0
        joined = f"{joined} {line.strip()}".strip()
        if len(joined) > marks.LINE_LENGTH:
            return 0
        if length == 1 and _is_whole_line(joined):
            return 1
        if joined.endswith((":", "：")) and _is_attribution(joined, quoted_from(lines, at + length)):
            return 0 if length > 1 and _begins_later(lines, at, length) else length
    return 0


def _is_whole_line(line: str) -> bool:
    """An attribution that shows itself otherwise than by a colon at its end."""
    if line[:3].strip(marks.DASHES) == line[-3:].strip(marks.DASHES) == "":
        inside = line.strip(marks.DASHES).strip()
        return marks.WROTE.search(f"{inside}:") is not None and _has_date_or_address(inside)
    opens = marks.OPENER.match(line) and marks.BRACKETED_ADDRESS.search(line) and marks.FULL_DATE.search(line)
    return bool(opens) and marks.WROTE_AND_TEXT.search(line) is not None


def _begins_later(lines: Sequence[str], at: int, length: int) -> bool:
    """Is the first line the writer's own, right above an attribution?"""
    if not (_has_date_or_address(lines[at]) or "<" in lines[at] or marks.OPENER.match(lines[at])):
        return True
    if lines[at].rstrip().endswith((">", "<")):
        return False
    for start in range(at + 1, at + length):
        joined = " ".join(line.strip() for line in lines[start : at + length])
        if marks.OPENER.match(joined) and _is_attribution(joined, quoted_from(lines, at + length)):
            return True
    return False


def _is_attribution(joined: str, before_quote: bool) -> bool:
    """Before ">" lines a verb, a date or an address is enough; else they must show together that it is no sentence."""
    addressed = marks.BRACKETED_ADDRESS.search(joined) is not None
    if before_quote and (addressed or marks.TWO_NUMBERS.search(joined)):
        return True
    if marks.WROTE.search(joined) or marks.WROTE_BEFORE_NAME.match(joined):
        return before_quote or _has_full_date(joined)
    return addressed and _has_full_date(joined) and marks.TIME.search(joined) is not None


def _has_full_date(line: str) -> bool:
    return marks.FULL_DATE.search(line) is not None and marks.TWO_NUMBERS.search(line) is not None


def _has_date_or_address(line: str) -> bool:
    return "@" in line or marks.TWO_NUMBERS.search(line) is not None


def quoted_from(lines: Sequence[str], at: int) -> bool:
    """Is the first line with words from `at` a quoted one?"""
    return is_quoted(next((line for line in lines[at : at + 4] if line.strip()), ""))


def opens_original(lines: Sequence[str], at: int) -> bool:
    """Does a separator or a header block, as Outlook writes them, start at `at`?"""
    if marks.ORIGINAL_MESSAGE.fullmatch(lines[at]):
        return True
    if marks.RULE.fullmatch(lines[at]):
        at = next((n for n in range(at + 1, min(at + 4, len(lines))) if lines[n].strip()), at)
    return _is_header_block(lines, at)


def _is_header_block(lines: Sequence[str], at: int) -> bool:
    """All four kinds of labels near each other, or three and an address."""
    if _label(lines[at]) not in (marks.SENDER, marks.DATE):
        return False
    kinds: set[str] = set()
    unlabelled, addressed = 0, False
    for line in lines[at : at + HEADER_BLOCK_LINES]:
        kind = _label(line)
        unlabelled += not kind
        if unlabelled > UNLABELLED_LINES:
            break
        if kind:
            kinds.add(kind)
        addressed = addressed or "@" in line
    return marks.SENDER in kinds and len(kinds) >= (3 if addressed else 4)


def _label(line: str) -> str:
    found = marks.LABEL.match(line)
    return marks.LABELS.get("".join(found.group(1).lower().split()), "") if found else ""


def is_prose(run: Sequence[str]) -> bool:
    """Do these ">" lines, in a mail without any attribution, look like a mail, and not like prompts, logs, arrows?"""
    if all(marks.PROMPT.match(line.lstrip()) for line in run):
        return False
    stripped = [line.lstrip()[1:] for line in run]
    if any(attribution_length([line.lstrip(" >") for line in run], at) for at in range(min(4, len(run)))):
        return True
    if any(_label(line) == marks.SENDER for line in stripped) or any(is_quoted(line) for line in stripped):
        return True
    if any(marks.MACHINE_LINE.match(line) or marks.ARROWS.search(line) for line in stripped):
        return False
    return any(
        not line.strip() or marks.SENTENCE_END.search(line) or len(line) > marks.PROSE_LENGTH for line in stripped
    )
