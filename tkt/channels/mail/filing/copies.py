"""One mail to several of our mailboxes: one ticket, which concerns the teams of them all.

The ticket's own team is that of the mailbox by which the first copy came in. A further copy, or the other mailbox's
address in To or Cc where only one copy comes in, adds that mailbox's team, which is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from tkt.channels.mail.filing.thread import settled
from tkt.channels.mail.mailboxes import Mailbox, mailboxes
from tkt.channels.mail.reading.parse import ParsedMail
from tkt.desk import notices
from tkt.desk.addresses import same_address, without_detail
from tkt.desk.teams import link_team
from tkt.desk.unit import Change
from tkt.store.tables import Ticket


def concern(change: Change, number: int, box: Mailbox, mail: ParsedMail) -> None:
    """A copy of a mail that is on this ticket already came in by `box`."""
    if box.team in change.definitions.teams:
        _concern(change, settled(change, change.ticket(number)), box, mail)


def concern_addressed(change: Change, number: int, box: Mailbox, mail: ParsedMail) -> None:
    """A mail was filed on this ticket that came in by `box`: the mailboxes beside it that it was sent to."""
    for other in _addressed(change, mail):
        if other.name != box.name and other.team in change.definitions.teams:
            _concern(change, change.ticket(number), other, mail)


def _concern(change: Change, ticket: Ticket, box: Mailbox, mail: ParsedMail) -> None:
    """What a machine sent, or what was closed meanwhile, is news to nobody."""
    if link_team(change, ticket, box.team) and mail.machine is None and ticket.status_kind != "closed":
        why = f"This ticket concerns {box.team} too: its mail also went to {box.address}."
        notices.notify(change, ticket, [box.team], why)


def _addressed(change: Change, mail: ParsedMail) -> Iterator[Mailbox]:
    boxes = change.definitions.of("mailbox")
    if len(boxes) < 2:
        return
    named = (*(one.email for one in (*mail.to, *mail.cc)), *mail.delivered_to)
    addressed = {same_address(form) for address in named for form in (address, without_detail(address))}
    yield from (box for box in mailboxes(change.definitions) if box.address and same_address(box.address) in addressed)
