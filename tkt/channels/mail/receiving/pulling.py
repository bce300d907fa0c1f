"""One round with one mailbox: connect, read its folders, take in what is new, connect again where that helps.

A connection that ends in the middle is made anew as long as that brings something: messages, or the knowledge which
message it was that ended it. When it ended over several messages, fewer are asked for at once, in the end one; the one
that ends it again is put aside (`withheld`), and the rest goes on. A folder that can't be read does not hold up the
others.

Leaves to others: what becomes of a message (`intake`; the rules are in `gateway`), when a mailbox is read (`serve`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import NamedTuple

from tkt.channels.mail.mailboxes import Mailbox
from tkt.channels.mail.receiving import intake, withheld
from tkt.channels.mail.receiving.sources import (
    SIZES_AT_ONCE,
    Account,
    Batch,
    Care,
    Fetched,
    Position,
    Source,
    open_account,
)
from tkt.desk.unit import Desk
from tkt.errors import MailboxUnusable, MailServerAway
from tkt.store.rows import execute, rows
from tkt.store.tables import MailboxState
from tkt.times import to_micros

STRIKES = 2
"""How often a message that is fetched alone may end the connection before it is put aside."""

ASIDE_AT_MOST = 5
"""How many messages one round puts aside because they ended the connection: with more, it is not the messages."""

ASKED_AGAIN = 3
"""How many of the messages that a server would not hand over are asked for again in one round."""

Progress = Callable[[str, int, int], None]
"""Told (mailbox, messages dealt with in this round, messages still waiting)."""

Turn = AbstractContextManager[object]
"""Held while messages are filed, so that of several mailboxes that are read at once one at a time writes."""


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


class Counts:
    """What a round has done so far, beginning with what an earlier one had left."""

    def __init__(self, mailbox: str, progress: Progress | None, resumed: Sequence[tuple[str, intake.Outcome]]) -> None:
        self.mailbox = mailbox
        self.progress = progress
        self.by_state: Counter[str] = Counter()
        for name, outcome in resumed:
            if name == mailbox:
                self.add(outcome.state)

    @property
    def fetched(self) -> int:
        return self.by_state.total()

    def add(self, state: str, remaining: int = 0) -> None:
        self.by_state[state] += 1
        if self.progress is not None:
            self.progress(self.mailbox, self.fetched, remaining)

    def result(self, error: str = "", *, away: bool = False) -> PullResult:
        count = self.by_state.__getitem__
        return PullResult(
            self.mailbox,
            self.fetched,
            count("ticket"),
            count("entry"),
            count("machine"),
            count("duplicate"),
            count("quarantined"),
            error,
            away,
        )


class Round:
    """One mailbox's round; `usable` tells afterwards whether its server let us in."""

    def __init__(self, desk: Desk, box: Mailbox, counts: Counts, turn: Turn) -> None:
        self.usable = False
        self._desk, self._box, self._counts, self._turn = desk, box, counts, turn
        self._unread: list[str] | None = None
        self._source: Source | None = None
        self._errors: list[str] = []
        self._batches = self._lessons = self._put_away = 0
        self._strikes: Counter[str] = Counter()
        aside = withheld.waiting(desk, box.name)
        self._care = Care(skip=set(aside))
        self._again = dict(random.sample(sorted(aside.items()), min(ASKED_AGAIN, len(aside))))

    def run(self) -> PullResult:
        while True:
            before = self._progress()
            try:
                self._connected()
                return self._counts.result("; ".join(self._errors))
            except MailServerAway as error:
                self._learn(str(error))
                if self._progress() == before:
                    return self._ended(error, away=True)
            except MailboxUnusable as error:
                return self._ended(error, away=False)

    def _connected(self) -> None:
        self._source = None
        with _opened(self._box) as account:
            self.usable = True
            if self._unread is None:
                self._unread = list(account.folders)
                _forget_others(self._desk, self._box, account.folders)
            while self._unread:
                self._folder(account, self._unread[0])
                self._unread.pop(0)

    def _folder(self, account: Account, folder: str) -> None:
        try:
            self._source = account.open(folder, self._care)
            self._read(self._source)
            self._ask_again(self._source)
        except MailboxUnusable as error:
            self._errors.append(str(error))
            _keep_error(self._desk, self._box, str(error), folder)

    def _read(self, source: Source) -> None:
        desk, name = self._desk, self._box.name
        position = _position(desk, self._box, source.folder)
        for batch in source.batches(position, lambda names: intake.known(desk, name, names)):
            self._take_in(batch)
            source.mark(batch)
            _keep_position(desk, self._box, source.folder, batch.position)
            self._batches += 1
        _keep_position(desk, self._box, source.folder, None)

    def _take_in(self, batch: Batch) -> None:
        fresh = [(message.source, message.raw) for message in batch.messages if message.raw is not None]
        with self._turn:
            waiting = intake.store(self._desk, self._box.name, fresh)
            remaining = batch.remaining + len(waiting)
            for outcomes in intake.process_all(self._desk, waiting):
                for outcome in outcomes:
                    remaining -= 1
                    self._counts.add(outcome.state, remaining)
            self._put_aside([message for message in batch.messages if message.refused])

    def _put_aside(self, refused: Sequence[Fetched]) -> None:
        self._care.skip.update(message.source for message in refused)
        for _ in range(withheld.put_aside(self._desk, self._box.name, refused)):
            self._counts.add("quarantined")

    def _ask_again(self, source: Source) -> None:
        for message in source.again(list(self._again)):
            identifier = self._again.pop(message.source)
            if message.raw is None:
                continue
            with self._turn:
                stored = withheld.handed_over(self._desk, self._box.name, identifier, message.raw)
                if stored is not None:
                    self._counts.add(intake.process(self._desk, stored).state)
            source.mark(Batch([message], Position(), 0))

    # --- a connection that ended ----------------------------------------------------------------------------------

    def _learn(self, words: str) -> None:
        """Which message was it?"""
        at_hand = self._source.at_hand if self._source is not None else ()
        if len(at_hand) > 1:
            self._care.together = max(1, len(at_hand) // 10)
            self._lessons += 1
            return
        for name in at_hand:
            if self._again.pop(name, None) is not None:
                continue
            if self._put_away == ASIDE_AT_MOST:
                return
            self._strikes[name] += 1
            if self._strikes[name] >= STRIKES:
                self._put_away += 1
                self._put_aside([Fetched(name, None, refused=f"the connection ends while it is fetched: {words}")])
                self._care.together = SIZES_AT_ONCE

    def _progress(self) -> tuple[int, ...]:
        """Grows with everything that a connection has brought."""
        known = self._lessons, len(self._care.skip), self._strikes.total(), -len(self._again)
        return self._counts.fetched, self._batches, *known

    def _ended(self, error: MailServerAway | MailboxUnusable, *, away: bool) -> PullResult:
        _keep_error(self._desk, self._box, str(error))
        self.usable = False
        return self._counts.result("; ".join([*self._errors, str(error)]), away=away)


@contextmanager
def _opened(box: Mailbox) -> Iterator[Account]:
    account = open_account(box)
    try:
        yield account
    finally:
        account.close()


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
        row.error, row.failing_since, row.next_at = "", None, None
        session.add(row)


_TROUBLED = "SELECT folder FROM mailbox_state WHERE mailbox = ? AND error <> ''"
_OVER = "UPDATE mailbox_state SET error = '', failing_since = NULL, next_at = NULL WHERE mailbox = ? AND folder = ?"
_KEEP = """
UPDATE mailbox_state SET error = ?, failing_since = COALESCE(failing_since, ?) WHERE mailbox = ?
"""


def _forget_others(desk: Desk, box: Mailbox, folders: Sequence[str]) -> None:
    """The server lets us in: what was wrong with the mailbox, or with folders that are read no more, is over."""
    with desk.store.reading() as session:
        over = [folder for (folder,) in rows(session, _TROUBLED, (box.name,)) if folder not in folders]
    if not over:
        return
    with desk.store.transaction() as session:
        for folder in over:
            execute(session, _OVER, (box.name, folder))


def _keep_error(desk: Desk, box: Mailbox, error: str, folder: str = "") -> None:
    """Kept for `tkt mail status` with the folder, or with all that is known of the mailbox."""
    with desk.store.transaction() as session:
        kept = (error, to_micros(desk.now()), box.name)
        found = execute(session, _KEEP + " AND folder = ?" * bool(folder), (*kept, *([folder] if folder else [])))
        if not found.rowcount:
            now = desk.now()
            session.add(MailboxState(mailbox=box.name, folder=folder, error=error, failing_since=now))


def keep_next(desk: Desk, mailbox: str, moment: datetime) -> None:
    """When a mailbox that can't be read is tried again, for `tkt mail status`."""
    with desk.store.transaction() as session:
        sql = "UPDATE mailbox_state SET next_at = ? WHERE mailbox = ? AND error <> ''"
        execute(session, sql, (to_micros(moment), mailbox))
