"""Conversations of the past: tickets that were answered long ago, brought in as they were.

Such a ticket is closed, read, nobody's, and has the times of its messages; nothing follows from it: no rule, no
promise, no notification, no mail. The event log stays true: what it has of an import happened now, by whoever imports,
with the verb "import". It is not taken back by undo.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select

from tkt.desk import conversation, people
from tkt.desk.conversation import Message
from tkt.desk.storable import storable
from tkt.desk.tickets import SUBJECT_LIMIT
from tkt.desk.unit import Change
from tkt.store import search
from tkt.store.rows import execute, keep, keep_all
from tkt.store.tables import Attachment, Entry, Ticket, TicketTag
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
    search.add_document(change.session, ticket.number, 0, ticket.subject)
    change.record("import", ticket=ticket, new=ticket.subject)
    return ticket.number, [_add(change, ticket, one, place) for place, one in enumerate(past, 1)]


def go_on(change: Change, number: int, past: Sequence[Past]) -> list[int]:
    """Further messages of the past on a ticket that is there, each at its time; their entries' ids. Of a ticket that is
    not of the past itself, nothing else changes. Raises NotFound.
    """
    change.require("admin")
    ticket = change.ticket(number)
    ids = [_add(change, ticket, one, ticket.entries + place) for place, one in enumerate(past, 1)]
    ticket.entries += len(past)
    ticket.version += 1
    _put_in_order(change, ticket)
    if (ticket.key or "").startswith(KEY):
        _retell(change, ticket, past)
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
    search.add_document(change.session, number, position, conversation.searchable(text, message.attachments))
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


def _retell(change: Change, ticket: Ticket, past: Sequence[Past]) -> None:
    """What a ticket of the past says of itself, now that more of it is known."""
    ticket.created_at = min(ticket.created_at, past[0].at)
    ticket.updated_at = ticket.closed_at = ticket.resolved_at = max(ticket.updated_at, past[-1].at)
    if ticket.requester_id is None:
        ticket.requester_id = _requester(change, past)
    asked = False
    ticket.first_response_at = None
    for kind, machine, at in change.session.exec(
        select(Entry.kind, Entry.machine, Entry.at).where(Entry.ticket == ticket.number).order_by(col(Entry.position))
    ):
        if machine:
            continue
        if asked and kind == "reply":
            ticket.first_response_at = at
            break
        asked = asked or kind == "inbound"


# --- order ------------------------------------------------------------------------------------------------------------


def _put_in_order(change: Change, ticket: Ticket) -> None:
    """Renumber the entries by their times; those that move are found by search under their new place."""
    session, number = change.session, ticket.number or 0
    entries = select(Entry).where(Entry.ticket == number).order_by(col(Entry.at), col(Entry.position))
    moved = [(one, place) for place, one in enumerate(session.exec(entries).all(), 1) if one.position != place]
    texts = [_searched(change, entry) for entry, _ in moved]
    for (entry, _), text in zip(moved, texts, strict=True):
        search.remove_document(session, number, entry.position, text)
        execute(session, "UPDATE entry SET position = -position WHERE id = ?", (entry.id,))
    for (entry, place), text in zip(moved, texts, strict=True):
        search.add_document(session, number, place, text)
        execute(session, "UPDATE entry SET position = ? WHERE id = ?", (place, entry.id))
        session.expire(entry)


def _searched(change: Change, entry: Entry) -> str:
    """What the entry is found by."""
    files = change.session.exec(select(Attachment).where(Attachment.entry_id == entry.id).order_by(col(Attachment.id)))
    return conversation.searchable(entry.text, files.all())
