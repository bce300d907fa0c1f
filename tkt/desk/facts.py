"""One ticket as queries see it inside a change: what rules and SLA policies are matched against."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tkt.desk import people
from tkt.desk.unit import Change
from tkt.query.evaluate import Documents, Facts
from tkt.store.read_clauses import Vocabulary
from tkt.store.rows import rows
from tkt.store.tables import Entry, Ticket
from tkt.times import to_micros


def ticket_facts(change: Change, ticket: Ticket) -> Facts:
    """The ticket as it stands now, unwritten changes included; collected anew only after something was recorded."""
    held = change.facts.get(ticket.number or 0)
    if held is None or held[0] != len(change.events):
        held = change.facts[ticket.number or 0] = len(change.events), _collect(change, ticket)
    return held[1]


def gather(change: Change, tickets: Sequence[Ticket]) -> None:
    """Read what `ticket_facts` needs of many tickets in a few statements, as long as this change does not change it."""
    if len(tickets) < 2:
        return
    people.gather_requesters(change, [ticket.requester_id for ticket in tickets if ticket.requester_id])
    numbers = [ticket.number for ticket in tickets]
    marks = ", ".join("?" * len(numbers))
    found: dict[int, dict[str, dict[str, str]]] = {number or 0: _nothing() for number in numbers}
    for number, kind, name, value in rows(change.session, _BELONGING_TO.format(marks), numbers * 4):
        found[number][kind][name] = value
    change.memory.update({("belonging", number): belonging for number, belonging in found.items()})


def _collect(change: Change, ticket: Ticket) -> Facts:
    definitions = change.definitions
    belonging = _belonging(change, ticket)
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
        further_teams=frozenset(definitions.team_names[int(identifier)] for identifier in belonging["team"]),
        assignee=definitions.agent_names.get(ticket.assignee_id or 0, ""),
        requester_name=customer.name if customer else "",
        addresses=customer.addresses if customer else (),
        company=customer.company if customer else "",
        tier=customer.tier if customer else "",
        sla=customer.sla if customer else "",
        watchers=frozenset(definitions.agent_names[int(identifier)] for identifier in belonging["watcher"]),
        tags=frozenset(belonging["tag"]),
        fields=belonging["field"],
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
        unanswered=ticket.unanswered_count,
        reopened=ticket.reopened_count,
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
    if change.session.new or any(isinstance(row, Entry) for row in change.session.dirty):
        change.session.flush()
    return [text for (text,) in rows(change.session, _TEXTS, (ticket.number,) * 2)]


def _belonging(change: Change, ticket: Ticket) -> dict[str, dict[str, str]]:
    """What belongs to a ticket: its tags, its custom fields with their values, the ids of its further teams and of its
    watchers.
    """
    number = ticket.number
    known: dict[str, dict[str, str]] | None = change.memory.get(("belonging", number))
    if known is not None and not any(_gives(event, number) for event in change.events):
        return known
    found = _nothing()
    touched = change.touched.get(ticket.number or 0)
    if touched and touched.created and not any(_gives(event, ticket.number) for event in change.events):
        return found  # made in this change, with none of them: the store need not be asked
    for kind, name, value in rows(change.session, _BELONGING, (ticket.number,) * 4):
        found[kind][name] = value
    return found


def _nothing() -> dict[str, dict[str, str]]:
    return {"tag": {}, "field": {}, "team": {}, "watcher": {}}


def _gives(event: dict[str, Any], number: int | None) -> bool:
    """Whether this event gives (or takes) something that `_belonging` collects."""
    field: str = event["field"]
    return event["ticket"] == number and field.startswith(("tag", "field.", "teams", "watcher"))


_TEXTS = """
SELECT text FROM entry WHERE ticket = ? AND withdrawn_at IS NULL
UNION ALL SELECT attachment.name FROM attachment JOIN entry ON entry.id = attachment.entry_id
    WHERE entry.ticket = ? AND entry.withdrawn_at IS NULL
"""
_BELONGING_TO = """
SELECT ticket, 'tag', tag, '' FROM ticket_tag WHERE ticket IN ({0})
UNION ALL SELECT ticket, 'field', name, value FROM ticket_field WHERE ticket IN ({0})
UNION ALL SELECT ticket, 'team', CAST(team_id AS TEXT), '' FROM ticket_team WHERE ticket IN ({0})
UNION ALL SELECT ticket, 'watcher', CAST(agent_id AS TEXT), '' FROM watcher WHERE ticket IN ({0})
"""
_BELONGING = """
SELECT 'tag', tag, '' FROM ticket_tag WHERE ticket = ?
UNION ALL SELECT 'field', name, value FROM ticket_field WHERE ticket = ?
UNION ALL SELECT 'team', CAST(team_id AS TEXT), '' FROM ticket_team WHERE ticket = ?
UNION ALL SELECT 'watcher', CAST(agent_id AS TEXT), '' FROM watcher WHERE ticket = ?
"""


def _micros(moment: datetime | None) -> int | None:
    return to_micros(moment) if moment else None
