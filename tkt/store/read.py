"""The read side's door to the store: plain SQL over the DB-API, without SQLAlchemy, so that lists start fast.

What can be read stands in the modules beside this one: tickets and pages (`read_tickets`), their JSON
(`read_documents`), conversations, files and raw mails (`read_entries`), the event log (`read_events`), clocks
(`read_clocks`), people (`read_people`), names and counts (`read_desk`). All take a `Reader` first.

Promises: a reader never writes; SQL is written once, with `?` for parameters, for both engines; what the
drivers say of a busy, absent or foreign store becomes an error of ours. A reader may move between threads but
serves one at a time.
"""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from tkt.errors import NotFound, StoreBusy, StoreUnreachable, TktError
from tkt.store.constants import STATUSES
from tkt.store.read_clauses import Vocabulary
from tkt.store.schema import damaged, not_a_desk, refuse_other_schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from tkt.store.location import Location

BUSY_SECONDS = 15
"""How long a read waits for a lock. In WAL readers wait only while the file is recovered after a crash."""

LOOK_SECONDS = 0.25
"""How often a waiting reader of a file looks for commits: some microseconds each."""

FEW = 5_000
"""Candidates that are cheaper to look up one by one than to meet while walking an index."""

Row = tuple[Any, ...]

_NAMED = (
    "SELECT 'team', name, id FROM team UNION ALL SELECT 'agent', name, id FROM agent"
    " UNION ALL SELECT 'zone', value, 0 FROM setting WHERE key = 'desk.timezone'"
)
_DECLARED = "SELECT kind, name, CAST(body AS TEXT) FROM definition WHERE kind IN ('status', 'field') ORDER BY version"


class Reader(ABC):
    """An open store, for reading. Made by `open_reader`; also a context manager."""

    dialect: str

    def __init__(self, location: Location, agent: str | None = None) -> None:
        self.location = location
        self._agent = agent

    @abstractmethod
    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Every row of one statement. Raises StoreBusy, StoreUnreachable, TktError."""

    def row(self, sql: str, params: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        found = self.rows(sql, params)
        return found[0] if found else None

    def few(self, sql: str, params: Sequence[Any] = ()) -> frozenset[int] | None:
        """The numbers that a SELECT of one column gives, or None when there are more than `FEW` rows."""
        found = self.rows(f"SELECT * FROM ({sql}) AS found LIMIT {FEW + 1}", params)
        return frozenset(row[0] for row in found) if len(found) <= FEW else None

    @abstractmethod
    def changed(self) -> object:
        """A token that differs from the last one when another process has committed since; cheap to ask for."""

    @abstractmethod
    def wait_for_change(self, seconds: float) -> bool:
        """Wait until somebody else has committed since the last call (at first: since opening), at most so
        long.

        Whether one has; True may come once too often, never too seldom. Blocks: call it off the UI thread.
        """

    def snapshot(self) -> Snapshot:
        """A block (`with reader.snapshot():`) whose reads all see the same moment of the store."""
        return Snapshot(self)

    def _check_schema(self) -> None:
        found = self.row("SELECT version_num FROM alembic_version")
        refuse_other_schema(str(found[0]) if found else "", self.location)

    @property
    def me(self) -> int | None:
        """The id of the agent who reads, None when the store does not know the name."""
        if self._agent is None:
            return None
        found = self.row("SELECT id FROM agent WHERE name = ?", (self._agent,))
        return int(found[0]) if found else None

    def vocabulary(self, now: int) -> Vocabulary:
        """The names a query may use at `now` (microseconds UTC). Retired ones too: tickets keep them."""
        import json

        known: dict[str, dict[str, Any]] = {kind: {} for kind in ("team", "agent", "zone", "status", "field")}
        for kind, name, value in (*self.rows(_NAMED), *self.rows(_DECLARED)):
            known[kind][name] = value
        statuses = {name: str(json.loads(body)["kind"]) for name, body in known["status"].items()}
        me = known["agent"].get(self._agent or "")
        zone = next(iter(known["zone"]), "UTC")
        teams, agents, fields = known["team"], known["agent"], known["field"].keys()
        return Vocabulary(teams, agents, STATUSES | statuses, me, now, zone, fields)

    @abstractmethod
    def close(self) -> None:
        """Give the connection back."""

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Snapshot:
    """One read transaction; reads inside it agree with each other."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __enter__(self) -> None:
        frozen = "" if self._reader.dialect == "sqlite" else " ISOLATION LEVEL REPEATABLE READ READ ONLY"
        self._reader.rows(f"BEGIN{frozen}")

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._reader.rows("ROLLBACK")


class SqliteReader(Reader):
    """Reads a desk that is one file."""

    dialect = "sqlite"

    def __init__(self, location: Location, agent: str | None = None) -> None:
        super().__init__(location, agent)
        if not os.path.exists(location.target):
            place = location.shown
            raise NotFound(f"there is no desk at {place}; 'tkt init' makes one, 'tkt demo' shows one")
        try:
            self._connection = sqlite3.connect(
                _read_write_uri(location.target), uri=True, timeout=BUSY_SECONDS, isolation_level=None,
                check_same_thread=False,
            )  # fmt: skip
        except sqlite3.Error as error:
            raise self._in_our_words(error) from error
        try:
            self.rows("PRAGMA query_only = ON")
            self._check_schema()
            self._seen = self.changed()
        except TktError:
            self.close()
            raise

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        try:
            return self._connection.execute(sql, params).fetchall()
        except sqlite3.Error as error:
            raise self._in_our_words(error) from error

    def changed(self) -> object:
        return self.rows("PRAGMA data_version")[0][0]

    def wait_for_change(self, seconds: float) -> bool:
        import time

        end = time.monotonic() + seconds
        while (now := self.changed()) == self._seen and time.monotonic() < end:
            time.sleep(min(LOOK_SECONDS, seconds))
        before, self._seen = self._seen, now
        return now != before

    def close(self) -> None:
        self._connection.close()

    def _in_our_words(self, error: sqlite3.Error) -> Exception:
        words = str(error)
        if "locked" in words:
            held = f"another process has held it for {BUSY_SECONDS} s"
            return StoreBusy(f"the store is busy: {held}; try again")
        if "unable to open" in words:
            return StoreUnreachable(f"the store at {self.location.shown} can't be reached: {words}")
        if "not a database" in words or "no such table: alembic_version" in words:
            return not_a_desk(self.location)
        if type(error) is sqlite3.DatabaseError:
            return damaged(self.location, words)
        if isinstance(error, sqlite3.OperationalError):
            return TktError(f"the store at {self.location.shown} failed: {words}")
        return error


def open_reader(location: Location, agent: str | None = None) -> Reader:
    """Connect for reading; `agent` is the name of who asks (what `me` means in a query).

    Raises NotFound when there is no such file, StoreUnreachable, StoreBusy, WrongSchema.
    """
    if location.dialect == "sqlite":
        return SqliteReader(location, agent)
    from tkt.store.read_postgres import PostgresReader

    return PostgresReader(location, agent)


def _read_write_uri(path: str) -> str:
    """Opened for writing, though never written: a reader of a WAL file may have to make its shared-memory file."""
    quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    return f"file:{quoted}?mode=rw"
