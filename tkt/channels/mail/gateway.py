"""The mail gateway: what happens to a message between a mailbox and a ticket. This text is its specification.

One message, three steps
    1. `intake.store`: the raw bytes are committed, under the message's name in its mailbox, before anything else.
    2. `intake.process`: it is read, then one transaction makes it a ticket, an entry, or nothing (a duplicate), with
       all that follows from it: rules, clocks, mails to send.
    3. The folder is marked (\\Seen, moved to `archive`, Maildir's cur/), then the position in it is kept.
A process that dies between two steps leaves what the next round takes up: step 1 knows a message by its mailbox and
name, step 2 only takes what is still in the state `stored`, step 3 is repeated. `resume` begins every round with what
an earlier process stored and did not finish. A message whose processing was begun ATTEMPTS times and never ended is
taken for the reason and put into quarantine.

States of an intake row
    stored        waits for step 2
    ticket        made a ticket                 entry       went to an existing ticket
    machine       a machine's mail, filed on a ticket that exists, or as a ticket that asks for nothing
    duplicate     the desk has it already       quarantined could not be read or filed; `reason` says why
    dropped       a person decided that a quarantined message is to stay out
Nothing is deleted: the raw message stays, and a quarantined one can be tried again.

What is a duplicate
    The same bytes, in whatever mailbox. Or the same Message-ID from the same sender with the same subject and
    date: one mail that reached two of our mailboxes, or that a mailing list sent a second time. A Message-ID alone
    is no proof: whoever guesses one must not be able to make a message disappear. A message with a Message-ID that
    we signed is our own, come back, and is not filed again.

Which ticket
    1. A merged ticket stands for the one it was merged into.
    2. Our own signed Message-ID in In-Reply-To, then in References, newest first.
    3. The token in the address that it was sent to: support+1042.SIGNATURE@example.com.
    4. A customer's Message-ID in In-Reply-To or References, if the sender takes part in that ticket.
    5. A subject tag [#1042], if the sender takes part in that ticket.
    6. None of them: a new ticket.
    Taking part: the requester (with any address of theirs), a follower, whoever wrote on the ticket, an active agent.
    A bounce belongs to the message that it returns.

Closed tickets
    An answer within `desk.reopen_window` (14 days) reopens the ticket; a later one makes a new ticket, linked to the
    old one as its follow-up. Machine mail reopens nothing.

Who wrote
    Staff (an agent's address) on an existing ticket, and anybody who answers a notification: an internal note, never
    a public message, because what was said inside must not leak. An agent who is the ticket's requester writes as a
    customer, except to a notification. Our own addresses never become customers: a mail from one of them that names
    another address in Reply-To (a web form's mail) comes from that one.

Machine mail
    Classified by `classify`, stored, filed with its reason; it gets no confirmation and moves no state, owner or
    clock. A permanent bounce marks its message as failed and the ticket as undelivered. An automatic mail that
    answers no ticket of ours makes a ticket of its own, which `create` keeps out of everybody's way.

Mail from a pipe
    `ingest` takes one message from a mail server's pipe. Once step 1 has committed, the message is ours and the
    answer is success, even where the store is then too busy for step 2: the next pull, ingest or round of `serve`
    does that. A message that could not be stored, for whatever reason, is refused with "try again" (exit status
    75), so that the server keeps it.

Which mailbox does what
    A new ticket gets the team of the mailbox it came in by. Mailboxes are pulled one after another; one that is away
    keeps its error and does not hold up the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

from sqlmodel import col, select, update

from tkt.channels.mail import intake
from tkt.channels.mail.mailboxes import Mailbox, mailboxes, named
from tkt.channels.mail.parse import Unparseable, parse
from tkt.channels.mail.sources import Batch, Position, Source, open_source
from tkt.desk.unit import Desk
from tkt.errors import MailboxUnusable, MailServerAway, TktError
from tkt.store.tables import MailboxState

RECONNECTIONS = 3
"""How often one round connects again to a server that went away in the middle."""

OTHERS_TURN = timedelta(minutes=2)
"""A message from a pipe that is younger is probably in the hands of the process that stored it."""

Progress = Callable[[str, int, int], None]
"""Told (mailbox, messages dealt with in this round, messages still waiting)."""


class PullResult(NamedTuple):
    """What one round did with one mailbox; `error` is a sentence, or empty. `away`: trying again may help."""

    mailbox: str
    fetched: int = 0
    tickets: int = 0
    entries: int = 0
    machine: int = 0
    duplicates: int = 0
    quarantined: int = 0
    error: str = ""
    away: bool = False


def pull(desk: Desk, names: Sequence[str] = (), progress: Progress | None = None) -> list[PullResult]:
    """Take in everything that waits in these mailboxes (none named: in all that are read).

    What an earlier round stored and did not finish comes first, whatever its mailbox. Raises NotFound (a name),
    StoreBusy, StoreUnreachable; a mail server's trouble is in the results.
    """
    with desk.look() as change:
        declared = mailboxes(change.definitions)
    chosen = named(declared, names) if names else [box for box in declared if box.source is not None]
    resumed = intake.resume(desk)
    return [_pull_one(desk, box, _Counts(box.name, progress, resumed)) for box in chosen]


def ingest(desk: Desk, raw: bytes, mailbox: str | None = None) -> intake.Outcome:
    """Take in one message from a pipe. Its mailbox is the named one, else the one that it is addressed to.

    The outcome's state is "stored" when the message is safe but not filed yet. Raises TktError (NotFound for the
    mailbox, whatever is wrong with the store): then nothing is stored.
    """
    with desk.look() as change:
        declared = mailboxes(change.definitions)
    name = named(declared, [mailbox])[0].name if mailbox else _addressed(declared, raw)
    stored = intake.store(desk, name, [(f"pipe:{hashlib.sha256(raw).hexdigest()}", raw)])
    if not stored:
        return intake.Outcome("duplicate", reason="these bytes have come through the pipe before")
    outcome = intake.Outcome("stored")
    with suppress(TktError):  # the message is safe; a store that fails now must not make the mail bounce
        outcome = intake.process(desk, stored[0])
        intake.resume(desk, older_than=OTHERS_TURN)
    return outcome


def _addressed(declared: Sequence[Mailbox], raw: bytes) -> str:
    """The mailbox that a message is addressed to, else the only one there is, else none."""
    try:
        mail = parse(raw)
        addressed = {*mail.delivered_to, *(one.email for one in (*mail.to, *mail.cc))}
    except Unparseable:
        addressed = set()
    matching = [box.name for box in declared if box.address in addressed]
    return next(iter(matching), declared[0].name if len(declared) == 1 else "")


def _pull_one(desk: Desk, box: Mailbox, counts: _Counts) -> PullResult:
    for attempt in range(RECONNECTIONS + 1):
        before = counts.fetched
        try:
            with _opened(box) as source:
                _read_all(desk, box, source, counts)
            return counts.result()
        except MailServerAway as error:
            if attempt == RECONNECTIONS or counts.fetched == before:
                _keep_error(desk, box, str(error))
                return counts.result(str(error), away=True)
        except MailboxUnusable as error:
            _keep_error(desk, box, str(error))
            return counts.result(str(error))
    raise AssertionError("unreachable: the last attempt returns")


@contextmanager
def _opened(box: Mailbox) -> Iterator[Source]:
    source = open_source(box)
    try:
        yield source
    finally:
        source.close()


def _read_all(desk: Desk, box: Mailbox, source: Source, counts: _Counts) -> None:
    position = _position(desk, box, source.folder)
    for batch in source.batches(position, lambda names: intake.known(desk, box.name, names)):
        _take_in(desk, box, batch, counts)
        source.mark(batch)
        _keep_position(desk, box, source.folder, batch.position)
    _keep_position(desk, box, source.folder, None)


def _take_in(desk: Desk, box: Mailbox, batch: Batch, counts: _Counts) -> None:
    fresh = [(message.source, message.raw) for message in batch.messages if message.raw is not None]
    waiting = intake.store(desk, box.name, fresh)
    for number, stored in enumerate(waiting, 1):
        counts.add(intake.process(desk, stored), batch.remaining + len(waiting) - number)


class _Counts:
    """What a round has done so far, beginning with what an earlier one had left."""

    def __init__(self, mailbox: str, progress: Progress | None, resumed: Sequence[tuple[str, intake.Outcome]]) -> None:
        self.mailbox = mailbox
        self.progress = progress
        self.by_state: dict[str, int] = {}
        for name, outcome in resumed:
            if name == mailbox:
                self.add(outcome)

    @property
    def fetched(self) -> int:
        return sum(self.by_state.values())

    def add(self, outcome: intake.Outcome, remaining: int = 0) -> None:
        self.by_state[outcome.state] = self.by_state.get(outcome.state, 0) + 1
        if self.progress is not None:
            self.progress(self.mailbox, self.fetched, remaining)

    def result(self, error: str = "", *, away: bool = False) -> PullResult:
        count = self.by_state.get
        return PullResult(
            self.mailbox,
            self.fetched,
            count("ticket", 0),
            count("entry", 0),
            count("machine", 0),
            count("duplicate", 0),
            count("quarantined", 0),
            error,
            away,
        )


# --- how far a folder has been read -----------------------------------------------------------------------------------


def _position(desk: Desk, box: Mailbox, folder: str) -> Position:
    with desk.store.reading() as session:
        row = session.get(MailboxState, (box.name, folder))
        return Position(row.uidvalidity, row.last_uid) if row else Position()


def _keep_position(desk: Desk, box: Mailbox, folder: str, position: Position | None) -> None:
    """The folder has been read up to here (None: to its end, nothing new) without an error."""
    with desk.store.transaction() as session:
        row = session.get(MailboxState, (box.name, folder)) or MailboxState(mailbox=box.name, folder=folder)
        if position is not None:
            row.uidvalidity, row.last_uid = position
        row.checked_at = desk.now()
        session.add(row)
        session.connection().execute(update(MailboxState).where(col(MailboxState.mailbox) == box.name).values(error=""))


def _keep_error(desk: Desk, box: Mailbox, error: str) -> None:
    """Kept with what is known of the mailbox, for `tkt mail status`."""
    with desk.store.transaction() as session:
        rows = session.exec(select(MailboxState).where(col(MailboxState.mailbox) == box.name)).all()
        for row in rows or [MailboxState(mailbox=box.name, folder="")]:
            row.error = error
            session.add(row)
