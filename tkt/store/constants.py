"""Words and numbers that the write side, the read side and the query language must spell alike."""

from __future__ import annotations

from typing import Any

NEVER = 2**63 - 1
"""What `ticket.due_at` holds when there is no deadline."""

SCHEMA = "0003"
"""The migration this code was written for; a store at another one is refused."""

DOC_SHIFT = 20
"""A search document's id is `ticket number << DOC_SHIFT | position`: position 0 is the subject, others count entries.

The ticket is found without a join, newest tickets are the largest ids, and a ticket may have a million entries.
"""

PRIORITIES = {"low": 1, "normal": 2, "high": 3, "urgent": 4}
PRIORITY_NAMES = {rank: name for name, rank in PRIORITIES.items()}

STATUSES = {
    "new": "open",
    "open": "open",
    "waiting": "waiting",
    "on-hold": "waiting",
    "resolved": "resolved",
    "closed": "closed",
}
"""The built-in statuses and their kinds; `[[status]]` in desk.toml adds more."""

KINDS = ("open", "waiting", "resolved", "closed")
METRICS = ("first_response", "next_response", "resolution")
ROLES = ("viewer", "agent", "supervisor", "admin")
ENTRY_KINDS = ("inbound", "reply", "note", "call", "chat", "system")
ALWAYS = "24x7"
"""The built-in calendar that is always open."""

POSTGRES_LINE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""How a connection finds out within a minute that its server's host is gone (libpq's parameters: seconds, and the last
one milliseconds); the system's own values are hours."""
