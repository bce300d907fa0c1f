"""Making a desk, and changing what it is made of: desk.toml, agents, teams. Admins only, but for what is personal.

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
from tkt.config.model import Config
from tkt.config.plan import plan, warnings
from tkt.config.schema import read
from tkt.config.show import current_text
from tkt.config.starter import starter
from tkt.desk import notices, quiet, reconsidering
from tkt.desk.people import is_address
from tkt.desk.reconsidering import Progress
from tkt.desk.unit import SYSTEM, Change, Desk
from tkt.desk.values import myself
from tkt.errors import Conflict, NotFound, TryAgain, UsageError
from tkt.store.constants import ROLES
from tkt.store.definitions import load_definitions, raise_generation
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.migrate import has_tables, upgrade
from tkt.store.tables import Agent, Setting, Team, TeamMember

PROMISES = {"sla", "calendar", "team"}
"""What of a desk.toml a running clock depends on."""


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


def apply_config(desk: Desk, text: str, progress: Progress | None = None) -> list[Difference]:
    """Apply this desk.toml in one transaction; what changed. Then every unfinished ticket is held to the policies and
    calendars that are now in force, as of that moment, some hundred a transaction: `progress` is told how many.

    Raises ConfigError, Conflict, NotAllowed. Cut short after the first transaction, the file is applied, and the next
    call, `tkt sla check` or `tkt serve` goes on.
    """
    config = read(text)
    with desk.look() as change:
        change.require("admin")
    reconsidering.settled(desk, progress)
    changes = _apply(desk, config, text)
    reconsidering.settle(desk, progress)
    return changes


def _apply(desk: Desk, config: Config, text: str) -> list[Difference]:
    with desk.change() as change:
        change.require("admin")
        changes = apply(change.session, config, text, change.actor.name, change.at, change.id)
        change.definitions = load_definitions(change.session, None)
        if PROMISES & {one.kind for one in changes}:
            if not reconsidering.none_left(change):
                raise TryAgain("the desk is being changed by somebody else; try again in a moment")
            reconsidering.mark_all(change, "configuration")
        return changes


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


def mute(desk: Desk, name: str, more: Iterable[str] = (), fewer: Iterable[str] = ()) -> list[str]:
    """Change the kinds of notifications that an agent ("me": the acting one) does not want; those muted now. Everybody
    chooses for themselves, an admin for all; desk.toml knows nothing of it. Raises NotFound, UsageError, NotAllowed.
    """
    more, fewer = _notices_named(more), _notices_named(fewer)
    with desk.change() as change:
        agent = _agent(change, myself(change) if name == "me" else name)
        if agent.id != change.actor.agent_id:
            change.require("admin")
        muted = [kind for kind in notices.KINDS if kind in {*agent.muted, *more} - set(fewer)]
        if muted != agent.muted:
            change.record("config", field=f"agent {agent.name} muted", old=agent.muted, new=muted)
            agent.muted = muted
        return muted


def be_quiet(desk: Desk, name: str, hours: str | None = None, zone: str | None = None) -> str:
    """Change when an agent ("me": the acting one) wants no notifications that may wait: hours such as "22:00-07:00", ""
    for none, of a zone, "" for the desk's; in words how it is now. Everybody chooses for themselves, an admin for all;
    desk.toml knows nothing of it. Raises NotFound, UsageError, NotAllowed.
    """
    with desk.change() as change:
        agent = _agent(change, myself(change) if name == "me" else name)
        if agent.id != change.actor.agent_id:
            change.require("admin")
        before = f"{agent.quiet} {agent.quiet_zone}".strip()
        agent.quiet = quiet.check_hours(hours) if hours else agent.quiet if hours is None else ""
        agent.quiet_zone = quiet.check_zone(zone) if zone else agent.quiet_zone if zone is None else ""
        after = f"{agent.quiet} {agent.quiet_zone}".strip()
        if before != after:
            change.record("config", field=f"agent {agent.name} quiet", old=before, new=after)
        of_zone = agent.quiet_zone or change.definitions.setting("desk.timezone", "UTC")
        return f"{agent.quiet} ({of_zone})" if agent.quiet else ""


def _notices_named(kinds: Iterable[str]) -> list[str]:
    named = list(kinds)
    for kind in named:
        if kind not in notices.KINDS:
            raise UsageError(f"'{kind}' is no kind of notification; known: {', '.join(notices.KINDS)}")
    return named


def set_agent(desk: Desk, name: str, email: str | None = None, role: str | None = None) -> None:
    """Change an agent's address or role. Raises NotFound, UsageError, Conflict (the last admin), NotAllowed."""
    with desk.change() as change:
        change.require("admin")
        agent = _agent(change, myself(change) if name == "me" else name)
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
