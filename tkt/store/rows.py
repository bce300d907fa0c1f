"""Rows without the detours of the ORM and of SQLAlchemy's expressions, for the path that every mail takes.

`rows` asks in plain SQL; `keep` writes a new object at once by a statement made once per table, and leaves it in the
session like any loaded one, so that later changes to it are written with the commit; `loaded` and `fetch` make such
objects of rows that are there. On the intake of mail they cost a fifth of what `select`, `get` and `flush` do.

On SQLite plain statements go straight to the driver: what SQLAlchemy does around one costs more than running it. What
the driver raises is wrapped as SQLAlchemy would.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Column, Connection, CursorResult, Dialect, Table, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper, configure_mappers, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_dict, instance_state
from sqlmodel import Session, SQLModel

Kept = TypeVar("Kept", bound=SQLModel)
Found = CursorResult[Any] | sqlite3.Cursor


def rows(session: Session, sql: str, params: Sequence[Any] = ()) -> list[Any]:
    """Every row of one statement with `?` for its parameters, on both engines. Moments are microseconds."""
    return list(execute(session, sql, params))


def execute(session: Session, sql: str, params: Sequence[Any] = ()) -> Found:
    """Run one statement with `?` for its parameters, on both engines."""
    return run(_connection(session), sql, params)


def run(connection: Connection, sql: str, params: Sequence[Any] = ()) -> Found:
    """The same on a connection."""
    if connection.dialect.name == "postgresql":
        return connection.exec_driver_sql(_for_psycopg(sql), tuple(params))
    try:
        found: sqlite3.Cursor = _driver(connection).execute(sql, params)
    except sqlite3.Error as error:
        raise DBAPIError.instance(sql, tuple(params), error, sqlite3.Error) from error
    return found


def run_many(connection: Connection, sql: str, many: Sequence[tuple[Any, ...]]) -> None:
    """Run one statement for each of many rows of parameters."""
    if not many:
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_for_psycopg(sql), list(many))
        return
    try:
        _driver(connection).executemany(sql, many)
    except sqlite3.Error as error:
        raise DBAPIError.instance(sql, list(many), error, sqlite3.Error) from error


def keep(session: Session, row: Kept) -> Kept:
    """Write a new row now, in this transaction; the object, with its number, now belongs to the session."""
    connection = _connection(session)
    table = _insertion(type(row), connection.dialect)
    found = run(connection, table.returning, table.bound(row.__dict__))
    if table.generated:
        row.__dict__[table.generated] = found.fetchall()[0][0]
    make_transient_to_detached(row)
    session.add(row)
    return row


def keep_all(session: Session, table: type[SQLModel], values: Sequence[dict[str, Any]]) -> None:
    """Write many rows of one table at once; each dict has every column but a generated key."""
    connection = _connection(session)
    written = _insertion(table, connection.dialect)
    run_many(connection, written.plain, [written.bound(one) for one in values])


def keep_numbered(session: Session, table: type[SQLModel], values: Sequence[dict[str, Any]]) -> list[int]:
    """The same a row at a time; the keys that the store gave them, in order."""
    connection = _connection(session)
    written = _insertion(table, connection.dialect)
    return [run(connection, written.returning, written.bound(one)).fetchall()[0][0] for one in values]


def rewrite(session: Session, objects: Iterable[SQLModel]) -> None:
    """Write what has changed of loaded rows, many in one go; in the session they are as if just loaded."""
    connection = _connection(session)
    together: dict[tuple[type[SQLModel], tuple[str, ...]], list[SQLModel]] = {}
    for row in objects:
        now, before = instance_dict(row), instance_state(row).committed_state
        if changed := tuple(name for name in before if before[name] != now[name]):
            together.setdefault((type(row), changed), []).append(row)
    for (table, changed), some in together.items():
        update = _update(table, changed, connection.dialect)
        run_many(connection, update.plain, [update.bound(row) for row in some])
        for row in some:
            instance_state(row)._commit_all(instance_dict(row), session.identity_map)


def loaded(session: Session, rest: str, params: Sequence[Any], *tables: type[SQLModel]) -> list[tuple[Any, ...]]:
    """An object of each of these tables per row of `SELECT … FROM` and the rest of the statement; the session's own
    where it holds the row. Unlike `select` it writes nothing before: the statement sees what is in the store.
    """
    connection = _connection(session)
    chosen = [_selection(table, connection.dialect) for table in tables]
    columns = ", ".join(one.columns for one in chosen)
    return [_objects(session, chosen, row) for row in run(connection, f"SELECT {columns} FROM {rest}", params)]


def fetch(session: Session, table: type[Kept], key: int | str) -> Kept | None:
    """The row of this primary key, like `session.get`: the one that the session holds, else loaded."""
    mapper = inspect(table)
    held: Kept | None = session.identity_map.get(mapper.identity_key_from_primary_key((key,)))
    if held is not None:
        return held
    rest = f"{mapper.local_table.name} WHERE {mapper.primary_key[0].name} = ?"
    found = loaded(session, rest, (key,), table)
    return found[0][0] if found else None


def _objects(session: Session, chosen: Sequence[_Selection], row: Sequence[Any]) -> tuple[Any, ...]:
    end, found = 0, []
    for one in chosen:
        begin, end = end, end + len(one.keys)
        found.append(one.held(session, list(row[begin:end])))
    return tuple(found)


class _Selection(NamedTuple):
    """The columns of a table for a SELECT, the attributes that they become, the places of the primary key, and what
    turns the driver's values into ours, by their places.
    """

    mapper: Mapper[Any]
    columns: str
    keys: list[str]
    identity: list[int]
    readers: list[tuple[int, Callable[[Any], Any]]]

    def held(self, session: Session, values: list[Any]) -> Any:
        """The session's object of this row."""
        key = self.mapper.identity_key_from_primary_key(tuple(values[place] for place in self.identity))
        if (held := session.identity_map.get(key)) is not None:
            return held
        for place, read in self.readers:
            values[place] = read(values[place])
        row = self.mapper.class_manager.new_instance()
        instance_dict(row).update(zip(self.keys, values, strict=True))
        make_transient_to_detached(row)
        session.add(row)
        return row


def _selection(table: type[SQLModel], dialect: Dialect) -> _Selection:
    key = table, dialect.name
    if key not in _SELECTIONS:
        configure_mappers()  # `select` would have seen to it
        mapper = inspect(table)
        columns: list[Column[Any]] = list(mapper.local_table.columns)
        quote = dialect.identifier_preparer.quote
        named = ", ".join(f"{quote(mapper.local_table.name)}.{quote(column.name)}" for column in columns)
        identity = [columns.index(column) for column in mapper.primary_key]
        readers = [(place, read) for place, column in enumerate(columns) if (read := _reader(column, dialect))]
        _SELECTIONS[key] = _Selection(mapper, named, [column.key for column in columns], identity, readers)
    return _SELECTIONS[key]


_SELECTIONS: dict[tuple[type[SQLModel], str], _Selection] = {}


def _reader(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return column.type.dialect_impl(dialect).result_processor(dialect, None)


class _Update(NamedTuple):
    """The UPDATE of some columns by the primary key, and each value with what turns it into the driver's."""

    plain: str
    columns: list[tuple[str, Callable[[Any], Any] | None]]

    def bound(self, row: SQLModel) -> tuple[Any, ...]:
        return tuple(bind(getattr(row, key)) if bind else getattr(row, key) for key, bind in self.columns)


def _update(table: type[SQLModel], changed: tuple[str, ...], dialect: Dialect) -> _Update:
    key = table, changed, dialect.name
    if key not in _UPDATES:
        mapped: Table = inspect(table).local_table
        quote = dialect.identifier_preparer.quote
        given = [mapped.columns[name] for name in changed]
        which = list(mapped.primary_key.columns)
        values = ", ".join(f"{quote(column.name)} = ?" for column in given)
        where = " AND ".join(f"{quote(column.name)} = ?" for column in which)
        columns = [(column.key, _binder(column, dialect)) for column in (*given, *which)]
        _UPDATES[key] = _Update(f"UPDATE {quote(mapped.name)} SET {values} WHERE {where}", columns)
    return _UPDATES[key]


_UPDATES: dict[tuple[type[SQLModel], tuple[str, ...], str], _Update] = {}


class _Insertion(NamedTuple):
    """The INSERT of a table, `plain` or `returning` its `generated` key; how to get the given columns of a row (two at
    least), and what turns those that need it, by their places, into the driver's values.
    """

    plain: str
    returning: str
    given: Callable[[dict[str, Any]], tuple[Any, ...]]
    binders: list[tuple[int, Callable[[Any], Any]]]
    generated: str

    def bound(self, values: dict[str, Any]) -> tuple[Any, ...]:
        found = list(self.given(values))
        for place, bind in self.binders:
            found[place] = bind(found[place])
        return tuple(found)


def _insertion(table: type[SQLModel], dialect: Dialect) -> _Insertion:
    key = table, dialect.name
    if key not in _INSERTIONS:
        _INSERTIONS[key] = _make_insertion(table, dialect)
    return _INSERTIONS[key]


_INSERTIONS: dict[tuple[type[SQLModel], str], _Insertion] = {}


def _make_insertion(table: type[SQLModel], dialect: Dialect) -> _Insertion:
    mapped: Table = inspect(table).local_table
    generated = mapped.autoincrement_column
    given = [column for column in mapped.columns if column is not generated]
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in given)
    plain = f"INSERT INTO {quote(mapped.name)} ({names}) VALUES ({', '.join('?' * len(given))})"
    binders = [(place, bind) for place, column in enumerate(given) if (bind := _binder(column, dialect)) is not None]
    columns: Any = itemgetter(*(column.key for column in given))
    if generated is None:
        return _Insertion(plain, plain, columns, binders, "")
    return _Insertion(plain, f"{plain} RETURNING {quote(generated.name)}", columns, binders, generated.key)


def _binder(column: Column[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return column.type.dialect_impl(dialect).bind_processor(dialect)


@cache
def _for_psycopg(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def _connection(session: Session) -> Connection:
    """The session's connection: a session has one from its first statement to its end, but takes its time to say so."""
    held: Connection | None = session.info.get("connection")
    if held is None:
        held = session.info["connection"] = session.connection()
    return held


def _driver(connection: Connection) -> sqlite3.Connection:
    found: Any = connection.connection.dbapi_connection
    driver: sqlite3.Connection = found
    return driver
