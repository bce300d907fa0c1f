"""Opening a desk for reading, and what a reader promises."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session

from tkt.errors import NotFound, StoreBusy, StoreUnreachable, TktError, WrongSchema
from tkt.store.engine import Store
from tkt.store.location import Location, parse_location
from tkt.store.read import open_reader
from tkt.store.tables import Agent, Definition, Event, Setting, Team
from tkt.times import utcnow


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(NotFound, match="'tkt init' makes one"):
        open_reader(parse_location(str(path)))
    assert not path.exists()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    words, other = tmp_path / "words.txt", tmp_path / "other.db"
    words.write_text("not a database at all, whatever its name says" * 50)
    sqlite3.connect(other).execute("CREATE TABLE x (y)").connection.close()
    for path in (words, other):
        with pytest.raises(WrongSchema, match="is not a desk of tkt"):
            open_reader(parse_location(str(path)))


def test_a_database_of_something_else_is_refused(postgres_server: str) -> None:
    with pytest.raises(WrongSchema, match="is not a desk of tkt"):
        open_reader(Location("postgresql", postgres_server))


def test_a_server_that_is_away_is_said_without_the_password() -> None:
    location = parse_location("postgresql://me:secret@127.0.0.1:1/desk")
    with pytest.raises(StoreUnreachable) as caught:
        open_reader(location)
    assert "secret" not in str(caught.value)


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match="can't be reached"):
        open_reader(parse_location(str(tmp_path)))


@pytest.mark.parametrize(("version", "words"), [("9999", "newer tkt"), ("0000", "tkt doctor --upgrade")])
def test_another_schema_is_refused(store: Store, location: Location, version: str, words: str) -> None:
    with store.transaction() as session:
        session.connection().execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
    with pytest.raises(WrongSchema, match=words):
        open_reader(location)


def test_names_with_marks_of_a_uri_are_files(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%20d é.db"
    path.write_bytes(sqlite_template.read_bytes())
    with open_reader(parse_location(str(path))) as reader:
        assert reader.rows("SELECT 1") == [(1,)]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_reader_can_not_write(location: Location) -> None:
    with open_reader(location) as reader, pytest.raises((TktError, Exception), match="(?i)read.?only"):
        reader.rows("INSERT INTO setting (key, value) VALUES ('a', 'b')")


def test_a_locked_file_is_busy(sqlite_location: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tkt.store.read.BUSY_SECONDS", 0)
    other = sqlite3.connect(sqlite_location.target)
    other.execute("PRAGMA journal_mode=DELETE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusy):
        open_reader(sqlite_location)
    other.close()


def test_parameters_and_percent_signs(location: Location) -> None:
    with open_reader(location) as reader:
        assert reader.rows("SELECT CAST(? AS TEXT), '50%', 7 % 4", ("a?b %s",)) == [("a?b %s", "50%", 3)]
        assert reader.row("SELECT 1 WHERE 1 = 2") is None


def test_a_change_of_others_is_seen(store: Store, location: Location) -> None:
    with open_reader(location) as reader:
        before = reader.changed()
        assert reader.changed() == before
        with store.transaction() as session:
            session.add(Event(at=utcnow(), change="c", actor="alice", verb="x"))
        assert reader.changed() != before


def test_waiting_ends_when_others_commit(store: Store, location: Location) -> None:
    with open_reader(location) as reader:
        while reader.wait_for_change(0.01):
            pass
        with store.transaction() as session:
            session.add(Event(at=utcnow(), change="c", actor="alice", verb="x"))
            if store.dialect == "postgresql":
                session.connection().execute(text("SELECT pg_notify('tkt', '')"))
        assert reader.wait_for_change(10)
        assert not reader.wait_for_change(0.01)


def test_a_snapshot_stands_still(store: Store, location: Location) -> None:
    counted = "SELECT count(*) FROM event"
    with open_reader(location) as reader:
        with reader.snapshot():
            before = reader.rows(counted)
            with store.transaction() as session:
                session.add(Event(at=utcnow(), change="c", actor="alice", verb="x"))
            assert reader.rows(counted) == before
        assert reader.rows(counted) == [(1,)]


def test_the_vocabulary_is_the_desks(store: Store, location: Location) -> None:
    with store.transaction() as session:
        _declare(session)
    with open_reader(location, "bob") as reader:
        found = reader.vocabulary(5)
        assert (found.teams, found.agents) == ({"network": 1}, {"alice": 1, "bob": 2})
        assert found.statuses["in-repair"] == "waiting"
        assert found.statuses["new"] == "open"
        assert (found.me, found.now, found.zone) == (2, 5, "Europe/Berlin")
        assert found.fields is not None
        assert list(found.fields) == ["order_no"]
        assert reader.me == 2
    with open_reader(location, "nobody") as reader:
        assert (reader.me, reader.vocabulary(5).me) == (None, None)


def _declare(session: Session) -> None:
    session.add_all([Team(id=1, name="network"), Agent(id=1, name="alice"), Agent(id=2, name="bob")])
    session.add(Setting(key="desk.timezone", value="Europe/Berlin"))
    for kind, name, body in (("status", "in-repair", {"kind": "waiting"}), ("field", "order_no", {"type": "string"})):
        session.add(Definition(kind=kind, name=name, body=body, created_at=utcnow()))


def test_reading_loads_nothing_heavy(sqlite_location: Location) -> None:
    script = """
import sys
from tkt.query.listing import listing
from tkt.store.location import parse_location
from tkt.store.read import open_reader
from tkt.store.read_documents import list_documents
from tkt.store.read_tickets import page
with open_reader(parse_location(sys.argv[1]), "me") as reader:
    found = listing(reader, "kind:open vpn -tag:x due<2h")
    list_documents(reader, page(reader, found.where, found.sort))
heavy = "sqlmodel sqlalchemy pydantic psycopg textual rich email tomllib imapclient apscheduler dataclasses inspect"
print(sorted(set(heavy.split()) & set(sys.modules)))
"""
    command = [sys.executable, "-c", script, sqlite_location.target]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
