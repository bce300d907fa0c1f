"""What the tables are made of: the row they share, keys, references, moments, documents."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlmodel import Field, SQLModel

from tkt.store.types import Document, Moment, RowId


class Row(SQLModel):
    """What every table has in common: rows are made by our own code, so nothing of pydantic's validation is built."""

    model_config = {"defer_build": True}

    def __init__(self, **values: Any) -> None:
        """A new row. SQLModel would hand each column to pydantic and to SQLAlchemy by itself, which takes longer than
        writing the row; SQLAlchemy writes what is in the object's dict.
        """
        plain, made = _defaults(type(self))
        if unknown := values.keys() - type(self).model_fields.keys():
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        self.__dict__.update(plain | {name: make() for name, make in made if name not in values} | values)

    def __setattr__(self, name: str, value: Any) -> None:
        """SQLAlchemy's attributes know what to do with a new value; pydantic would only note it once more."""
        object.__setattr__(self, name, value)


@cache
def _defaults(table: type[Row]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """The columns' values where none is given, and what makes those that each row has of its own."""
    optional = [(name, field) for name, field in table.model_fields.items() if not field.is_required()]
    plain = {name: field.default for name, field in optional if field.default_factory is None}
    made: Any = [(name, field.default_factory) for name, field in optional if field.default_factory is not None]
    return plain, made


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
