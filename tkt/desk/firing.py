"""When a rule fires: the definition that the rules at work (`tkt.desk.rules`) and a rule that is tried on the past
(`tkt.desk.trying`) share.

What happened to a ticket in one change is answered in its order, each happening by the rules for it in the file's
order; what a rule does may be a happening more. A rule fires at most once per ticket and change. On a ticket with the
tag `spam` only rules that ask for that tag act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tkt.desk.values import SPAM
from tkt.query.evaluate import Facts, matches
from tkt.query.terms import terms_of
from tkt.query.tree import Node
from tkt.store.read_clauses import Vocabulary

BY_TIME = "every"
"""What a rule's `on` says that answers nothing but runs by time."""

INTERVAL_SECONDS = 60
"""How often the scheduler lets the rules run that run by time."""

_CAUSE = "rule "

Rule = TypeVar("Rule")


def in_turn(rules: Sequence[Rule], on: Callable[[Rule], str], happenings: list[str]) -> Iterator[Rule]:
    """The rules that may answer, one after another, until nothing is left to be answered; what a rule brings about is
    added to `happenings` meanwhile."""
    while happenings:
        happening = happenings.pop(0)
        for rule in rules:
            if on(rule) == happening:
                yield rule


def holds(condition: Node, facts: Facts, vocabulary: Vocabulary) -> bool:
    """Whether a rule with this condition acts on a ticket like this."""
    if SPAM in facts.tags and not _asks_for_spam(condition):
        return False
    return matches(condition, facts, vocabulary)


def cause_of(rule: str) -> str:
    """What stands in the history as the cause of what a rule did."""
    return _CAUSE + rule


def rule_of(cause: str) -> str | None:
    """The rule that a cause names, if it is one."""
    return cause.removeprefix(_CAUSE) if cause.startswith(_CAUSE) else None


def _asks_for_spam(condition: Node) -> bool:
    return any(
        term.key == "tag" and any(value.text.lower() == SPAM for value in term.values) for term in terms_of(condition)
    )
