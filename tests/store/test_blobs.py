"""Bytes in the store: each once, the same that were brought, however large, on both engines."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Iterator
from hashlib import sha256

import psycopg
import pytest
from sqlmodel import select

from tkt.errors import StoreUnreachable, TktError
from tkt.store.blobs import LARGE, content_of, keep_blob, keep_blobs
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read_blobs import PIECE
from tkt.store.rows import execute
from tkt.store.tables import Blob

SIZES = (0, 1, LARGE - 1, LARGE, 2 * LARGE + 1, PIECE, PIECE + 1, 2 * PIECE + 7)


def test_bytes_come_back_whatever_their_size(store: Store) -> None:
    contents = [os.urandom(size) for size in SIZES]
    with store.transaction() as session:
        keep_blobs(session, {sha256(one).hexdigest(): one for one in contents})
    with store.reading() as session:
        assert [content_of(session, sha256(one).hexdigest()) for one in contents] == contents
        sizes = {one.digest: (one.size, len(one.data)) for one in session.exec(select(Blob))}
    assert sizes == {sha256(one).hexdigest(): (len(one), len(one)) for one in contents}


def test_the_same_bytes_again_are_the_same_blob(store: Store) -> None:
    content = os.urandom(2 * LARGE)
    for _ in range(2):
        with store.transaction() as session:
            assert keep_blob(session, content) == keep_blob(session, content) == sha256(content).hexdigest()
    with store.reading() as session:
        assert session.exec(select(Blob.size)).all() == [len(content)]


def test_of_a_change_that_fails_nothing_is_left(store: Store) -> None:
    with pytest.raises(TktError, match="not today"), store.transaction() as session:
        keep_blob(session, os.urandom(2 * LARGE))
        raise TktError("not today")
    with store.reading() as session:
        assert session.exec(select(Blob.digest)).all() == []


# --- Postgres: COPY ---------------------------------------------------------------------------------------------------


@pytest.fixture
def postgres(postgres_location: Location) -> Iterator[Store]:
    store = Store(postgres_location)
    yield store
    store.close()


class _Second(threading.Thread):
    """Another process's part: keeps the same bytes, in a transaction of its own."""

    def __init__(self, store: Store, content: bytes) -> None:
        super().__init__()
        self._store, self._content = store, content
        self.read: bytes | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            with self._store.transaction() as session:
                self.read = content_of(session, keep_blob(session, self._content))
        except TktError as error:
            self.error = error


def _waiting(store: Store) -> int:
    """The backend that waits for another's commit."""
    asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'transactionid'"
    with psycopg.connect(store.location.target, autocommit=True) as looking:
        for _ in range(6_000):
            if found := looking.execute(asked).fetchone():
                return int(found[0])
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_of_two_that_keep_the_same_bytes_one_waits_for_the_other(postgres: Store) -> None:
    content = os.urandom(2 * LARGE)
    with postgres.transaction() as session:
        keep_blob(session, content)
        second = _Second(postgres, content)
        second.start()
        assert _waiting(postgres)
    second.join()
    assert (second.error, second.read) == (None, content)


def test_a_connection_that_ends_in_the_middle_of_a_blob_leaves_nothing(postgres: Store) -> None:
    content = os.urandom(2 * LARGE)
    with pytest.raises(TktError, match="not today"), postgres.transaction() as session:
        keep_blob(session, content)
        second = _Second(postgres, content)
        second.start()
        execute(session, "SELECT pg_terminate_backend(?)", (_waiting(postgres),))
        second.join()
        raise TktError("not today")
    assert isinstance(second.error, StoreUnreachable)
    with postgres.transaction() as session:
        assert session.exec(select(Blob.digest)).all() == []
        assert content_of(session, keep_blob(session, content)) == content


def test_row_level_security_does_not_stand_in_the_way(postgres: Store) -> None:
    """COPY is refused there; whoever may insert no more than that still can."""
    role = f"clerk_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.location.target, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {role}")
        admin.execute(f"GRANT SELECT, INSERT ON blob TO {role}")
        admin.execute("ALTER TABLE blob ENABLE ROW LEVEL SECURITY")
        admin.execute("CREATE POLICY everybody ON blob USING (true) WITH CHECK (true)")
        content = os.urandom(2 * LARGE)
        with postgres.transaction() as session:
            execute(session, f"SET LOCAL ROLE {role}")
            assert content_of(session, keep_blob(session, content)) == content
        admin.execute(f"DROP OWNED BY {role}")
        admin.execute(f"DROP ROLE {role}")
