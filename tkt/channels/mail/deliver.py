"""From the outbox to the mail server: claimed in one short transaction, sent outside of any, recorded in another.

A claimed row is `sending` until its lease ends; a sender that dies leaves it to the next, at once if its process
is known to be gone from this host. So two senders never send a row both, and none is forgotten. Between the
server's acceptance and our record lies a moment in which a crash means a second copy; it has the same Message-ID,
and mail stores fold it. A store that is busy or away at that moment is no crash: what was to be recorded is kept
(`Unrecorded`) and recorded by the next round.

Failures that pass are tried again after 1, 2, 5, 15 minutes, then hourly, for five days; permanent ones stop at once
and show on the ticket as undelivered. A server that takes no mail at all says nothing about the mail: what waits for it
is tried every minute, so that it leaves soon after the server is back.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from tkt.channels.mail.compose import File, Letter, ascii_domain, compose
from tkt.channels.mail.filing import desk_mark
from tkt.channels.mail.mailboxes import Mailbox, mailboxes
from tkt.channels.mail.smtp import TIMEOUT_SECONDS, Receipt, Sender
from tkt.config.mail_urls import Server
from tkt.desk.unit import Change, Desk
from tkt.errors import MailboxUnusable, MailServerAway, TktError, TryAgain
from tkt.store.tables import Attachment, Blob, Entry, Outbox

LEASE = timedelta(minutes=10)
"""How long a sender may be busy with one row before another may take it."""

BACK_OFF = (1, 2, 5, 15, 60)
"""Minutes to the next attempt after the first, second … failure; the last one repeats."""

SERVER_AWAY = timedelta(minutes=1)
"""The next attempt after one that failed because the mailbox's server took no mail at all."""

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


class _Claimed(NamedTuple):
    """A row that is ours to send, with everything that sending needs."""

    row: Outbox
    box: Mailbox | None
    mark: str
    files: tuple[File, ...]


def deliver(
    desk: Desk,
    *,
    now_all: bool = False,
    timeout: float = TIMEOUT_SECONDS,
    progress: Callable[[Delivery], None] | None = None,
    unrecorded: Unrecorded | None = None,
) -> list[Delivery]:
    """Send what is due; with `now_all` everything that waits, whatever its undo window or back-off.

    A row is tried once. `timeout` is in seconds, for each of a server's answers; `progress` is told of each row. Raises
    StoreBusy and StoreUnreachable; a mail server's trouble is in the results and on the rows. Who delivers again and
    again gives the same `unrecorded` each time.
    """
    done: list[Delivery] = []
    unrecorded = {} if unrecorded is None else unrecorded
    for identifier in list(unrecorded):
        _record(desk, unrecorded.pop(identifier), unrecorded)
    with _Senders(timeout, unrecorded) as senders:
        while (claimed := _claim(desk, now_all, done, senders.away)) is not None:
            done.append(_attempt(desk, senders, claimed))
            if progress is not None:
                progress(done[-1])
    return done


class _Senders:
    """One connection for each mailbox, for the length of a round."""

    def __init__(self, timeout: float, unrecorded: Unrecorded) -> None:
        self.unrecorded = unrecorded
        self.away: dict[str, TktError] = {}
        """Mailboxes whose server did not take mail, and why: nothing more of theirs is tried in this round."""
        self._timeout = timeout
        self._open: dict[str, Sender] = {}

    def of(self, box: Mailbox, server: Server) -> Sender:
        if box.name not in self._open:
            self._open[box.name] = Sender(box, server, self._timeout)
        return self._open[box.name]

    def __enter__(self) -> _Senders:
        return self

    def __exit__(self, *_error: object) -> None:
        for sender in self._open.values():
            sender.close()


def _attempt(desk: Desk, senders: _Senders, claimed: _Claimed) -> Delivery:
    """Hand over one claimed row and record what came of it."""
    row, box = claimed.row, claimed.box
    everybody = tuple(row.recipients)
    if box is None or box.sender is None:
        which = f"mailbox {box.name} has no smtp" if box else "no mailbox is declared"
        senders.away[row.mailbox] = MailboxUnusable(f"{which} in desk.toml")
        return _put_off(desk, senders, row, box, senders.away[row.mailbox])
    if box.name in senders.away:
        return _put_off(desk, senders, row, box, senders.away[box.name])
    try:
        receipt = _hand_over(senders.of(box, box.sender), claimed, box)
    except ValueError as error:
        receipt = Receipt(refused=everybody, words=f"the mail can't be written: {error}")
    except (MailServerAway, MailboxUnusable) as error:
        senders.away[box.name] = error
        return _put_off(desk, senders, row, box, error)
    return _record(desk, Result(row, receipt), senders.unrecorded)._replace(mailbox=box.name)


def _hand_over(sender: Sender, claimed: _Claimed, box: Mailbox) -> Receipt:
    """Send to everybody; without those whose address the server can't take, so that they don't stop the others."""
    everybody = tuple(claimed.row.recipients)
    letter = _letter(claimed, box, everybody)
    if not letter.needs_smtputf8 or not (lack := sender.lacks_smtputf8()):
        return sender.send(letter)
    if not letter.sender.isascii():
        return Receipt(refused=everybody, words=f"the address {letter.sender} {lack}")
    others = tuple(one for one in everybody if ascii_domain(one).isascii())
    beyond = tuple(one for one in everybody if one not in others)
    words = "; ".join(f"the address {one} {lack}" for one in beyond)
    sent = sender.send(_letter(claimed, box, others)) if others else Receipt()
    return sent._replace(refused=(*sent.refused, *beyond), words="; ".join(filter(None, (words, sent.words))))


def _letter(claimed: _Claimed, box: Mailbox, recipients: tuple[str, ...]) -> Letter:
    row = claimed.row
    return compose(
        row.mail | {"from_address": row.mail.get("from_address") or box.address},
        message_id=row.message_id,
        at=row.created_at,
        mark=claimed.mark,
        recipients=recipients,
        files=claimed.files,
    )


# --- claiming ---------------------------------------------------------------------------------------------------------


def _claim(desk: Desk, now_all: bool, done: list[Delivery], away: Collection[str]) -> _Claimed | None:
    """The next row, now ours: nobody else sends it before its lease ends."""
    wanted = _waiting(done[-1].outbox_id if done else 0) if now_all else _due(desk.now())
    wanted = wanted.where(col(Outbox.mailbox).not_in(away)).limit(1).with_for_update(skip_locked=True)
    if not done:  # most rounds find nothing: they must not hold up who writes
        with desk.look() as change:
            if _next(change, wanted) is None:
                return None
    with desk.change() as change:
        session, now = change.session, change.at
        row = _next(change, wanted)
        if row is None:
            return None
        row.state, row.attempts, row.next_at, row.error = "sending", row.attempts + 1, now + LEASE, _here()
        session.add(row)
        return _Claimed(row, _box_of(change, row), desk_mark(change), _files(session, row))


def _next(change: Change, wanted: Any) -> Outbox | None:
    found: Outbox | None = change.session.exec(wanted).first()
    return found or _orphan(change.session, change.at)


def _due(now: datetime) -> Any:
    """Rows whose time has come, and those whose sender had its time."""
    open_rows = col(Outbox.state).in_(("waiting", "sending"))
    return select(Outbox).where(open_rows, col(Outbox.next_at) <= now).order_by(col(Outbox.next_at), col(Outbox.id))


def _waiting(after: int) -> Any:
    return select(Outbox).where(Outbox.state == "waiting", col(Outbox.id) > after).order_by(col(Outbox.id))


def _orphan(session: Session, now: datetime) -> Outbox | None:
    """A row in the hands of a process of this host that lives no more, or whose lease is over."""
    held = select(Outbox).where(Outbox.state == "sending").order_by(col(Outbox.next_at))
    rows = session.exec(held.with_for_update(skip_locked=True))
    return next((row for row in rows if row.next_at <= now or _is_dead(row.error)), None)


def _here() -> str:
    return f"being sent by process {os.getpid()} on {socket.gethostname()}"


def _is_dead(holder: str) -> bool:
    found = re.fullmatch(r"being sent by process (\d+) on (.+)", holder)
    if found is None or found[2] != socket.gethostname():
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _box_of(change: Change, row: Outbox) -> Mailbox | None:
    """The row's mailbox; one that is declared no more is stood in for by the first that can send."""
    boxes = mailboxes(change.definitions)
    by_name = [box for box in boxes if box.name == row.mailbox]
    return next(iter([*by_name, *(box for box in boxes if box.sender), *boxes]), None)


def _files(session: Session, row: Outbox) -> tuple[File, ...]:
    """The attachments of the entry that the mail carries."""
    if row.entry_id is None:
        return ()
    held = select(Attachment, Blob).join(Blob).where(Attachment.entry_id == row.entry_id)
    return tuple(File(one.name, one.type, blob.data) for one, blob in session.exec(held.order_by(col(Attachment.id))))


# --- recording --------------------------------------------------------------------------------------------------------


def _put_off(desk: Desk, senders: _Senders, row: Outbox, box: Mailbox | None, error: TktError) -> Delivery:
    """Nothing of the mailbox leaves now, and not because of this mail."""
    receipt = Receipt(later=tuple(row.recipients), words=str(error))
    done = _record(desk, Result(row, receipt, SERVER_AWAY), senders.unrecorded)
    server = "away" if isinstance(error, MailServerAway) else "unusable"
    return done._replace(mailbox=box.name if box else row.mailbox, server=server)


def _record(desk: Desk, result: Result, unrecorded: Unrecorded) -> Delivery:
    """Write down what the server said, on the row, its entry and its ticket; it is kept where the store can't now."""
    try:
        with desk.change(cause="outbox") as change:
            return _write_down(change, result)
    except TryAgain:
        unrecorded[result.row.id or 0] = result
        raise


def _write_down(change: Change, result: Result) -> Delivery:
    claimed, receipt, pause = result
    lock = change.desk.store.dialect == "postgresql"
    row = change.session.get_one(Outbox, claimed.id, with_for_update=lock)
    if row.attempts == claimed.attempts or not receipt.later:  # else its next sender has taken it over
        _settle(change, row, receipt, pause or _back_off(row.attempts))
    change.session.add(row)
    return Delivery(row.id or 0, row.ticket, row.kind, tuple(row.recipients), row.state, row.error)


def _back_off(attempts: int) -> timedelta:
    return timedelta(minutes=BACK_OFF[min(attempts, len(BACK_OFF)) - 1])


def _settle(change: Change, row: Outbox, receipt: Receipt, pause: timedelta) -> None:
    row.error = receipt.words
    if receipt.later and change.at - row.created_at < GIVE_UP:
        row.state, row.next_at = "waiting", change.at + pause
        row.recipients = list(receipt.later)
    elif receipt.accepted:
        row.state, row.sent_at = "sent", change.at
    else:
        row.state = "failed"
    _show(change, row, receipt)


def _show(change: Change, row: Outbox, receipt: Receipt) -> None:
    """On the ticket: what was sent, and what will never arrive. Of notifications to staff only the row tells."""
    if row.ticket is None or row.kind == "notification":
        return
    ticket = change.ticket(row.ticket)
    entry = change.session.get(Entry, row.entry_id) if row.entry_id else None
    if entry is not None and row.state in ("sent", "failed"):
        entry.delivery = row.state
        change.session.add(entry)
    if receipt.accepted:
        change.record("sent", ticket=ticket, entry=row.entry_id, new=list(receipt.accepted))
    if receipt.refused or row.state == "failed":
        change.record("undelivered", ticket=ticket, entry=row.entry_id, new=receipt.words)
        change.set(ticket, "undelivered", undelivered=True)
