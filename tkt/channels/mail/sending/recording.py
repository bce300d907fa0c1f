"""Writing down what became of a mail: on its row, its entry, its ticket.

Failures that pass are tried again after 1, 2, 5, 15 minutes, then hourly, for five days; permanent ones stop at once
and show on the ticket as undelivered. A store that is busy or away at that moment is no crash: what was to be recorded
is kept (`Unrecorded`) and recorded by the next round.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tkt.channels.mail.filing.undelivered import mark_refused
from tkt.channels.mail.sending.smtp import Receipt
from tkt.desk import standing
from tkt.desk.unit import Change, Desk
from tkt.errors import TryAgain
from tkt.store.tables import Entry, Outbox
from tkt.times import from_micros

BACK_OFF = (1, 2, 5, 15, 60)
"""Minutes to the next attempt after the first, second … failure; the last one repeats."""

GIVE_UP = timedelta(days=5)
"""After so long a failure that passes counts as permanent (RFC 5321 section 4.5.4.1 asks for 4 to 5 days)."""


class Delivery(NamedTuple):
    """What became of one outbox row: "sent", "waiting" (tried again at its time) or "failed"; `error` in words.

    `server` is "" where the mailbox's server judged this mail, "away" where it did not answer, "unusable" where
    somebody has to mend something first (a password, a certificate, desk.toml).
    """

    outbox_id: int
    ticket: int | None
    kind: str
    recipients: tuple[str, ...]
    state: str
    error: str = ""
    mailbox: str = ""
    server: str = ""


class Result(NamedTuple):
    """What a server said of a claimed row, and when the row is tried again where that is not its own back-off."""

    row: Outbox
    receipt: Receipt
    pause: timedelta | None = None


Unrecorded = dict[int, Result]
"""What one sender could not write down yet, by outbox id. It belongs to the process that holds these rows."""


def record(desk: Desk, result: Result, unrecorded: Unrecorded) -> Delivery:
    """Write down what the server said. Raises StoreBusy and StoreUnreachable: then it is kept in `unrecorded`."""
    try:
        with desk.change(cause="outbox") as change:
            return _write_down(change, result)
    except TryAgain:
        unrecorded[result.row.id or 0] = result
        raise


def first_tried(row: Outbox) -> datetime:
    """Since when the mail has been tried: since it was written, or since somebody asked for it again."""
    since: Any = row.mail.get("since")
    return from_micros(since) if since else row.created_at


def _write_down(change: Change, result: Result) -> Delivery:
    claimed, receipt, pause = result
    if claimed.ticket is not None and claimed.kind != "notification":
        change.ticket(claimed.ticket)  # the ticket first, the mail then: in the order in which undo locks them
    lock = change.desk.store.dialect == "postgresql"
    row = change.session.get_one(Outbox, claimed.id, with_for_update=lock)
    if row.attempts == claimed.attempts or not receipt.later:  # else its next sender has taken it over
        _settle(change, row, receipt, pause or _back_off(row.attempts))
    change.session.add(row)
    return Delivery(row.id or 0, row.ticket, row.kind, tuple(row.recipients), row.state, row.error)


def _back_off(attempts: int) -> timedelta:
    return timedelta(minutes=BACK_OFF[min(attempts, len(BACK_OFF)) - 1])


def _settle(change: Change, row: Outbox, receipt: Receipt, pause: timedelta) -> None:
    returned = bool(row.mail.get("returned"))  # its bounce was faster than we are
    row.error = row.error if returned else receipt.words
    if receipt.accepted or receipt.unsure:
        row.mail = row.mail | {
            "left": "in part" if receipt.accepted or row.mail.get("left") == "in part" else "perhaps"
        }
    if receipt.later and change.at - first_tried(row) < GIVE_UP:
        row.state, row.next_at = "waiting", change.at + pause
        row.recipients = list(receipt.later)
    elif receipt.accepted:
        row.state, row.sent_at = "failed" if returned else "sent", change.at
    else:
        row.state = "failed"
    _show(change, row, receipt)


def _show(change: Change, row: Outbox, receipt: Receipt) -> None:
    """On the ticket: what was sent, and what will never arrive. Of notifications to staff only the row tells."""
    if row.ticket is None or row.kind == "notification":
        return
    ticket = change.ticket(row.ticket)
    given_up = receipt.refused or (receipt.later if row.state != "waiting" else ())
    entry = change.session.get(Entry, row.entry_id) if row.entry_id else None
    if entry is not None and row.state in ("sent", "failed"):
        entry.delivery = row.state
        change.session.add(entry)
    if receipt.accepted:
        change.record("sent", ticket=ticket, entry=row.entry_id, new=list(receipt.accepted))
        if row.state != "failed":
            standing.reached(change, ticket, receipt.accepted, row.created_at)
    if row.state == "sent" and not given_up and entry is not None and entry.agent_id is not None:
        standing.arrived(change, ticket, row.id or 0)
    if given_up or row.state == "failed":
        change.record("undelivered", ticket=ticket, entry=row.entry_id, new=row.error)
        change.set(ticket, "undelivered", undelivered=True)
        mark_refused(change, ticket, receipt.refused, receipt.words)
