"""A mail on its way in, and where it went: what the modules that file it hand each other."""

from __future__ import annotations

from typing import NamedTuple

from tkt.channels.mail.mailboxes import Mailbox
from tkt.channels.mail.reading.parse import ParsedMail


class Arrival(NamedTuple):
    """A mail as it came in: what it says, by which mailbox, the digest of its bytes. `let_in`: it was in quarantine
    because our server said that its sender is not who they say, and a person wanted it filed all the same.
    """

    mail: ParsedMail
    box: Mailbox
    digest: str
    let_in: bool = False


class Filed(NamedTuple):
    """Where a mail went: the state of its intake row, the ticket, the entry."""

    state: str
    ticket: int
    entry_id: int | None
