"""Where mail comes from: one interface over IMAP folders, Maildirs and mbox files.

A source gives batches of raw messages that the desk may not know yet, bounded in number and in bytes, so that memory
stays flat whatever the folder holds. After a batch has been dealt with, the caller `mark`s it and keeps the batch's
position; a crash before that gives the same messages again under the same names, which the intake recognises.

Leaves to others: storing (`intake`), which folder when (`gateway`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from tkt.channels.mail.mailboxes import Mailbox
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable

BATCH_MESSAGES = 200
BATCH_BYTES = 8_000_000
"""A batch ends before it grows beyond this; a larger message is a batch of its own."""

Item = TypeVar("Item")


class Fetched(NamedTuple):
    """One message: its name in the mailbox (`Intake.source`), its bytes, and how the source finds it again.

    `raw` is None for a message that the desk has stored already and that only wants its mark.
    """

    source: str
    raw: bytes | None
    handle: str = ""


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


class Source(Protocol):
    """A folder that mail is read from."""

    folder: str

    def batches(self, position: Position, known: Known) -> Iterator[Batch]:
        """The messages after `position`. Raises MailServerAway, MailboxUnusable."""

    def mark(self, batch: Batch) -> None:
        """Show in the folder that these have been dealt with. Raises MailServerAway, MailboxUnusable."""

    def close(self) -> None:
        """End the connection; raises nothing."""


def open_source(box: Mailbox) -> Source:
    """The source of a mailbox. Raises MailServerAway, MailboxUnusable."""
    if box.source is None:
        raise MailboxUnusable(f"mailbox {box.name} has no imap in desk.toml: its mail is not read")
    if isinstance(box.source, Server):
        from tkt.channels.mail.imap import ImapFolder

        return ImapFolder(box, box.source)
    from tkt.channels.mail.folders import Maildir, Mbox

    return Maildir(box.name, box.source.path) if box.source.kind == "maildir" else Mbox(box.name, box.source.path)


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
