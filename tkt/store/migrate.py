"""Making a store and bringing it to the schema of this tkt, with Alembic, in one transaction on both engines."""

from __future__ import annotations

import os
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, inspect

from tkt.errors import StoreUnreachable
from tkt.store.engine import Store, translated
from tkt.store.location import Location

SEARCH_TABLES = ("search",)
"""Made by the migrations in each engine's own way, so not among the declared tables (FTS5 adds `search_…`)."""


def upgrade(location: Location) -> None:
    """Create the store, or bring it to the newest schema; nothing changes where it is there already.

    Raises StoreUnreachable when the file can't be made or the server doesn't answer, StoreBusy when it is locked.
    """
    _make_place(location)
    store = Store(location, must_exist=False)
    try:
        with translated(location), store.engine.begin() as connection:
            command.upgrade(_alembic(connection), "head")
    finally:
        store.close()


def has_tables(location: Location) -> bool:
    """Whether there is a desk at this place already."""
    if location.dialect == "sqlite" and not os.path.exists(location.target):
        return False
    store = Store(location)
    try:
        with translated(location), store.engine.connect() as connection:
            return inspect(connection).has_table("alembic_version")
    finally:
        store.close()


def repeat_for_postgres(metadata: MetaData) -> None:
    """Give every partial index its condition in Postgres' spelling too (see `tkt.store.tables`)."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if (where := index.dialect_options["sqlite"]["where"]) is not None:
                index.dialect_kwargs["postgresql_where"] = where


def declared(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    """Alembic's `include_object`: leave the search index out of comparisons."""
    return not (kind == "table" and (name or "").startswith(SEARCH_TABLES))


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", os.path.join(os.path.dirname(__file__), "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _make_place(location: Location) -> None:
    """The file, for its owner's eyes only: whoever may read it may read the desk. SQLite gives its companions the same
    rights.
    """
    if location.dialect != "sqlite":
        return
    try:
        os.makedirs(os.path.dirname(location.target), mode=0o700, exist_ok=True)
        os.close(os.open(location.target, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnreachable(f"{location.shown} can't be made: {error.strerror}") from error
