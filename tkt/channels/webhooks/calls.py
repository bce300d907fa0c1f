"""Calls that were not taken: why each waits or failed, and the two things to be done about one."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import col, select

from tkt.desk.unit import Change, Desk
from tkt.errors import Conflict, NotFound
from tkt.store.tables import WebhookCall

OPEN = ("waiting", "sending", "failed")


class CallStatus(NamedTuple):
    """A call that was not taken: "waiting", "sending" or "failed", its attempts, when it is next tried, and why."""

    id: int
    webhook: str
    ticket: int
    state: str
    attempts: int
    created_at: datetime
    next_at: datetime
    error: str


def any_due(desk: Desk) -> bool:
    """Whether there is a call to be made now; only reads."""
    with desk.look() as change:
        due = col(WebhookCall.state).in_(("waiting", "sending")), col(WebhookCall.next_at) <= change.at
        return change.session.exec(select(WebhookCall.id).where(*due).limit(1)).first() is not None


def open_calls(desk: Desk) -> list[CallStatus]:
    """Every call that was not taken, the oldest first."""
    query = select(WebhookCall).where(col(WebhookCall.state).in_(OPEN)).order_by(col(WebhookCall.id))
    with desk.look() as change:
        return [_status(row) for row in change.session.exec(query)]


def retry(desk: Desk, identifier: int) -> str:
    """Let a call that failed, or waits, be made with the next round; which webhook. Raises NotFound, Conflict."""
    with desk.change(cause="webhooks") as change:
        row = _open(change, identifier)
        row.state, row.next_at = "waiting", change.at
        return row.webhook or row.url


def drop(desk: Desk, identifier: int) -> str:
    """Let a call be: it is tried no more; which webhook. Raises NotFound, Conflict."""
    with desk.change(cause="webhooks") as change:
        row = _open(change, identifier)
        row.state = "dropped"
        return row.webhook or row.url


def _open(change: Change, identifier: int) -> WebhookCall:
    change.require("agent")
    lock = change.desk.store.dialect == "postgresql"
    row = change.session.get(WebhookCall, identifier, with_for_update=lock)
    if row is None:
        raise NotFound(f"there is no webhook call {identifier}")
    if row.state not in ("waiting", "failed"):
        words = {"sending": "being made right now", "sent": "taken already"}
        raise Conflict(f"webhook call {identifier} is {words.get(row.state, row.state)}")
    change.session.add(row)
    return row


def _status(row: WebhookCall) -> CallStatus:
    return CallStatus(
        row.id or 0, row.webhook or row.url, row.ticket, row.state, row.attempts, row.created_at, row.next_at, row.error
    )
