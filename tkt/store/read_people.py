"""Who works at the desk, and what was applied to it, read for lists."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tkt.store.read import Reader


class AgentRow(NamedTuple):
    """An active agent."""

    name: str
    role: str
    email: str | None
    skills: list[str]
    teams: list[str]


class TeamRow(NamedTuple):
    """An active team; `members` are names."""

    name: str
    assign: str
    calendar: str
    members: list[str]


class ConfigRow(NamedTuple):
    """An applied desk.toml; `at` in microseconds UTC, `plan` in words."""

    id: int
    at: int
    actor: str
    plan: list[str]


_MEMBERS = """
SELECT m.name, a.name FROM team_member x JOIN team m ON m.id = x.team_id JOIN agent a ON a.id = x.agent_id
WHERE m.active AND a.active ORDER BY m.name, a.name
"""


def agents(reader: Reader) -> list[AgentRow]:
    """The active agents by name."""
    pairs = reader.rows(_MEMBERS)
    rows = reader.rows("SELECT name, role, email, CAST(skills AS TEXT) FROM agent WHERE active ORDER BY name")
    return [
        AgentRow(name, role, email, json.loads(skills), [team for team, agent in pairs if agent == name])
        for name, role, email, skills in rows
    ]


def teams(reader: Reader) -> list[TeamRow]:
    """The active teams in the file's order."""
    pairs = reader.rows(_MEMBERS)
    rows = reader.rows("SELECT name, assign, calendar FROM team WHERE active ORDER BY position, id")
    return [
        TeamRow(name, assign, calendar, [agent for team, agent in pairs if team == name])
        for name, assign, calendar in rows
    ]


def config_versions(reader: Reader) -> list[ConfigRow]:
    """What was applied, newest first."""
    rows = reader.rows("SELECT id, at, actor, CAST(plan AS TEXT) FROM config_version ORDER BY id DESC")
    return [ConfigRow(identifier, at, actor, json.loads(plan)) for identifier, at, actor, plan in rows]
