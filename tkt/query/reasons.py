"""Why a query holds for a ticket, or does not: the parts that do, or fail, in the words in which they were written.

Pure: whether a part holds is for the caller to say, who has the ticket.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tkt.query.terms import terms_of
from tkt.query.tree import And, Node, Not, Or, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Miss(NamedTuple):
    """A part that would have to be otherwise: `words` as they stand in the query, `keys` what they ask of a ticket."""

    words: str
    keys: tuple[str, ...]


def misses(tree: Node, holds: Callable[[Node], bool]) -> Iterator[Miss]:
    """The parts for whose sake this tree, which does not hold, fails, in the text's order: of what must hold together
    those that don't, of alternatives all.
    """
    if isinstance(tree, And):
        for part in tree.parts:
            if not holds(part):
                yield from misses(part, holds)
    elif isinstance(tree, Or):
        for part in tree.parts:
            yield from misses(part, holds)
    else:
        yield Miss(written(tree), tuple(dict.fromkeys(term.key for term in terms_of(tree))))


def hits(tree: Node, holds: Callable[[Node], bool]) -> Iterator[str]:
    """The parts for whose sake this tree, which does hold, does so, in their words: of alternatives the first one."""
    if isinstance(tree, And):
        for part in tree.parts:
            yield from hits(part, holds)
    elif isinstance(tree, Or):
        yield from hits(next(part for part in tree.parts if holds(part)), holds)
    else:
        yield written(tree)


def written(node: Node) -> str:
    """A part of a query as text."""
    if isinstance(node, Term):
        last = node.values[-1]
        return node.query[node.position : last.position + last.length]
    if isinstance(node, Not):
        inner = written(node.part)
        return f"NOT ({inner})" if isinstance(node.part, And | Or) else f"NOT {inner}"
    if isinstance(node, And):
        return " ".join(f"({written(part)})" if isinstance(part, Or) else written(part) for part in node.parts)
    if isinstance(node, Or):
        return " OR ".join(map(written, node.parts))
    return " ".join(phrase[0] if len(phrase) == 1 else f'"{" ".join(phrase)}"' for phrase in node.phrases)
