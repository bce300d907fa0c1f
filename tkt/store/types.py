"""Column types: how a moment and a document are kept on both engines.

Moments are BIGINT microseconds since 1970-01-01 UTC. One representation on SQLite and Postgres means that the read
side compares, sorts and pages with the same SQL text and the same parameters on both, and that no driver's idea of
time zones comes between.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Integer
from sqlalchemy.types import TypeDecorator, TypeEngine

from tkt.store.constants import NEVER
from tkt.times import from_micros, to_micros

RowId = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only in INTEGER columns


class Document(TypeDecorator[Any]):
    """A JSON value: text on SQLite, JSONB on Postgres, whose dialect is only imported there."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(JSON())
        from sqlalchemy.dialects.postgresql import JSONB

        return dialect.type_descriptor(JSONB())


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds UTC; None is NULL."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class Deadline(Moment):
    """A moment whose None is stored as the largest integer, so that "no deadline" sorts last in an ordinary index."""

    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int:
        return NEVER if value is None else to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None or value == NEVER else from_micros(value)
