"""A query and an order made ready for a reader: what `list`, the queue and its views hand to `read_tickets`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tkt.query.compile import compile_query
from tkt.query.language import parse
from tkt.query.sort import default_sort, parse_sort
from tkt.store.read_clauses import Sort, Where
from tkt.times import to_micros, utcnow

if TYPE_CHECKING:
    from tkt.query.tree import Node
    from tkt.store.read import Reader


class Listing(NamedTuple):
    """`page(reader, listing.where, listing.sort, …)` gives the rows, `count(reader, listing.where)` how many."""

    tree: Node
    where: Where
    sort: Sort


def listing(reader: Reader, query: str, sort: str = "", now: int | None = None) -> Listing:
    """Read a query and an order (empty: full text by rank, all else by deadline). Raises QueryError.

    The condition holds for the moment it is made: times in it count from `now` (microseconds UTC, default this
    moment), and short lists of candidates are fetched already. Make it again to look again.
    """
    tree = parse(query)
    order = parse_sort(sort, tree) if sort else default_sort(tree)
    vocabulary = reader.vocabulary(to_micros(utcnow()) if now is None else now)
    return Listing(tree, compile_query(tree, vocabulary, reader.dialect, reader.few), order)
