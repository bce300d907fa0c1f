"""Where generated rows go: SQLite by prepared inserts, Postgres by COPY; all of a desk in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from tkt.store.location import Location

Row = Sequence[Any]


class Sink(Protocol):
    """Takes rows of named tables; nothing is there before `commit`."""

    def column(self, sql: str) -> dict[str, int]:
        """A SELECT of (name, id) as a mapping."""

    def write(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Insert these rows."""

    def documents(self, rows: Iterable[tuple[int, str]]) -> None:
        """Insert search documents: (id, terms joined by spaces)."""

    def commit(self, keys: Mapping[str, str]) -> None:
        """Make it all permanent. `keys`: the numbered column of each table that was written with numbers."""


def open_sink(location: Location) -> Sink:
    """The sink for an empty desk that is there already."""
    return SqliteSink(location.target) if location.dialect == "sqlite" else PostgresSink(location.target)


class SqliteSink:
    """Not safe against a crash while it writes, which is why it is fast: the file is new, and made again if need be."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "foreign_keys=OFF"):
            self._connection.execute(f"PRAGMA {pragma}")
        found = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        self._indexes = self._connection.execute(found).fetchall()
        self._connection.execute("BEGIN IMMEDIATE")
        for name, _ in self._indexes:  # made again at the end: sorting once is cheaper than inserting everywhere
            self._connection.execute(f"DROP INDEX {name}")

    def column(self, sql: str) -> dict[str, int]:
        return dict(self._connection.execute(sql).fetchall())

    def write(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def documents(self, rows: Iterable[tuple[int, str]]) -> None:
        self._connection.executemany("INSERT INTO search (rowid, terms) VALUES (?, ?)", rows)

    def commit(self, keys: Mapping[str, str]) -> None:
        for _, sql in self._indexes:
            self._connection.execute(sql)
        self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.close()


class PostgresSink:
    def __init__(self, url: str) -> None:
        import psycopg

        self._connection = psycopg.connect(url)

    def column(self, sql: str) -> dict[str, int]:
        return dict(self._connection.execute(sql.encode()).fetchall())

    def write(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        with self._connection.cursor().copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN".encode()) as copy:
            for row in rows:
                copy.write_row(row)

    def documents(self, rows: Iterable[tuple[int, str]]) -> None:
        vectors = ((doc, " ".join(f"'{term}':{at}" for at, term in enumerate(terms.split(), 1))) for doc, terms in rows)
        self.write("search", ("doc", "terms"), vectors)

    def commit(self, keys: Mapping[str, str]) -> None:
        for table, key in keys.items():
            sequence = f"pg_get_serial_sequence('{table}', '{key}')"
            self._connection.execute(f"SELECT setval({sequence}, (SELECT max({key}) FROM {table}))".encode())
        self._connection.commit()
        self._connection.close()
