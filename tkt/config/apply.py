"""Making the store say what a desk.toml says, inside the caller's transaction.

Promises: after `apply` the plan of the same configuration is empty. Nothing is deleted: what the file no
longer names is retired, what it names again comes back, and a changed definition gets a new version, so
that clocks keep the one they were computed with. Every change is an event, and the text is kept with who
applied it and when.

Leaves to others: permission (`tkt.desk`), and computing clocks anew after a changed calendar, policy or
team: the changes that are returned tell which.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import text as sql
from sqlmodel import Session, col, delete, func, select

from tkt.config.changes import Change
from tkt.config.model import DEFINITIONS, SETTINGS, Config, Item
from tkt.config.plan import plan
from tkt.config.stored import with_holidays
from tkt.store.definitions import raise_generation
from tkt.store.tables import Agent, ConfigVersion, Definition, Event, Setting, Team, TeamMember


def apply(session: Session, config: Config, text: str, actor: str, now: datetime, change: str) -> list[Change]:
    """Apply a configuration and return what changed; an empty plan changes nothing.

    `text` is the file as it was written, `change` the identifier that the events share. Raises Conflict as
    `plan` does.
    """
    _one_at_a_time(session)
    changes = plan(session, config)
    if changes:
        _apply_settings(session, config)
        _apply_agents(session, config)
        _apply_teams(session, config)
        _apply_definitions(session, config, changes, now)
        _log(session, changes, actor, now, change)
        raise_generation(session)
    _keep_text(session, text, changes, actor, now)
    session.flush()
    return changes


def latest_version(session: Session) -> ConfigVersion | None:
    """The desk.toml that was applied last, with who and when."""
    return session.exec(select(ConfigVersion).order_by(col(ConfigVersion.id).desc()).limit(1)).first()


def _one_at_a_time(session: Session) -> None:
    """Two admins who apply at once do so in turn; SQLite's write transaction sees to that already."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(sql("LOCK TABLE config_version IN SHARE ROW EXCLUSIVE MODE"))
        session.flush()
        session.expire_all()  # what was read before the lock may be what the other one has changed


def _apply_settings(session: Session, config: Config) -> None:
    for key in SETTINGS:
        row = session.get(Setting, f"desk.{key}")
        if key not in config.desk:
            if row is not None:
                session.delete(row)
        elif row is None:
            session.add(Setting(key=f"desk.{key}", value=config.desk[key]))
        else:
            row.value = config.desk[key]


def _apply_agents(session: Session, config: Config) -> None:
    rows = {row.name: row for row in session.exec(select(Agent))}
    declared = {item.name: item.body for item in config.of("agent")}
    for name, body in declared.items():
        row = rows.get(name) or Agent(name=name)
        row.email, row.role, row.skills = body["email"], body["role"], body["skills"]
        row.active = True
        session.add(row)
    for name in rows.keys() - declared.keys():
        rows[name].active = False
    session.flush()


def _apply_teams(session: Session, config: Config) -> None:
    rows = {row.name: row for row in session.exec(select(Team))}
    declared = config.of("team")
    for position, item in enumerate(declared):
        row = rows.setdefault(item.name, Team(name=item.name))
        row.calendar, row.assign = item.body["calendar"], item.body["assign"]
        row.position, row.active = position, True
        session.add(row)
    for name in rows.keys() - {item.name for item in declared}:
        rows[name].active = False
    session.flush()
    _apply_members(session, {rows[item.name].id or 0: item.body["members"] for item in declared})


def _apply_members(session: Session, members: dict[int, list[str]]) -> None:
    agents = {row.name: row.id or 0 for row in session.exec(select(Agent))}
    wanted = {(team, agents[name]) for team, names in members.items() for name in names}
    present = {(row.team_id, row.agent_id) for row in session.exec(select(TeamMember))}
    for team, agent in present - wanted:
        session.exec(delete(TeamMember).where(col(TeamMember.team_id) == team, col(TeamMember.agent_id) == agent))
    session.add_all(TeamMember(team_id=team, agent_id=agent) for team, agent in sorted(wanted - present))
    session.flush()


def _apply_definitions(session: Session, config: Config, changes: list[Change], now: datetime) -> None:
    rewritten = {(one.kind, one.name) for one in changes if one.action != "move"}
    active = {(row.kind, row.name): row for row in session.exec(select(Definition).where(Definition.active))}
    for key in rewritten & active.keys():
        active.pop(key).active = False
    session.flush()
    versions = _latest_versions(session)
    for kind in DEFINITIONS:
        for position, item in enumerate(config.of(kind)):
            if (row := active.get((kind, item.name))) is not None:
                row.position = position
            else:
                session.add(_new_version(item, position, versions, now))
    session.flush()


def _latest_versions(session: Session) -> dict[tuple[str, str], int]:
    newest = select(Definition.kind, Definition.name, func.max(Definition.version))
    rows = session.exec(newest.group_by(Definition.kind, Definition.name))
    return {(kind, name): version for kind, name, version in rows}


def _new_version(item: Item, position: int, versions: dict[tuple[str, str], int], now: datetime) -> Definition:
    version = versions.get((item.kind, item.name), 0) + 1
    body = with_holidays(item, now.year)
    return Definition(kind=item.kind, name=item.name, version=version, position=position, body=body, created_at=now)


def _log(session: Session, changes: list[Change], actor: str, now: datetime, change: str) -> None:
    for one in changes:
        field = f"{one.subject} {one.field}".rstrip()
        session.add(Event(at=now, change=change, actor=actor, verb="config", field=field, old=one.old, new=one.new))


def _keep_text(session: Session, text: str, changes: list[Change], actor: str, now: datetime) -> None:
    """Keep the file, even if only its comments changed; not the same text twice in a row."""
    latest = latest_version(session)
    if changes or latest is None or latest.text != text:
        session.add(ConfigVersion(at=now, actor=actor, text=text, plan=[str(one) for one in changes]))
