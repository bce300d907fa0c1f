"""What has not left: why each mail waits or failed, in words that a person can act on; and the two things to be done
about one, trying it again and letting it be.

Trying again is safe against doubles: what is being sent is left alone, those who got the mail get it no second time,
and it keeps its Message-ID.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, func, select

from tkt.channels.mail.sending.claiming import is_dead
from tkt.desk.unit import Change, Desk
from tkt.errors import Conflict, NotFound
from tkt.store.tables import Entry, Outbox, Ticket
from tkt.times import to_micros

OPEN = ("waiting", "sending", "failed")


class OutgoingStatus(NamedTuple):
    """A mail that has not left: "waiting", "sending" or "failed", its attempts, when it is next tried; `error` is what
    went wrong, `why` what that means and what can be done, `collected` how many others leave with it.
    """

    id: int
    kind: str
    ticket: int | None
    recipients: tuple[str, ...]
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime
    error: str
    why: str
    collected: int


def outgoing(session: Session, now: datetime) -> list[OutgoingStatus]:
    """Every mail that has not left, the oldest first."""
    unsent = select(Outbox).where(col(Outbox.state).in_(OPEN)).order_by(col(Outbox.id))
    return [_status(row, now) for row in session.exec(unsent)]


def in_words(one: OutgoingStatus, now: datetime) -> str:
    """When a mail is next tried: "in 12 min"; "" for one that is not."""
    if one.state != "waiting":
        return ""
    seconds = int((one.next_at - now).total_seconds())
    if seconds <= 0:
        return "now"
    return (
        f"in {seconds} s"
        if seconds < 100
        else f"in {seconds // 60} min"
        if seconds < 6000
        else f"in {seconds // 3600} h"
    )


def waiting(desk: Desk) -> int:
    """How many mails wait."""
    with desk.look() as change:
        return change.session.exec(select(func.count()).where(Outbox.state == "waiting")).one()


def retry(desk: Desk, identifier: int) -> str:
    """Let a mail leave with the next round: one that waits at once, one that failed once more. To whom, in words.

    Raises NotFound, and Conflict for a mail that is being sent, that has left, or that came back from one of several.
    """
    with desk.change(cause="outbox") as change:
        row = _locked(change, identifier)
        if row.state not in ("waiting", "failed"):
            raise Conflict(f"mail {identifier} is {_state(row)}")
        if row.sent_at is not None and len(row.recipients) > 1:
            raise Conflict(
                f"mail {identifier} came back, but not from everybody: answer anew, or the others get it twice"
            )
        if row.state == "failed":
            row.mail = {key: value for key, value in row.mail.items() if key != "returned"}
            row.mail |= {"since": to_micros(change.at)}
            _note(change, row, "retried", "waiting")
        row.state, row.next_at, row.sent_at = "waiting", change.at, None
        change.session.add(row)
        return ", ".join(row.recipients)


def drop(desk: Desk, identifier: int) -> str:
    """Let a mail be: it is tried no more, and its ticket is no longer undelivered because of it. To whom, in words.

    Raises NotFound, and Conflict for a mail that is being sent or has left.
    """
    with desk.change(cause="outbox") as change:
        row = _locked(change, identifier)
        if row.state not in ("waiting", "failed"):
            raise Conflict(f"mail {identifier} is {_state(row)}")
        failed = row.state == "failed" or bool(row.mail.get("left"))
        row.state = "dropped"
        change.session.add(row)
        _note(change, row, "dropped", "failed" if failed else "recalled")
        _clear(change, row)
        return ", ".join(row.recipients)


def _locked(change: Change, identifier: int) -> Outbox:
    """The mail, and its ticket before it: in the order in which undo locks them."""
    row = change.session.get(Outbox, identifier)
    if row is None:
        raise NotFound(f"there is no mail {identifier} in the outbox")
    if row.ticket is not None:
        change.ticket(row.ticket)
    lock = change.desk.store.dialect == "postgresql"
    return change.session.get_one(Outbox, identifier, with_for_update=lock, populate_existing=True)


def _note(change: Change, row: Outbox, verb: str, delivery: str) -> None:
    """On the ticket, for all but notifications to staff."""
    if row.ticket is None or row.kind == "notification":
        return
    entry = change.session.get(Entry, row.entry_id) if row.entry_id else None
    if entry is not None:
        entry.delivery = delivery
        change.session.add(entry)
    change.record(verb, ticket=change.ticket(row.ticket), entry=row.entry_id, field="mail", new=list(row.recipients))


def _clear(change: Change, row: Outbox) -> None:
    """The ticket is undelivered only as long as another mail of it is."""
    if row.ticket is None or row.kind == "notification":
        return
    ticket: Ticket = change.ticket(row.ticket)
    others = select(Outbox.id).where(
        Outbox.ticket == row.ticket, Outbox.state == "failed", Outbox.kind != "notification", Outbox.id != row.id
    )
    if ticket.undelivered and change.session.exec(others.limit(1)).first() is None:
        change.set(ticket, "dropped", undelivered=False)


def _state(row: Outbox) -> str:
    words = {"sending": "being sent right now", "sent": "gone already", "recalled": "called back"}
    return words.get(row.state, row.error if row.state == "collected" else row.state)


def _status(row: Outbox, now: datetime) -> OutgoingStatus:
    return OutgoingStatus(
        row.id or 0,
        row.kind,
        row.ticket,
        tuple(row.recipients),
        row.state,
        row.attempts,
        row.created_at,
        row.next_at,
        row.error,
        _why(row, now),
        int(row.mail.get("collected", 0)),
    )


def _why(row: Outbox, now: datetime) -> str:
    if row.state == "sending":
        return "its sender is gone: the next round takes it up" if _is_left(row, now) else row.error
    if row.state == "failed":
        return f"{row.error}; 'tkt mail retry {row.id}' tries again, 'tkt mail drop {row.id}' lets it be"
    if row.attempts:
        return row.error
    if row.next_at > now:
        undo = f"can still be called back: 'tkt undo {row.ticket}'"
        return undo if row.kind == "reply" else "waits for more to tell them"
    return "leaves with the next round of 'tkt serve', or by 'tkt mail send'"


def _is_left(row: Outbox, now: datetime) -> bool:
    return row.next_at <= now or is_dead(row.error)
