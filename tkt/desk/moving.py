"""Messages that go from one ticket to another, with all that hangs on them: their files, what search finds them by, the
mails by which they leave, the copy of a mail that is recognised by them.

Both tickets' histories say which messages went where ("messages to #7", "messages from #5", with their ids); undo sends
them back, and a replay of the history follows them. A message that was taken back stays where that was done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import col, select

from tkt.desk import conversation, logos, waiting
from tkt.desk.unit import Change
from tkt.errors import Conflict
from tkt.sla.ticket_state import CAME, WENT
from tkt.store.message_order import joined
from tkt.store.rows import execute
from tkt.store.tables import Attachment, Entry, Event, Ticket


class Place(NamedTuple):
    """Where a message is to stand, the ticket on which it stands yet, and the files it has."""

    entry: Entry
    source: Ticket
    ticket: Ticket
    position: int
    files: Sequence[Attachment]

    @property
    def searched(self) -> str:
        """What the message is found by."""
        return conversation.searchable(self.entry.text, self.files)


def messages(change: Change, ticket: Ticket) -> list[Entry]:
    """The ticket's messages in their order, those taken back too."""
    query = select(Entry).where(Entry.ticket == ticket.number).order_by(col(Entry.position))
    return list(change.session.exec(query))


def move(
    change: Change, source: Ticket, target: Ticket, moved: Sequence[Entry], verb: str, *, first_stays: bool = True
) -> None:
    """Send some messages of one ticket to another, into the order that `message_order` says, and recount both."""
    change.session.flush()
    ids = [one.id or 0 for one in moved]
    own = joined(messages(change, target), moved, lambda one: one.at, first_stays=first_stays)
    rest = [one for one in messages(change, source) if one.id not in ids]
    _count(change, source, target, moved)
    put(change, [*_places(change, source, source, rest), *_places(change, source, target, own)])
    source.entries, target.entries = len(rest), len(own)
    _follow(change, source, target, moved)
    _record(change, source, f"{WENT}#{target.number}", ids, verb)
    _record(change, target, f"{CAME}#{source.number}", ids, verb)
    waiting.pass_on(change, source, {one.at for one in moved if one.kind == "inbound"}, verb)
    for ticket in (source, target):
        waiting.recount(change, ticket)


def turn(change: Change, ticket: Ticket, event: Event) -> str:
    """Undo's door: the messages that came to this ticket go back. Raises Conflict when they have moved on, or when
    something else was said on a ticket that goes away with them.
    """
    if not event.field.startswith(CAME):
        return ""  # told by the event of the ticket to which they came
    other = change.ticket(int(event.field.removeprefix(f"{CAME}#")))
    undone = change.cause == "undo"
    there = [one for one in messages(change, ticket) if one.withdrawn_at is None]
    back = [one for one in there if one.id in event.new]
    elsewhere = other.merged_into not in (None, ticket.number) or (undone and ticket.merged_into)
    if elsewhere or len(back) < len(event.new):
        raise Conflict(f"#{ticket.number}: the messages of #{other.number} have moved on since; nothing was taken back")
    if (event.verb == "split") == undone and len(there) > len(back):
        raise Conflict(f"#{ticket.number}: something else was said there since; nothing was taken back")
    move(change, ticket, other, back, event.verb, first_stays=not (undone and event.verb == "merge"))
    return f"{len(back)} message{'s' * (len(back) != 1)} to #{other.number}"


def _record(change: Change, ticket: Ticket, field: str, ids: list[int], verb: str) -> None:
    change.touch(ticket).fields[field] = (None, ids)
    change.happened(ticket, "changed")
    change.record(verb, ticket=ticket, field=field, new=ids)


# --- places -----------------------------------------------------------------------------------------------------------


def put(change: Change, places: Sequence[Place]) -> None:
    """Give messages new places, where search finds them; one that was taken back is not found."""
    found = [at for at in places if at.entry.withdrawn_at is None]
    for at in found:
        change.unindex(at.source, at.entry.position, at.searched)
    for at in found:
        change.index(at.ticket, at.position, at.searched)
    for at in places:
        execute(change.session, "UPDATE entry SET position = -position WHERE id = ?", (at.entry.id,))
    for at in places:
        execute(change.session, _PUT, (at.ticket.number, at.position, at.entry.id))
        change.session.expire(at.entry)


def _places(change: Change, source: Ticket, ticket: Ticket, entries: Sequence[Entry]) -> list[Place]:
    """The places of those that don't stand there yet."""
    numbered = [(one, place) for place, one in enumerate(entries, 1)]
    new = [(one, place) for one, place in numbered if (one.ticket, one.position) != (ticket.number, place)]
    files = files_of(change, [one for one, _ in new])
    return [
        Place(one, ticket if one.ticket == ticket.number else source, ticket, place, files[one.id or 0])
        for one, place in new
    ]


def files_of(change: Change, entries: Sequence[Entry]) -> dict[int, list[Attachment]]:
    """The files of each of these messages, by its id."""
    found: dict[int, list[Attachment]] = {one.id or 0: [] for one in entries}
    query = select(Attachment).where(col(Attachment.entry_id).in_(found)).order_by(col(Attachment.id))
    for file in change.session.exec(query):
        found[file.entry_id].append(file)
    return found


def _count(change: Change, source: Ticket, target: Ticket, moved: Sequence[Entry]) -> None:
    """Their files count where they are."""
    count = sum(logos.counts(file) for files in files_of(change, moved).values() for file in files)
    source.attachments -= count
    target.attachments += count


def _follow(change: Change, source: Ticket, target: Ticket, moved: Sequence[Entry]) -> None:
    """What becomes of their mails shows where they are now; a further copy of one is news of that ticket."""
    for one in moved:
        if one.kind == "reply":
            execute(change.session, "UPDATE outbox SET ticket = ? WHERE entry_id = ?", (target.number, one.id))
        if one.raw:
            execute(change.session, _COPIES, (target.number, one.raw, source.number))


_PUT = "UPDATE entry SET ticket = ?, position = ? WHERE id = ?"
_COPIES = "UPDATE intake SET ticket = ? WHERE digest = ? AND ticket = ?"
