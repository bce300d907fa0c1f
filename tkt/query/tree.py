"""What a query is once it is read: nodes, and where in the text each stands."""

from __future__ import annotations

from typing import NamedTuple


class Value(NamedTuple):
    """One alternative of a term, with its place in the query's text."""

    text: str
    position: int
    length: int


class Term(NamedTuple):
    """`key`, one of `: > >= < <=`, and values of which one must fit. `query` is the whole text, for error messages."""

    key: str
    operator: str
    values: tuple[Value, ...]
    query: str
    position: int


class Text(NamedTuple):
    """Words that one message (or the subject) must hold; each phrase a run of the analyser's terms."""

    phrases: tuple[tuple[str, ...], ...]


class Not(NamedTuple):
    """What its part is not."""

    part: Node


class And(NamedTuple):
    """All of its parts; without parts: everything."""

    parts: tuple[Node, ...]


class Or(NamedTuple):
    """At least one of its parts."""

    parts: tuple[Node, ...]


Node = Term | Text | Not | And | Or
"""Any part of a query."""

EVERYTHING = And(())
