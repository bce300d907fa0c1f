"""The bytes of a blob; light, since `tkt show --save` reads them too.

What Postgres sends is text in hex, which is in memory three times over before it is bytes again: a large blob is
therefore asked for piece by piece. A piece is as large as it is because a compressed value is unpacked from its begin
for each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

PIECE = 4_000_000

Ask = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]
"""Runs a statement with `?` for its parameters; its rows."""

_WHOLE = "SELECT data FROM blob WHERE digest = ?"
_SIZE = "SELECT size FROM blob WHERE digest = ?"
_PIECE = "SELECT substring(data FROM ? FOR ?) FROM blob WHERE digest = ?"


def content(ask: Ask, dialect: str, digest: str) -> bytes:
    """The bytes with this digest, which the store has."""
    if dialect != "postgresql":
        return bytes(ask(_WHOLE, (digest,))[0][0])
    size = int(ask(_SIZE, (digest,))[0][0])
    found = BytesIO()
    for start in range(0, size, PIECE):
        found.write(ask(_PIECE, (start + 1, PIECE, digest))[0][0])
    return found.getvalue()
