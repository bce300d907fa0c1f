"""The rules that are tried: those of a desk.toml that differ from the rules in force, or those that were named; and
where each stands among the rules that were at work in the past.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlmodel import Session

from tkt.automation.actions import Action, parse_action
from tkt.config.model import Config, Item
from tkt.config.stored import stored
from tkt.desk.firing import BY_TIME
from tkt.desk.values import nearest
from tkt.errors import NotFound
from tkt.query.language import parse
from tkt.query.terms import terms_of
from tkt.query.tree import Node
from tkt.store.rows import rows

PROMISES = frozenset({"due", "is:overdue", "is:breached"})
"""What a condition may ask that only the clocks of the history can answer."""

UNREAD = "is:unread"


class Tried(NamedTuple):
    """One rule of the file. `state` is "new", "changed", "same" (as in force); `problem` is why it can't be tried."""

    name: str
    state: str
    on: str
    when: str
    condition: Node
    actions: tuple[Action, ...]
    problem: str = ""

    @property
    def asks(self) -> frozenset[str]:
        """What it asks of a ticket: keys of the query language, and "is:MARK"."""
        terms = list(terms_of(self.condition))
        marks = {f"is:{value.text}" for term in terms if term.key == "is" for value in term.values}
        return frozenset(marks.union(term.key for term in terms))


class PastRule(NamedTuple):
    """A rule as it was in force from a moment (microseconds UTC) on, until its next version."""

    name: str
    on: str
    since: int
    position: int


Asked = Tried | PastRule
"""What is asked in its turn: a rule of the past by whether the history has something of it, a tried one by its
condition."""


def tried_rules(session: Session, config: Config, names: Sequence[str]) -> list[Tried]:
    """The rules of the configuration with these names, or all that are new or changed. Raises NotFound."""
    there = {item.name: item for item in config.of("rule")}
    for name in names:
        if name not in there:
            raise NotFound(f"there is no rule '{name}' in this file{nearest(name, there)}")
    in_force = {item.name: item.body for item in stored(session).config.of("rule")}
    found = [_tried(item, in_force.get(item.name)) for item in there.values() if not names or item.name in names]
    return found if names else [one for one in found if one.state != "same"]


def _tried(item: Item, in_force: dict[str, Any] | None) -> Tried:
    state = "new" if in_force is None else "same" if in_force == item.body else "changed"
    when = str(item.body.get("when", ""))
    actions = tuple(parse_action(one) for one in item.body.get("do", []))
    found = Tried(item.name, state, str(item.body["on"]), when, parse(when), actions)
    return found._replace(problem=_problem(found))


def _problem(rule: Tried) -> str:
    if UNREAD in rule.asks:
        return f"it asks for {UNREAD}, which the history does not hold"
    return ""


# --- among the rules of the past ------------------------------------------------------------------------------------


def read_past_rules(session: Session) -> list[PastRule]:
    """Every version of every rule that was ever applied, retired ones too."""
    return [
        PastRule(name, str(json.loads(body)["on"]), since, position)
        for name, position, since, body in rows(session, _VERSIONS)
    ]


class Order:
    """In which order the rules of a moment are asked: those at work then, in the order of the desk, and each tried one
    before the rule of its name, else after its neighbours in the file.
    """

    def __init__(self, past: Sequence[PastRule], tried: Sequence[Tried], file: Sequence[str]) -> None:
        self._past, self._tried, self._file = past, tried, file
        self._starts = sorted({one.since for one in past})
        self._orders: dict[int, list[Asked]] = {}

    def at(self, moment: int) -> list[Asked]:
        """The rules that are asked at a moment (microseconds UTC)."""
        place = bisect_right(self._starts, moment)
        if place not in self._orders:
            self._orders[place] = self._order(moment)
        return self._orders[place]

    def _order(self, moment: int) -> list[Asked]:
        newest = {one.name: one for one in self._past if one.since <= moment}
        found: list[Asked] = [*sorted(newest.values(), key=lambda one: one.position)]
        for rule in self._tried:
            found.insert(self._place(found, rule), rule)
        return found

    def _place(self, found: Sequence[Asked], rule: Tried) -> int:
        names = [one.name for one in found]
        if rule.name in names:
            return names.index(rule.name)
        before = [*self._file[: self._file.index(rule.name)]]
        for name in reversed(before):
            if name in names:
                return len(names) - names[::-1].index(name)
        return 0

    def precedes(self, moment: int, name: str, rule: Tried) -> bool:
        """Whether the rule of the past with this name runs before a tried one."""
        order = self.at(moment)
        places = [place for place, one in enumerate(order) if isinstance(one, PastRule) and one.name == name]
        return bool(places) and places[0] < order.index(rule)


def by_time(rule: Asked) -> bool:
    """Whether it answers nothing but runs by time."""
    return rule.on == BY_TIME


_VERSIONS = """
SELECT name, position, created_at, CAST(body AS TEXT) FROM definition WHERE kind = 'rule' ORDER BY version
"""
