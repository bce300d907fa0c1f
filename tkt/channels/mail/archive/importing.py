"""Years of archived mail into closed tickets: `tkt import`.

Two passes. The first goes through the heads of all messages and finds the conversations (`archive_index`); the second
brings them in, the oldest first, so that tickets are numbered in the order in which they began. A message is read by
the reader process like any other; what can't be read goes to quarantine. Nothing is sent and nobody is told
(`desk.archive`).

One transaction holds a batch of whole messages with what became of each (`Intake`, named by its digest). So an import
that ends in the middle, however, has lost nothing and doubled nothing: the next one passes over what is in. The same
holds for another archive with some of the same mails, and for mails that a mailbox has brought: the same bytes, or
the same Message-ID, sender, subject and date, are the same mail. A conversation that continues one of an earlier
import, or one that the desk has had by mail, goes on there; on a ticket that is no archive only what somebody wrote
who takes part in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import groupby
from typing import Any, NamedTuple

from tkt.channels.mail.archive import archives
from tkt.channels.mail.archive.archive_filing import ALREADY, Conversation, Frame, Item, Known, source_of
from tkt.channels.mail.archive.archive_index import Index
from tkt.channels.mail.archive.archives import Spot
from tkt.channels.mail.mailboxes import mailboxes, named
from tkt.channels.mail.reading import watchdog
from tkt.channels.mail.reading.parse import Unparseable
from tkt.channels.mail.receiving import intake
from tkt.channels.mail.receiving.sources import in_batches
from tkt.desk import tickets, values
from tkt.desk.addresses import same_address
from tkt.desk.archive import Setting
from tkt.desk.unit import Change, Desk
from tkt.errors import Conflict
from tkt.store.blobs import content_of, keep_blobs
from tkt.store.rows import execute, keep_all, rows
from tkt.store.tables import Intake

MAILBOX = "import"
"""What brought a message in where no mailbox is named (`Intake.mailbox`)."""

CAUSE = "import"

Progress = Callable[[str, int, int], None]
"""Told (what is done, "reading" or "filing"; messages; of how many, 0 while that is not known)."""

Spots = Callable[[ExitStack], Iterable[Spot]]
"""Finds the messages; it is given what holds files of the moment until the import ends."""


class Options(NamedTuple):
    """What is said of a whole import: the mailbox it is the past of, the tickets' team and tags, further addresses of
    ours (of people who are no agents any more, say).
    """

    mailbox: str = ""
    team: str = ""
    tags: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()


class Counts(NamedTuple):
    """What became of the messages: all but `read` add up to it. `already`: an earlier import has dealt with it."""

    read: int = 0
    tickets: int = 0
    entries: int = 0
    duplicates: int = 0
    automatic: int = 0
    quarantined: int = 0
    already: int = 0


def bring_in(desk: Desk, spots: Spots, options: Options, progress: Progress, *, dry_run: bool = False) -> Counts:
    """Bring in the messages that `spots` finds; what became of them.

    With `dry_run` everything is looked at and nothing written. Raises NotFound (mailbox, team, file), UsageError,
    NotAllowed, Conflict (another import is under way), TryAgain.
    """
    with desk.look() as change:
        change.require("admin")
        helper = _Importer(desk, change, options, dry_run)
    with desk.store.alone("import") as mine, ExitStack() as kept:
        if not mine:
            raise Conflict("another import into this desk is under way; wait for its end")
        index = kept.enter_context(closing(Index(helper.frame.ours, desk.now())))
        for spot in spots(kept):
            index.add(spot, archives.read(spot, archives.HEAD_BYTES))
            progress("reading", index.messages, 0)
        index.arrange()
        return helper.take_all(index, progress)


class _Importer:
    """What one import knows, and its counts."""

    def __init__(self, desk: Desk, change: Change, options: Options, dry_run: bool) -> None:
        self.desk = desk
        declared = mailboxes(change.definitions)
        box = named(declared, [options.mailbox])[0] if options.mailbox else None
        team = options.team or (box.team if box else "")
        team_id = tickets.team_id(change.definitions, team)
        setting = Setting(box.name if box else "", team_id, tuple(dict.fromkeys(map(values.tag, options.tags))))
        found = rows(change.session, "SELECT id, name, email FROM agent WHERE coalesce(email, '') <> ''")
        agents = {same_address(email): (number, name) for number, name, email in found}
        ours = {same_address(one) for one in (*(one.address for one in declared), *map(str.strip, options.ours))}
        self.frame = Frame(box.name if box else MAILBOX, setting, agents, ours | agents.keys(), dry_run)
        self.states: dict[str, int] = {}

    def take_all(self, index: Index, progress: Progress) -> Counts:
        found = ((one, one[1].size) for one in index.conversations())
        for batch in in_batches(found):
            self._take(batch)
            progress("filing", sum(self.states.values()), index.messages)
        count = self.states.get
        return Counts(
            index.messages,
            count("ticket", 0),
            count("entry", 0),
            count("duplicate", 0),
            count("machine", 0),
            count("quarantined", 0),
            count(ALREADY, 0),
        )

    def _take(self, batch: Sequence[tuple[int, Spot]]) -> None:
        """One batch, from the file into the store."""
        items = [self._fetched(conversation, spot) for conversation, spot in batch]
        with self.desk.look() as change:
            known = self._known(change, items)
        read = list(_read([one for one in items if one.digest not in known]))
        if self.frame.dry_run:
            with self.desk.look() as change:
                self.file_all(change, items, read)
            return
        with self.desk.change(cause=CAUSE) as change:
            keep_blobs(change.session, {one.digest: one.raw for one in read})
            self.file_all(change, items, read)

    def _fetched(self, conversation: int, spot: Spot) -> Item:
        raw = archives.read(spot)
        return Item(conversation, spot, raw, hashlib.sha256(raw).hexdigest())

    def _known(self, change: Change, items: Sequence[Item]) -> dict[str, Known]:
        """By digest, what the store has of these messages."""
        digests = list({one.digest for one in items})
        marks = ", ".join("?" * len(digests))
        sql = f"SELECT digest, ticket, mailbox, source FROM intake WHERE digest IN ({marks}) ORDER BY id"
        found: dict[str, Known] = {}
        for digest, ticket, mailbox, source in rows(change.session, sql, digests):
            mine = (mailbox, source) == (self.frame.mailbox, source_of(digest))
            earlier = found.get(digest, Known("", None))
            found[digest] = Known(ALREADY if mine else earlier.state, earlier.ticket or ticket)
        return found

    # --- filing

    def file_all(self, change: Change, items: Sequence[Item], read: Sequence[Item]) -> list[dict[str, Any]]:
        """What became of each, counted and written down, conversation after conversation; the rows of `Intake`."""
        known = self._known(change, items)
        fresh = {one.digest: one for one in read}
        taken: list[dict[str, Any]] = []
        counted: dict[str, int] = {}
        for conversation, some in groupby(items, key=lambda one: one.conversation):
            work = Conversation(self.frame, change, conversation, known, fresh)
            for state in work.file(list(some)):
                counted[state] = counted.get(state, 0) + 1
            taken += work.taken
        if not self.frame.dry_run:
            keep_all(change.session, Intake, taken)
        for state, count in counted.items():
            self.states[state] = self.states.get(state, 0) + count
        return taken


def take_again(desk: Desk, identifier: int) -> intake.Outcome:
    """Try an imported message again that is in quarantine; what can be read now is brought in as the rest was.

    Raises TryAgain; KeyError if there is no such message.
    """
    with desk.look() as change:
        row = change.session.get_one(Intake, identifier)
        raw = content_of(change.session, row.digest)
    item = Item(0, Spot("", 0, len(raw)), raw, row.digest)
    [item] = _read([item])
    if item.mail is None:
        return intake.Outcome("quarantined", reason=item.reason)
    with desk.change(cause=CAUSE) as change:
        box = row.mailbox if row.mailbox in {one.name for one in mailboxes(change.definitions)} else ""
        helper = _Importer(desk, change, Options(box), dry_run=False)
        execute(change.session, "DELETE FROM intake WHERE id = ? AND state = 'quarantined'", (identifier,))
        [filed] = helper.file_all(change, [item], [item])
    return intake.Outcome(filed["state"], filed["ticket"], filed["entry_id"], filed["reason"])


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(items: Sequence[Item]) -> Iterator[Item]:
    """The messages as read, each once. One whose reading fails has the reason."""
    once = list({one.digest: one for one in items}.values())
    for number, item in enumerate(once, 1):
        ahead = once[number].raw if number < len(once) else None
        try:
            yield item._replace(mail=watchdog.read(item.raw, ahead))
        except Unparseable as error:
            yield item._replace(reason=str(error))
