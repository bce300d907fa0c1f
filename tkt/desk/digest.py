"""The words of a mail that tells one person several things at once: what waited for them was collected into it.

Of one ticket: all that happened, in order, nothing twice. Of several: a digest, one section for each. Both have an end:
who gets five hundred tickets reads the first in full, then a line for each, then their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tkt.desk.notice_text import how_it_stands
from tkt.desk.outbox import Words
from tkt.desk.unit import Change
from tkt.safe_text import safe_line
from tkt.store.tables import Ticket

REASONS = 20
"""So many things that happened on one ticket are told in full."""

IN_FULL, IN_A_LINE, BY_NUMBER = 15, 100, 400
"""So many tickets have a section of their own; so many more a line; so many more their number."""

SECTION = 1500
"""Characters of what happened on one ticket in a digest."""

SUBJECT = 100
"""Characters of a digest's subject."""

NO_ANSWER = "This mail is about several tickets: an answer to it reaches none of them. 'tkt show NUMBER' shows one."


class Told(NamedTuple):
    """One ticket, and what happened on it, the oldest first."""

    ticket: Ticket
    reasons: Sequence[str]


def shortened(reasons: Sequence[str]) -> list[str]:
    """What happened on one ticket, each thing once; of very many the first."""
    once = list(dict.fromkeys(reasons))
    rest = len(once) - REASONS
    return once if rest <= 0 else [*once[:REASONS], f"And {rest:,} more, on the ticket."]


def digest(change: Change, told: Sequence[Told]) -> Words:
    """What has happened on several tickets."""
    sections = [_section(change, one) for one in told[:IN_FULL]]
    lines = [_line(one) for one in told[IN_FULL : IN_FULL + IN_A_LINE]]
    parts = [*sections, *(["\n".join(lines)] if lines else []), *_rest(told[IN_FULL + IN_A_LINE :])]
    return Words(_subject(told), "\n\n\n".join([*parts, f"-- \n{NO_ANSWER}"]))


def _subject(told: Sequence[Told]) -> str:
    """Without tags such as [#12]: they would lead an answer to one of the tickets."""
    named = ", ".join(f"#{one.ticket.number} {_bare(one.ticket.subject)}" for one in told[:IN_FULL])
    whole = f"{len(told):,} tickets: {named}"
    return whole if len(whole) <= SUBJECT else f"{whole[: SUBJECT - 1].rstrip()}…"


def _bare(subject: str) -> str:
    return safe_line(subject, 60).replace("[#", "(#")


def _section(change: Change, told: Told) -> str:
    head = how_it_stands(change, told.ticket)
    text = "\n\n".join(shortened(told.reasons))
    if len(text) > SECTION:
        text = f"{text[:SECTION].rstrip()} …"
    return "\n".join([head, "", *(f"  {line}".rstrip() for line in text.splitlines())])


def _line(told: Told) -> str:
    first, *more = shortened(told.reasons)
    also = f" (and {len(more)} more)" if more else ""
    return f'#{told.ticket.number} "{safe_line(told.ticket.subject, 60)}": {safe_line(first, 80)}{also}'


def _rest(told: Sequence[Told]) -> list[str]:
    if not told:
        return []
    numbers = ", ".join(f"#{one.ticket.number}" for one in told[:BY_NUMBER])
    beyond = f" and {len(told) - BY_NUMBER:,} more" if len(told) > BY_NUMBER else ""
    return [f"{len(told):,} more tickets: {numbers}{beyond}"]
