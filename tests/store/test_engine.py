"""Transactions: durable settings, errors in our own words, one worker at a time where it matters."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from tkt.errors import NotFound, StoreBusy, StoreUnreachable, TktError, UsageError
from tkt.store import engine
from tkt.store.engine import Store
from tkt.store.location import Location, find_location, parse_location


def test_sqlite_runs_durably_and_with_foreign_keys(sqlite_location: Location) -> None:
    store = Store(sqlite_location)
    with store.transaction() as session:
        pragmas = {name: session.connection().execute(text(f"PRAGMA {name}")).scalar() for name in
                   ("journal_mode", "synchronous", "foreign_keys")}  # fmt: skip
    store.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_what_a_block_wrote_is_gone_when_it_raises(store: Store) -> None:
    with pytest.raises(TktError), store.transaction() as session:
        session.connection().execute(text("INSERT INTO setting (key, value) VALUES ('a', 'b')"))
        raise TktError("no")
    with store.transaction() as session:
        assert session.connection().execute(text("SELECT count(*) FROM setting WHERE key = 'a'")).scalar() == 0


def test_a_locked_file_is_busy_and_not_a_traceback(sqlite_location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    holder = sqlite3.connect(sqlite_location.target, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    store = Store(sqlite_location)
    with pytest.raises(StoreBusy, match="busy"), store.transaction():
        pass
    holder.close()
    store.close()


def test_a_server_that_is_not_there_is_unreachable() -> None:
    store = Store(parse_location("postgresql://nobody:secret@127.0.0.1:1/none"))
    with pytest.raises(StoreUnreachable) as caught, store.transaction():
        pass
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there_names_the_verb_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="tkt init"):
        Store(parse_location(str(tmp_path / "none.db")))


def test_only_one_process_is_alone_at_a_work(store: Store) -> None:
    with store.alone("pull") as first, store.alone("pull") as second, store.alone("other") as other:
        assert (first, other) == (True, True)
        assert second == (store.dialect == "sqlite")
    with store.alone("pull") as again:
        assert again


@pytest.mark.parametrize(
    ("text", "dialect", "shown"),
    [
        ("/srv/desk.db", "sqlite", "/srv/desk.db"),
        ("sqlite:////srv/desk.db", "sqlite", "/srv/desk.db"),
        ("postgresql://tkt:secret@db.example.com/desk", "postgresql", "postgresql://tkt@db.example.com/desk"),
        ("postgres://db.example.com/desk", "postgresql", "postgres://db.example.com/desk"),
    ],
)
def test_places_are_read_and_shown_without_passwords(text: str, dialect: str, shown: str) -> None:
    place = parse_location(text)
    assert (place.dialect, place.shown) == (dialect, shown)


def test_a_scheme_that_is_no_store_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="mysql"):
        parse_location("mysql://localhost/desk")


def test_the_option_wins_over_the_environment_over_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("TKT_DESK", raising=False)
    assert find_location().target == str(tmp_path / "data" / "tkt" / "desk.db")
    (tmp_path / "config" / "tkt").mkdir(parents=True)
    (tmp_path / "config" / "tkt" / "tkt.toml").write_text(f'store = "{tmp_path}/settings.db"\n')
    assert find_location().target == f"{tmp_path}/settings.db"
    monkeypatch.setenv("TKT_DESK", f"{tmp_path}/environment.db")
    assert find_location().target == f"{tmp_path}/environment.db"
    assert find_location(f"{tmp_path}/option.db").target == f"{tmp_path}/option.db"
