"""Since when, and how often, a ticket's customers have written without an answer, as its conversation now stands. What
was brought into it from an archive is over.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import col, func, select

from tkt.desk.fields import exact
from tkt.desk.statuses import DONE
from tkt.desk.unit import Change
from tkt.store.tables import Entry, Event, Ticket

FIELD = "unanswered"
"""`Ticket.unanswered_since` in the history. It follows from the conversation, so undo takes it back last."""


class Waited(NamedTuple):
    """What a change has made of the waiting on a ticket: since when a customer waited before and after it, and whether
    that is so still (`untouched`: nobody has been answered since, nor begun to wait).
    """

    ticket: Ticket
    before: str | None
    after: str | None
    untouched: bool
    verb: str


def recount(change: Change, ticket: Ticket) -> None:
    """Count the customers' messages since the last answer of an agent."""
    change.session.flush()
    since = select(func.count()).where(*_unanswered(change, ticket))
    ticket.unanswered_count = change.session.exec(since).one()


def waiting_since(change: Change, ticket: Ticket) -> datetime | None:
    """When the oldest message came that waits for an answer; None where nobody waits. A ticket that was never answered
    waits from its first message on.
    """
    if ticket.status_kind in DONE or ticket.first_response_at is not None:
        return None if ticket.status_kind in DONE else ticket.unanswered_since
    return earlier(ticket.unanswered_since, _oldest(change, ticket))


def pass_on(change: Change, ticket: Ticket, moved: Collection[datetime], verb: str) -> None:
    """Messages of these moments have gone elsewhere: where the oldest that waits was one of them, the next one waits
    now.
    """
    since = ticket.unanswered_since
    if since is not None and since in moved:
        following = None if ticket.status_kind in DONE else _from(change, ticket, since)
        change.set(ticket, verb, unanswered=exact(following))


def waits_of(change: Change, events: Sequence[Event]) -> list[Waited]:
    """What a change has made of the waiting on its tickets; `events` are the change's, the newest first."""
    found: dict[int, tuple[str | None, Event]] = {}
    for event in reversed(events):
        if event.ticket and event.field == FIELD:
            found[event.ticket] = found.get(event.ticket, (event.old,))[0], event
    return [
        Waited(ticket := change.ticket(number), before, last.new, exact(ticket.unanswered_since) == last.new, last.verb)
        for number, (before, last) in found.items()
    ]


def rewind(change: Change, waited: Waited) -> None:
    """Once the rest of that change is taken back: the customer waits as before it if that message is here and was not
    answered since, and so does whoever has written meanwhile.
    """
    ticket = waited.ticket
    since = ticket.unanswered_since if exact(ticket.unanswered_since) != waited.after else None
    if waited.before is not None:
        moment = datetime.fromisoformat(waited.before)
        stays = waited.untouched and _stands(change, ticket, moment)
        since = earlier(since, moment if stays else _from(change, ticket, moment))
    change.set(ticket, waited.verb, unanswered=None if ticket.status_kind in DONE else exact(since))


def _from(change: Change, ticket: Ticket, since: datetime) -> datetime | None:
    """The oldest that waits of the messages of that moment or later. What opened a ticket waits for the first response,
    not for the next.
    """
    return _oldest(change, ticket, col(Entry.position) > 1, col(Entry.at) >= since)


def _stands(change: Change, ticket: Ticket, at: datetime) -> bool:
    """Whether a message that came at that moment is here."""
    change.session.flush()
    here = select(Entry.id).where(Entry.ticket == ticket.number, Entry.at == at, Entry.kind == "inbound")
    here = here.where(col(Entry.withdrawn_at).is_(None))
    return change.session.exec(here.limit(1)).first() is not None


def _oldest(change: Change, ticket: Ticket, *which: Any) -> datetime | None:
    """When the first of the messages counted by `recount` came, of `which`."""
    change.session.flush()
    found = select(Entry.at).where(*_unanswered(change, ticket), *which)
    return change.session.exec(found.order_by(col(Entry.position)).limit(1)).first()


def earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two moments, of which one or both may be missing."""
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _unanswered(change: Change, ticket: Ticket) -> list[Any]:
    brought_in = select(Event.entry).where(
        Event.ticket == ticket.number, Event.verb == "import", col(Event.entry).is_not(None)
    )
    stand = Entry.ticket == ticket.number, col(Entry.withdrawn_at).is_(None), col(Entry.id).not_in(brought_in)
    answered = select(func.coalesce(func.max(Entry.position), 0)).where(
        *stand, Entry.kind == "reply", col(Entry.agent_id).is_not(None)
    )
    last = change.session.exec(answered).one()
    return [*stand, Entry.kind == "inbound", Entry.machine == "", col(Entry.position) > last]
