"""Where mail comes from: one interface over IMAP folders, Maildirs and mbox files.

A source gives batches of raw messages that the desk may not know yet, bounded in number and in bytes, so that memory
stays flat whatever the folder holds. After a batch has been dealt with, the caller `mark`s it and keeps the batch's
position; a crash before that gives the same messages again under the same names, which the intake recognises.

Leaves to others: storing (`intake`), which folder when (`pulling`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeVar

from tkt.channels.mail.mailboxes import Mailbox
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable

BATCH_MESSAGES = 200
BATCH_BYTES = 8_000_000
"""A batch ends before it grows beyond this; a larger message is a batch of its own."""

SIZES_AT_ONCE = 2_000
"""How many messages' sizes are asked for at once."""

Item = TypeVar("Item")


class Fetched(NamedTuple):
    """One message: its name in the mailbox (`Intake.source`), its bytes, and how the source finds it again.

    `raw` is None for a message that the desk has stored already and that only wants its mark, and for one that the
    server does not hand over: `refused` then says why.
    """

    source: str
    raw: bytes | None
    handle: str = ""
    refused: str = ""


class Position(NamedTuple):
    """How far a folder has been read; kept in `MailboxState`. What the numbers mean is the source's own affair."""

    validity: int = 0
    last: int = 0


class Batch(NamedTuple):
    """Some messages, where reading goes on after them, and how many messages are still behind them."""

    messages: Sequence[Fetched]
    position: Position
    remaining: int


Known = Callable[[Sequence[str]], set[str]]
"""Which of these names (`Fetched.source`) the desk has stored already."""


@dataclass
class Care:
    """What connections that ended have taught: how many messages to ask for `together`, and which (names) to `skip`."""

    together: int = SIZES_AT_ONCE
    skip: set[str] = field(default_factory=set)


class Source(Protocol):
    """A folder that mail is read from. `at_hand` names the messages whose bytes it was fetching when it failed."""

    folder: str
    at_hand: Sequence[str]

    def batches(self, position: Position, known: Known) -> Iterator[Batch]:
        """The messages after `position`. Raises MailServerAway, MailboxUnusable."""

    def again(self, names: Sequence[str]) -> Iterator[Fetched]:
        """Another attempt at messages of this folder that were refused. Raises MailServerAway, MailboxUnusable."""

    def mark(self, batch: Batch) -> None:
        """Show in the folder that these have been dealt with. Raises MailServerAway, MailboxUnusable."""


class Account(Protocol):
    """A mailbox, connected; `folders` are those that are read, in this order."""

    folders: Sequence[str]

    def open(self, folder: str, care: Care) -> Source:
        """One of the folders, until the next one is opened.

        Raises MailServerAway, and MailboxUnusable for what concerns this folder only.
        """

    def close(self) -> None:
        """End the connection; raises nothing."""


class _OneFile:
    """A Maildir or an mbox, as an account with one folder."""

    def __init__(self, source: Source) -> None:
        self.folders: Sequence[str] = (source.folder,)
        self._source = source

    def open(self, folder: str, care: Care) -> Source:
        return self._source

    def close(self) -> None:
        """Nothing is held open."""


def open_account(box: Mailbox) -> Account:
    """The mailbox that is read. Raises MailServerAway, MailboxUnusable."""
    if box.source is None:
        raise MailboxUnusable(f"mailbox {box.name} has no imap in desk.toml: its mail is not read")
    if isinstance(box.source, Server):
        from tkt.channels.mail.receiving.imap import ImapAccount

        return ImapAccount(box, box.source)
    from tkt.channels.mail.receiving.folders import Maildir, Mbox

    kind = Maildir if box.source.kind == "maildir" else Mbox
    return _OneFile(kind(box.name, box.source.path))


def in_batches(sized: Iterable[tuple[Item, int]]) -> Iterator[list[Item]]:
    """Items with their sizes in bytes, in groups of at most BATCH_MESSAGES and BATCH_BYTES."""
    group: list[Item] = []
    total = 0
    for item, size in sized:
        if group and (len(group) == BATCH_MESSAGES or total + size > BATCH_BYTES):
            yield group
            group, total = [], 0
        group.append(item)
        total += size
    if group:
        yield group
