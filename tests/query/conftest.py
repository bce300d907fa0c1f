"""A desk of random tickets, stored on an engine and known in memory, for what SQL and Python must agree on."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from sqlmodel import Session

from tkt.query.evaluate import Documents, Facts
from tkt.store.constants import STATUSES
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.read_clauses import Vocabulary
from tkt.store.search import add_document
from tkt.store.tables import (
    Address,
    Agent,
    Company,
    Definition,
    Entry,
    Person,
    Team,
    Ticket,
    TicketField,
    TicketTag,
    TicketTeam,
    Watcher,
)
from tkt.times import from_micros, to_micros

NOW = 1_790_000_000_000_000
TEAMS = ("network", "billing")
AGENTS = ("alice", "bob")
WORDS = ("vpn", "VPN-Gateway", "printer", "Ärger", "error", "42", "登录失败", "打印机坏了", "naïve", "it's")
HOURS = (-400, -49, -24, -23, -1, 0, 1, 2, 30)
PEOPLE = (
    ("Ann Lee", "", "Acme GmbH", "vip", ("ann@acme.com", "lee@home.example")),
    ("bob o'neill", "gold", "ACME, Inc", "", ("bob@sub.acme.com",)),
    ("Łukasz", "VIP", "", "", ("lukasz@example.org",)),
    ("", "", "", "", ("nobody_100%@example.org",)),
    ("No Mail", "", "Zürich AG", "silver", ()),
)


class Desk(NamedTuple):
    reader: Reader
    tickets: list[Facts]
    vocabulary: Vocabulary


@pytest.fixture
def random_desk(location: Location) -> Callable[[int], Desk]:
    def make(seed: int) -> Desk:
        draw, store = random.Random(seed), Store(location)
        with store.transaction() as session:
            people = _people(session)
            tickets = [_ticket(session, draw, number, people) for number in range(1, 61)]
        store.close()
        reader = open_reader(location, "alice")
        return Desk(reader, tickets, reader.vocabulary(NOW))

    return make


def _people(session: Session) -> list[int]:
    """Teams and agents too; the ids of teams and agents are their places in TEAMS and AGENTS, from 1."""
    found = []
    session.add_all([Team(id=n, name=name) for n, name in enumerate(TEAMS, 1)])
    session.add_all([Agent(id=n, name=name) for n, name in enumerate(AGENTS, 1)])
    for name in ("order_no", "other"):
        session.add(Definition(kind="field", name=name, body={}, created_at=from_micros(NOW)))
    for name, tier, company, company_tier, addresses in PEOPLE:
        row = Company(name=company, tier=company_tier) if company else None
        if row:
            session.add(row)
            session.flush()
        company_id = row.id if row else None
        person = Person(name=name, tier=tier, company_id=company_id, created_at=from_micros(NOW))
        session.add(person)
        session.flush()
        assert person.id is not None
        session.add_all([Address(address=address, person_id=person.id) for address in addresses])
        found.append(person.id)
    session.flush()
    return found


def _ticket(session: Session, draw: random.Random, number: int, people: list[int]) -> Facts:
    facts = _facts(draw, number)
    who = draw.choice([None, *range(len(PEOPLE))])
    texts = [_sentence(draw) for _ in range(draw.randint(0, 2))]
    subject = _sentence(draw)
    facts["documents"] = Documents(subject, lambda: texts)
    row = {name: value for name, value in facts.items() if name in _SAME}
    session.add(
        Ticket(
            **row,
            subject=subject,
            team_id=TEAMS.index(facts["team"]) + 1 if facts["team"] else None,
            assignee_id=AGENTS.index(facts["assignee"]) + 1 if facts["assignee"] else None,
            requester_id=None if who is None else people[who],
            **{name: None if facts[name] is None else from_micros(facts[name]) for name in _MOMENTS},
            unanswered_count=facts["unanswered"],
            reopened_count=facts["reopened"],
        )
    )
    session.flush()
    for tag in facts["tags"]:
        session.add(TicketTag(ticket=number, tag=tag))
    for name in facts["watchers"]:
        session.add(Watcher(ticket=number, agent_id=AGENTS.index(name) + 1))
    for name in facts["further_teams"]:
        session.add(TicketTeam(ticket=number, team_id=TEAMS.index(name) + 1))
    for name, value in facts["fields"].items():
        session.add(TicketField(ticket=number, name=name, value=value))
    for position, text in enumerate(texts, 1):
        session.add(Entry(ticket=number, position=position, kind="inbound", at=from_micros(NOW), text=text))
    for position, text in enumerate([subject, *texts]):
        add_document(session, number, position, text)
    if who is not None:
        name, tier, company, company_tier, addresses = PEOPLE[who]
        facts |= {"requester_name": name, "company": company, "tier": tier or company_tier, "addresses": addresses}
    return Facts(**facts)


_SAME = (
    "number", "status", "status_kind", "priority", "type", "category", "channel", "parent", "unread",
    "undelivered", "breached", "attachments",
)  # fmt: skip
_MOMENTS = ("created_at", "updated_at", "resolved_at", "due_at", "snoozed_until")


def _facts(draw: random.Random, number: int) -> dict[str, Any]:
    status = draw.choice(list(STATUSES))
    return {
        "number": number,
        "status": status,
        "status_kind": STATUSES[status],
        "priority": draw.randint(1, 4),
        "type": draw.choice(["", "incident", "Request"]),
        "category": draw.choice(["", "network", "network/vpn", "Network/VPN/client", "networks", "Büro"]),
        "channel": draw.choice(["mail", "cli"]),
        "team": draw.choice(["", *TEAMS]),
        "further_teams": frozenset(draw.sample(TEAMS, draw.choice([0, 0, 0, 1, 2]))),
        "assignee": draw.choice(["", *AGENTS]),
        "watchers": frozenset(draw.sample(AGENTS, draw.choice([0, 0, 1, 2]))),
        "tags": frozenset(draw.sample(["vpn", "spam", "größe"], draw.randint(0, 2))),
        "fields": {"order_no": draw.choice(["123", "it's", "a b"])} if draw.random() < 0.5 else {},
        "parent": draw.randint(1, number - 1) if number > 1 and draw.random() < 0.3 else None,
        "created_at": _moment(draw),
        "updated_at": _moment(draw),
        "resolved_at": draw.choice([None, _moment(draw)]),
        "due_at": draw.choice([None, _moment(draw)]),
        "snoozed_until": draw.choice([None, _moment(draw)]),
        "unread": draw.random() < 0.5,
        "undelivered": draw.random() < 0.2,
        "breached": draw.random() < 0.3,
        "attachments": draw.choice([0, 0, 2]),
        "unanswered": draw.randint(0, 3),
        "reopened": draw.choice([0, 0, 1, 2]),
    }


def _moment(draw: random.Random) -> int:
    """Often exactly where a query's duration or a day ends, or a microsecond beside it."""
    day = to_micros(from_micros(NOW).replace(hour=0, minute=0, second=0, microsecond=0))
    base = draw.choice([NOW, NOW, day])
    step = timedelta(hours=draw.choice(HOURS), microseconds=draw.choice([-1, 0, 1]))
    return base + step // timedelta(microseconds=1)


def _sentence(draw: random.Random) -> str:
    return " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, 5)))
