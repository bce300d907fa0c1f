"""Conversations of the past: tickets that were answered long ago, brought in as they were.

Such a ticket is closed, read, nobody's, and has the times of its messages; nothing follows from it: no rule, no
promise, no notification, no mail. The event log stays true: what it has of an import happened now, by whoever imports,
with the verb "import". It is not taken back by undo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from sqlmodel import col, select

from tkt.desk import conversation, moving, people
from tkt.desk.conversation import Message
from tkt.desk.storable import storable
from tkt.desk.tickets import SUBJECT_LIMIT
from tkt.desk.unit import Change
from tkt.store.rows import keep, keep_all
from tkt.store.tables import Entry, Ticket, TicketTag
from tkt.times import rfc3339

KEY = "import:"
"""What the key of a ticket begins with that came in so: it holds nothing but the past."""


class Past(NamedTuple):
    """One message of the past. `at` is when it was sent, as far as that is known; `ours` whether somebody of us wrote
    it to the customer, `agent_id` which agent; `outside` (name, address) of who is the customer in it, if anybody.
    """

    message: Message
    at: datetime
    ours: bool = False
    agent_id: int | None = None
    outside: tuple[str, str] | None = None
    language: str = ""


class Setting(NamedTuple):
    """What the tickets of an import have in common."""

    mailbox: str = ""
    team_id: int | None = None
    tags: tuple[str, ...] = ()


def begin(change: Change, subject: str, key: str, past: Sequence[Past], setting: Setting) -> tuple[int, list[int]]:
    """A closed ticket with these messages, in their order; its number and its entries' ids. `key` is its own."""
    change.require("admin")
    human = [one for one in past if not one.message.machine] or list(past)
    ticket = Ticket(
        subject=" ".join(storable(subject).split())[:SUBJECT_LIMIT] or "(no subject)",
        status="closed",
        status_kind="closed",
        channel="mail",
        mailbox=setting.mailbox,
        language=next((one.language for one in human if not one.ours), ""),
        team_id=setting.team_id,
        requester_id=_requester(change, human),
        key=KEY + key,
        entries=len(past),
        created_at=past[0].at,
        updated_at=past[-1].at,
        resolved_at=past[-1].at,
        closed_at=past[-1].at,
        first_response_at=_first_response(past),
    )
    keep(change.session, ticket)
    assert ticket.number is not None
    keep_all(change.session, TicketTag, [{"ticket": ticket.number, "tag": tag} for tag in setting.tags])
    change.index(ticket, 0, ticket.subject)
    change.record("import", ticket=ticket, new=ticket.subject)
    return ticket.number, [_add(change, ticket, one, place) for place, one in enumerate(past, 1)]


def go_on(change: Change, number: int, past: Sequence[Past]) -> list[int]:
    """Further messages of the past on a ticket that is there, each at its time; their entries' ids. Of a ticket that is
    not of the past itself, nothing else changes. Raises NotFound.
    """
    change.require("admin")
    ticket = change.ticket(number)
    before = ticket.entries
    ids = [_add(change, ticket, one, before + place) for place, one in enumerate(past, 1)]
    ticket.entries += len(past)
    ticket.version += 1
    in_order = _follows(change, number, before, past)
    if not in_order:
        _put_in_order(change, ticket)
    if (ticket.key or "").startswith(KEY):
        _retell(change, ticket, past, before if in_order else 0)
    return ids


def _add(change: Change, ticket: Ticket, past: Past, position: int) -> int:
    message, number = past.message, ticket.number or 0
    text = storable(message.text)
    person = people.is_address(message.address) and not message.machine and not past.ours
    entry = Entry(
        ticket=number,
        position=position,
        kind="reply" if past.ours else "inbound",
        at=past.at,
        sent_at=message.sent_at,
        agent_id=past.agent_id,
        person_id=people.customer(change, message.author, message.address, past.language) if person else None,
        author=storable(message.author or message.address),
        author_address=message.address,
        reply_to=message.reply_to,
        recipients=list(message.recipients),
        text=text,
        message_id=message.message_id or None,
        machine=message.machine,
        delivery="sent" if past.ours else "",
        raw=message.raw,
    )
    keep(change.session, entry)
    for upload in message.attachments:
        conversation.attach(change, ticket, entry, upload)
    change.index(ticket, position, conversation.searchable(text, message.attachments))
    _record(change, ticket, entry, past)
    return entry.id or 0


def _record(change: Change, ticket: Ticket, entry: Entry, past: Past) -> None:
    change.record("import", ticket=ticket, entry=entry.id)
    sent = past.message.sent_at
    if sent is not None and sent != past.at:
        old, new = rfc3339(sent), rfc3339(past.at)
        change.record("import", ticket=ticket, entry=entry.id, field="date", old=old, new=new)


def _requester(change: Change, past: Iterable[Past]) -> int | None:
    """The first person outside who wrote, else the first to whom we wrote."""
    found = sorted(
        ((one.ours, place, one.outside) for place, one in enumerate(past) if one.outside), key=lambda f: f[:2]
    )
    for _, _, outside in found:
        if outside is not None and people.is_address(outside[1]) and outside[1] not in people.own_addresses(change):
            return people.customer(change, *outside)
    return None


def _first_response(past: Iterable[Past]) -> datetime | None:
    """When somebody of us first answered a message from outside."""
    asked = False
    for one in past:
        if asked and one.ours and not one.message.machine:
            return one.at
        asked = asked or not (one.ours or one.message.machine)
    return None


def _retell(change: Change, ticket: Ticket, past: Sequence[Past], before: int) -> None:
    """What a ticket of the past says of itself, now that more of it is known, `before` of its entries being as they
    were.
    """
    ticket.created_at = min(ticket.created_at, past[0].at)
    ticket.updated_at = ticket.closed_at = ticket.resolved_at = max(ticket.updated_at, past[-1].at)
    if ticket.requester_id is None:
        ticket.requester_id = _requester(change, past)
    if ticket.first_response_at is None or not before:
        ticket.first_response_at = _first_answer(change, ticket.number or 0, before)


def _first_answer(change: Change, number: int, after: int) -> datetime | None:
    """When somebody of us first answered a message from outside, the answer being none of the first `after` entries."""
    human = select(Entry.position, Entry.at).where(Entry.ticket == number, Entry.machine == "").limit(1)
    human = human.order_by(col(Entry.position))
    asked = change.session.exec(human.where(Entry.kind == "inbound")).first()
    if asked is None:
        return None
    later = human.where(Entry.kind == "reply", col(Entry.position) > max(asked[0], after))
    answer = change.session.exec(later).first()
    return answer[1] if answer else None


# --- order ------------------------------------------------------------------------------------------------------------


def _follows(change: Change, number: int, before: int, past: Sequence[Past]) -> bool:
    """Whether these messages stand where they belong, behind the `before` entries that were there: nearly always, since
    an archive comes in the order of time. A long conversation must not be gone through for each batch of it.
    """
    last = select(Entry.at).where(Entry.ticket == number, Entry.position == before)
    times = [*change.session.exec(last), *(one.at for one in past)]
    return all(one <= next_one for one, next_one in pairwise(times))


def _put_in_order(change: Change, ticket: Ticket) -> None:
    """Renumber the entries by their times; those that move are found by search under their new place."""
    session, number = change.session, ticket.number or 0
    entries = select(Entry.id, Entry.position).where(Entry.ticket == number)
    found = session.exec(entries.order_by(col(Entry.at), col(Entry.position))).all()
    places = {identifier: place for place, (identifier, position) in enumerate(found, 1) if position != place}
    moved = [session.get_one(Entry, identifier) for identifier in places]
    files = moving.files_of(change, moved)
    moving.put(change, [moving.Place(one, ticket, ticket, places[one.id or 0], files[one.id or 0]) for one in moved])
