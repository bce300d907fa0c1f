"""A large blob into and out of Postgres piece by piece. Loaded only for such a store.

A parameter of a statement is copied by libpq into a buffer that doubles until it fits and that lives as long as the
connection; a value that is read comes as text in hex, twice over. COPY takes the bytes as they come (the binary format
of postgresql.org/docs/current/sql-copy.html) and no more of them is in memory than a piece; large objects, which would
too, are written twice and leave as much to clean up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import psycopg
from psycopg.errors import FeatureNotSupported, UniqueViolation
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from tkt.store.rows import execute

PIECE = 1_000_000
"""Bytes that are sent at once."""

_COPY = "COPY blob (digest, size, data) FROM STDIN (FORMAT BINARY)"
_INSERT = "INSERT INTO blob (digest, size, data) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = struct.pack("!h", -1)


def write(session: Session, digest: str, content: bytes) -> None:
    """Store it, unless it is there. Where row-level security forbids COPY, by a statement like any other."""
    if execute(session, "SELECT 1 FROM blob WHERE digest = ?", (digest,)).fetchone() is not None:
        return
    try:
        _copy(session, digest, content)
    except UniqueViolation:  # another process has stored it meanwhile: COPY has waited for its commit
        return
    except FeatureNotSupported:
        execute(session, _INSERT, (digest, len(content), content))
    except psycopg.Error as error:
        raise DBAPIError.instance(_COPY, None, error, psycopg.Error) from error


def _copy(session: Session, digest: str, content: bytes) -> None:
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with driver.transaction(), driver.cursor() as cursor, cursor.copy(_COPY) as copy:  # inside ours: a savepoint
        for piece in _row(digest.encode(), content):
            copy.write(piece)


def _row(digest: bytes, content: bytes) -> Iterator[bytes | memoryview]:
    """One row in COPY's binary format."""
    size = len(content)
    yield _BEGIN + struct.pack(f"!hi{len(digest)}siqi", 3, len(digest), digest, 8, size, size)
    with memoryview(content) as view:
        for start in range(0, size, PIECE):
            yield view[start : start + PIECE]
    yield _END
