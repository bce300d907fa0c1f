"""What an agent takes for spam, and what they take back.

`spam` tags the ticket, closes it, blocks who wrote it and calls back what the desk wrote them by itself and has not
sent yet. `ham` is the reverse: also for what the mail server, or an earlier block, took for spam when it came in. Each
is one change, which undo takes back whole. What a blocked address sends is left to `tkt.channels.mail`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlmodel import col, select

from tkt.desk import outbox, people, statuses, tickets
from tkt.desk.unit import Change, Desk
from tkt.desk.values import SPAM
from tkt.store.rows import rows
from tkt.store.tables import Entry, Event, Outbox, Ticket
from tkt.times import to_micros

VERB = "spam"
BLOCKED, RECALLED, WORDS = "blocked", "recalled", "taken for"
"""What is recorded besides tag and status: the address, the mails that were called back, why the first message counted
as spam."""


def spam(desk: Desk, number: int, version: int | None = None, *, domain: bool = False) -> list[str]:
    """The ticket is spam, and so is whatever its writer (with `domain`, everybody there) sends from now on; what has
    changed, in words. Raises NotFound, NotAllowed, Conflict.
    """
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        done = [f"tagged {SPAM}"] if tickets.tag(desk, number, [SPAM]) else []
        done += ["closed"] if statuses.move(change, ticket, "closed") else []
        address = _writer(change, ticket)
        wanted = f"@{address.rpartition('@')[2]}" if domain and address else address
        done += [f"{one} blocked" for one in _block(change, ticket, [wanted] if wanted else [])]
        _recall(change, ticket)
        ticket.unread = False
        return done


def ham(desk: Desk, number: int, version: int | None = None) -> list[str]:
    """The ticket is none after all: it is open, its promises run from now, its writer is heard again; what has changed,
    in words. Raises NotFound, NotAllowed, Conflict.
    """
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        address = _writer(change, ticket)
        done = [f"{one} unblocked" for one in _unblock(change, ticket, [address, f"@{address.rpartition('@')[2]}"])]
        if tickets.tag(desk, number, remove=[SPAM]):
            _set_words(change, ticket, "")
            status = "new" if ticket.first_response_at is None else "open"
            done += [f"no longer {SPAM}", *([status] if statuses.move(change, ticket, status) else [])]
        return done


def turn(change: Change, ticket: Ticket, event: Event) -> str:
    """Undo's door: what this event did besides tag and status, the other way round; in words."""
    if event.field == BLOCKED:
        turned = _unblock(change, ticket, [event.new]) if event.new else _block(change, ticket, [event.old])
        return f"{', '.join(turned)} {'unblocked' if event.new else 'blocked'}" if turned else ""
    if event.field == RECALLED and event.new:
        _send_after_all(change, ticket, event.new)
    elif event.field == RECALLED:
        _recall(change, ticket)
    elif event.field == WORDS:
        _set_words(change, ticket, event.old or "")
    return ""


def _writer(change: Change, ticket: Ticket) -> str:
    """Who wrote the message that opened the ticket, else its requester; "" where that is one of ours, or nobody."""
    found = rows(change.session, _WROTE, (ticket.number,))
    customer = people.requester_of(change, ticket)
    address = (found[0][0] if found else "") or (customer.address if customer else "")
    return "" if address in people.own_addresses(change) else address


def _block(change: Change, ticket: Ticket, addresses: Iterable[str]) -> list[str]:
    """Those of the addresses (or domains, "@example.com") that were not blocked yet."""
    params = to_micros(change.at), change.actor.name
    turned = [one for one in addresses if one and rows(change.session, _BLOCK, (one, *params))]
    for one in turned:
        change.record(VERB, ticket=ticket, field=BLOCKED, new=one)
    return turned


def _unblock(change: Change, ticket: Ticket, addresses: Iterable[str]) -> list[str]:
    turned = [one for one in addresses if one and rows(change.session, _UNBLOCK, (one,))]
    for one in turned:
        change.record(VERB, ticket=ticket, field=BLOCKED, old=one)
    return turned


def _recall(change: Change, ticket: Ticket) -> None:
    """Confirmations and other automatic mail about the ticket that wait don't leave."""
    waiting = select(Outbox).where(Outbox.ticket == ticket.number, Outbox.state == "waiting")
    found = change.session.exec(waiting.where(Outbox.kind != "notification").with_for_update()).all()
    recalled = [row for row in found if row.mail.get("auto") and not row.mail.get("left")]
    for row in recalled:
        outbox.recall(row)
    if recalled:
        change.record(VERB, ticket=ticket, field=RECALLED, new=[row.id for row in recalled])


def _send_after_all(change: Change, ticket: Ticket, identifiers: list[Any]) -> None:
    kept = select(Outbox).where(col(Outbox.id).in_(identifiers), Outbox.state == "recalled")
    for row in change.session.exec(kept.with_for_update()):
        row.state, row.next_at = "waiting", change.at
    change.record(VERB, ticket=ticket, field=RECALLED, old=identifiers)


def _set_words(change: Change, ticket: Ticket, words: str) -> None:
    """Why the first message counts as spam ("" for a person's message), where a machine decided that it does."""
    first = change.session.exec(select(Entry).where(Entry.ticket == ticket.number, Entry.position == 1)).first()
    if first is None or first.kind != "inbound" or first.machine == words:
        return
    if words or first.machine.startswith(f"{SPAM}: "):
        change.touch(ticket)
        change.record(VERB, ticket=ticket, field=WORDS, old=first.machine or None, new=words or None)
        first.machine = words
        first.person_id = None if words else ticket.requester_id
        change.session.add(first)


_WROTE = "SELECT author_address FROM entry WHERE ticket = ? AND kind = 'inbound' ORDER BY position LIMIT 1"
_BLOCK = """
INSERT INTO address_state (address, automatic_count, bounced, blocked_at, blocked_by) VALUES (?, 0, '', ?, ?)
ON CONFLICT (address) DO UPDATE SET blocked_at = excluded.blocked_at, blocked_by = excluded.blocked_by
WHERE address_state.blocked_at IS NULL RETURNING address
"""
_UNBLOCK = """
UPDATE address_state SET blocked_at = NULL, blocked_by = '' WHERE address = ? AND blocked_at IS NOT NULL
RETURNING address
"""
