"""One ticket as queries see it inside a change: what rules and SLA policies are matched against."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import col, select

from tkt.desk import people
from tkt.desk.unit import Change
from tkt.query.evaluate import Documents, Facts
from tkt.store.read_clauses import Vocabulary
from tkt.store.rows import rows
from tkt.store.tables import Attachment, Entry, Ticket
from tkt.times import to_micros


def ticket_facts(change: Change, ticket: Ticket) -> Facts:
    """The ticket as it stands now, unwritten changes included; collected anew only after something was recorded."""
    held = change.facts.get(ticket.number or 0)
    if held is None or held[0] != len(change.events):
        held = change.facts[ticket.number or 0] = len(change.events), _collect(change, ticket)
    return held[1]


def _collect(change: Change, ticket: Ticket) -> Facts:
    definitions = change.definitions
    tags, fields = _tags_and_fields(change, ticket)
    customer = people.requester_of(change, ticket)
    assert ticket.number is not None
    return Facts(
        number=ticket.number,
        documents=Documents(ticket.subject, lambda: _texts(change, ticket)),
        status=ticket.status,
        status_kind=ticket.status_kind,
        priority=ticket.priority,
        type=ticket.type,
        category=ticket.category,
        channel=ticket.channel,
        team=definitions.team_names.get(ticket.team_id or 0, ""),
        assignee=definitions.agent_names.get(ticket.assignee_id or 0, ""),
        requester_name=customer.name if customer else "",
        addresses=customer.addresses if customer else (),
        company=customer.company if customer else "",
        tier=customer.tier if customer else "",
        tags=tags,
        fields=fields,
        parent=ticket.parent,
        created_at=to_micros(ticket.created_at),
        updated_at=to_micros(ticket.updated_at),
        resolved_at=_micros(ticket.resolved_at),
        due_at=_micros(ticket.due_at),
        snoozed_until=_micros(ticket.snoozed_until),
        unread=ticket.unread,
        undelivered=ticket.undelivered,
        breached=ticket.breached,
        attachments=ticket.attachments,
    )


def vocabulary(change: Change) -> Vocabulary:
    """The names a query may use, and who and when: what `matches` and the SQL compiler need."""
    definitions = change.definitions
    zone = definitions.setting("desk.timezone", "UTC")
    me = change.actor.agent_id
    teams = {name: number for number, name in definitions.team_names.items()}  # retired ones too: tickets keep them
    agents = {name: number for number, name in definitions.agent_names.items()}
    return Vocabulary(teams, agents, definitions.statuses, me, to_micros(change.at), zone)


def _texts(change: Change, ticket: Ticket) -> list[str]:
    """The searchable texts of the conversation, without what was taken back: what was said, the names of the files."""
    change.session.flush()
    stands = Entry.ticket == ticket.number, col(Entry.withdrawn_at).is_(None)
    said = change.session.exec(select(Entry.text).where(*stands))
    files = select(Attachment.name).join(Entry).where(*stands)
    return [*said, *change.session.exec(files)]


def _tags_and_fields(change: Change, ticket: Ticket) -> tuple[frozenset[str], dict[str, str]]:
    touched = change.touched.get(ticket.number or 0)
    if touched and touched.created and not any(name.startswith(("tag", "field.")) for name in touched.fields):
        return frozenset(), {}  # made in this change, with neither: the store need not be asked
    tags = rows(change.session, "SELECT tag FROM ticket_tag WHERE ticket = ?", (ticket.number,))
    fields = rows(change.session, "SELECT name, value FROM ticket_field WHERE ticket = ?", (ticket.number,))
    return frozenset(row[0] for row in tags), {name: value for name, value in fields}


def _micros(moment: datetime | None) -> int | None:
    return to_micros(moment) if moment else None
