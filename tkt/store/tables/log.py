"""The event log: the one record of what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field

from tkt.store.tables.row import Row, key, moment, ref
from tkt.store.types import Document, RowId


class Event(Row, table=True):
    """One changed field (or one happening) of one change; append-only and complete.

    `change` is shared by all events of one transaction's verb and its reactions; `cause` names the rule, mail or
    SLA step that made it happen and is empty for a person's own doing. `old` and `new` are JSON values.
    """

    __table_args__ = (
        Index("ix_event_ticket", "ticket", "id"),
        Index("ix_event_actor", "actor", "id"),
        Index("ix_event_change", "change"),
        Index("ix_event_at", "at"),
        {"sqlite_autoincrement": True},
    )
    id: int | None = key()
    at: datetime = moment()
    change: str
    actor: str
    ticket: int | None = ref("ticket.number", nullable=True)
    entry: int | None = Field(default=None, sa_type=RowId)
    verb: str
    field: str = ""
    old: Any = Field(default=None, sa_type=Document)
    new: Any = Field(default=None, sa_type=Document)
    cause: str = ""
    undoes: str | None = Field(default=None, index=True)
