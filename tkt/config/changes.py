"""The difference between two configurations, in words.

Pure: it compares two `Config`s, whoever made them. One `Change` is one fact that differs: a thing added,
brought back, retired or moved, or one value inside it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, NamedTuple

from tkt.config.model import KINDS, SETTINGS, Config, Item
from tkt.safe_text import safe_line

_ORDERED = tuple(kind for kind in KINDS if kind != "agent")
_LONGEST_VALUE = 60


class Change(NamedTuple):
    """One difference. `action` is add, revive, retire, move or change.

    `field` is the path of what changed inside ("targets.urgent.resolution"), else empty; `old` and `new`
    are JSON values: the bodies of what was retired or added, places counted from 1 for a move, None for
    what isn't there.
    """

    kind: str
    name: str
    action: str
    field: str = ""
    old: Any = None
    new: Any = None

    @property
    def subject(self) -> str:
        """What it is about: "team network", or "desk"."""
        return f"{self.kind} {self.name}".rstrip()

    def __str__(self) -> str:
        """`team network: add`, `agent bob: role agent -> supervisor`."""
        return f"{safe_line(self.subject)}: {self._words()}"

    def _words(self) -> str:
        if self.action == "change":
            return f"{safe_line(self.field)} {_difference(self.old, self.new)}"
        if self.action == "move":
            return f"move {self.old} -> {self.new} (order)"
        words = {"add": "add", "revive": "bring back", "retire": "retire"}[self.action]
        role = (self.new or {}).get("role") if self.kind == "agent" else None
        return f"{words} as {role}" if role else words


def differences(before: Config, after: Config, retired: frozenset[tuple[str, str]]) -> list[Change]:
    """What leads from `before` to `after`: the desk first, then kind by kind, each in the file's order."""
    changes = list(_settings(before, after))
    for kind in KINDS:
        changes += _of_kind(before.of(kind), after.of(kind), retired)
    return changes


def _settings(before: Config, after: Config) -> Iterator[Change]:
    for key in SETTINGS:
        old, new = before.desk.get(key), after.desk.get(key)
        if old != new:
            yield Change("desk", "", "change", key, old, new)


def _of_kind(before: list[Item], after: list[Item], retired: frozenset[tuple[str, str]]) -> Iterator[Change]:
    old = {item.name: item for item in before}
    moves = _moves([item.name for item in before], [item.name for item in after])
    for item in after:
        if item.name in old:
            yield from _inside(item, old[item.name].body)
            if item.name in moves and item.kind in _ORDERED:
                yield Change(item.kind, item.name, "move", "", *moves[item.name])
        else:
            action = "revive" if (item.kind, item.name) in retired else "add"
            yield Change(item.kind, item.name, action, new=item.body)
    kept = {item.name for item in after}
    for item in before:
        if item.name not in kept:
            yield Change(item.kind, item.name, "retire", old=item.body)


def _inside(item: Item, old_body: dict[str, Any]) -> Iterator[Change]:
    old, new = dict(_flat(old_body)), dict(_flat(item.body))
    for path in {**new, **old}:
        if old.get(path) != new.get(path):
            yield Change(item.kind, item.name, "change", path, old.get(path), new.get(path))


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each value with its path; a list of tables is taken apart, any other list is one value."""
    if isinstance(value, dict) and (value or not path):
        for key, one in value.items():
            yield from _flat(one, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        for number, one in enumerate(value, start=1):
            yield from _flat(one, f"{path}[{number}]")
    else:
        yield path, value


def _moves(before: list[str], after: list[str]) -> dict[str, tuple[int, int]]:
    """The fewest names to move so that those in both lists come in the new order; places counted from 1.

    What merely shifts because something was added or retired before it has not moved.
    """
    place = {name: number for number, name in enumerate(before, start=1)}
    common = [name for name in after if name in place]
    kept = _longest_rising([place[name] for name in common])
    new_place = {name: number for number, name in enumerate(after, start=1)}
    return {name: (place[name], new_place[name]) for name in common if place[name] not in kept}


def _longest_rising(numbers: list[int]) -> set[int]:
    """The members of a longest rising subsequence of different numbers (patience sorting)."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        at = bisect_left(tails, number)
        before[number] = tails[at - 1] if at else None
        tails[at : at + 1] = [number]
    found: set[int] = set()
    last = tails[-1] if tails else None
    while last is not None:
        found.add(last)
        last = before[last]
    return found


def _difference(old: Any, new: Any) -> str:
    if old is None:
        return f"set to {_shown(new)}"
    if new is None:
        return f"removed, was {_shown(old)}"
    if isinstance(old, list) and isinstance(new, list) and (words := _list_difference(old, new)):
        return words
    return f"{_shown(old)} -> {_shown(new)}"


def _list_difference(old: list[Any], new: list[Any]) -> str:
    """`+carol -bob`; empty where both have the same members in another order, or tables among them."""
    if not all(isinstance(one, str) for one in old + new):
        return ""
    added = [f"+{_shown(one)}" for one in new if one not in old]
    return " ".join(added + [f"-{_shown(one)}" for one in old if one not in new])


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_shown(one) for one in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_shown(one)}" for key, one in value.items()) + "}"
    text = safe_line(str(value), _LONGEST_VALUE)
    return text if text and " " not in text else f'"{text}"'
