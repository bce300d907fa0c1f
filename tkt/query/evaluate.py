"""A query's answer for one ticket in memory: for rules, SLA policies and live views, without the database.

The law, held by a test on both engines: `matches` is true for exactly the tickets that the compiled SQL
selects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tkt.query.terms import COUNTS, count_of, folded, number_of
from tkt.query.tree import And, Node, Not, Or, Term, Text
from tkt.store.analyser import index_terms, query_phrases
from tkt.store.constants import PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tkt.store.read_clauses import Vocabulary


class Documents:
    """The searchable texts of a ticket, analysed only when a query asks for words.

    `texts` gives the texts of all messages that are in the search index; it is called at most once.
    """

    def __init__(self, subject: str, texts: Callable[[], Iterable[str]]) -> None:
        self._subject = subject
        self._texts = texts
        self._terms: list[str] | None = None
        self._all: list[list[str]] | None = None

    def subject(self) -> list[str]:
        if self._terms is None:
            self._terms = index_terms(self._subject)
        return self._terms

    def all(self) -> list[list[str]]:
        if self._all is None:
            self._all = [self.subject(), *map(index_terms, self._texts())]
        return self._all


class Facts(NamedTuple):
    """What a query can ask of one ticket. Moments are microseconds UTC or None; "" is nobody and nothing.

    `priority` is the rank; `assignee`, `watchers` and the teams are names; `addresses` are all those of the requester,
    `tier` and `sla` (the policy for them alone) are the requester's own or else the company's; `fields` are the
    canonical texts.
    """

    number: int
    documents: Documents
    status: str = "new"
    status_kind: str = "open"
    priority: int = 2
    type: str = ""
    category: str = ""
    channel: str = ""
    team: str = ""
    further_teams: frozenset[str] = frozenset()
    assignee: str = ""
    requester_name: str = ""
    addresses: tuple[str, ...] = ()
    company: str = ""
    tier: str = ""
    sla: str = ""
    watchers: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    fields: dict[str, str] = {}
    parent: int | None = None
    created_at: int = 0
    updated_at: int = 0
    resolved_at: int | None = None
    due_at: int | None = None
    snoozed_until: int | None = None
    unread: bool = False
    undelivered: bool = False
    breached: bool = False
    attachments: int = 0
    unanswered: int = 0
    reopened: int = 0


def matches(tree: Node, facts: Facts, vocabulary: Vocabulary) -> bool:
    """Whether the ticket is one of those that the query means. `me`, `now`, `zone`, `owned` of the vocabulary count."""
    if isinstance(tree, And):
        return all(matches(part, facts, vocabulary) for part in tree.parts)
    if isinstance(tree, Or):
        return any(matches(part, facts, vocabulary) for part in tree.parts)
    if isinstance(tree, Not):
        return not matches(tree.part, facts, vocabulary)
    if isinstance(tree, Text):
        return any(_holds(terms, tree.phrases) for terms in facts.documents.all())
    return _fits(tree, facts, vocabulary)


def _fits(term: Term, facts: Facts, vocabulary: Vocabulary) -> bool:
    if term.operator != ":" and term.key in _MOMENTS:
        return _is_within(term, facts, vocabulary)
    if term.operator != ":":
        return _compares(term, facts)
    if term.key.startswith("field."):
        return any(facts.fields.get(term.key[6:]) == value.text for value in term.values)
    if term.key in _MOMENTS:
        return _is_within(term, facts, vocabulary)
    if term.key in COUNTS:
        return getattr(facts, term.key) in map(count_of, term.values)
    if term.key in ("number", "parent"):
        return getattr(facts, term.key) in map(number_of, term.values)
    if term.key == "assignee":
        return _is_assigned(term, facts, vocabulary)
    if term.key == "team":
        return any(_is_of_team(facts, value.text, vocabulary) for value in term.values)
    if term.key == "watcher":
        return any(_is_watched(facts, value.text, vocabulary) for value in term.values)
    if term.key == "is":
        return any(_FLAGS[value.text](facts, vocabulary.now) for value in term.values)
    return any(_FITS[term.key](facts, value.text) for value in term.values)


def _is_within(term: Term, facts: Facts, vocabulary: Vocabulary) -> bool:
    from tkt.query.moments import spans

    moment: int | None = getattr(facts, _MOMENTS[term.key])
    if moment is None:
        return False
    found = spans(term, vocabulary.now, vocabulary.zone)
    return any((begin is None or begin <= moment) and (end is None or moment < end) for begin, end in found)


def _compares(term: Term, facts: Facts) -> bool:
    value = term.values[0]
    if term.key == "priority":
        have, wanted = facts.priority, PRIORITIES[value.text]
    elif term.key in COUNTS:
        have, wanted = getattr(facts, term.key), count_of(value)
    else:
        have, wanted = facts.number, number_of(value)
    return {"<": have < wanted, "<=": have <= wanted, ">": have > wanted, ">=": have >= wanted}[term.operator]


def _is_assigned(term: Term, facts: Facts, vocabulary: Vocabulary) -> bool:
    names = {value.text for value in term.values}
    if not facts.assignee:
        return "none" in names
    is_me = vocabulary.me is not None and vocabulary.agents.get(facts.assignee) == vocabulary.me
    return facts.assignee in names - {"me", "none"} or (is_me and "me" in names)


def _is_of_team(facts: Facts, text: str, vocabulary: Vocabulary) -> bool:
    if facts.team == ("" if text == "none" else text):
        return True
    return not vocabulary.owned and text in facts.further_teams


def _is_watched(facts: Facts, text: str, vocabulary: Vocabulary) -> bool:
    if text != "me":
        return text in facts.watchers
    return any(vocabulary.agents.get(name) == vocabulary.me for name in facts.watchers)


def _is_from(facts: Facts, text: str) -> bool:
    address = text.lower()
    if text.startswith("@"):
        return any(one.endswith(address) for one in facts.addresses)
    if "@" in text:
        return address in facts.addresses
    names = (facts.requester_name, *facts.addresses)
    return any(folded(text) in folded(name) for name in names)


def _is_in_category(facts: Facts, path: str) -> bool:
    have, wanted = folded(facts.category), folded(path.strip("/"))
    return have == wanted or have.startswith(f"{wanted}/")


def _is_about(facts: Facts, text: str) -> bool:
    return _holds(facts.documents.subject(), query_phrases(text))


def _holds(terms: Sequence[str], phrases: Iterable[Sequence[str]]) -> bool:
    return all(_has_run(terms, list(phrase)) for phrase in phrases)


def _has_run(terms: Sequence[str], run: list[str]) -> bool:
    first, length = run[0], len(run)
    if length == 1:
        return first in terms
    return any(term == first and list(terms[n : n + length]) == run for n, term in enumerate(terms))


_MOMENTS = {"created": "created_at", "updated": "updated_at", "due": "due_at", "resolved": "resolved_at"}

_FLAGS: dict[str, Callable[[Facts, int], bool]] = {
    "breached": lambda facts, now: facts.breached,
    "unread": lambda facts, now: facts.unread,
    "undelivered": lambda facts, now: facts.undelivered,
    "unassigned": lambda facts, now: not facts.assignee,
    "snoozed": lambda facts, now: facts.snoozed_until is not None and facts.snoozed_until > now,
    "overdue": lambda facts, now: (
        facts.due_at is not None and facts.due_at < now and facts.status_kind in ("open", "waiting")
    ),
}

_FITS: dict[str, Callable[[Facts, str], bool]] = {
    "status": lambda facts, text: facts.status == text,
    "kind": lambda facts, text: facts.status_kind == text,
    "priority": lambda facts, text: facts.priority == PRIORITIES[text],
    "type": lambda facts, text: folded(facts.type) == folded(text),
    "channel": lambda facts, text: folded(facts.channel) == folded(text),
    "category": _is_in_category,
    "tag": lambda facts, text: text.lower() in facts.tags,
    "company": lambda facts, text: folded(text) in folded(facts.company),
    "customer.tier": lambda facts, text: folded(facts.tier) == folded(text),
    "from": _is_from,
    "subject": _is_about,
    "has": lambda facts, text: facts.attachments > 0,
}
