"""What the tables are made of: the row they share, keys, references, moments, documents."""

from __future__ import annotations

from typing import Any

from sqlmodel import Field, SQLModel

from tkt.store.types import Document, Moment, RowId


class Row(SQLModel):
    """What every table has in common: rows are made by our own code, so nothing of pydantic's validation is built."""

    model_config = {"defer_build": True}


def key() -> Any:
    """A primary key that the store counts."""
    return Field(default=None, primary_key=True, sa_type=RowId)


def ref(target: str, *, index: bool = False, nullable: bool = False) -> Any:
    """A reference to a row of another table."""
    options: dict[str, Any] = {"default": None} if nullable else {}
    return Field(foreign_key=target, sa_type=RowId, index=index, nullable=nullable, **options)


def moment(*, nullable: bool = False, index: bool = False) -> Any:
    """A time: an aware UTC datetime, kept in microseconds."""
    options: dict[str, Any] = {"default": None} if nullable else {}
    return Field(sa_type=Moment, nullable=nullable, index=index, **options)


def document(factory: type[list[Any]] | type[dict[str, Any]]) -> Any:
    """A JSON value, empty at first."""
    return Field(default_factory=factory, sa_type=Document, nullable=False)
