"""Which promise holds for a ticket: the policies of the desk, and the calendar a promise runs by.

The policy that the customer, else their company, has for themselves; where they have none, or one that is no longer in
the file, the first active policy of the file whose `match` fits the ticket; an empty match fits all. A clock keeps
pointing at the version of policy and calendar it was computed with, so retired versions are found here too.
In a match `team:` is the team whose ticket it is: who copies in another team's mailbox changes no promise.
What was read is kept in `Definitions.cache` and lives as long as one configuration.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from sqlmodel import Session, col, select

from tkt.sla.calendar import Calendar
from tkt.sla.policy import Policy, read_policy
from tkt.sla.ticket_state import TicketState
from tkt.store.constants import ALWAYS, PRIORITY_NAMES
from tkt.store.definitions import Declared, Definitions, calendar_name
from tkt.store.read_clauses import Vocabulary
from tkt.store.tables import Definition, Team
from tkt.times import to_micros

if TYPE_CHECKING:
    from tkt.query.evaluate import Facts


OWN = "sla.own"
"""The setting that is there once a customer or company has a policy for themselves."""


class Terms(NamedTuple):
    """What one clock is held to: policy, calendar (its id is None for 24x7) and target in open seconds."""

    policy: Policy
    calendar_id: int | None
    calendar: Calendar
    target: int


def choose(definitions: Definitions, facts: Callable[[], Facts], at: datetime) -> Policy | None:
    """The policy that holds for the ticket; None when nothing is promised.

    `facts` is called once at most, and only where a policy has a match or some customer one of their own.
    """
    known = cache(facts)
    if definitions.setting(OWN) and (own := definitions.named("sla", known().sla)):
        return _read(definitions, own)
    for declared in definitions.of("sla"):
        policy = _read(definitions, declared)
        if not policy.match.strip() or _fits(definitions, policy, known(), at):
            return policy
    return None


def terms(session: Session, definitions: Definitions, policy: Policy, ticket: TicketState, metric: str) -> Terms | None:
    """What the policy promises this ticket as it stands; None where it promises nothing for the metric."""
    target = policy.target(PRIORITY_NAMES[ticket.priority], metric)
    if target is None:
        return None
    calendar_id = _calendar_id(session, definitions, policy, ticket.team_id)
    return Terms(policy, calendar_id, calendar_of(session, definitions, calendar_id), target)


def policy_of(session: Session, definitions: Definitions, identifier: int) -> Policy:
    """The policy version with this definition id, retired ones too."""
    return _read(definitions, definitions.by_id(session, identifier))


def calendar_of(session: Session, definitions: Definitions, identifier: int | None) -> Calendar:
    """The calendar version with this definition id, retired ones too; None is 24x7."""
    key = ("sla calendar", identifier)
    if key not in definitions.cache:
        definitions.cache[key] = _calendar(session, definitions, identifier)
    found: Calendar = definitions.cache[key]
    return found


def _read(definitions: Definitions, declared: Declared) -> Policy:
    key = ("sla policy", declared.id)
    if key not in definitions.cache:
        definitions.cache[key] = read_policy(declared.id, declared.name, declared.body)
    found: Policy = definitions.cache[key]
    return found


def _fits(definitions: Definitions, policy: Policy, facts: Facts, at: datetime) -> bool:
    from tkt.query.evaluate import matches
    from tkt.query.language import parse

    key = ("sla match", policy.id)
    if key not in definitions.cache:
        definitions.cache[key] = parse(policy.match)
    return matches(definitions.cache[key], facts, _vocabulary(definitions, at))


def _vocabulary(definitions: Definitions, at: datetime) -> Vocabulary:
    zone = definitions.setting("desk.timezone", "UTC")
    names = definitions.teams, definitions.agents, definitions.statuses
    return Vocabulary(*names, None, to_micros(at), zone, owned=True)


def _calendar(session: Session, definitions: Definitions, identifier: int | None) -> Calendar:
    if identifier is None:
        return Calendar.always()
    declared = definitions.by_id(session, identifier)
    return Calendar.from_definition(declared.name, declared.body)


def _calendar_id(session: Session, definitions: Definitions, policy: Policy, team_id: int | None) -> int | None:
    team_calendar = _team_calendars(session, definitions).get(team_id or 0, "") if not policy.calendar else ""
    name = calendar_name(team_calendar, policy.calendar)
    if name == ALWAYS:
        return None
    key = ("sla calendar id", name)
    if key not in definitions.cache:
        active = definitions.named("calendar", name)
        definitions.cache[key] = active.id if active else _retired(session, name)
    found: int | None = definitions.cache[key]
    return found


def _team_calendars(session: Session, definitions: Definitions) -> dict[int, str]:
    key = "sla team calendars"
    if key not in definitions.cache:
        definitions.cache[key] = {row.id: row.calendar for row in session.exec(select(Team)) if row.id}
    found: dict[int, str] = definitions.cache[key]
    return found


def _retired(session: Session, name: str) -> int | None:
    """The last version of a calendar that only a retired team still names."""
    versions = select(Definition.id).where(Definition.kind == "calendar", Definition.name == name)
    return session.exec(versions.order_by(col(Definition.version).desc()).limit(1)).first()
