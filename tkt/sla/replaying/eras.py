"""Which policies and calendars were in force when: the desk's configuration as it followed one version on another.

Every applied desk.toml is kept with its moment, and of every definition every version. An era begins with the first
event of the change that applied one; the events after that were answered under its definitions.
"""

from __future__ import annotations

import json
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any, NamedTuple

from sqlmodel import Session

from tkt.query.language import parse
from tkt.query.terms import terms_of
from tkt.sla.calendar import Calendar
from tkt.sla.policies import OWN
from tkt.sla.replaying.customer_past import Customers
from tkt.store.constants import ALWAYS
from tkt.store.definitions import Declared, Definitions
from tkt.store.rows import rows
from tkt.times import from_micros

KINDS = ("sla", "calendar", "status")
"""What of a configuration a clock depends on, besides the teams' calendars and the desk's settings."""

PROMISES = ("sla", "calendar", "team")
"""What, when it changes, lets every unfinished ticket be reconsidered."""


class Era(NamedTuple):
    """One configuration. `event` is the id of its first event, `change` that of its change; `reconsiders` says whether
    unfinished tickets were held to new promises then. `calendars` are the teams' own, by the team's id; `others`
    calendars that only retired teams name.
    """

    event: int
    at: datetime
    change: str
    reconsiders: bool
    declared: tuple[Declared, ...]
    others: tuple[Declared, ...]
    settings: Mapping[str, str]
    calendars: Mapping[int, str]


class Names(NamedTuple):
    """What the ids of teams and agents are called, retired ones too."""

    teams: dict[int, str]
    agents: dict[int, str]


class Eras:
    """All eras in their order, the definitions of each, and what customers were in them."""

    def __init__(self, eras: Sequence[Era], names: Names, customers: Customers) -> None:
        self.all = list(eras)
        self.names = names
        self.customers = customers
        self._starts = [era.event for era in eras]
        self._definitions: dict[int, Definitions] = {}

    @cached_property
    def asked(self) -> frozenset[str]:
        """What the policies of all eras ask of a ticket: keys of the query language, and "is:MARK"."""
        matches = {str(one.body.get("match", "")) for era in self.all for one in era.declared if one.kind == "sla"}
        terms = [term for match in matches for term in terms_of(parse(match))]
        marks = {f"is:{value.text}" for term in terms if term.key == "is" for value in term.values}
        return frozenset(marks.union(term.key for term in terms))

    def place(self, event: int) -> int:
        """The place of the era in which this event happened."""
        return max(0, bisect_right(self._starts, event) - 1)

    def after(self, event: int) -> range:
        """The places of the eras that began after this event."""
        return range(bisect_right(self._starts, event), len(self.all))

    def definitions(self, place: int) -> Definitions:
        """What was in force in the era."""
        if place not in self._definitions:
            self._definitions[place] = _definitions(self.all[place], self.names)
        return self._definitions[place]


def read_names(session: Session) -> Names:
    """The names of teams and agents."""
    return Names(
        dict(rows(session, "SELECT id, name FROM team")),
        dict(rows(session, "SELECT id, name FROM agent")),
    )


def read_eras(session: Session) -> list[Era]:
    """Every era of the desk; one at least."""
    versions = [_Version(key, at, text, len(json.loads(plan))) for key, at, text, plan in rows(session, _VERSIONS)]
    declared = [
        _Dated(Declared(key, kind, name, version, json.loads(body)), at)
        for key, kind, name, version, body, at in rows(session, _DECLARED)
    ]
    team_ids = dict(rows(session, "SELECT name, id FROM team"))
    if not versions:
        return [_only_era(session, declared)]
    changes = _changes(session, versions)
    eras: list[Era] = []
    own = dict(rows(session, "SELECT key, value FROM setting WHERE key = ?", (OWN,)))
    calendars: dict[int, str] = {}
    moments = [version.at for version in versions]
    later = set(moments)
    for version in versions:
        later.discard(version.at)
        there = [one for one in declared if one.created_at not in later]
        begun = changes.get(version.id)
        if begun is None and eras:
            continue  # only the file's comments changed
        raw = tomllib.loads(version.text)
        for table in raw.get("team", []):
            if table.get("name") in team_ids:
                calendars[team_ids[table["name"]]] = str(table.get("calendar", ""))
        begun = begun or _Begun(0, "", False)
        era = _era(version, begun, raw, there, dict(calendars), ambiguous=moments.count(version.at) > 1)
        eras.append(era._replace(settings={**era.settings, **own}))
    return eras


class _Version(NamedTuple):
    id: int
    at: int
    text: str
    changes: int


class _Dated(NamedTuple):
    declared: Declared
    created_at: int


class _Begun(NamedTuple):
    event: int
    change: str
    reconsiders: bool


def _changes(session: Session, versions: Iterable[_Version]) -> dict[int, _Begun]:
    """The change that applied each version, by the version's id; versions that changed nothing have none."""
    found: dict[int, _Begun] = {}
    for at, some in groupby(versions, key=lambda version: version.at):
        events = rows(session, _CONFIGURED, (at,))
        groups = [list(group) for _, group in groupby(events, key=lambda event: event[1])]
        for version in some:
            mine = next((group for group in groups if len(group) == version.changes), None)
            if mine is not None:
                groups.remove(mine)
                kinds = {str(field).partition(" ")[0] for _, _, field in mine}
                found[version.id] = _Begun(mine[0][0], mine[0][1], bool(kinds.intersection(PROMISES)))
    return found


def _era(
    version: _Version,
    begun: _Begun,
    raw: Mapping[str, Any],
    declared: Sequence[_Dated],
    calendars: Mapping[int, str],
    *,
    ambiguous: bool,
) -> Era:
    """`ambiguous`: another file was applied at the same moment, so that moments don't tell their definitions apart."""
    active = tuple(
        found
        for kind in KINDS
        for table in raw.get(kind, [])
        if (found := _newest(declared, kind, str(table.get("name")), table if ambiguous else None)) is not None
    )
    known = {one.name for one in active if one.kind == "calendar"} | {"", ALWAYS}
    retired = sorted(set(calendars.values()) - known)
    others = (_newest(declared, "calendar", name, None) for name in retired)
    settings = {f"desk.{key}": str(value) for key, value in raw.get("desk", {}).items()}
    return Era(
        begun.event, from_micros(version.at), begun.change, begun.reconsiders, active,
        tuple(one for one in others if one is not None), settings, calendars,
    )  # fmt: skip


def _newest(declared: Sequence[_Dated], kind: str, name: str, table: Mapping[str, Any] | None) -> Declared | None:
    """The newest of these versions of a definition; with the `table` of a file, the newest that says the same."""
    found = [one.declared for one in reversed(declared) if (one.declared.kind, one.declared.name) == (kind, name)]
    written = {key: value for key, value in (table or {}).items() if key != "name"}
    return next((one for one in found if written.items() <= one.body.items()), next(iter(found), None))


def _only_era(session: Session, declared: Sequence[_Dated]) -> Era:
    """What is in force, where no file was ever applied."""
    active = {row[0] for row in rows(session, "SELECT id FROM definition WHERE active")}
    settings = dict(rows(session, "SELECT key, value FROM setting"))
    calendars = dict(rows(session, "SELECT id, calendar FROM team"))
    found = tuple(one.declared for one in declared if one.declared.id in active and one.declared.kind in KINDS)
    order = {row[0]: place for place, row in enumerate(rows(session, _ORDER))}
    return Era(
        0, from_micros(0), "", False, tuple(sorted(found, key=lambda one: order[one.id])), (), settings, calendars
    )


def _definitions(era: Era, names: Names) -> Definitions:
    found = Definitions(f"event {era.event}", list(era.declared), dict(era.settings))
    found.team_names, found.agent_names = names.teams, names.agents
    found.teams = {name: identifier for identifier, name in names.teams.items()}
    found.agents = {name: identifier for identifier, name in names.agents.items()}
    found.cache["sla team calendars"] = dict(era.calendars)
    for one in era.others:
        found.cache["sla calendar id", one.name] = one.id
        found.cache["sla calendar", one.id] = Calendar.from_definition(one.name, one.body)
    return found


_VERSIONS = "SELECT id, at, text, CAST(plan AS TEXT) FROM config_version ORDER BY id"
_DECLARED = """
SELECT id, kind, name, version, CAST(body AS TEXT), created_at FROM definition
WHERE kind IN ('sla', 'calendar', 'status') ORDER BY version
"""
_CONFIGURED = """
SELECT id, change, field FROM event WHERE at = ? AND verb = 'config' AND ticket IS NULL ORDER BY id
"""
_ORDER = "SELECT id FROM definition ORDER BY position, id"
