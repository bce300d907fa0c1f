"""Reading a desk that lives in Postgres. Loaded only for such a store: psycopg costs a start-up of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg

from tkt.errors import StoreBusy, StoreUnreachable, TktError
from tkt.store.constants import POSTGRES_LINE
from tkt.store.read import BUSY_SECONDS, Reader, Row
from tkt.store.schema import not_a_desk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tkt.store.location import Location

# serialization failure, deadlock, lock not available, too many connections
_BUSY = {"40001", "40P01", "55P03", "53300"}


class PostgresReader(Reader):
    """Reads over one connection, each statement on its own (autocommit) unless inside `snapshot`."""

    dialect = "postgresql"

    def __init__(self, location: Location, agent: str | None = None) -> None:
        super().__init__(location, agent)
        self._listens = False
        try:
            self._connection = psycopg.connect(
                location.target, autocommit=True, connect_timeout=BUSY_SECONDS, prepare_threshold=None,
                options="-c default_transaction_read_only=on", **POSTGRES_LINE,
            )  # fmt: skip
        except psycopg.Error as error:
            raise self._in_our_words(error) from error
        try:
            self._check_schema()
        except TktError:
            self.close()
            raise

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        try:
            cursor = self._connection.execute(sql.replace("%", "%%").replace("?", "%s"), params)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._in_our_words(error) from error

    def changed(self) -> object:
        return self.rows("SELECT max(id) FROM event")[0][0]

    def wait_for_change(self, seconds: float) -> bool:
        if not self._listens:
            self.rows("LISTEN tkt")
            self._listens = True
            return True  # what came before, nobody has heard of
        try:
            return any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
        except psycopg.Error as error:
            raise self._in_our_words(error) from error

    def close(self) -> None:
        self._connection.close()

    def _in_our_words(self, error: psycopg.Error) -> Exception:
        words = str(error).strip().split("\n")[0]
        if isinstance(error, psycopg.errors.UndefinedTable) and "alembic_version" in words:
            return not_a_desk(self.location)
        if error.sqlstate in _BUSY:
            return StoreBusy(f"the store is busy: {words}; try again")
        if isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08")[:2] in {"08", "57"}:
            return StoreUnreachable(f"the store at {self.location.shown} can't be reached: {words}")
        if isinstance(error, psycopg.OperationalError):
            return TktError(f"the store at {self.location.shown} failed: {words}")
        return error
