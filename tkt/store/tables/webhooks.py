"""Calls to other programs' webhooks that are to leave."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from tkt.store.tables.row import Row, key, moment, ref


class WebhookCall(Row, table=True):
    """One call of a webhook, written in the transaction that caused it, made afterwards.

    `webhook` is its name in desk.toml, or empty where an action names the `url` itself; `call_id` stays the same in
    every attempt, and so does the `body`. `state`: waiting, sending, sent, failed, dropped (by hand). A row in
    `sending` belongs to its sender until `next_at`, then anybody may try again.
    """

    __tablename__ = "webhook_call"
    __table_args__ = (
        Index("ix_webhook_call_next", "next_at", "id", sqlite_where=text("state IN ('waiting', 'sending')")),
        Index("ix_webhook_call_failed", "id", sqlite_where=text("state = 'failed'")),
    )
    id: int | None = key()
    call_id: str = Field(unique=True)
    ticket: int = ref("ticket.number", index=True)
    change: str = ""
    webhook: str = ""
    url: str = ""
    body: str
    state: str = "waiting"
    attempts: int = 0
    created_at: datetime = moment()
    next_at: datetime = moment()
    sent_at: datetime | None = moment(nullable=True)
    error: str = ""
