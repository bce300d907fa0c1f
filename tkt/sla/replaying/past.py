"""What the store knows of a ticket's past: its row, its events, its messages, and what belongs to it.

Read in portions, in plain SQL; a few statements for some hundred tickets. What a ticket was before its first event is
found by `tkt.sla.replaying.replay`, which goes through the events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlmodel import Session

from tkt.sla.replaying.customer_past import Customer
from tkt.sla.ticket_state import CAME, WENT
from tkt.store.rows import rows

PORTION = 500
"""Tickets that are read at once."""


class PastEvent(NamedTuple):
    """One event of the ticket; `at` in microseconds UTC, `old` and `new` JSON values."""

    id: int
    at: int
    change: str
    actor: str
    entry: int | None
    verb: str
    field: str
    old: Any
    new: Any
    cause: str
    undoes: str | None


class PastEntry(NamedTuple):
    """One message, where it stands now; `files` are those that count as attachments."""

    id: int
    position: int
    kind: str
    at: int
    by_agent: bool
    machine: str
    files: int


class PastTicket(NamedTuple):
    """The ticket's row as it is now; moments in microseconds UTC."""

    number: int
    subject: str
    status: str
    status_kind: str
    priority: int
    type: str
    category: str
    channel: str
    team_id: int | None
    assignee_id: int | None
    requester_id: int | None
    parent: int | None
    merged_into: int | None
    created_at: int
    updated_at: int
    first_response_at: int | None
    resolved_at: int | None
    closed_at: int | None
    unanswered_since: int | None
    due_at: int
    manual_due_at: int | None
    snoozed_until: int | None
    undelivered: bool
    breached: bool
    unanswered_count: int
    reopened_count: int


class Past(NamedTuple):
    """Everything of one ticket; tags, fields, teams, watchers and customer as they are now."""

    ticket: PastTicket
    events: list[PastEvent]
    entries: list[PastEntry]
    tags: frozenset[str]
    fields: dict[str, str]
    teams: frozenset[int]
    watchers: frozenset[int]
    customer: Customer


def read_pasts(session: Session, numbers: Sequence[int]) -> list[Past]:
    """The past of each of these tickets (at most PORTION) that is there, by number."""
    found = (PastTicket._make(row) for row in _rows(session, _TICKETS, numbers))
    tickets = [one._replace(undelivered=bool(one.undelivered), breached=bool(one.breached)) for one in found]
    rows_of_events = _grouped(_rows(session, _EVENTS, numbers))
    events = {number: [_event(row) for row in some] for number, some in rows_of_events.items()}
    entries = _grouped(_rows(session, _ENTRIES, numbers))
    elsewhere = _elsewhere(session, events, entries)
    belonging = _grouped(_rows(session, _BELONGING, numbers, times=4))
    customers = _customers(session, {one.requester_id for one in tickets if one.requester_id})
    return [
        Past(
            one,
            events.get(one.number, []),
            [*(PastEntry(*row) for row in entries.get(one.number, [])), *elsewhere.get(one.number, [])],
            *_belongs(belonging.get(one.number, [])),
            customers.get(one.requester_id or 0, Customer()),
        )
        for one in tickets
    ]


def _event(row: Sequence[Any]) -> PastEvent:
    *before, old, new, cause, undoes = row
    return PastEvent._make([*before, _value(old), _value(new), cause, undoes])


def read_texts(session: Session, entries: Sequence[int]) -> dict[int, list[str]]:
    """What the search index has of each of these messages, by its id: its text, and the names of its files."""
    found = {identifier: [text] for identifier, text in _rows(session, _TEXTS, entries)}
    for identifier, name in _rows(session, _FILES, entries):
        found[identifier].append(name)
    return found


def _elsewhere(
    session: Session, events: Mapping[int, Sequence[PastEvent]], entries: Mapping[int, Sequence[tuple[Any, ...]]]
) -> dict[int, list[PastEntry]]:
    """By ticket, the messages that its history tells of and that are on another ticket now."""
    missing: dict[int, list[int]] = {}
    for number, history in events.items():
        moves = [event for event in history if event.field.startswith((CAME, WENT))]
        if moves:
            named = {event.entry for event in history if event.entry}.union(*(event.new for event in moves))
            missing[number] = sorted(named - {row[0] for row in entries.get(number, [])})
    found = _rows(session, _MOVED, sorted(set[int]().union(*missing.values())))
    by_id = {row[0]: PastEntry(*row) for row in found}
    return {number: [by_id[one] for one in ids] for number, ids in missing.items()}


def _belongs(
    found: Iterable[tuple[Any, ...]],
) -> tuple[frozenset[str], dict[str, str], frozenset[int], frozenset[int]]:
    rows_by_kind: dict[str, list[tuple[str, str]]] = {"tag": [], "field": [], "team": [], "watcher": []}
    for kind, name, value in found:
        rows_by_kind[kind].append((name, value))
    teams, watchers = (frozenset(int(name) for name, _ in rows_by_kind[kind]) for kind in ("team", "watcher"))
    return frozenset(name for name, _ in rows_by_kind["tag"]), dict(rows_by_kind["field"]), teams, watchers


def _customers(session: Session, people: Iterable[int]) -> dict[int, Customer]:
    ids = sorted(people)
    addresses: dict[int, list[str]] = {}
    for person, address in _rows(session, _ADDRESSES, ids):
        addresses.setdefault(person, []).append(address)
    return {
        one: Customer(name, tuple(addresses.get(one, ())), *rest) for one, name, *rest in _rows(session, _PEOPLE, ids)
    }


def _rows(session: Session, sql: str, keys: Sequence[int], times: int = 1) -> list[Any]:
    if not keys:
        return []
    return rows(session, sql.replace("IN ?", f"IN ({', '.join('?' * len(keys))})"), [*keys] * times)


def _grouped(found: Iterable[Sequence[Any]]) -> dict[int, list[tuple[Any, ...]]]:
    """Rows without their first column, by it."""
    groups: dict[int, list[tuple[Any, ...]]] = {}
    for row in found:
        groups.setdefault(row[0], []).append(tuple(row[1:]))
    return groups


def _value(text: str | None) -> Any:
    return None if text is None else json.loads(text)


_TICKETS = f"SELECT {', '.join(PastTicket._fields)} FROM ticket WHERE number IN ? ORDER BY number"
_EVENTS = """
SELECT ticket, id, at, change, actor, entry, verb, field, CAST(old AS TEXT), CAST(new AS TEXT), cause, undoes
FROM event WHERE ticket IN ? ORDER BY ticket, id
"""
_ENTRY = """
e.id, e.position, e.kind, e.at, e.agent_id IS NOT NULL, e.machine,
(SELECT count(*) FROM attachment a WHERE a.entry_id = e.id AND NOT a.inline AND NOT a.logo)
"""
_ENTRIES = f"SELECT e.ticket, {_ENTRY} FROM entry e WHERE e.ticket IN ? ORDER BY e.ticket, e.position"
_MOVED = f"SELECT {_ENTRY} FROM entry e WHERE e.id IN ?"
_BELONGING = """
SELECT ticket, 'tag', tag, '' FROM ticket_tag WHERE ticket IN ?
UNION ALL SELECT ticket, 'field', name, value FROM ticket_field WHERE ticket IN ?
UNION ALL SELECT ticket, 'team', CAST(team_id AS TEXT), '' FROM ticket_team WHERE ticket IN ?
UNION ALL SELECT ticket, 'watcher', CAST(agent_id AS TEXT), '' FROM watcher WHERE ticket IN ?
"""
_ADDRESSES = "SELECT person_id, address FROM address WHERE person_id IN ? ORDER BY address"
_PEOPLE = """
SELECT p.id, p.name, coalesce(c.name, ''), p.tier, p.sla, coalesce(c.tier, ''), coalesce(c.sla, '')
FROM person p LEFT JOIN company c ON c.id = p.company_id WHERE p.id IN ?
"""
_TEXTS = "SELECT id, text FROM entry WHERE id IN ?"
_FILES = "SELECT entry_id, name FROM attachment WHERE entry_id IN ? ORDER BY id"
