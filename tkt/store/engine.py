"""The write side's door to the store: one engine, short transactions, errors in our own words.

SQLite runs in WAL with synchronous=FULL and foreign keys, and a write transaction takes its lock at once (BEGIN
IMMEDIATE), so that two writers wait for each other instead of failing half way. Postgres runs READ COMMITTED with row
locks where a verb needs them. Whatever the drivers raise about a store that is busy or away becomes StoreBusy or
StoreUnreachable; everything else is a bug and passes through.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError, ProgrammingError
from sqlmodel import Session

from tkt.errors import NotFound, StoreBusy, StoreUnreachable, TktError
from tkt.store.constants import POSTGRES_LINE
from tkt.store.location import Location
from tkt.store.rows import execute
from tkt.store.schema import damaged, not_a_desk, refuse_other_schema

BUSY_SECONDS = 15
"""How long a writer waits for the others before it gives up with exit status 75."""

LOOK_SECONDS = 0.0005
"""How often a waiting writer looks whether it is its turn; who writes without end leaves gaps twice as long."""

GAP_SECONDS = 2 * LOOK_SECONDS
"""What a process that writes much leaves to the others after each transaction."""


class Store:
    """An open store. Cheap to make: nothing is connected before the first transaction."""

    def __init__(self, location: Location, *, must_exist: bool = True) -> None:
        if must_exist and location.dialect == "sqlite" and not os.path.exists(location.target):
            raise NotFound(f"there is no desk at {location.shown}; 'tkt init' makes one, 'tkt demo' shows one")
        self.location = location
        self.engine = _sqlite_engine(location) if location.dialect == "sqlite" else _postgres_engine(location)
        self._checked = False

    @property
    def dialect(self) -> str:
        return self.location.dialect

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One write transaction: committed when the block ends, rolled back when it raises.

        Raises StoreBusy, StoreUnreachable, WrongSchema.
        """
        with (
            translated(self.location),
            Session(self.engine, expire_on_commit=False, autoflush=False) as session,
            session.begin(),
        ):
            if not self._checked:
                self._check_schema(session)
            yield session

    @contextmanager
    def reading(self, *, frozen: bool = False) -> Iterator[Session]:
        """One read transaction: it keeps no writer waiting and waits for none; what it changes is not kept. All that it
        reads is of one moment on SQLite, and on Postgres if it is `frozen`.

        Raises StoreBusy, StoreUnreachable, WrongSchema.
        """
        engine = self.engine.execution_options(reading=True)
        if frozen and self.dialect == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with translated(self.location), Session(engine, expire_on_commit=False, autoflush=False) as session:
            if not self._checked:
                self._check_schema(session)
            yield session

    @contextmanager
    def alone(self, name: str) -> Iterator[bool]:
        """Whether this process is the only one at this work now; holds others off while the block runs.

        Postgres: an advisory lock, gone with the connection if the process dies. SQLite: always True, since one
        file has one host, and the store's own uniqueness keeps two processes there from doubling anything.
        """
        if self.dialect != "postgresql":
            yield True
            return
        alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        with translated(self.location), alone.connect() as connection:
            key = {"name": f"tkt {name}"}
            mine = bool(connection.execute(text("SELECT pg_try_advisory_lock(hashtext(:name))"), key).scalar())
            try:
                yield mine
            finally:
                if mine:
                    connection.execute(text("SELECT pg_advisory_unlock(hashtext(:name))"), key)

    def _check_schema(self, session: Session) -> None:
        try:
            found = session.connection().execute(text("SELECT version_num FROM alembic_version")).scalar()
        except (OperationalError, ProgrammingError) as error:
            if not _is_missing_table(error):
                raise
            raise not_a_desk(self.location) from error
        refuse_other_schema(str(found or ""), self.location)
        self._checked = True

    def give_way(self) -> None:
        """Let those write who wait for it; for whoever has more transactions to come. On Postgres nobody waits."""
        if self.dialect == "sqlite":
            time.sleep(GAP_SECONDS)

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def savepoint(session: Session) -> Iterator[None]:
    """A part of a transaction that is kept or undone as a whole; what the session has loaded, it forgets afterwards."""
    execute(session, "SAVEPOINT part")
    try:
        yield
        session.flush()
    except BaseException:  # whatever ends the part, it is undone
        session.expunge_all()
        execute(session, "ROLLBACK TO part")
        execute(session, "RELEASE part")
        raise
    session.expunge_all()
    execute(session, "RELEASE part")


@contextmanager
def translated(location: Location) -> Iterator[None]:
    """Turn what the drivers say of a busy or absent store into our own errors."""
    try:
        yield
    except DBAPIError as error:
        raise _in_our_words(error, location) from error
    except sqlite3.Error as error:  # while connecting: SQLAlchemy has not wrapped it yet
        raise _while_connecting(error, location) from error


def _in_our_words(error: DBAPIError, location: Location) -> Exception:
    words = str(error.orig).strip().split("\n")[0]
    if _is_busy(error):
        return StoreBusy(f"the store is busy: another process has held it for {BUSY_SECONDS} s; try again")
    if _is_away(error):
        return StoreUnreachable(f"the store at {location.shown} can't be reached: {words}")
    if isinstance(error, OperationalError):
        return TktError(f"the store at {location.shown} failed: {words}")
    if isinstance(error.orig, sqlite3.DatabaseError) and type(error) is DatabaseError:
        return damaged(location, words)
    return error


def _while_connecting(error: sqlite3.Error, location: Location) -> TktError:
    words = str(error)
    if "locked" in words:
        return StoreBusy(f"the store is busy: another process has held it for {BUSY_SECONDS} s; try again")
    if "not a database" in words:
        return not_a_desk(location)
    if type(error) is sqlite3.DatabaseError:
        return damaged(location, words)
    return TktError(f"the store at {location.shown} failed: {words}")


def _is_busy(error: DBAPIError) -> bool:
    code = getattr(error.orig, "sqlstate", None)
    return (
        "database is locked" in str(error.orig)
        or "database table is locked" in str(error.orig)
        or code
        in {
            "40001",  # serialization_failure
            "40P01",  # deadlock_detected
            "55P03",  # lock_not_available
            "53300",  # too_many_connections
        }
    )


def _is_away(error: DBAPIError) -> bool:
    if error.connection_invalidated or "unable to open database file" in str(error.orig):
        return True
    code = getattr(error.orig, "sqlstate", None)
    from_postgres = type(error.orig).__module__.startswith("psycopg")
    return from_postgres and isinstance(error, OperationalError) and (code is None or code[:2] in {"08", "57"})


def _is_missing_table(error: DBAPIError) -> bool:
    return "no such table" in str(error.orig) or getattr(error.orig, "sqlstate", None) == "42P01"


def _sqlite_engine(location: Location) -> Engine:
    engine = create_engine(URL.create("sqlite", database=location.target), connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        if connection.get_execution_options().get("reading", False):
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection.connection.dbapi_connection, BUSY_SECONDS)

    return engine


def _begin_writing(connection: sqlite3.Connection, seconds: float) -> None:
    """Wait for the turn to write. SQLite's own waiting sleeps up to 100 ms between two looks (its busy handler) and so
    misses, for seconds, the gaps that a process leaves which writes without a pause.
    """
    until = time.monotonic() + seconds
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(LOOK_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")


def _postgres_engine(location: Location) -> Engine:
    url = "postgresql+psycopg://" + location.target.split("://", 1)[1]
    options = {"connect_timeout": BUSY_SECONDS} | POSTGRES_LINE
    return create_engine(url, pool_pre_ping=True, connect_args=options)
