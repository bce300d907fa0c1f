"""Bytes into the store, each once, whoever brings them; large ones without another copy in memory.

A statement's parameter is copied by the driver and again by the engine. A large blob is therefore written piece by
piece, in the same transaction: on SQLite it is made empty and filled in place (sqlite.org/c3ref/blob_open.html), on
Postgres it goes by COPY (`blobs_postgres`). What the largest attachment costs is bounded by the mail, not by the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial

from sqlmodel import Session

from tkt.store import read_blobs
from tkt.store.rows import execute, rows
from tkt.store.tables import Blob
from tkt.store.upsert import insert

LARGE = 1_000_000
"""Bytes from which a blob is written in pieces (on SQLite it costs writing the space twice)."""

_EMPTY = """
INSERT INTO blob (digest, size, data) VALUES (?, ?, zeroblob(?)) ON CONFLICT DO NOTHING RETURNING rowid
"""


def keep_blob(session: Session, content: bytes) -> str:
    """Store bytes; their digest, SHA-256 in hex."""
    digest = hashlib.sha256(content).hexdigest()
    keep_blobs(session, {digest: content})
    return digest


def keep_blobs(session: Session, contents: Mapping[str, bytes]) -> None:
    """Store bytes by their digests; what is there already stays."""
    small = []
    for digest, content in contents.items():
        if len(content) >= LARGE:
            _write_in_pieces(session, digest, content)
        else:
            small.append({"digest": digest, "size": len(content), "data": content})
    if small:
        session.connection().execute(insert(session, Blob).on_conflict_do_nothing(), small)


def content_of(session: Session, digest: str) -> bytes:
    """The bytes with this digest, which the store has; no more of them in memory than these."""
    return read_blobs.content(partial(rows, session), session.connection().dialect.name, digest)


def _write_in_pieces(session: Session, digest: str, content: bytes) -> None:
    if session.connection().dialect.name == "postgresql":
        from tkt.store import blobs_postgres

        blobs_postgres.write(session, digest, content)
    else:
        _write_in_place(session, digest, content)


def _write_in_place(session: Session, digest: str, content: bytes) -> None:
    size = len(content)
    made = execute(session, _EMPTY, (digest, size, size)).fetchone()
    if made is None:
        return
    driver = session.connection().connection.driver_connection
    assert driver is not None
    with driver.blobopen("blob", "data", made[0]) as blob, memoryview(content) as view:
        for start in range(0, size, LARGE):
            blob.write(view[start : start + LARGE])
