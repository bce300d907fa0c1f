"""The read side inside a transaction: what is read is what the change under way has written so far.

For whoever puts a ticket's document into what the change itself stores. Closing it closes nothing: the session belongs
to somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from sqlmodel import Session

from tkt.store.location import Location
from tkt.store.read import Reader, Row, Snapshot
from tkt.store.rows import rows


class SessionReader(Reader):
    """Reads over the connection of a session, which must have been flushed."""

    def __init__(self, session: Session, location: Location) -> None:
        super().__init__(location)
        self.dialect = "postgresql" if session.connection().dialect.name == "postgresql" else "sqlite"
        self._session = session

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return [tuple(row) for row in rows(self._session, sql, params)]

    def changed(self) -> object:
        return None

    def wait_for_change(self, seconds: float) -> bool:
        return False

    def snapshot(self) -> Snapshot:
        return _SameTransaction(self)

    def close(self) -> None:
        """The session is not ours."""


class _SameTransaction(Snapshot):
    """There is a transaction already."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        pass
