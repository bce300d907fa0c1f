"""The migrations make what the tables declare, on both engines, and a store of another schema is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlmodel import SQLModel

from tkt.errors import WrongSchema
from tkt.store import migrate, tables
from tkt.store.constants import SCHEMA
from tkt.store.engine import Store
from tkt.store.location import Location, parse_location
from tkt.store.read import open_reader


def test_migrations_make_what_the_tables_declare(store: Store) -> None:
    assert tables.Ticket.__tablename__ == "ticket"
    migrate.repeat_for_postgres(SQLModel.metadata)
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": migrate.declared, "compare_type": True}
        )
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_code_expects_the_newest_migration() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == SCHEMA


def test_upgrading_twice_changes_nothing(location: Location) -> None:
    migrate.upgrade(location)
    assert migrate.has_tables(location)


@pytest.mark.parametrize(("found", "words"), [("0000", "tkt doctor --upgrade"), ("9999", "newer tkt")])
def test_a_store_of_another_schema_is_refused_with_the_way_out(location: Location, found: str, words: str) -> None:
    store = Store(location)
    with store.transaction() as session:
        session.connection().execute(text("UPDATE alembic_version SET version_num = :found"), {"found": found})
    store.close()
    again = Store(location)
    with pytest.raises(WrongSchema, match=words), again.transaction():
        pass
    again.close()
    with pytest.raises(WrongSchema, match=words):
        open_reader(location)


def test_a_file_that_is_no_desk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(b"")
    place = parse_location(str(path))
    assert not migrate.has_tables(place)
    store = Store(place)
    with pytest.raises(WrongSchema, match="tkt init"), store.transaction():
        pass
    store.close()
