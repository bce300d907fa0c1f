"""At which ticks of the scheduler a rule that runs by time is worth asking: between two changes of a ticket only time
goes by, so its answer can only change where a time in its condition is passed.
"""

from __future__ import annotations

from collections.abc import Iterator

from tkt.query.evaluate import Facts
from tkt.query.moments import turns
from tkt.query.terms import terms_of
from tkt.query.tree import Node, Term

_MOMENTS = {"created": "created_at", "updated": "updated_at", "due": "due_at", "resolved": "resolved_at"}


def worth_asking(condition: Node, facts: Facts, since: int, until: int, interval: int, zone: str) -> list[int]:
    """The ticks (multiples of `interval`; all in microseconds UTC) after `since` and up to `until` that decide: the
    first one, and the first ones after each moment at which the condition may turn.
    """
    first = since + interval
    passed = [one for term in terms_of(condition) for one in _turns(term, facts, since, until, zone)]
    ticks = {tick for one in passed for tick in (_next(one, interval), _next(one + 1, interval))}
    return sorted(tick for tick in {first, *ticks} if first <= tick <= until)


def _turns(term: Term, facts: Facts, since: int, until: int, zone: str) -> Iterator[int]:
    if term.key in _MOMENTS and (moment := getattr(facts, _MOMENTS[term.key])) is not None:
        yield from turns(term, moment, since, until, zone)
    elif term.key == "is":
        yield from (one for one in (facts.snoozed_until, facts.due_at) if one is not None)


def _next(moment: int, interval: int) -> int:
    return -(-moment // interval) * interval
