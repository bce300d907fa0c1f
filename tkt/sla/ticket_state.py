"""What of a ticket its promises depend on, and what they tell it: the row of the store has it, and so has the state
that a replay of the history goes through.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

CAME, WENT = "messages from ", "messages to "
"""What the history calls messages that came from another ticket, or went there: followed by its number, "#7"."""


class TicketState(Protocol):
    """See `tkt.store.tables.Ticket`; `due_at` and `breached` are written by the ledger, the rest is read."""

    number: int | None
    status: str
    status_kind: str
    priority: int
    team_id: int | None
    created_at: datetime
    first_response_at: datetime | None
    unanswered_since: datetime | None
    merged_into: int | None
    manual_due_at: datetime | None
    due_at: datetime | None
    breached: bool
