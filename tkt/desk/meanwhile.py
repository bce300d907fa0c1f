"""What has happened to a ticket since somebody looked at it, in words: what a conflict tells them."""

from __future__ import annotations

from sqlmodel import Session, col, select

from tkt.desk.fields import FOLLOWING
from tkt.safe_text import safe_line
from tkt.store.tables import Event, Ticket

MOST_EVENTS = 100
MOST_SAID = 5
"""How many single changes a conflict names; the newest are left to the last."""

_SAID = {"inbound": "a message", "reply": "a reply", "note": "a note"}


def changes_since(session: Session, ticket: Ticket, version: int) -> str:
    """The changes that led from `version` to the ticket's present one, oldest first."""
    latest = select(Event).where(Event.ticket == ticket.number).order_by(col(Event.id).desc()).limit(MOST_EVENTS)
    missed: dict[str, list[Event]] = {}
    for event in session.exec(latest):
        if event.change not in missed and len(missed) >= ticket.version - version:
            break
        missed.setdefault(event.change, []).append(event)
    events = [event for change in reversed(missed.values()) for event in reversed(change)]
    said = [words for event in events if (words := _in_words(event))]
    more = f"; and {len(said) - MOST_SAID} changes more" if len(said) > MOST_SAID else ""
    return "; ".join(said[:MOST_SAID]) + more if said else "look at it again"


def _in_words(event: Event) -> str:
    actor = safe_line(event.actor, 60)
    if event.verb in _SAID:
        return f"{actor}, {_SAID[event.verb]}"
    if not event.field or event.field in FOLLOWING or event.verb in ("sla", "skipped"):
        return ""
    return f"{actor}, {event.field}: {_value(event.old)} → {_value(event.new)}"


def _value(value: object) -> str:
    return "nothing" if value in (None, "") else safe_line(str(value), 40)
