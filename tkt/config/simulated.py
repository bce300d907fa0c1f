"""A desk.toml as if it had always been in force, for `tkt sla simulate`: nothing of it is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlmodel import Session

from tkt.config.model import Config
from tkt.sla.policies import OWN
from tkt.sla.replaying.eras import KINDS, Era
from tkt.store.constants import ALWAYS
from tkt.store.definitions import Declared
from tkt.store.rows import rows

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def era_of(session: Session, config: Config) -> Era:
    """The era that this configuration would have made of all time. Statuses, and calendars of teams, that the file no
    longer names are those of the store: tickets of the past have them. Definitions get numbers below zero.
    """
    declared = tuple(_declared(config))
    teams = {item.name: str(item.body["calendar"]) for item in config.of("team")}
    stored = rows(session, "SELECT id, name, calendar FROM team")
    calendars = {identifier: teams.get(name, calendar) for identifier, name, calendar in stored}
    known = {one.name for one in declared if one.kind == "calendar"} | {"", ALWAYS}
    retired = {one.name: one for one in _stored(session, "calendar")}
    others = tuple(retired[name] for name in sorted(set(calendars.values()) - known) if name in retired)
    statuses = {one.name for one in declared if one.kind == "status"}
    gone = {one.name: one for one in _stored(session, "status") if one.name not in statuses}
    own = dict(rows(session, "SELECT key, value FROM setting WHERE key = ?", (OWN,)))
    settings = {f"desk.{key}": value for key, value in config.desk.items()} | own
    return Era(0, BEGINNING, "", False, (*declared, *gone.values()), others, settings, calendars)


def _declared(config: Config) -> Iterator[Declared]:
    items = [item for kind in KINDS for item in config.of(kind)]
    for place, item in enumerate(items, 1):
        yield Declared(-place, item.kind, item.name, 1, item.body)


def _stored(session: Session, kind: str) -> list[Declared]:
    """Every version that the store has, the newest last."""
    found = rows(session, _VERSIONS, (kind,))
    return [Declared(key, kind, name, version, json.loads(body)) for key, name, version, body in found]


_VERSIONS = "SELECT id, name, version, CAST(body AS TEXT) FROM definition WHERE kind = ? ORDER BY version"
