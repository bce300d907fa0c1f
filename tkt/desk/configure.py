"""Making a desk, and changing what it is made of: desk.toml, agents, teams. Admins only.

The plan and its application are `tkt.config`'s; here they become verbs: permission, one transaction, and the
clocks that a changed calendar, policy or team moves.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable

from sqlmodel import col, select

from tkt.config.apply import apply
from tkt.config.changes import Change as Difference
from tkt.config.plan import plan, warnings
from tkt.config.schema import read
from tkt.config.show import current_text
from tkt.config.starter import starter
from tkt.desk import reactions
from tkt.desk.people import is_address
from tkt.desk.unit import SYSTEM, Change, Desk
from tkt.errors import Conflict, NotFound, UsageError
from tkt.store.constants import ROLES
from tkt.store.definitions import load_definitions, raise_generation
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.migrate import has_tables, upgrade
from tkt.store.tables import Agent, Setting, Team, TeamMember, Ticket

PROMISES = {"sla", "calendar", "team"}
"""What of a desk.toml a running clock depends on."""

RESERVED = ("me", "none", "auto", "assignee", "team", "supervisor", "requester")
"""Words that commands and rules use for something else than a name."""


def make_desk(location: Location, name: str, agent: str, email: str, timezone: str) -> str:
    """Make the store, its first admin and its starter configuration; the desk.toml text.

    Raises Conflict when there is a desk already, StoreUnreachable, StoreBusy.
    """
    if has_tables(location) and _has_agents(location):
        raise Conflict(f"there is a desk at {location.shown} already; nothing was changed")
    text = starter(name, timezone, agent, email)
    config = read(text)
    upgrade(location)
    store = Store(location)
    try:
        with Desk(store, SYSTEM).change() as change:
            change.session.add(Setting(key="desk.secret", value=secrets.token_hex(32)))
            apply(change.session, config, text, agent, change.at, change.id)
    finally:
        store.close()
    return text


def _has_agents(location: Location) -> bool:
    """Whether somebody works there already; nobody does where making the desk was cut short."""
    store = Store(location)
    try:
        with store.transaction() as session:
            return session.exec(select(Agent.id).limit(1)).first() is not None
    finally:
        store.close()


def plan_config(desk: Desk, text: str) -> tuple[list[Difference], list[str]]:
    """What applying this desk.toml would change, and what deserves a second look. Raises ConfigError, Conflict."""
    config = read(text)
    with desk.change() as change:
        changes = plan(change.session, config)
        return changes, warnings(change.session, changes, desk.actor.name)


def apply_config(desk: Desk, text: str) -> list[Difference]:
    """Apply this desk.toml in one transaction; what changed. Raises ConfigError, Conflict, NotAllowed."""
    config = read(text)
    with desk.change() as change:
        change.require("admin")
        changes = apply(change.session, config, text, change.actor.name, change.at, change.id)
        change.definitions = load_definitions(change.session, None)
        if PROMISES & {one.kind for one in changes}:
            _reconsider_promises(change)
        return changes


def _reconsider_promises(change: Change) -> None:
    """Every unfinished ticket's clocks, by the policies and calendars that are now in force."""
    unfinished = select(Ticket).where(col(Ticket.status_kind).in_(("open", "waiting"))).order_by(col(Ticket.number))
    with change.because("configuration"):
        for ticket in change.session.exec(unfinished.with_for_update()):
            reactions.reconsider(change, ticket)


def shown_config(desk: Desk) -> str:
    """The desk.toml that describes the desk as it is."""
    with desk.change() as change:
        return current_text(change.session)


def add_agent(desk: Desk, name: str, email: str | None, role: str) -> None:
    """Make an agent, or bring a retired one back. Raises UsageError, Conflict (there already), NotAllowed."""
    _check_role(role)
    if email is not None and not is_address(email):
        raise UsageError(f"'{email}' is no mail address")
    with desk.change() as change:
        change.require("admin")
        agent = change.session.exec(select(Agent).where(Agent.name == name)).first()
        if agent is not None and agent.active:
            raise Conflict(f"there is an agent '{name}' already; 'tkt agent set {name}' changes it")
        agent = agent or Agent(name=_plain_name(name))
        agent.active, agent.role = True, role
        agent.email = email.lower() if email else agent.email
        change.session.add(agent)
        _configured(change, f"agent {name}", None, role)


def set_agent(desk: Desk, name: str, email: str | None = None, role: str | None = None) -> None:
    """Change an agent's address or role. Raises NotFound, UsageError, Conflict (the last admin), NotAllowed."""
    with desk.change() as change:
        change.require("admin")
        agent = _agent(change, name)
        if role is not None and role != agent.role:
            _check_role(role)
            _keep_an_admin(change, agent, role == "admin")
            _configured(change, f"agent {name}", agent.role, role)
            agent.role = role
        if email is not None:
            if email and not is_address(email):
                raise UsageError(f"'{email}' is no mail address")
            _configured(change, f"agent {name}", agent.email, email)
            agent.email = email.lower() or None


def retire_agent(desk: Desk, name: str) -> None:
    """Retire an agent: history and tickets keep the name. Raises NotFound, Conflict (the last admin), NotAllowed."""
    with desk.change() as change:
        change.require("admin")
        agent = _agent(change, name)
        _keep_an_admin(change, agent, False)
        agent.active = False
        _configured(change, f"agent {name}", agent.role, None)


def add_team(desk: Desk, name: str, members: Iterable[str]) -> None:
    """Make a team, or bring a retired one back. Raises NotFound (member), Conflict (there already), NotAllowed."""
    with desk.change() as change:
        change.require("admin")
        team = change.session.exec(select(Team).where(Team.name == name)).first()
        if team is not None and team.active:
            raise Conflict(f"there is a team '{name}' already")
        team = team or Team(name=_plain_name(name), position=len(change.definitions.team_names))
        team.active = True
        change.session.add(team)
        change.session.flush()
        for member in members:
            change.session.merge(TeamMember(team_id=team.id or 0, agent_id=_agent(change, member).id or 0))
        _configured(change, f"team {name}", None, "added")


def change_members(desk: Desk, name: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
    """Let agents join or leave a team. Raises NotFound, NotAllowed."""
    with desk.change() as change:
        change.require("admin")
        team = _team(change, name)
        for member in add:
            change.session.merge(TeamMember(team_id=team.id or 0, agent_id=_agent(change, member).id or 0))
            _configured(change, f"team {name}", None, member)
        for member in remove:
            row = change.session.get(TeamMember, (team.id, _agent(change, member).id))
            if row is None:
                raise NotFound(f"'{member}' is not in the team '{name}'")
            change.session.delete(row)
            _configured(change, f"team {name}", member, None)


def retire_team(desk: Desk, name: str) -> None:
    """Retire a team: its tickets keep it. Raises NotFound, NotAllowed."""
    with desk.change() as change:
        change.require("admin")
        _team(change, name).active = False
        _configured(change, f"team {name}", "active", None)


def _configured(change: Change, what: str, old: str | None, new: str | None) -> None:
    change.record("config", field=what, old=old, new=new)
    raise_generation(change.session)


def _agent(change: Change, name: str) -> Agent:
    agent = change.session.exec(select(Agent).where(Agent.name == name, Agent.active)).first()
    if agent is None:
        raise NotFound(f"there is no agent '{name}'")
    return agent


def _team(change: Change, name: str) -> Team:
    team = change.session.exec(select(Team).where(Team.name == name, Team.active)).first()
    if team is None:
        raise NotFound(f"there is no team '{name}'")
    return team


def _keep_an_admin(change: Change, agent: Agent, stays: bool) -> None:
    others = select(Agent.id).where(Agent.role == "admin", Agent.active, col(Agent.id) != agent.id)
    if agent.role == "admin" and not stays and change.session.exec(others).first() is None:
        raise Conflict(f"'{agent.name}' is the last admin of this desk")


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError(f"'{role}' is no role; known: {', '.join(ROLES)}")


def _plain_name(name: str) -> str:
    """A name that needs no quotes in a query or a shell, and means nothing else there."""
    if not re.fullmatch(r"\w[\w.@-]{0,63}", name) or name in ("me", "auto", "none"):
        raise UsageError(f"'{name}' can't be a name: one word of letters, digits and . _ - @, and not me, auto or none")
    return name
