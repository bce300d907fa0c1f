"""INSERT … ON CONFLICT DO NOTHING on both engines: how two processes that write the same row agree on one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlmodel import Session, SQLModel

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert


def insert(session: Session, table: type[SQLModel]) -> PostgresInsert | SqliteInsert:
    """An INSERT that knows `on_conflict_do_nothing`, in the session's dialect.

    Only the dialect in use is imported: the other one would cost every command some 50 ms.
    """
    dialect: Any
    if session.connection().dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql as dialect
    else:
        from sqlalchemy.dialects import sqlite as dialect
    found: PostgresInsert | SqliteInsert = dialect.insert(table)
    return found
