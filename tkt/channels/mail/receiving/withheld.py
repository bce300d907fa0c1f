"""Messages that a mail server does not hand over: they must not stop those behind them, nor be forgotten.

Such a message waits in quarantine under its name, without its bytes, with what the server said. Every round asks for a
few of them again; the first one that is handed over is filed like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tkt.channels.mail.receiving.intake import Stored
from tkt.channels.mail.receiving.sources import Fetched
from tkt.desk.unit import Desk
from tkt.store.blobs import keep_blob
from tkt.store.rows import execute, rows
from tkt.store.tables import Intake
from tkt.store.upsert import insert

NOTHING = hashlib.sha256(b"").hexdigest()

_WAITING = "SELECT source, id FROM intake WHERE mailbox = ? AND state = 'quarantined' AND digest = ?"
_HANDED_OVER = """
UPDATE intake SET digest = ?, state = 'stored', reason = '', attempts = 1
WHERE id = ? AND state = 'quarantined' AND digest = ?
"""


def put_aside(desk: Desk, mailbox: str, refused: Sequence[Fetched]) -> int:
    """Keep what the server refused, with its words; how many are new here."""
    if not refused:
        return 0
    row = {
        "mailbox": mailbox,
        "digest": NOTHING,
        "received_at": desk.now(),
        "message_id": "",
        "state": "quarantined",
        "attempts": 1,
    }
    values = [row | {"source": one.source, "reason": f"{one.refused}; asked for again each round"} for one in refused]
    with desk.store.transaction() as session:
        keep_blob(session, b"")
        statement = insert(session, Intake).on_conflict_do_nothing().returning(Intake.id)  # type: ignore[call-overload]
        return len(session.connection().execute(statement, values).all())


def waiting(desk: Desk, mailbox: str) -> dict[str, int]:
    """The messages of a mailbox that wait to be handed over: their names, and their numbers in the intake."""
    with desk.store.reading() as session:
        return {source: identifier for source, identifier in rows(session, _WAITING, (mailbox, NOTHING))}


def handed_over(desk: Desk, mailbox: str, identifier: int, raw: bytes) -> Stored | None:
    """Store the bytes of a message that was waited for; None when somebody else has dealt with it."""
    with desk.store.transaction() as session:
        digest = keep_blob(session, raw)
        changed = execute(session, _HANDED_OVER, (digest, identifier, NOTHING)).rowcount
    return Stored(identifier, mailbox, digest, raw) if changed == 1 else None
