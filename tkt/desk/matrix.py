"""The priority that follows from impact and urgency, where desk.toml declares a `[[matrix]]` of them.

Setting either field, by whoever and however, sets the priority in the same change, with the matrix as its cause; not
where the same command names a priority. A priority that is set later stands until impact or urgency change again.
Taking a change back takes both back as they were recorded.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tkt.desk.unit import Change
from tkt.store.tables import Ticket, TicketField


def follow(change: Change, ticket: Ticket, changed: Collection[str]) -> list[str]:
    """Set the priority that follows from these changed fields ("field.impact"); the fields that changed by it."""
    for declared in change.definitions.of("matrix"):
        impact, urgency = (str(declared.body.get(axis, axis)) for axis in ("impact", "urgency"))
        if {f"field.{impact}", f"field.{urgency}"}.isdisjoint(changed):
            continue
        cells: dict[str, Any] = declared.body["priorities"].get(_value(change, ticket, impact), {})
        priority = cells.get(_value(change, ticket, urgency))
        if priority is not None:
            with change.because(f"matrix {declared.name}"):
                return change.set(ticket, "set", priority=priority)
    return []


def _value(change: Change, ticket: Ticket, field: str) -> str:
    row = change.session.get(TicketField, (ticket.number, field))
    return row.value if row else ""
