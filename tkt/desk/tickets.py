"""The verbs of a ticket's life: create, set, assign, take, tag, status.

Each is one transaction on one ticket. Those that may be prepared against what somebody saw take a `version` and raise
Conflict when the ticket has moved on. Words outside their set (a priority, a status, a team) are UsageErrors that name
the known ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from tkt.automation.assign import choose
from tkt.desk import confirmations, conversation, matrix, notices, people, statuses, teams, values
from tkt.desk.conversation import Message, Upload
from tkt.desk.storable import storable
from tkt.desk.unit import Change, Desk
from tkt.errors import Conflict, TktError, UsageError
from tkt.store.constants import PRIORITIES
from tkt.store.definitions import Definitions
from tkt.store.rows import keep
from tkt.store.tables import Ticket, TicketField, TicketLink, TicketTag

SUBJECT_LIMIT = 1000
"""Characters of a subject that are kept; the mail itself keeps all of it."""

ASKS_NOTHING = ("auto-reply", "bounce", "report", "loop", values.SPAM)
"""Kinds of machine mail that want no answer: a ticket of theirs is closed at once, findable but in nobody's queue."""


def create(
    desk: Desk,
    subject: str,
    *,
    text: str = "",
    message: Message | None = None,
    requester: tuple[str, str] | None = None,
    attachments: Sequence[Upload] = (),
    channel: str = "cli",
    mailbox: str = "",
    team: str | None = None,
    priority: str | None = None,
    category: str = "",
    type: str = "",
    tags: Iterable[str] = (),
    fields: Mapping[str, str] | None = None,
    assignee: str | None = None,
    key: str | None = None,
    language: str = "",
    machine: str = "",
    confirm: bool = False,
) -> Ticket:
    """A new ticket, with the message that opens it.

    `requester` is (name, address); `text` (or `message`, from a channel) becomes its first entry; `key` makes the call
    idempotent: the ticket that has it is returned unchanged. `machine` says why the message counts as automatic: no
    confirmation, no clocks. `confirm` sends the requester a confirmation. Without `priority` it is normal, or what a
    matrix makes of the fields.
    Raises TktError (no subject), UsageError, NotFound (agent, team), NotAllowed.
    """
    subject = " ".join(storable(subject).split())[:SUBJECT_LIMIT]
    if not subject:
        raise TktError("a ticket needs a subject")
    if key is not None and not (key := storable(key).strip()):
        raise UsageError("a key can't be empty: it is what makes two calls the same")
    try:
        with desk.change() as change:
            change.require("agent")
            existing = _with_key(change, key)
            if existing is not None:
                return existing
            ticket = Ticket(
                subject=subject,
                priority=PRIORITIES[values.priority(priority or "normal")],
                category=values.category(category),
                type=values.plain(type),
                channel=channel,
                mailbox=mailbox,
                language=language,
                team_id=team_id(change.definitions, team),
                key=key,
                created_at=change.at,
                updated_at=change.at,
                version=0,
            )
            _fill(change, ticket, requester or _writer(message), language)
            _open(change, ticket, message, text, attachments, machine)
            _describe(change, ticket, tags, fields or {}, assignee)
            if priority is None and fields:
                matrix.follow(change, ticket, [f"field.{name}" for name in fields])
            if machine.partition(":")[0] in ASKS_NOTHING:
                statuses.move(change, ticket, "closed")
            elif confirm and not machine:
                confirmations.confirm(change, ticket, message)
            return ticket
    except IntegrityError as error:
        if key is None:
            raise
        # Two calls with the same key at once: the other one's ticket is the ticket.
        return _ticket_of_key(desk, key, error)


def set_fields(desk: Desk, number: int, wanted: Mapping[str, str], version: int | None = None) -> list[str]:
    """Change fields by their names in `tkt set` (priority, team, teams, category, type, subject, due, status,
    assignee, field.NAME); the names that changed. Raises UsageError, NotFound, NotAllowed, Conflict."""
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        type = wanted.get("type", ticket.type)
        checked = {name: values.check(change, name, value, type) for name, value in wanted.items()}
        changed: list[str] = []
        for name, value in checked.items():
            if name.startswith("field."):
                changed += _set_field(change, ticket, name.removeprefix("field."), value)
            elif name == "status":
                changed += statuses.move(change, ticket, str(value))
            elif name == "subject":
                changed += _rename(change, ticket, str(value))
            elif name == "teams":
                changed += teams.set_teams(change, ticket, value)
            else:
                changed += change.set(ticket, "assign" if name == "assignee" else "set", **{name: value})
        if "priority" not in checked:
            changed += matrix.follow(change, ticket, changed)
        if "assignee" in changed:
            notices.tell_of_assignment(change, ticket)
        return changed


def assign(desk: Desk, number: int, to: str, version: int | None = None) -> str | None:
    """Give the ticket to an agent by name, to "me", to nobody ("none"), or to whom its team's way of assigning chooses
    ("auto"); who has it now. Raises NotFound, NotAllowed, Conflict ("auto" finds nobody)."""
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        name = _assignee_named(change, ticket, to)
        if change.set(ticket, "assign", assignee=name):
            notices.tell_of_assignment(change, ticket)
        return name


def take(desk: Desk, number: int, version: int | None = None) -> None:
    """Claim a ticket for the acting agent. Raises Conflict when somebody else has it."""
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        if ticket.assignee_id not in (None, change.actor.agent_id):
            holder = change.definitions.agent_names.get(ticket.assignee_id or 0, "somebody else")
            raise Conflict(f"#{number} is {holder}'s; 'tkt assign {number} me' takes it over")
        change.set(ticket, "assign", assignee=values.myself(change))
        ticket.unread = False


def tag(desk: Desk, number: int, add: Iterable[str] = (), remove: Iterable[str] = ()) -> list[str]:
    """Add and remove tags; the ones that changed. Raises UsageError, NotFound, NotAllowed."""
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number)
        gone = [name for name in map(values.tag, remove) if _untag(change, ticket, name)]
        return gone + [name for name in map(values.tag, add) if _tag(change, ticket, name)]


def set_status(desk: Desk, number: int, status: str, version: int | None = None, text: str = "") -> list[str]:
    """Move the ticket to a status, with an internal note if a text is given; the fields that changed.
    Raises UsageError, NotFound, NotAllowed, Conflict."""
    with desk.change() as change:
        change.require("agent")
        ticket = change.ticket(number, version)
        if text.strip():
            conversation.note(desk, number, text)
        changed = statuses.move(change, ticket, status)
        if changed:
            ticket.unread = False
        return changed


def seen(desk: Desk, number: int) -> None:
    """Somebody of the desk has read the ticket: it is no longer unread. No event and no new version, so that nobody's
    work on it is stopped; a viewer's reading does not count. Raises NotFound."""
    with desk.change() as change:
        if change.actor.role != "viewer":
            change.ticket(number).unread = False


def link(change: Change, ticket: Ticket, other: Ticket, kind: str) -> None:
    """Record that `ticket` stands in this relation to `other`."""
    assert ticket.number and other.number
    change.session.add(TicketLink(ticket=ticket.number, other=other.number, kind=kind))
    change.record("link", ticket=ticket, field=kind, new=other.number)


# --- creating ---------------------------------------------------------------------------------------------------------


def team_id(definitions: Definitions, name: str | None) -> int | None:
    """The team that was named; in a desk of one team, that one."""
    if name:
        return definitions.teams[values.team(definitions, name)]
    return next(iter(definitions.teams.values())) if len(definitions.teams) == 1 else None


def _with_key(change: Change, key: str | None) -> Ticket | None:
    return change.session.exec(select(Ticket).where(Ticket.key == key)).first() if key else None


def _ticket_of_key(desk: Desk, key: str, error: IntegrityError) -> Ticket:
    with desk.change() as change:
        existing = _with_key(change, key)
        if existing is None:
            raise error
        return existing


def _writer(message: Message | None) -> tuple[str, str] | None:
    return (message.author, message.address) if message and people.is_address(message.address) else None


def _fill(change: Change, ticket: Ticket, requester: tuple[str, str] | None, language: str) -> None:
    """Give the ticket its customer, store it, and so give it its number."""
    if requester and requester[1].lower() not in people.own_addresses(change):
        ticket.requester_id = people.customer(change, *requester, language=language)
    keep(change.session, ticket)
    assert ticket.number is not None
    change.index(ticket, 0, ticket.subject)


def _open(
    change: Change,
    ticket: Ticket,
    message: Message | None,
    text: str,
    attachments: Sequence[Upload],
    machine: str,
) -> None:
    """The message that opens the ticket: from outside, or what the agent wrote down."""
    touched = change.touch(ticket)
    touched.created = True
    touched.machine = bool(machine)
    change.record("create", ticket=ticket, new=ticket.subject)
    change.happened(ticket, "created")
    if message is not None:
        conversation.add_message(change, ticket, message)
        requester = people.addresses_of(change, ticket) if message.cc else ()
        if not machine:  # whom a newsletter went to has no part in it
            conversation.let_copied_take_part(change, ticket, message, (message.address.lower(), *requester))
    elif text.strip() or attachments:
        _write_down(change, ticket, text, attachments)
    ticket.unread = message is not None and not machine


def _write_down(change: Change, ticket: Ticket, text: str, attachments: Sequence[Upload]) -> None:
    """What an agent entered: the customer's words if there is a customer, else an internal note."""
    customer = people.requester_of(change, ticket)
    if customer is None:
        entry = conversation.add_entry(change, ticket, "note", text, attachments=attachments)
        notices.tell_of_note(change, ticket, entry, text)
        return
    conversation.add_entry(
        change,
        ticket,
        "inbound",
        text,
        attachments=attachments,
        author=customer.name,
        author_address=customer.address,
        person_id=customer.person_id,
    )


def _describe(
    change: Change, ticket: Ticket, tags: Iterable[str], fields: Mapping[str, str], assignee: str | None
) -> None:
    for name in map(values.tag, tags):
        _tag(change, ticket, name)
    for name, value in fields.items():
        _set_field(change, ticket, name, values.field(change.definitions, name, value, ticket.type))
    if assignee and change.set(ticket, "assign", assignee=_assignee_named(change, ticket, assignee)):
        notices.tell_of_assignment(change, ticket)


# --- single fields ----------------------------------------------------------------------------------------------------


def _assignee_named(change: Change, ticket: Ticket, to: str) -> str | None:
    if to == "none":
        return None
    if to == "me":
        return values.myself(change)
    if to == "auto":
        chosen = choose(change.session, change.definitions, ticket, change.at)
        if chosen is None:
            raise Conflict(f"nobody can be chosen for #{ticket.number}: it has no team, or its team no active agents")
        return chosen
    return values.agent(change.definitions, to)


def _tag(change: Change, ticket: Ticket, name: str) -> bool:
    assert ticket.number is not None
    if change.session.get(TicketTag, (ticket.number, name)):
        return False
    change.session.add(TicketTag(ticket=ticket.number, tag=name))
    change.session.flush()
    _changed(change, ticket, "tag", "tag", None, name)
    change.touch(ticket).spam |= name == values.SPAM
    return True


def _untag(change: Change, ticket: Ticket, name: str) -> bool:
    row = change.session.get(TicketTag, (ticket.number, name))
    if row is None:
        return False
    change.session.delete(row)
    change.session.flush()
    _changed(change, ticket, "tag", "tag", name, None)
    return True


def _set_field(change: Change, ticket: Ticket, name: str, value: str | None) -> list[str]:
    """Set or (None) clear a custom field."""
    assert ticket.number is not None
    row = change.session.get(TicketField, (ticket.number, name))
    old = field_value(change, ticket, name)
    if old == value:
        return []
    if row is None:
        change.session.add(TicketField(ticket=ticket.number, name=name, value=value or ""))
    elif value is None:
        change.session.delete(row)
    else:
        row.value = value
    change.session.flush()
    _changed(change, ticket, "set", f"field.{name}", old, value)
    return [f"field.{name}"]


def _rename(change: Change, ticket: Ticket, subject: str) -> list[str]:
    if not subject:
        raise UsageError("a subject can't be empty")
    assert ticket.number is not None
    change.unindex(ticket, 0, ticket.subject)
    change.index(ticket, 0, subject)
    return change.set(ticket, "set", subject=subject)


def _changed(change: Change, ticket: Ticket, verb: str, field: str, old: str | None, new: str | None) -> None:
    touched = change.touch(ticket)
    touched.fields[field] = (old, new)
    change.happened(ticket, "changed")
    change.record(verb, ticket=ticket, field=field, old=old, new=new)


def field_value(change: Change, ticket: Ticket, name: str) -> str | None:
    """A custom field's value in its canonical form, None when it is empty."""
    row = change.session.get(TicketField, (ticket.number, name))
    return row.value if row else None


def apply_tag(change: Change, ticket: Ticket, old: str | None, new: str | None) -> None:
    """Undo's door to tags: take `old` off, put `new` on."""
    if old:
        _untag(change, ticket, old)
    if new:
        _tag(change, ticket, new)


def apply_subject(change: Change, ticket: Ticket, subject: str) -> None:
    """Undo's door to the subject."""
    _rename(change, ticket, subject)


def apply_field(change: Change, ticket: Ticket, name: str, value: str | None) -> None:
    """Undo's door to custom fields."""
    _set_field(change, ticket, name, value)
