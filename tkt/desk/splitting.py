"""A message about something else gets a ticket of its own.

The message moves, with its files, and becomes the first of a new ticket whose requester is who wrote it; a note is a
colleague's, so its new ticket is for the customer of the old one. The new ticket came in when the message did: its
promises run from there. It takes over the way it came (channel, mailbox, language), the team and the subject; what else
it is about is for rules and agents to say. The old ticket waits as if the message had never been there.

Both histories name the other ticket. A mail that answers the message goes where the message is
(`tkt.channels.mail.filing.thread`). Undo brings it back while nothing else was said on the new ticket.
"""

from __future__ import annotations

from tkt.desk import moving, people, tickets
from tkt.desk.conversation import refuse_merged
from tkt.desk.unit import Change, Desk
from tkt.errors import Conflict, NotFound
from tkt.store.rows import keep
from tkt.store.tables import Entry, Ticket

VERB = LINK = "split"

KINDS = ("inbound", "note")
"""What can be split off: answers belong to what they answer."""


def split(desk: Desk, number: int, entry: int | None = None, version: int | None = None) -> Ticket:
    """Give a message of this ticket (by its id; None: the newest of a customer) a ticket of its own; the new ticket.

    Raises NotFound (no such message here), NotAllowed, Conflict (it opened the ticket, or is no customer's message or
    note; the ticket was merged).
    """
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        refuse_merged(ticket)
        message = _chosen(change, ticket, entry)
        made = _open(change, ticket, message)
        moving.move(change, ticket, made, [message], VERB)
        tickets.link(change, made, ticket, LINK)
        return made


def _chosen(change: Change, ticket: Ticket, entry: int | None) -> Entry:
    standing = [one for one in moving.messages(change, ticket) if one.withdrawn_at is None]
    if entry is None:
        written = [one for one in standing if one.kind == "inbound" and not one.machine]
        chosen = written[-1] if written else None
    else:
        chosen = next((one for one in standing if one.id == entry), None)
    if chosen is None:
        what = "message of a customer" if entry is None else f"message {entry}"
        raise NotFound(f"#{ticket.number} has no {what}; 'tkt show {ticket.number}' has the ids")
    if chosen is standing[0]:
        raise Conflict(f"#{ticket.number} begins with this message, which can't be split off")
    if chosen.kind not in KINDS:
        raise Conflict(f"#{ticket.number}: only a customer's message or a note can be split off, not a {chosen.kind}")
    return chosen


def _open(change: Change, ticket: Ticket, message: Entry) -> Ticket:
    """The new ticket, without its message yet."""
    made = Ticket(
        subject=ticket.subject,
        channel=ticket.channel,
        mailbox=ticket.mailbox,
        language=ticket.language,
        team_id=ticket.team_id,
        requester_id=ticket.requester_id if message.kind == "note" else _writer(change, message),
        created_at=message.at,
        updated_at=change.at,
        version=0,
    )
    keep(change.session, made)
    change.index(made, 0, made.subject)
    touched = change.touch(made)
    touched.created, touched.machine = True, bool(message.machine)
    change.record("create", ticket=made, new=made.subject)
    change.happened(made, "created")
    return made


def _writer(change: Change, message: Entry) -> int | None:
    """The customer who wrote it, though on somebody else's ticket; not a machine, nor one of ours."""
    if message.machine or message.author_address in people.own_addresses(change):
        return None
    return message.person_id
