"""Who works at the desk, who takes part in a ticket, and what was applied to the desk, read for lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tkt.store.read import Reader, Row


class AgentRow(NamedTuple):
    """An active agent; `muted` are the kinds of notifications that they do not want, `quiet` the hours in which those
    that may wait do so, of `quiet_zone` or else of the desk's.
    """

    name: str
    role: str
    email: str | None
    skills: list[str]
    teams: list[str]
    muted: list[str]
    quiet: str
    quiet_zone: str


class TeamRow(NamedTuple):
    """An active team; `members` are names."""

    name: str
    assign: str
    calendar: str
    members: list[str]


class FollowerRow(NamedTuple):
    """Somebody outside who gets a ticket's replies besides its requester."""

    name: str
    email: str


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
_AGENTS = """
SELECT name, role, email, CAST(skills AS TEXT), CAST(muted AS TEXT), quiet, quiet_zone FROM agent WHERE active
ORDER BY name
"""
_WATCHERS = """
SELECT a.name FROM watcher w JOIN agent a ON a.id = w.agent_id WHERE w.ticket = ? AND a.active ORDER BY a.name
"""


def agents(reader: Reader) -> list[AgentRow]:
    """The active agents by name."""
    import json

    pairs = reader.rows(_MEMBERS)
    rows = reader.rows(_AGENTS)
    return [
        AgentRow(
            *(name, role, email, json.loads(skills)),
            [team for team, one in pairs if one == name],
            json.loads(muted),
            *quiet,
        )
        for name, role, email, skills, muted, *quiet in rows
    ]


def teams(reader: Reader) -> list[TeamRow]:
    """The active teams in the file's order."""
    pairs = reader.rows(_MEMBERS)
    rows = reader.rows("SELECT name, assign, calendar FROM team WHERE active ORDER BY position, id")
    return [
        TeamRow(name, assign, calendar, [agent for team, agent in pairs if team == name])
        for name, assign, calendar in rows
    ]


def watchers_of(reader: Reader, number: int) -> list[str]:
    """The agents who follow a ticket, by name."""
    return [row[0] for row in reader.rows(_WATCHERS, (number,))]


def followers_of(reader: Reader, number: int) -> list[FollowerRow]:
    """Who outside takes part in a ticket besides its requester, by address."""
    sql = "SELECT name, address FROM follower WHERE ticket = ? ORDER BY address"
    return [FollowerRow(*row) for row in reader.rows(sql, (number,))]


def config_versions(reader: Reader) -> list[ConfigRow]:
    """What was applied, newest first."""
    import json

    rows = reader.rows("SELECT id, at, actor, CAST(plan AS TEXT) FROM config_version ORDER BY id DESC")
    return [ConfigRow(identifier, at, actor, json.loads(plan)) for identifier, at, actor, plan in rows]


class CustomerRow(NamedTuple):
    """A customer; tier and policy are what was said of them alone, `unfinished` counts open and waiting tickets."""

    name: str
    emails: list[str]
    company: str
    tier: str
    sla: str
    unfinished: int


class CompanyRow(NamedTuple):
    """A company, with how many customers belong to it."""

    name: str
    tier: str
    sla: str
    customers: int


_CUSTOMERS = """
SELECT p.id, p.name, coalesce(c.name, ''), p.tier, p.sla,
       (SELECT count(*) FROM ticket t WHERE t.requester_id = p.id AND t.status_kind IN ('open', 'waiting'))
FROM person p LEFT JOIN company c ON c.id = p.company_id
"""
_NAMED = """
WHERE lower(p.name) LIKE ? OR lower(coalesce(c.name, '')) LIKE ?
   OR EXISTS (SELECT 1 FROM address d WHERE d.person_id = p.id AND d.address LIKE ?)
"""
_HOLDER = "WHERE p.id = (SELECT d.person_id FROM address d WHERE d.address = ?)"


def customers(reader: Reader, word: str, limit: int) -> list[CustomerRow]:
    """The customers with this word in name, address or company, the newest first; 0 means no limit."""
    like = f"%{word.lower()}%"
    where, params = (_NAMED, (like, like, like)) if word else ("", ())
    cut = f" LIMIT {limit}" if limit else ""
    return _with_addresses(reader, reader.rows(f"{_CUSTOMERS} {where} ORDER BY p.id DESC{cut}", params))


def customer(reader: Reader, address: str) -> CustomerRow | None:
    """Who has this address."""
    found = _with_addresses(reader, reader.rows(f"{_CUSTOMERS} {_HOLDER}", (address.strip().lower(),)))
    return found[0] if found else None


def _with_addresses(reader: Reader, found: list[Row]) -> list[CustomerRow]:
    emails: dict[int, list[str]] = {row[0]: [] for row in found}
    for start in range(0, len(found), 500):
        some = [row[0] for row in found[start : start + 500]]
        marks = ", ".join("?" * len(some))
        sql = f"SELECT person_id, address FROM address WHERE person_id IN ({marks}) ORDER BY address"
        for person_id, address in reader.rows(sql, some):
            emails[person_id].append(address)
    return [CustomerRow(name, emails[key], *rest) for key, name, *rest in found]


def companies(reader: Reader) -> list[CompanyRow]:
    """The companies by name."""
    sql = "SELECT c.name, c.tier, c.sla, (SELECT count(*) FROM person p WHERE p.company_id = c.id) FROM company c"
    return [CompanyRow(*row) for row in reader.rows(f"{sql} ORDER BY c.name")]
