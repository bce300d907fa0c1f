"""The store's present configuration, in the shape in which a file declares it.

Only what is active counts: a retired agent is in no team here, even if a row still says so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlmodel import Session, col, select

from tkt.config.model import DEFINITIONS, SETTINGS, Config, Item
from tkt.sla.public_holidays import KEPT, to_keep
from tkt.store.tables import Agent, Definition, Setting, Team, TeamMember


class Stored(NamedTuple):
    """What is in force, and the (kind, name) of everything that was retired and could come back."""

    config: Config
    retired: frozenset[tuple[str, str]]


def stored(session: Session) -> Stored:
    """Read the configuration from the store: agents by id, all else in its order."""
    agents = list(session.exec(select(Agent).order_by(col(Agent.id))))
    teams = list(session.exec(select(Team).order_by(col(Team.position), col(Team.id))))
    declared = select(Definition).order_by(col(Definition.position), col(Definition.id))
    definitions = [row for row in session.exec(declared) if row.kind in DEFINITIONS]
    members = _members(session)
    items = [Item("agent", row.name, _agent_body(row)) for row in agents if row.active]
    items += [Item("team", row.name, _team_body(row, members)) for row in teams if row.active]
    items += [Item(row.kind, row.name, _as_written(row.body)) for row in definitions if row.active]
    config = Config(_settings(session), tuple(items))
    known = {("agent", row.name) for row in agents} | {("team", row.name) for row in teams}
    known |= {(row.kind, row.name) for row in definitions}
    return Stored(config, frozenset(known - {(item.kind, item.name) for item in items}))


def with_holidays(item: Item, year: int) -> dict[str, Any]:
    """The body to store: a calendar that names a country keeps the holidays around `year`."""
    holidays = item.body.get("holidays") or {}
    if item.kind != "calendar" or not holidays.get("country"):
        return item.body
    return item.body | {KEPT: to_keep(holidays["country"], holidays.get("subdivision", ""), year)}


def _as_written(body: dict[str, Any]) -> dict[str, Any]:
    """The body as the file has it, without what was kept beside it."""
    return {key: value for key, value in body.items() if key != KEPT}


def _settings(session: Session) -> dict[str, str]:
    rows = {row.key: row.value for row in session.exec(select(Setting))}
    return {key: rows[f"desk.{key}"] for key in SETTINGS if f"desk.{key}" in rows}


def _members(session: Session) -> dict[int, list[str]]:
    query = (
        select(TeamMember.team_id, Agent.name)
        .join(Agent, col(TeamMember.agent_id) == col(Agent.id))
        .where(Agent.active)
    )
    members: dict[int, list[str]] = {}
    for team, name in session.exec(query):
        members.setdefault(team, []).append(name)
    return members


def _agent_body(row: Agent) -> dict[str, Any]:
    return {"email": row.email, "role": row.role, "skills": list(row.skills)}


def _team_body(row: Team, members: dict[int, list[str]]) -> dict[str, Any]:
    return {"members": sorted(members.get(row.id or 0, [])), "calendar": row.calendar, "assign": row.assign}
