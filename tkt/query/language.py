"""Query text into a tree: a tokeniser and a recursive descent, bounded in length, terms and depth.

    query   = alternative { "OR" alternative }
    alternative = part { ["AND"] part }
    part    = ("-" | "NOT") part | "(" query ")" | term | word | "phrase"
    term    = key operator value { "," value }        operator = ":" | ">" | ">=" | "<" | "<="

What every key takes and means is in `terms`. A mistake raises QueryError, which knows its place;
`caret.point` draws it. Names of teams, agents, statuses and fields are checked later, against a
`Vocabulary`, by `terms.check`.
"""

from __future__ import annotations

import re

from tkt.errors import QueryError
from tkt.query.terms import KEYS, NOTHING_TO_SEARCH, check, check_term, unknown_key
from tkt.query.tree import EVERYTHING, And, Node, Not, Or, Term, Text, Value
from tkt.store.analyser import query_phrases
from tkt.store.read_clauses import Vocabulary

__all__ = ["EVERYTHING", "And", "Node", "Not", "Or", "Term", "Text", "Value", "Vocabulary", "check", "parse"]

LONGEST = 10_000
"""Characters of a query."""
MOST_PARTS = 300
"""Words, terms and alternatives of a query: both engines bound the depth of an expression."""
DEEPEST = 40
"""Brackets and negations inside each other."""

_KEY = re.compile(r"(field\.[\w.-]+|[A-Za-z][A-Za-z_.]*)(>=|<=|[:<>=])(?!//)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_VALUE = re.compile(r'[^\s,()"]+')
_WORD = re.compile(r'[^\s()"]+')
_SPACE = re.compile(r"\s*")
_WORDS = {"OR", "AND", "NOT"}


def parse(text: str) -> Node:
    """The tree of a query; an empty one is `EVERYTHING`. Raises QueryError."""
    if len(text) > LONGEST:
        raise QueryError(f"the query is longer than {LONGEST:,} characters", text, LONGEST)
    parser = _Parser(text)
    if parser.at_end():
        return EVERYTHING
    tree = parser.query(0)
    if not parser.at_end():
        raise QueryError("this bracket closes nothing", text, parser.place)
    return tree


class _Parser:
    """A place in the text, moving on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.parts = 0

    def query(self, depth: int) -> Node:
        found = [self.alternative(depth)]
        while self.take_word("OR"):
            found.append(self.alternative(depth))
        return found[0] if len(found) == 1 else Or(tuple(found))

    def alternative(self, depth: int) -> Node:
        found: list[Node] = []
        while not self.at_end() and self.text[self.place] != ")" and self.next_word() != "OR":
            if self.next_word() == "AND":
                self.join(found)
            found.append(self.part(depth))
        if not found:
            raise self.nothing_here()
        return found[0] if len(found) == 1 else And(tuple(found))

    def join(self, before: list[Node]) -> None:
        start = self.place
        self.take_word("AND")
        if not before or self.at_end() or self.next_word() in ("AND", "OR") or self.text[self.place] == ")":
            raise QueryError("AND stands between two conditions", self.text, start, 3)

    def part(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise QueryError(f"the query is nested deeper than {DEEPEST} levels", self.text, self.place)
        if self.text[self.place] == "(":
            return self.bracket(depth)
        if self.takes_negation():
            return Not(self.part(depth + 1))
        return self.leaf()

    def takes_negation(self) -> bool:
        start, length = self.place, 1 if self.text[self.place] == "-" else 3
        if length == 1:
            self.place += 1
            touches = self.place < len(self.text) and not self.text[self.place].isspace()
        elif not self.take_word("NOT"):
            return False
        else:
            touches = not self.at_end()
        if not touches or self.text[self.place] == ")" or self.next_word() in _WORDS - {"NOT"}:
            word = self.text[start : start + length]
            raise QueryError(f"{word} denies nothing here", self.text, start, length)
        return True

    def bracket(self, depth: int) -> Node:
        start = self.place
        self.place += 1
        if self.at_end():
            raise QueryError("this bracket is never closed", self.text, start)
        if self.text[self.place] == ")":
            length = self.place + 1 - start
            raise QueryError("there is nothing between the brackets", self.text, start, length)
        tree = self.query(depth + 1)
        if self.at_end():
            raise QueryError("this bracket is never closed", self.text, start)
        self.place += 1
        return tree

    def leaf(self) -> Node:
        start = self.place
        match = _KEY.match(self.text, start)
        if match and (match[2] != "=" or match[1].lower() in KEYS):
            return self.term(match)
        found = self.quoted() if self.text[start] == '"' else self.run(_WORD)
        phrases = query_phrases(found.text)
        if not phrases:
            raise QueryError(NOTHING_TO_SEARCH, self.text, found.position, found.length)
        return Text(tuple(map(tuple, phrases)))

    def term(self, match: re.Match[str]) -> Term:
        key, operator = match[1], match[2]
        if not key.startswith("field."):
            key = key.lower()
            if key not in KEYS:
                raise unknown_key(self.text, match.start(), match[1], match[0])
        self.place = match.end()
        values = [self.value(match)]
        while self.text.startswith(",", self.place):
            self.place += 1
            values.append(self.value(match))
        return check_term(Term(key, operator, tuple(values), self.text, match.start()))

    def value(self, match: re.Match[str]) -> Value:
        if self.text.startswith('"', self.place):
            return self.quoted()
        if _VALUE.match(self.text, self.place) is None:
            start, length = match.start(), self.place - match.start()
            raise QueryError(f"'{match[0]}' needs a value right after it", self.text, start, length)
        return self.run(_VALUE)

    def quoted(self) -> Value:
        start = self.place
        match = _QUOTED.match(self.text, start)
        if match is None:
            raise QueryError("this quotation mark is never closed", self.text, start)
        text = re.sub(r"\\(.)", r"\1", match[1], flags=re.DOTALL)
        if not text.strip():
            raise QueryError("there is nothing between the quotation marks", self.text, start, len(match[0]))
        return self.found(text, match)

    def run(self, pattern: re.Pattern[str]) -> Value:
        match = pattern.match(self.text, self.place)
        assert match is not None
        return self.found(match[0], match)

    def found(self, text: str, match: re.Match[str]) -> Value:
        self.place = match.end()
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise QueryError(f"a query has at most {MOST_PARTS} words and values", self.text, match.start())
        return Value(text, match.start(), len(match[0]))

    def next_word(self) -> str:
        match = _WORD.match(self.text, self.place)
        return match[0] if match else ""

    def take_word(self, word: str) -> bool:
        if self.at_end() or self.next_word() != word:
            return False
        self.place += len(word)
        return True

    def at_end(self) -> bool:
        """Whether only space is left; skips it."""
        match = _SPACE.match(self.text, self.place)
        assert match is not None
        self.place = match.end()
        return self.place == len(self.text)

    def nothing_here(self) -> QueryError:
        if not self.at_end() and self.text[self.place] == ")":
            before = self.text[: self.place].rstrip()
            if before.endswith("OR"):
                return QueryError("OR stands between two conditions", self.text, len(before) - 2, 2)
            return QueryError("this bracket closes nothing", self.text, self.place)
        place = self.place if self.next_word() == "OR" else len(self.text.rstrip()) - 2
        return QueryError("OR stands between two conditions", self.text, place, 2)
