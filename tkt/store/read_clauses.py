"""What the query language and the read side hand each other: names, a condition, an order.

Light and without behaviour of its own beyond paging keys. The query language (`tkt.query`) makes the
conditions and orders; `tkt.store.read_tickets` runs them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.store.constants import DOC_SHIFT, KINDS, NEVER, PRIORITIES, STATUSES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Vocabulary(NamedTuple):
    """The names a query may use, who asks, and when.

    Teams and agents with their ids, statuses with their kinds; `fields` None leaves field names unchecked;
    `me` is an agent's id; `now` is in microseconds UTC, `zone` an IANA name. `owned`: `team:` means the team whose
    ticket it is, not the further ones that it concerns.
    """

    teams: Mapping[str, int] = {}
    agents: Mapping[str, int] = {}
    statuses: Mapping[str, str] = STATUSES
    me: int | None = None
    now: int = 0
    zone: str = "UTC"
    fields: Collection[str] | None = None
    owned: bool = False


class Bound:
    """A parameter that stands for an end of a window of numbers, as the id of a search document."""

    __slots__ = ()


LOW, HIGH = Bound(), Bound()


class Where(NamedTuple):
    """A condition on `ticket t`, with `?` for each of `params`.

    `kinds` are the status kinds that can satisfy it: the page walks one index range for each. `few` says that
    it names its candidates (a short list of numbers), so that they are looked up and sorted instead of
    walking an order. `windowed`, where it is another one, is the same condition for going through everything
    (counting) or, with `bounded`, through windows of numbers.
    """

    sql: str
    params: tuple[Any, ...] = ()
    kinds: tuple[str, ...] = KINDS
    few: bool = False
    windowed: Where | None = None

    @property
    def in_windows(self) -> bool:
        """Whether it asks the full-text index about common words: then windows of numbers make it cheap."""
        return self.windowed is not None and LOW in self.windowed.params

    def bounded(self, low: int, high: int) -> tuple[str, tuple[Any, ...]]:
        """SQL and parameters for the tickets from `low` to below `high`."""
        where = self.windowed or self
        ends = {LOW: low << DOC_SHIFT, HIGH: high << DOC_SHIFT}
        params = [ends[value] if isinstance(value, Bound) else value for value in where.params]
        return f"{where.sql} AND t.number >= ? AND t.number < ?", (*params, low, high)


EVERYTHING = Where("1 = 1")


Phrases = tuple[tuple[str, ...], ...]
"""What one searched word or phrase consists of: runs of the analyser's terms that a document must all hold."""


class Sort(NamedTuple):
    """An order: (column of `ticket`, descending) pairs. The last one is always `number`, so that no two rows
    are equal.
    """

    columns: tuple[tuple[str, bool], ...]
    ranking: tuple[Phrases, ...] = ()

    def key(self, row: Any) -> tuple[Any, ...]:
        """Where a row stands in this order: what `page(after=…)` takes. `row` has the columns as attributes."""
        if self.ranking:
            return (row.number,)
        return tuple(stored(getattr(row, name), name) for name, _ in self.columns)


def stored(value: Any, column: str) -> Any:
    """A row's value as its column holds it."""
    if column == "due_at":
        return NEVER if value is None else value
    return PRIORITIES[value] if column == "priority" else value


BY_DUE = Sort((("due_at", False), ("number", False)))
