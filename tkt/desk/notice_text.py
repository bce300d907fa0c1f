"""The words of a notification: who did what, what was said, how the ticket stands, how to answer. In English, as all
that colleagues read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from tkt.desk.unit import Change
from tkt.safe_text import safe_block, safe_line
from tkt.store.constants import PRIORITY_NAMES
from tkt.store.tables import Entry, Ticket

EXCERPT = 2000
"""Characters of a message that a notification shows."""

HOW_TO_ANSWER = (
    'Answer this mail to write an internal note; begin with a line "#public" to answer the customer instead.'
)


def said(entry: Entry, what: str) -> str:
    """Who did what, and what they said: "bob mentioned you:", then the text. Of a long one, the beginning."""
    return f"{safe_line(entry.author, 80)} {what}:\n\n{_excerpt(entry.text)}"


def notice_text(change: Change, ticket: Ticket, reasons: Sequence[str]) -> str:
    """The whole text: each reason, then what everybody needs who is told of this ticket."""
    signature = f"-- \n#{ticket.number}: tkt show {ticket.number}"
    return "\n\n".join([*reasons, how_it_stands(change, ticket), HOW_TO_ANSWER, signature])


def _excerpt(text: str) -> str:
    shown = safe_block(text).strip("\n")
    if len(shown) <= EXCERPT:
        return shown
    return f"{shown[:EXCERPT].rstrip()} …\n\n[{len(shown) - EXCERPT:,} more characters on the ticket]"


def how_it_stands(change: Change, ticket: Ticket) -> str:
    definitions = change.definitions
    team = definitions.team_names.get(ticket.team_id or 0, "")
    facts = [
        f'#{ticket.number} "{safe_line(ticket.subject, 200)}"',
        f"{ticket.status}, {PRIORITY_NAMES[ticket.priority]} priority",
        f"assigned to {definitions.agent_names.get(ticket.assignee_id or 0, 'nobody')}",
        f"team {team}" if team else "",
        f"due {_local(change, ticket.due_at)}" if ticket.due_at else "",
    ]
    return ": ".join([facts[0], ", ".join(filter(None, facts[1:]))])


def _local(change: Change, moment: datetime) -> str:
    """A moment in the desk's time zone, which it names."""
    zone = change.definitions.setting("desk.timezone", "UTC")
    return f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"
