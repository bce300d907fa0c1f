"""What desk.toml declared, as the write side needs it: the active definitions, read once per configuration.

`config apply` raises the `generation` setting in its transaction; a process that holds definitions of an older
generation reads them again. A verb therefore pays one small query, not a dozen.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlmodel import Session

from tkt.store.constants import ALWAYS, STATUSES
from tkt.store.rows import execute, rows
from tkt.store.tables import Definition


class Declared(NamedTuple):
    """One definition; `body` is the desk.toml table without its name."""

    id: int
    kind: str
    name: str
    version: int
    body: dict[str, Any]


class Definitions:
    """The active definitions of one generation, in the file's order, and the names they may refer to."""

    def __init__(self, generation: str, declared: list[Declared], settings: dict[str, str]) -> None:
        self.generation = generation
        self.settings = settings
        self._by_kind: dict[str, list[Declared]] = {}
        self._by_id = {one.id: one for one in declared}
        for one in declared:
            self._by_kind.setdefault(one.kind, []).append(one)
        self.statuses = STATUSES | {one.name: str(one.body["kind"]) for one in self.of("status")}
        self.cache: dict[Any, Any] = {}
        """For what others derive from these definitions (parsed calendars, compiled matches): lives as long as
        they do.
        """
        self.teams: dict[str, int] = {}
        self.agents: dict[str, int] = {}
        self.team_names: dict[int, str] = {}
        self.agent_names: dict[int, str] = {}
        self.viewers: set[str] = set()

    def of(self, kind: str) -> list[Declared]:
        return self._by_kind.get(kind, [])

    def named(self, kind: str, name: str) -> Declared | None:
        return next((one for one in self.of(kind) if one.name == name), None)

    def by_id(self, session: Session, identifier: int) -> Declared:
        """Any version, retired ones too."""
        if identifier not in self._by_id:
            row = session.get_one(Definition, identifier)
            self._by_id[identifier] = _declared(row)
        return self._by_id[identifier]

    def setting(self, key: str, default: str = "") -> str:
        return self.settings.get(key, default)


def load_definitions(session: Session, held: Definitions | None) -> Definitions:
    """The current definitions: those `held` when they are still current, else read from the store, in plain SQL:
    compiling seven ORM statements would cost a command more than running them.
    """
    found = rows(session, "SELECT value FROM setting WHERE key = 'generation'")
    generation = found[0][0] if found else "0"
    if held is not None and held.generation == generation:
        return held
    declared = [
        Declared(key, kind, name, version, json.loads(body))
        for key, kind, name, version, body in rows(session, _ACTIVE)
    ]
    fresh = Definitions(generation, declared, dict(rows(session, "SELECT key, value FROM setting")))
    for identifier, name, active in rows(session, "SELECT id, name, active FROM team"):
        fresh.team_names[identifier] = name
        if active:
            fresh.teams[name] = identifier
    for identifier, name, active, role in rows(session, "SELECT id, name, active, role FROM agent"):
        fresh.agent_names[identifier] = name
        if active:
            fresh.agents[name] = identifier
        if role == "viewer":
            fresh.viewers.add(name)
    return fresh


def raise_generation(session: Session) -> None:
    """Make every process read the definitions again; call in the transaction that changed them."""
    execute(session, _RAISE)


_RAISE = """
INSERT INTO setting (key, value) VALUES ('generation', '1')
ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(setting.value AS INTEGER) + 1 AS TEXT)
"""
_ACTIVE = """
SELECT id, kind, name, version, CAST(body AS TEXT) FROM definition WHERE active ORDER BY position, id
"""


def _declared(row: Definition) -> Declared:
    assert row.id is not None
    return Declared(row.id, row.kind, row.name, row.version, row.body)


def calendar_name(team_calendar: str, policy_calendar: str) -> str:
    """The calendar that a policy's clock runs by: the policy's own, else the team's, else always open."""
    return policy_calendar or team_calendar or ALWAYS
