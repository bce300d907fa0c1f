"""Which ticket a mail belongs to (the rules are in `gateway`, "Which ticket").

The first two ways, our own signatures, need no look-up and no proof of who writes: only somebody who has our mail has
the signature. The last two can be guessed or copied, so they count only for those who take part in the ticket.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlmodel import col, select

from tkt.channels.mail.parse import ParsedMail
from tkt.desk.message_ids import NOTIFICATION, make_token, read_message_id, read_token
from tkt.desk.unit import Actor, Change
from tkt.store.tables import Address, Agent, Entry, Follower, Outbox, Ticket

MERGES_FOLLOWED = 50
TAGS_TRIED = 5

_TAG = re.compile(r"\[#(\d{1,15})\]", re.ASCII)


class Thread(NamedTuple):
    """The ticket a mail belongs to; `inside` is true for an answer to what only staff has seen."""

    ticket: Ticket
    inside: bool = False


def find_thread(change: Change, mail: ParsedMail) -> Thread | None:
    """The ticket that this mail continues, or None for a new one."""
    for number, inside in _signed(change, mail):
        if (ticket := _final(change, number)) is not None:
            return Thread(ticket, inside)
    for number in (*_by_references(change, mail), *_tags(mail.subject)):
        ticket = _final(change, number)
        if ticket is not None and takes_part(change, ticket, mail.sender.email):
            return Thread(ticket)
    return None


def find_bounced(change: Change, mail: ParsedMail) -> Outbox | None:
    """The mail of ours that this bounce returns, or None."""
    bounce = mail.machine.bounce if mail.machine else None
    if bounce is None or not bounce.original_message_id:
        return None
    return change.session.exec(select(Outbox).where(Outbox.message_id == bounce.original_message_id)).first()


def plus_address(secret: str, address: str, number: int) -> str:
    """The mailbox's address with a ticket's token: mail sent there finds the ticket (RFC 5233 subaddress)."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{make_token(secret, number)}@{domain}"


def takes_part(change: Change, ticket: Ticket, address: str) -> bool:
    """Whether this address may speak on the ticket: its requester's, a follower's, an author's, an active agent's."""
    if staff(change, address) is not None:
        return True
    session = change.session
    owner = session.get(Address, address)
    if owner is not None and owner.person_id == ticket.requester_id:
        return True
    if session.get(Follower, (ticket.number, address)) is not None:
        return True
    wrote = select(Entry.id).where(Entry.ticket == ticket.number, Entry.author_address == address)
    return session.exec(wrote.limit(1)).first() is not None


def staff(change: Change, address: str) -> Actor | None:
    """The active agent whose address this is, as one who acts."""
    held = change.definitions.cache
    if "staff" not in held:
        agents = change.session.exec(select(Agent).where(Agent.active, col(Agent.email).is_not(None)))
        held["staff"] = {one.email.lower(): Actor("agent", one.name, one.id, one.role) for one in agents if one.email}
    found: Actor | None = held["staff"].get(address)
    return found


def is_ours(change: Change, message_id: str) -> bool:
    """Whether this Message-ID is one that we made."""
    return read_message_id(_secret(change), message_id) is not None


def _signed(change: Change, mail: ParsedMail) -> Iterator[tuple[int, bool]]:
    """(ticket, inside) by our own signatures: Message-IDs, newest first, then the address it was sent to."""
    secret = _secret(change)
    for message_id in _newest_first(mail):
        if (signed := read_message_id(secret, message_id)) is not None:
            yield signed.ticket, signed.kind == NOTIFICATION
    for address in (*mail.delivered_to, *(one.email for one in (*mail.to, *mail.cc))):
        token = address.partition("@")[0].partition("+")[2]
        if token and (number := read_token(secret, token)) is not None:
            yield number, False


def _newest_first(mail: ParsedMail) -> Iterable[str]:
    """In-Reply-To names what is answered; References goes back from there (RFC 5322 section 3.6.4)."""
    returned = mail.machine.bounce if mail.machine else None
    original = (returned.original_message_id,) if returned and returned.original_message_id else ()
    return dict.fromkeys((*original, *mail.in_reply_to, *reversed(mail.references)))


def _by_references(change: Change, mail: ParsedMail) -> list[int]:
    """Tickets that hold a message which this one names, in the order of naming."""
    named = list(_newest_first(mail))
    if not named:
        return []
    holding = select(Entry.message_id, Entry.ticket).where(col(Entry.message_id).in_(named))
    found = sorted((named.index(held or ""), ticket) for held, ticket in change.session.exec(holding))
    return list(dict.fromkeys(ticket for _, ticket in found))


def _tags(subject: str) -> list[int]:
    return [int(number) for number in _TAG.findall(subject)[:TAGS_TRIED]]


def _final(change: Change, number: int) -> Ticket | None:
    """The ticket of this number, or the one it was merged into in the end; None if there is none."""
    for _ in range(MERGES_FOLLOWED):
        ticket = change.session.get(Ticket, number)
        if ticket is None or ticket.merged_into is None:
            return ticket
        number = ticket.merged_into
    return None


def _secret(change: Change) -> str:
    return change.definitions.setting("desk.secret")
