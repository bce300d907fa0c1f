"""What desk.toml declares, in versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from tkt.store.tables.row import Row, document, key, moment


class Setting(Row, table=True):
    """The desk's own facts: its name, time zone, signing secret, configuration generation."""

    key: str = Field(primary_key=True)
    value: str = ""


class Definition(Row, table=True):
    """One version of one thing that desk.toml declares: a calendar, sla, rule, macro, field, status or mailbox.

    A change makes a new version and retires the old one; clocks point at the version they were computed with.
    """

    __table_args__ = (
        UniqueConstraint("kind", "name", "version"),
        Index("ix_definition_active", "kind", "position", sqlite_where=text("active")),
    )
    id: int | None = key()
    kind: str
    name: str
    version: int = 1
    position: int = 0
    body: dict[str, Any] = document(dict)
    active: bool = True
    created_at: datetime = moment()


class ConfigVersion(Row, table=True):
    """An applied desk.toml: the text, who applied it and when, and the plan in words."""

    __tablename__ = "config_version"
    id: int | None = key()
    at: datetime = moment()
    actor: str
    text: str
    plan: list[str] = document(list)
