"""Whose turn it is in the outbox: a row is claimed in one short transaction, and is then its sender's alone.

A claimed row is `sending` until its lease ends; a sender that dies leaves it to the next, at once if its process is
known to be gone: of the same host and, where there are such, the same namespace of process ids. So two senders never
send a row both, and none is forgotten.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlmodel import Session, col, select

from tkt.channels.mail.filing.filing import desk_mark
from tkt.channels.mail.mailboxes import Mailbox, mailboxes
from tkt.channels.mail.sending.collecting import collect
from tkt.channels.mail.sending.compose import File
from tkt.desk.message_ids import bounce_address
from tkt.desk.outbox import secret
from tkt.desk.unit import Change, Desk
from tkt.store.blobs import content_of
from tkt.store.tables import Attachment, Outbox

LEASE = timedelta(minutes=10)
"""How long a sender may be busy with one row before another may take it."""

_IN_TURN = text("SELECT pg_advisory_xact_lock(hashtext('tkt outbox'))")
"""Claims are made one at a time, so that what waits for one person goes into one mail (Postgres; SQLite has one writer
anyway)."""


class Claimed(NamedTuple):
    """A row that is ours to send, with everything that sending needs. `return_path` is where its bounces go."""

    row: Outbox
    box: Mailbox | None
    mark: str
    files: tuple[File, ...]
    return_path: str


class Turn(NamedTuple):
    """Which row is next: what is due, or, with `now_all`, everything that waits, after the row `after`; but nothing of
    the mailboxes that are `away`. `looking`: look first whether there is any, without keeping writers waiting.
    """

    now_all: bool
    after: int
    away: Collection[str]
    looking: bool


def claim(desk: Desk, turn: Turn) -> Claimed | None:
    """The next row, now ours: nobody else sends it before its lease ends."""
    if turn.looking:  # most rounds find nothing
        with desk.look() as change:
            if _next(change, turn, lock=False) is None:
                return None
    with desk.change(cause="outbox") as change:
        if desk.store.dialect == "postgresql":
            change.session.connection().execute(_IN_TURN)
        row = _next(change, turn)
        if row is None:
            return None
        if row.state == "waiting":
            collect(change, row)
        row.state, row.attempts, row.next_at, row.error = "sending", row.attempts + 1, change.at + LEASE, _here()
        change.session.add(row)
        box = _box_of(change, row)
        return Claimed(row, box, desk_mark(change), _files(change.session, row), _return_path(change, row, box))


def is_dead(holder: str) -> bool:
    """Whether the process that holds a row is known to be gone. One of another host, or of another container on this
    one, is not known; nor is one that did not say of which, as older versions did not.
    """
    found = re.fullmatch(r"being sent by process (\d+) (.+)", holder)
    if found is None or found[2] != _place():
        return False
    try:
        os.kill(int(found[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _next(change: Change, turn: Turn, *, lock: bool = True) -> Outbox | None:
    """Who only looks must lock nothing: another sender would skip it, and leave it out of what it collects."""
    wanted = _waiting(turn.after) if turn.now_all else _due(change.at)
    wanted = wanted.where(col(Outbox.mailbox).not_in(turn.away)).limit(1)
    found: Outbox | None = change.session.exec(wanted.with_for_update(skip_locked=True) if lock else wanted).first()
    return found or _orphan(change.session, change.at, lock)


def _due(now: datetime) -> Any:
    """Rows whose time has come, and those whose sender had its time."""
    open_rows = col(Outbox.state).in_(("waiting", "sending"))
    return select(Outbox).where(open_rows, col(Outbox.next_at) <= now).order_by(col(Outbox.next_at), col(Outbox.id))


def _waiting(after: int) -> Any:
    return select(Outbox).where(Outbox.state == "waiting", col(Outbox.id) > after).order_by(col(Outbox.id))


def _orphan(session: Session, now: datetime, lock: bool) -> Outbox | None:
    """A row in the hands of a process of this host that lives no more, or whose lease is over."""
    held = select(Outbox).where(Outbox.state == "sending").order_by(col(Outbox.next_at))
    rows = session.exec(held.with_for_update(skip_locked=True) if lock else held)
    return next((row for row in rows if row.next_at <= now or is_dead(row.error)), None)


def _here() -> str:
    return f"being sent by process {os.getpid()} {_place()}"


def _place() -> str:
    """Where our process id means this process: containers of one host may all have its name."""
    try:
        namespace = f" (namespace {os.stat('/proc/self/ns/pid').st_ino})"
    except OSError:
        namespace = ""
    return f"on {socket.gethostname()}{namespace}"


def _box_of(change: Change, row: Outbox) -> Mailbox | None:
    """The row's mailbox; one that is declared no more is stood in for by the first that can send."""
    boxes = mailboxes(change.definitions)
    by_name = [box for box in boxes if box.name == row.mailbox]
    return next(iter([*by_name, *(box for box in boxes if box.sender), *boxes]), None)


def _return_path(change: Change, row: Outbox, box: Mailbox | None) -> str:
    """An address of this row's own, so that whatever comes back names it (one for each mail, whoever gets it)."""
    return bounce_address(secret(change), box.return_path, row.id or 0) if box and box.return_path else ""


def _files(session: Session, row: Outbox) -> tuple[File, ...]:
    """The attachments of the entry that the mail carries."""
    if row.entry_id is None:
        return ()
    held = select(Attachment).where(Attachment.entry_id == row.entry_id).order_by(col(Attachment.id))
    return tuple(File(one.name, one.type, content_of(session, one.digest)) for one in session.exec(held).all())
