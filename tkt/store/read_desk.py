"""Facts about the desk: its people, settings and applied configurations, counts for views, names to
complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tkt.store.constants import PRIORITIES, STATUSES
from tkt.store.read_tickets import count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tkt.store.read import Reader
    from tkt.store.read_clauses import Where

MOST_COUNTED = 1_000
MOST_COMPLETED = 50


class AgentRow(NamedTuple):
    """An agent, with the names of their teams."""

    name: str
    email: str | None
    role: str
    skills: list[str]
    teams: list[str]
    active: bool


class TeamRow(NamedTuple):
    """A team, with the names of its members; `calendar` is empty where it has none of its own."""

    name: str
    members: list[str]
    calendar: str
    assign: str
    active: bool


class ConfigRow(NamedTuple):
    """An applied desk.toml: when (microseconds UTC), by whom, and what it changed, in words."""

    id: int
    at: int
    actor: str
    plan: list[str]


def agents(reader: Reader) -> list[AgentRow]:
    """Every agent by name, retired ones too."""
    import json

    teams = _grouped(reader, "a.name, m.name")
    sql = "SELECT name, email, role, CAST(skills AS TEXT), active FROM agent ORDER BY name"
    return [
        AgentRow(name, email, role, json.loads(skills), teams.get(name, []), bool(active))
        for name, email, role, skills, active in reader.rows(sql)
    ]


def teams(reader: Reader) -> list[TeamRow]:
    """Every team in the desk's order, retired ones too."""
    members = _grouped(reader, "m.name, a.name")
    sql = "SELECT name, calendar, assign, active FROM team ORDER BY position, id"
    return [
        TeamRow(name, members.get(name, []), calendar, assign, bool(active))
        for name, calendar, assign, active in reader.rows(sql)
    ]


def config_versions(reader: Reader) -> list[ConfigRow]:
    """Every applied configuration, oldest first."""
    import json

    sql = "SELECT id, at, actor, CAST(plan AS TEXT) FROM config_version ORDER BY id"
    return [ConfigRow(key, at, actor, json.loads(plan)) for key, at, actor, plan in reader.rows(sql)]


def _grouped(reader: Reader, names: str) -> dict[str, list[str]]:
    sql = (
        f"SELECT {names} FROM team_member x JOIN team m ON m.id = x.team_id JOIN agent a ON a.id = x.agent_id"
        " ORDER BY 1, 2"
    )
    found: dict[str, list[str]] = {}
    for owner, member in reader.rows(sql):
        found.setdefault(owner, []).append(member)
    return found


def view_counts(reader: Reader, views: Mapping[str, Where], cap: int = MOST_COUNTED) -> dict[str, int]:
    """How many tickets each view holds; `cap` means that many or more."""
    return {name: count(reader, where, cap) for name, where in views.items()}


def complete(reader: Reader, kind: str, prefix: str = "") -> list[str]:
    """Names that begin so, for shell completion. `kind`: team, agent, tag, status, priority, or a kind of
    definition (macro, view, mailbox, field, sla, rule, calendar).
    """
    params: list[str] = []
    if kind in ("team", "agent"):
        sql = f"SELECT name FROM {kind} WHERE active AND {_NAME_BEGINS} ORDER BY name"
    elif kind == "tag":
        sql = _TAGS
    else:
        sql = f"SELECT name FROM definition WHERE kind = ? AND active AND {_NAME_BEGINS} ORDER BY position"
        params = [kind]
    found = [row[0] for row in reader.rows(f"{sql} LIMIT {MOST_COMPLETED}", (*params, len(prefix), prefix))]
    return [word for word in _BUILT_IN.get(kind, ()) if word.startswith(prefix)] + found


def setting(reader: Reader, key: str, default: str = "") -> str:
    """One of the desk's settings ("desk.name", "desk.timezone")."""
    row = reader.row("SELECT value FROM setting WHERE key = ?", (key,))
    return default if row is None else str(row[0])


_BUILT_IN = {"status": tuple(STATUSES), "priority": tuple(reversed(PRIORITIES))}
_NAME_BEGINS = "substr(name, 1, ?) = ?"
# Jumps from each tag to the next in the index, instead of reading every tagging.
_TAGS = """
WITH RECURSIVE known(tag) AS (
    SELECT min(tag) FROM ticket_tag
    UNION ALL
    SELECT (SELECT min(x.tag) FROM ticket_tag x WHERE x.tag > known.tag)
    FROM known WHERE known.tag IS NOT NULL
)
SELECT tag FROM known WHERE tag IS NOT NULL AND substr(tag, 1, ?) = ?
"""
