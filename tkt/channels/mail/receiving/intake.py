"""Raw messages into the store, and from there onto tickets: the two steps that a crash must not come between unseen.

`store` commits the bytes; `process` turns one stored message into a ticket, an entry or nothing in one change, and
`process_all` many, several with one commit where that saves time: until then the raw messages are what counts.
`resume` finishes what an earlier process began. Whoever processes a message takes it by changing its state from
`stored`, in that same transaction: two processes that try both do the work, one of them for nothing. The rules
are in `gateway`.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import timedelta
from time import monotonic
from typing import NamedTuple

from sqlalchemy import func
from sqlmodel import Session, col, select, update

from tkt.channels.mail.filing import copies
from tkt.channels.mail.filing.filing import file_mail
from tkt.channels.mail.filing.thread import is_ours
from tkt.channels.mail.mailboxes import Mailbox, mailboxes
from tkt.channels.mail.reading import watchdog
from tkt.channels.mail.reading.parse import ParsedMail, Unparseable, parse
from tkt.desk.unit import Change, Desk
from tkt.errors import TktError, TryAgain
from tkt.store.blobs import content_of, keep_blobs
from tkt.store.rows import execute, rows
from tkt.store.tables import Intake
from tkt.store.upsert import insert

ATTEMPTS = 10
"""A message whose processing was begun so often without an end goes to quarantine. It takes that many because
processes that are killed for another reason, soon after their start, all die with the same message at hand: the
first. It is the second net: what only harms its reader `watchdog` has dealt with.
"""

TOGETHER_SECONDS = 0.05
"""How long messages are filed for one commit, while other writers wait."""

IMPORTED = "import:"
"""What the name of a message begins with that came from an archive: it is never filed as if it had just arrived."""

FILED = ("ticket", "entry", "machine")

NOBODY_WAITS = nullcontext()
"""The turn to file messages where no other thread files any."""

LET_IN = "let in by a person"
"""The reason of a stored message that was in quarantine because its sender is not who they say (`senders`)."""

COPIES_COMPARED = 10
"""Messages with the same Message-ID that a new one is compared with, the latest first: some devices use one for all."""


class Stored(NamedTuple):
    """A message that waits for its processing."""

    id: int
    mailbox: str
    digest: str
    raw: bytes
    let_in: bool = False


class Outcome(NamedTuple):
    """What became of a message; the state "" means that another process had it first."""

    state: str
    ticket: int | None = None
    entry_id: int | None = None
    reason: str = ""


class _TakenByAnother(Exception):
    """Another process has filed this message meanwhile; this one's transaction must not happen."""


def known(desk: Desk, mailbox: str, names: Sequence[str]) -> set[str]:
    """Which of these messages of the mailbox are stored already."""
    if not names:
        return set()
    with desk.store.reading() as session:
        found = select(Intake.source).where(Intake.mailbox == mailbox, col(Intake.source).in_(names))
        return set(session.exec(found))


def store(desk: Desk, mailbox: str, messages: Sequence[tuple[str, bytes]]) -> list[Stored]:
    """Commit raw messages (name in the mailbox, bytes) at once; those that were not there before, in order."""
    if not messages:
        return []
    named = {source: (hashlib.sha256(raw).hexdigest(), raw) for source, raw in messages}
    blobs = {digest: raw for digest, raw in named.values()}
    with desk.store.transaction() as session:
        keep_blobs(session, blobs)
        ids = dict(_insert_intake(session, mailbox, {name: one[0] for name, one in named.items()}, desk))
    return [Stored(ids[name], mailbox, *named[name]) for name in named if name in ids]


def process(desk: Desk, stored: Stored) -> Outcome:
    """Read one stored message and file it. What can't be read or filed is quarantined with its reason.

    Raises StoreBusy, StoreUnreachable, and TryAgain where no process can be started to read: it then stays stored.
    """
    return _process_some(desk, deque([stored]))[0]


def process_all(desk: Desk, waiting: Sequence[Stored]) -> Iterator[list[Outcome]]:
    """The same for many, in order; gives what became of those that were committed together."""
    rest = deque(waiting)
    while rest:
        yield _process_some(desk, rest)
        if rest:
            desk.store.give_way()


def resume(
    desk: Desk,
    older_than: timedelta | None = None,
    mailbox: str | None = None,
    *,
    turn: AbstractContextManager[object] = NOBODY_WAITS,
    go_on: Callable[[], object] = lambda: None,
) -> list[tuple[str, Outcome]]:
    """Process what was stored before (all, or what is older, or of one mailbox) and never finished, oldest first, one
    in memory at a time. `turn` is held for each message, `go_on` is called between two and may raise.

    Gives (mailbox, outcome) of each. Raises StoreBusy and StoreUnreachable.
    """
    waiting = select(Intake.id, Intake.mailbox).where(Intake.state == "stored")
    if older_than is not None:
        waiting = waiting.where(col(Intake.received_at) <= desk.now() - older_than)
    if mailbox is not None:
        waiting = waiting.where(Intake.mailbox == mailbox)
    with desk.store.reading() as session:
        found = session.exec(waiting.order_by(col(Intake.id))).all()
    outcomes = []
    for identifier, name in found:
        go_on()
        with turn:
            outcomes.append((name, process_again(desk, identifier or 0)))
    return outcomes


def process_again(desk: Desk, identifier: int) -> Outcome:
    """Count another attempt at a stored message, then process it, or give it up after too many."""
    with desk.store.transaction() as session:
        row = session.get_one(Intake, identifier)
        if row.state != "stored":
            return Outcome("")
        if row.attempts < ATTEMPTS:
            row.attempts += 1
            again = Stored(identifier, row.mailbox, row.digest, content_of(session, row.digest), row.reason == LET_IN)
        else:
            again = None
    if again is None:
        return quarantine(desk, identifier, f"its processing was begun {ATTEMPTS} times and never came to an end")
    return process(desk, again)


def quarantine(desk: Desk, identifier: int, reason: str) -> Outcome:
    """Put a stored message aside, visible and replayable, with a sentence that says why; unless another process has
    finished with it meanwhile.
    """
    outcome = Outcome("quarantined", reason=reason)
    try:
        with desk.transaction() as session:
            _finish(session, identifier, outcome)
    except _TakenByAnother:
        return Outcome("")
    return outcome


# --- storing ----------------------------------------------------------------------------------------------------------


def _insert_intake(session: Session, mailbox: str, digests: dict[str, str], desk: Desk) -> list[tuple[str, int]]:
    """(name, id) of the rows that are new; what another process has stored meanwhile is left to it."""
    row = {
        "mailbox": mailbox,
        "received_at": desk.now(),
        "message_id": "",
        "state": "stored",
        "reason": "",
        "attempts": 1,
    }
    rows = [row | {"source": name, "digest": digest} for name, digest in digests.items()]
    statement = insert(session, Intake).on_conflict_do_nothing().returning(col(Intake.source), col(Intake.id))
    return [(source, identifier or 0) for source, identifier in session.connection().execute(statement, rows)]


# --- processing -------------------------------------------------------------------------------------------------------


def _process_some(desk: Desk, rest: deque[Stored]) -> list[Outcome]:
    """File the first that waits, and with the same commit those behind it that are read by then. No reader is waited
    for while others wait for the store."""
    begun: list[Stored] = []
    outcomes: list[Outcome] = []
    try:
        mail = _read(rest)
        with desk.together() as shared:
            until = monotonic() + TOGETHER_SECONDS
            while True:
                begun.append(rest.popleft())
                outcomes.append(_settle(desk, begun[-1], mail))
                left = until - monotonic()
                if not shared or not rest or left < 0 or not watchdog.has_read(rest[0].raw, left):
                    return outcomes
                mail = _read(rest)
    except TryAgain:
        for stored in begun or [rest[0]]:
            _give_back_attempt(desk, stored)
        raise


def _read(rest: deque[Stored]) -> ParsedMail | Unparseable:
    """The first message, or what stands against it; the second is read ahead."""
    try:
        return watchdog.read(rest[0].raw, rest[1].raw if len(rest) > 1 else None)
    except Unparseable as reason:
        return reason


def _settle(desk: Desk, stored: Stored, mail: ParsedMail | Unparseable) -> Outcome:
    """Take a message that was read out of the state `stored`, in one change. Raises TryAgain."""
    try:
        if isinstance(mail, Unparseable):
            raise mail
        with desk.change(cause=f"mail {stored.id}") as change:
            return _file(desk, change, stored, mail)
    except _TakenByAnother:
        return Outcome("")
    except TryAgain:
        raise
    except TktError as error:
        return quarantine(desk, stored.id, str(error))


# --- filing -----------------------------------------------------------------------------------------------------------


def _file(desk: Desk, change: Change, stored: Stored, mail: ParsedMail) -> Outcome:
    name = name_of(mail)
    _one_at_a_time(change, name or stored.digest)
    outcome = _known_already(change, stored, mail, name)
    box = _mailbox(change, stored.mailbox)
    if outcome is None:
        filed = file_mail(desk, change, mail, box, stored.digest, let_in=stored.let_in)
        outcome = Outcome(filed.state, filed.ticket, filed.entry_id)
    elif outcome.ticket is not None:
        copies.concern(change, outcome.ticket, box, mail)
    _finish(change.session, stored.id, outcome, name)
    return outcome


def name_of(mail: ParsedMail) -> str:
    """What copies of one mail have in common: its Message-ID, else (old devices, web forms) what it says and when it
    was sent; "" where it does not say that.
    """
    date = mail.headers.raw("date")
    if mail.message_id or not date:
        return mail.message_id
    said = "\0".join((mail.sender.email, date, mail.subject, mail.text))
    return f"<{hashlib.sha256(said.encode()).hexdigest()[:32]}@said.invalid>"


def _finish(session: Session, identifier: int, outcome: Outcome, message_id: str = "") -> None:
    """Take the message out of the state `stored`: only one process can."""
    if execute(session, _FINISH, (*outcome, message_id, identifier)).rowcount != 1:
        raise _TakenByAnother


_FINISH = """
UPDATE intake SET state = ?, ticket = ?, entry_id = ?, reason = ?, message_id = ? WHERE id = ? AND state = 'stored'
"""
_ALIKE = "SELECT id, state, digest, ticket, entry_id FROM intake WHERE digest = ?"
_ALIKE_OR_NAMED = f"{_ALIKE} OR message_id = ?"


def _one_at_a_time(change: Change, name: str) -> None:
    """Two processes must not judge copies of one mail at once; SQLite has one writer anyway."""
    if change.desk.store.dialect == "postgresql":
        lock = func.pg_advisory_xact_lock(func.hashtextextended(name, 0))
        change.session.connection().execute(select(lock))


def _known_already(change: Change, stored: Stored, mail: ParsedMail, name: str) -> Outcome | None:
    """The outcome for a mail that the desk has; None for one that it has not. One query, which also finds our own
    row.
    """
    if mail.message_id and is_ours(change, mail.message_id):
        return Outcome("duplicate", reason="it is our own mail, come back")
    named = (name,) if name else ()
    found = rows(change.session, _ALIKE_OR_NAMED if named else _ALIKE, (stored.digest, *named))
    if any(row[0] == stored.id and row[1] != "stored" for row in found):
        raise _TakenByAnother
    earlier = sorted((row for row in found if row[1] in FILED), key=lambda row: (row[2] == stored.digest, row[0]))
    for _, _, digest, ticket, entry_id in earlier[: -COPIES_COMPARED - 1 : -1]:
        if _same(change, stored, digest, mail):
            return Outcome("duplicate", ticket, entry_id, f"it is the same mail as #{ticket}'s")
    return None


def _same(change: Change, stored: Stored, digest: str, mail: ParsedMail) -> bool:
    """Whether an earlier message is the same mail: whoever guesses a Message-ID must not make a mail disappear."""
    if digest == stored.digest:
        return True
    try:
        earlier = parse(content_of(change.session, digest))
    except Unparseable:
        return False
    return copies.is_copy(mail, earlier)


def _mailbox(change: Change, name: str) -> Mailbox:
    """The mailbox as it is declared now; one that is declared no more still names its mails."""
    return next((box for box in mailboxes(change.definitions) if box.name == name), Mailbox(name, ""))


def _give_back_attempt(desk: Desk, stored: Stored) -> None:
    """A busy store is not the message's fault. Where even this can't be written, the attempt counts."""
    with suppress(TryAgain), desk.store.transaction() as session:
        mine = update(Intake).where(
            col(Intake.id) == stored.id, col(Intake.state) == "stored", col(Intake.attempts) > 0
        )
        session.connection().execute(mine.values(attempts=Intake.attempts - 1))
