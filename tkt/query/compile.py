"""A tree into SQL: a condition on `ticket t` for SQLite and Postgres, every value a parameter.

Two ways to ask for membership (a word, a tag, a requester's domain). Without a probe it is `t.number IN
(SELECT …)`, good for counting and for whole answers. With a probe, which fetches the members when they are
few, the condition names the candidates, and what has many members becomes a look-up per ticket (EXISTS)
while the page walks its order: so a page of a rare word and a page of a common one both cost about what is
on the page.

Every condition is true or false, never NULL, so that NOT means the same here as in `evaluate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.query.leaves import Condition, Members, Widened, leaf
from tkt.query.terms import check
from tkt.query.tree import And, Node, Not, Or, Term
from tkt.store.constants import KINDS
from tkt.store.read_clauses import Where

if TYPE_CHECKING:
    from collections.abc import Callable

    from tkt.store.read_clauses import Vocabulary

    Probe = Callable[[str, tuple[Any, ...]], frozenset[int] | None]

MOST_PROBES = 8
"""Memberships that are fetched ahead for one query; the others are looked up ticket by ticket."""


def compile_query(
    tree: Node, vocabulary: Vocabulary, dialect: str, probe: Probe | None = None, *, windowed: bool = False
) -> Where:
    """The condition for `dialect` ("sqlite" or "postgresql").

    `probe(sql, params)` gives the ticket numbers that a SELECT finds, or None when they are too many: that is
    `Reader.few`. With `windowed` the condition holds for a window of numbers, see `Where.windowed`. Raises
    QueryError for a name that the vocabulary doesn't know.
    """
    check(tree, vocabulary)
    compiler = _Compiler(vocabulary, dialect, probe, windowed)
    part = compiler.part(tree)
    sql, params = _condition(part)
    where = Where(f"({sql})", params, part.kinds, part.numbers is not None)
    if compiler.looks_up and not where.few:
        return where._replace(windowed=compile_query(tree, vocabulary, dialect, windowed=True))
    return where


class _Part(NamedTuple):
    """A condition: the ticket is among `numbers` (None: it may be any ticket) and fulfils `sql`."""

    sql: str = ""
    params: tuple[Any, ...] = ()
    numbers: frozenset[int] | None = None
    kinds: tuple[str, ...] = KINDS


class _Compiler:
    def __init__(self, vocabulary: Vocabulary, dialect: str, probe: Probe | None, windowed: bool) -> None:
        self.vocabulary = vocabulary
        self.dialect = dialect
        self.probe = probe
        self.windowed = windowed
        self.probes = 0
        self.looks_up = False

    def part(self, tree: Node) -> _Part:
        if isinstance(tree, And):
            return _all_of([self.part(part) for part in tree.parts])
        if isinstance(tree, Or):
            return _one_of([self.part(part) for part in tree.parts])
        if isinstance(tree, Not):
            return self.denied(tree.part)
        found = leaf(tree, self.vocabulary, self.dialect)
        if isinstance(found, Widened):
            return self.widened(found)
        return self.members(found) if isinstance(found, Members) else _plain(found)

    def denied(self, tree: Node) -> _Part:
        if isinstance(tree, Term) and tree.key == "kind":
            names = {value.text for value in tree.values}
            return _of_kinds(tuple(kind for kind in KINDS if kind not in names))
        sql, params = _condition(self.part(tree))
        return _Part(f"NOT ({sql})", params)

    def members(self, found: Members) -> _Part:
        if self.probe is None:
            return _plain(found.whole(self.windowed))
        if self.probes < MOST_PROBES:
            self.probes += 1
            numbers = self.probe(found.numbers, found.params)
            if numbers is not None:
                return _Part(numbers=numbers)
        self.looks_up = True
        return _Part(found.lookup, found.params)

    def widened(self, found: Widened) -> _Part:
        """The condition alone where the set is known to be empty, so that a page still walks its index; else the two
        sets, so that a small one of each is looked up.
        """
        others = self.members(found.others)
        if others.numbers == frozenset():
            return _plain(found.condition)
        return _one_of([self.members(found.own), others])


def _of_kinds(kinds: tuple[str, ...]) -> _Part:
    """Saying which kinds are left lets a page walk only their part of an index."""
    marks = ", ".join("?" * len(kinds))
    return _Part(f"t.status_kind IN ({marks})" if kinds else "1 = 0", kinds, kinds=kinds)


def _plain(found: Condition) -> _Part:
    return _Part(found.sql, found.params, found.numbers, found.kinds)


def _all_of(parts: list[_Part]) -> _Part:
    named = [part.numbers for part in parts if part.numbers is not None]
    rest = [part for part in parts if part.sql]
    return _Part(
        " AND ".join(f"({part.sql})" for part in rest),
        tuple(value for part in rest for value in part.params),
        frozenset.intersection(*named) if named else None,
        tuple(kind for kind in KINDS if all(kind in part.kinds for part in parts)),
    )


def _one_of(parts: list[_Part]) -> _Part:
    kinds = tuple(kind for kind in KINDS if any(kind in part.kinds for part in parts))
    numbers = [part.numbers for part in parts if part.numbers is not None]
    if len(numbers) < len(parts):
        return _joined_by_or(parts, None, kinds)
    together = frozenset[int]().union(*numbers)
    if any(part.sql for part in parts):
        return _joined_by_or(parts, together, kinds)
    return _Part(numbers=together, kinds=kinds)


def _joined_by_or(parts: list[_Part], numbers: frozenset[int] | None, kinds: tuple[str, ...]) -> _Part:
    conditions = [_condition(part) for part in parts]
    sql = " OR ".join(f"({sql})" for sql, _ in conditions)
    return _Part(sql, tuple(value for _, params in conditions for value in params), numbers, kinds)


def _condition(part: _Part) -> tuple[str, tuple[Any, ...]]:
    """The part as SQL alone. Numbers come from the store and are whole numbers, so they stand in the text."""
    if part.numbers is None:
        return part.sql or "1 = 1", part.params
    if not part.numbers:
        return "1 = 0", ()
    named = f"t.number IN ({', '.join(map(str, sorted(part.numbers)))})"
    return (f"{named} AND ({part.sql})" if part.sql else named), part.params
