"""Orders of a list: `due,-priority`, each key rising, with `-` falling; the number always decides last.

Keys are those an index can walk (due, updated, priority, created, number), and `rank`: what fits a
full-text query best first, which stands alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkt.errors import QueryError
from tkt.query.tree import And, Node, Or, Text
from tkt.store.read_clauses import BY_DUE, Sort

if TYPE_CHECKING:
    from collections.abc import Iterable

COLUMNS = {
    "due": "due_at",
    "priority": "priority",
    "updated": "updated_at",
    "created": "created_at",
    "number": "number",
}
KEYS = (*COLUMNS, "rank")


def parse_sort(text: str, tree: Node) -> Sort:
    """The order that `--sort` names, for the results of this query. Raises QueryError."""
    place, columns = 0, []
    for word in text.split(","):
        name = word.strip().lower()
        if name == "rank" and "," not in text:
            return Sort((), _ranked_by(tree, text))
        columns.append(_column(name, text, place, len(word)))
        place += len(word) + 1
    return Sort(_with_number(columns))


def default_sort(tree: Node) -> Sort:
    """What a list is sorted by when nobody says: full text by rank, everything else by deadline."""
    phrases = tuple(phrases_of(tree))
    return Sort((), phrases) if phrases else BY_DUE


def phrases_of(tree: Node) -> Iterable[tuple[tuple[str, ...], ...]]:
    """The words a query looks for (not those it denies, nor those of `subject:`)."""
    if isinstance(tree, Text):
        yield tree.phrases
    elif isinstance(tree, And | Or):
        for part in tree.parts:
            yield from phrases_of(part)


def _ranked_by(tree: Node, text: str) -> tuple[tuple[tuple[str, ...], ...], ...]:
    phrases = tuple(phrases_of(tree))
    if not phrases:
        raise QueryError("'rank' needs a word to search for in the query", text, 0, len(text), "due")
    return phrases


def _column(name: str, text: str, place: int, length: int) -> tuple[str, bool]:
    key = name.removeprefix("-")
    if key not in COLUMNS:
        from tkt.query.terms import nearest

        if key == "rank":
            raise QueryError("'rank' stands alone and has no '-'", text, place, length)
        message = f"there is no order '{key}'; known: {', '.join(KEYS)}"
        raise QueryError(message, text, place, length, nearest(key, KEYS))
    return COLUMNS[key], name.startswith("-")


def _with_number(columns: list[tuple[str, bool]]) -> tuple[tuple[str, bool], ...]:
    """Each column once, up to the number: no two tickets share one, so nothing after it could matter."""
    found: dict[str, bool] = {}
    for name, down in columns:
        found.setdefault(name, down)
        if name == "number":
            break
    found.setdefault("number", all(found.values()))
    return tuple(found.items())
