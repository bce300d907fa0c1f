"""Which ticket a mail belongs to (the rules are in `gateway`, "Which ticket").

The first two ways, our own signatures, need no look-up and no proof of who writes: only somebody who has our mail has
the signature. The last two can be guessed or copied, so they count only for those who take part in the ticket; what a
stranger names in these ways is told all the same, so that its agents can hear of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlmodel import col, select

from tkt.channels.mail.filing.undelivered import find_returned
from tkt.channels.mail.reading.parse import ParsedMail
from tkt.desk.addresses import same_address, without_detail
from tkt.desk.followers import follows
from tkt.desk.message_ids import DIGEST, NOTIFICATION, REPORT, read_message_id, read_token
from tkt.desk.splitting import LINK as SPLIT
from tkt.desk.unit import Actor, Change
from tkt.store.rows import fetch, rows
from tkt.store.tables import Agent, Ticket, TicketLink

TAGS_TRIED = 5
"""How many tickets that a subject names are looked at, and how many that References do."""

_TAG = re.compile(r"\[#(\d{1,15})\]", re.ASCII)


class Thread(NamedTuple):
    """The ticket a mail belongs to; `inside` is true for an answer to what only staff has seen, `signed` where our own
    signature leads to it, `guessable` where the number in the subject alone does.
    """

    ticket: Ticket
    inside: bool = False
    signed: bool = False
    guessable: bool = False


class Found(NamedTuple):
    """The ticket that a mail continues (None: a new one), and the tickets that it names and its sender does not take
    part in. `tags` are the numbers in its subject that lead to a ticket, as they stand there.
    """

    thread: Thread | None
    named: tuple[Ticket, ...] = ()
    tags: frozenset[int] = frozenset()


def find_thread(change: Change, mail: ParsedMail) -> Found:
    """The ticket that this mail continues, if any."""
    returned = find_returned(change, mail)
    if returned is not None and returned.ticket and (ticket := _final(change, returned.ticket)) is not None:
        return Found(Thread(ticket, returned.kind == "notification", signed=True))
    for number, inside, newer in _signed(change, mail):
        if (ticket := _final(change, number)) is not None:
            own = None if inside else _split_off(change, ticket, newer)
            return Found(Thread(own or ticket, inside, signed=True))
    return _by_names(change, mail)


def _split_off(change: Change, ticket: Ticket, newer: Sequence[str]) -> Ticket | None:
    """The ticket that one of these messages, the newest first, was given when it was split off from this one."""
    for number in holding(change, newer):
        found = _final(change, number)
        if found is not None and found is not ticket and _came_from(change, number, ticket):
            return found
    return None


def _came_from(change: Change, number: int, ticket: Ticket) -> bool:
    link = change.session.get(TicketLink, (number, ticket.number))
    return link is not None and link.kind == SPLIT


def _by_names(change: Change, mail: ParsedMail) -> Found:
    """By what anybody can write: it counts for those who take part."""
    named: dict[int, Ticket] = {}
    tags = _tags(mail.subject)
    existing: set[int] = set()
    answered = holding(change, _newest_first(mail))[:TAGS_TRIED]
    for number in dict.fromkeys((*answered, *tags)):
        ticket = _final(change, number)
        if ticket is None:
            continue
        existing.add(number)
        if ticket.number not in named and takes_part(change, ticket, mail.sender.email):
            thread = Thread(ticket, guessable=number not in answered)
            return Found(thread, tags=frozenset(existing.intersection(tags)))
        named[ticket.number or 0] = ticket
    return Found(None, tuple(named.values()), frozenset(existing.intersection(tags)))


def settled(change: Change, ticket: Ticket) -> Ticket:
    """The ticket, locked for this change; where it was merged until we had the lock, the one it went into."""
    ticket, passed = change.ticket(ticket.number or 0), set[int]()
    while ticket.merged_into is not None and ticket.merged_into not in passed:
        passed.add(ticket.merged_into)
        ticket = change.ticket(ticket.merged_into)
    return ticket


def untagged(subject: str, numbers: Collection[int]) -> str:
    """The subject without these tickets' tags, which would lead an answer to it there."""
    kept = _TAG.sub(lambda found: "" if int(found[1]) in numbers else found[0], subject)
    return " ".join(kept.split())


def takes_part(change: Change, ticket: Ticket, address: str) -> bool:
    """Whether this address may speak on the ticket: its requester's, a follower's, an active agent's, or that of
    somebody who wrote there before. What was said inside, or by a machine, makes nobody one of them.
    """
    if staff(change, address) is not None:
        return True
    if rows(change.session, _REQUESTS, (address, ticket.requester_id)) or follows(change, ticket, address):
        return True
    return bool(rows(change.session, _WROTE, (ticket.number, address)))


_REQUESTS = "SELECT 1 FROM address WHERE address = ? AND person_id = ?"
_WROTE = "SELECT 1 FROM entry WHERE ticket = ? AND author_address = ? AND kind = 'inbound' AND machine = '' LIMIT 1"


def staff(change: Change, address: str, *, exactly: bool = False) -> Actor | None:
    """The active agent whose address this is, as one who acts; with a "+detail" behind it too, unless `exactly`."""
    held = change.definitions.cache
    if "staff" not in held:
        agents = change.session.exec(select(Agent).where(Agent.active, col(Agent.email).is_not(None)))
        held["staff"] = {
            same_address(one.email): Actor("agent", one.name, one.id, one.role) for one in agents if one.email
        }
    found: Actor | None = held["staff"].get(address)
    return found if found or exactly else held["staff"].get(without_detail(address))


def answers_digest(change: Change, mail: ParsedMail) -> bool:
    """Whether the mail answers a digest of ours, which is about several tickets and leads to none."""
    signed = (read_message_id(_secret(change), message_id) for message_id in _newest_first(mail))
    return any(one is not None and one.kind == DIGEST for one in signed)


def is_ours(change: Change, message_id: str) -> bool:
    """Whether this Message-ID is one that we made."""
    return read_message_id(_secret(change), message_id) is not None


def _signed(change: Change, mail: ParsedMail) -> Iterator[tuple[int, bool, Sequence[str]]]:
    """(ticket, inside, newer) by our own signatures: Message-IDs, newest first, then the address it was sent to;
    `newer` are the Message-IDs before that one.
    """
    secret = _secret(change)
    answered = list(_newest_first(mail))
    for place, message_id in enumerate(answered):
        if (signed := read_message_id(secret, message_id)) is not None and signed.kind not in (DIGEST, REPORT):
            yield signed.ticket, signed.kind == NOTIFICATION, answered[:place]
    for address in (*mail.delivered_to, *(one.email for one in (*mail.to, *mail.cc))):
        token = address.partition("@")[0].partition("+")[2]
        if token and (number := read_token(secret, token)) is not None:
            yield number, False, answered


def _newest_first(mail: ParsedMail) -> Iterable[str]:
    """In-Reply-To names what is answered; References goes back from there (RFC 5322 section 3.6.4)."""
    returned = mail.machine.bounce if mail.machine else None
    original = (returned.original_message_id,) if returned and returned.original_message_id else ()
    return dict.fromkeys((*original, *mail.in_reply_to, *reversed(mail.references)))


def holding(change: Change, message_ids: Iterable[str]) -> list[int]:
    """Tickets that hold one of these messages, in the order of the messages."""
    named = list(message_ids)
    if not named:
        return []
    among = ", ".join("?" * len(named))
    held = rows(change.session, f"SELECT message_id, ticket FROM entry WHERE message_id IN ({among})", named)
    found = sorted((named.index(message_id), ticket) for message_id, ticket in held)
    return list(dict.fromkeys(ticket for _, ticket in found))


def _tags(subject: str) -> list[int]:
    return [int(number) for number in _TAG.findall(subject)[:TAGS_TRIED]]


def _final(change: Change, number: int) -> Ticket | None:
    """The ticket of this number, or the one it was merged into in the end; None if there is none."""
    passed: set[int] = set()
    while number not in passed:
        passed.add(number)
        ticket = fetch(change.session, Ticket, number)
        if ticket is None or ticket.merged_into is None:
            return ticket
        number = ticket.merged_into
    return None  # a ring, which no merge makes


def _secret(change: Change) -> str:
    return change.definitions.setting("desk.secret")
