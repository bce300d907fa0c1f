"""One mail to several of our mailboxes: one ticket, which concerns the teams of them all.

The ticket's own team is that of the mailbox by which the first copy came in. A further copy, or the other mailbox's
address in To or Cc where only one copy comes in, adds that mailbox's team, which is told. What a copy is, and what only
pretends to be one, is said by `is_copy`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tkt.channels.mail.filing import own_lists
from tkt.channels.mail.filing.thread import settled
from tkt.channels.mail.mailboxes import Mailbox, mailboxes
from tkt.channels.mail.reading.parse import ParsedMail
from tkt.desk import notices
from tkt.desk.addresses import same_address, without_detail
from tkt.desk.teams import link_team
from tkt.desk.unit import Change
from tkt.store.tables import Ticket

FOOTER_LENGTH = 1000
"""Characters that a mailing list may put below a text, behind a line such as Mailman's or Google's."""

_FOOTER = re.compile(r"^(?:_{5,}|--)[ \t]*$", re.MULTILINE)


def is_copy(mail: ParsedMail, earlier: ParsedMail) -> bool:
    """Whether a mail of the same name is the same mail: the same sender, subject, date and words, but for a mailing
    list's footer, and no file that the earlier one has not. Who knows all that of a mail on its way to us, because they
    got it too, must not make it disappear by sending a version of their own first.
    """
    if (earlier.sender.email, earlier.subject, earlier.date) != (mail.sender.email, mail.subject, mail.date):
        return False
    if not {file.content for file in mail.attachments} <= {file.content for file in earlier.attachments}:
        return False
    said, before = _words(mail.text), _words(earlier.text)
    return said == before or before in _above_footer(mail.text) or said in _above_footer(earlier.text)


def _words(text: str) -> str:
    return " ".join(text.split())


def _above_footer(text: str) -> list[str]:
    """The words above what may be a mailing list's footer; nothing where there is none, or nothing stands above it."""
    found = [mark.start() for mark in _FOOTER.finditer(text, max(0, len(text) - FOOTER_LENGTH))]
    return [above] if found and (above := _words(text[: found[-1]])) else []


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
    news = own_lists.machine_of(change, mail) is None and ticket.status_kind != "closed"
    if link_team(change, ticket, box.team) and news:
        why = f"This ticket concerns {box.team} too: its mail also went to {box.address}."
        notices.notify(change, ticket, [box.team], why)


def _addressed(change: Change, mail: ParsedMail) -> Iterator[Mailbox]:
    boxes = change.definitions.of("mailbox")
    if len(boxes) < 2:
        return
    named = (*(one.email for one in (*mail.to, *mail.cc)), *mail.delivered_to)
    addressed = {same_address(form) for address in named for form in (address, without_detail(address))}
    yield from (box for box in mailboxes(change.definitions) if box.address and same_address(box.address) in addressed)
