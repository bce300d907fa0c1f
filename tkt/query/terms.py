"""The terms of the query language: which keys there are, what each takes, and whether its words are known.

    status, kind, priority, team, assignee, type, channel, category, tag, company, customer.tier, field.NAME
    watcher     an agent who follows the ticket
    from        an address, an "@domain", or a part of the requester's name or address
    subject     words or a phrase in the subject, without regard to case and accents
    created, updated, due, resolved     with > >= < <= and a duration or a date, or ":" and a date
    is          breached unread snoozed unassigned overdue undelivered
    has         attachment
    unanswered  how many messages the customer has written since the last public answer of an agent
    reopened    how often the ticket was opened again after it was resolved or closed
    number, parent      a ticket's number

Letters A to Z match in either case in type, channel, category, company, customer.tier and from; names of
teams, agents and statuses are matched exactly, tags in lower case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tkt.errors import QueryError
from tkt.query.tree import And, Node, Not, Or, Term, Value
from tkt.store.constants import KINDS, PRIORITIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tkt.store.read_clauses import Vocabulary

ORDERED = (":", ">", ">=", "<", "<=")
COUNTS = ("unanswered", "reopened")
FLAGS = ("breached", "unread", "snoozed", "unassigned", "overdue", "undelivered")


class Key(NamedTuple):
    """What a key takes: `words` is the closed set of its values, empty where any value may stand."""

    operators: tuple[str, ...] = (":",)
    words: tuple[str, ...] = ()
    sort: str = "text"


KEYS: Mapping[str, Key] = {
    "status": Key(),
    "kind": Key(words=KINDS),
    "priority": Key(ORDERED, tuple(PRIORITIES)),
    "team": Key(),
    "assignee": Key(),
    "watcher": Key(),
    "type": Key(),
    "channel": Key(),
    "category": Key(),
    "tag": Key(),
    "company": Key(),
    "customer.tier": Key(),
    "from": Key(),
    "subject": Key(),
    "created": Key(ORDERED, sort="time"),
    "updated": Key(ORDERED, sort="time"),
    "due": Key(ORDERED, sort="time"),
    "resolved": Key(ORDERED, sort="time"),
    "is": Key(words=FLAGS),
    "has": Key(words=("attachment",)),
    "number": Key(ORDERED, sort="number"),
    "parent": Key(sort="number"),
    "unanswered": Key(ORDERED, sort="count"),
    "reopened": Key(ORDERED, sort="count"),
}
NOTHING_TO_SEARCH = "there is nothing here to search for: no letter, no digit"
_FIELD = Key()
_ALSO_CALLED = {
    "owner": "assignee", "agent": "assignee", "assigned": "assignee", "requester": "from", "customer": "from",
    "sender": "from", "state": "status", "prio": "priority", "label": "tag", "tags": "tag", "queue": "team",
    "group": "team", "tier": "customer.tier", "title": "subject", "id": "number", "age": "created",
    "deadline": "due", "organisation": "company", "source": "channel", "field": "field.NAME",
    "follower": "watcher", "following": "watcher", "followed": "watcher", "watching": "watcher",
    "reopenings": "reopened", "messages": "unanswered",
}  # fmt: skip


def check_term(term: Term) -> Term:
    """The term with its closed words in lower case. Raises QueryError for an operator or value it doesn't take."""
    key = KEYS.get(term.key, _FIELD)
    if term.operator not in key.operators:
        raise _wrong_operator(term, key)
    if len(term.values) > 1 and term.operator != ":":
        second = term.values[1]
        message = f"alternatives go with ':' only, not with '{term.operator}'"
        raise QueryError(message, term.query, second.position, second.length)
    return term._replace(values=tuple(_checked(term, key, value) for value in term.values))


def check(tree: Node, vocabulary: Vocabulary) -> None:
    """Raise QueryError for the first name (team, agent, status, field) that the vocabulary doesn't know."""
    for term in terms_of(tree):
        if term.key.startswith("field.") and vocabulary.fields is not None:
            name = Value(term.key[6:], term.position + 6, len(term.key) - 6)
            _known(term, name, vocabulary.fields, "field")
        for value in term.values:
            _check_name(term, value, vocabulary)


def terms_of(tree: Node) -> Iterable[Term]:
    """Every term of a tree, in the text's order."""
    if isinstance(tree, Term):
        yield tree
    elif isinstance(tree, Not):
        yield from terms_of(tree.part)
    elif isinstance(tree, And | Or):
        for part in tree.parts:
            yield from terms_of(part)


def number_of(value: Value) -> int:
    """The ticket number of a checked value: `12` or `#12`."""
    return int(value.text.removeprefix("#"))


def count_of(value: Value) -> int:
    """The number of a checked value: `2`."""
    return int(value.text)


def folded(text: str) -> str:
    """Letters A to Z in lower case, all else as it is: what both engines and Python do alike."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def unknown_key(query: str, position: int, key: str, written: str) -> QueryError:
    """The error for `key:` that is no key; `written` is the key with its operator."""
    hint = _ALSO_CALLED.get(key.lower()) or nearest(key.lower(), [*KEYS, "field.NAME"])
    message = f"there is no term '{written}' (in quotation marks it is searched as text)"
    return QueryError(message, query, position, len(key), hint)


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like this one, or an empty string."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def _wrong_operator(term: Term, key: Key) -> QueryError:
    takes = "':'" if key.operators == (":",) else "':', '>', '>=', '<' or '<='"
    message = f"'{term.key}' goes with {takes}, not with '{term.operator}'"
    place = term.position + len(term.key)
    return QueryError(message, term.query, place, len(term.operator), ":" if term.operator == "=" else "")


def _checked(term: Term, key: Key, value: Value) -> Value:
    if key.words:
        value = value._replace(text=value.text.lower())
        return _known(term, value, key.words, _what(term.key))
    if key.sort == "number":
        return _checked_number(term, value)
    if key.sort == "count":
        return _checked_count(term, value)
    if key.sort == "time":
        from tkt.query.moments import check_moment

        check_moment(term, value)
    if term.key == "subject":
        _check_words(term, value)
    return value


def _checked_number(term: Term, value: Value) -> Value:
    digits = value.text.removeprefix("#")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 12):
        raise QueryError(f"'{value.text}' is not a ticket's number", term.query, value.position, value.length)
    return value


def _checked_count(term: Term, value: Value) -> Value:
    if not (value.text.isascii() and value.text.isdecimal() and len(value.text) <= 6):
        raise QueryError(f"'{value.text}' is not a number such as 2", term.query, value.position, value.length)
    return value


def _check_words(term: Term, value: Value) -> None:
    from tkt.store.analyser import query_phrases

    if not query_phrases(value.text):
        raise QueryError(NOTHING_TO_SEARCH, term.query, value.position, value.length)


def _check_name(term: Term, value: Value, vocabulary: Vocabulary) -> None:
    if term.key == "status":
        _known(term, value, vocabulary.statuses, "status")
    elif term.key == "team" and value.text != "none":
        _known(term, value, vocabulary.teams, "team")
    elif term.key in ("assignee", "watcher") and value.text == "me":
        if vocabulary.me is None:
            message = "'me' names nobody here: you are no agent of this desk"
            raise QueryError(message, term.query, value.position, value.length)
    elif term.key == "watcher" or (term.key == "assignee" and value.text != "none"):
        _known(term, value, vocabulary.agents, "agent")


def _known(term: Term, value: Value, known: Iterable[str], what: str) -> Value:
    names = list(known)
    if value.text in names:
        return value
    listed = f"; known: {', '.join(names)}" if 0 < len(names) <= 12 else ""
    message = f"there is no {what} '{value.text}'{listed}"
    raise QueryError(message, term.query, value.position, value.length, nearest(value.text, names))


def _what(key: str) -> str:
    return {"kind": "kind of status", "is": "mark", "has": "thing to have"}.get(key, key)
