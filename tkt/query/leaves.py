"""One term or text as SQL: a condition on `ticket t`, or membership in a set of tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.query.terms import count_of, folded, number_of
from tkt.query.tree import Term, Text
from tkt.store.analyser import query_phrases
from tkt.store.constants import DOC_SHIFT, KINDS, NEVER, PRIORITIES
from tkt.store.match import match_text
from tkt.store.read_clauses import HIGH, LOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tkt.query.moments import Span
    from tkt.store.read_clauses import Vocabulary


class Condition(NamedTuple):
    """What is seen on the ticket's row; in which `kinds` and for which `numbers` (None: any) it may hold."""

    sql: str
    params: tuple[Any, ...] = ()
    kinds: tuple[str, ...] = KINDS
    numbers: frozenset[int] | None = None


class Source(NamedTuple):
    """A set of tickets as a SELECT of numbers that ends in a condition.

    `document` is the column with the search document's id, where it is a full-text search. `condition` says the same
    of ticket t in another way, where that is better for going through everything.
    """

    sql: str
    params: tuple[Any, ...]
    document: str = ""
    condition: str = ""

    def whole(self, windowed: bool) -> tuple[str, tuple[Any, ...]]:
        """The condition that ticket t is in the set; `windowed`: the full-text index is asked for a window only."""
        if not (windowed and self.document):
            return self.condition or f"t.number IN ({self.sql})", self.params
        window = f"{self.document} >= ? AND {self.document} < ?"
        return f"t.number IN ({self.sql} AND {window})", (*self.params, LOW, HIGH)


class Members(NamedTuple):
    """A set of tickets: what `sources` select together; `lookup` asks whether ticket t is one of them."""

    sources: tuple[Source, ...]
    lookup: str

    @property
    def params(self) -> tuple[Any, ...]:
        """The parameters of the sources one after another, and those of the look-up."""
        return tuple(value for source in self.sources for value in source.params)

    @property
    def numbers(self) -> str:
        """All of them, as one SELECT (a number may come twice)."""
        return " UNION ALL ".join(source.sql for source in self.sources)

    def whole(self, windowed: bool) -> Condition:
        """The condition that ticket t is one of them, for going through everything."""
        found = [source.whole(windowed) for source in self.sources]
        sql = " OR ".join(f"({sql})" for sql, _ in found)
        return Condition(sql, tuple(value for _, params in found for value in params))


class Widened(NamedTuple):
    """What is seen on the ticket's row (`own`, also as a set), or membership in a set that is empty on most desks."""

    condition: Condition
    own: Members
    others: Members


def leaf(tree: Term | Text, vocabulary: Vocabulary, dialect: str) -> Condition | Members | Widened:
    """The SQL of a leaf whose names are known."""
    if isinstance(tree, Text):
        return _text(tree.phrases, dialect)
    key = "field" if tree.key.startswith("field.") else tree.key
    return _LEAVES[key](tree, vocabulary, dialect)


def _text(phrases: Iterable[Iterable[str]], dialect: str) -> Members:
    matches = _matches(dialect)
    first, last = f"t.number << {DOC_SHIFT}", f"((t.number + 1) << {DOC_SHIFT}) - 1"
    doc = _doc(dialect)
    found = f"SELECT {doc} >> {DOC_SHIFT} FROM search WHERE {matches}"
    lookup = f"EXISTS (SELECT 1 FROM search WHERE {matches} AND {doc} BETWEEN {first} AND {last})"
    return Members((Source(found, (match_text(phrases, dialect),), doc),), lookup)


def _subject(term: Term, _vocabulary: Vocabulary, dialect: str) -> Members:
    matches, doc = _matches(dialect), _doc(dialect)
    found = f"SELECT {doc} >> {DOC_SHIFT} FROM search WHERE {matches} AND {doc} & {2**DOC_SHIFT - 1} = 0"
    lookup = f"EXISTS (SELECT 1 FROM search WHERE {matches} AND {doc} = t.number << {DOC_SHIFT})"
    texts = [match_text(query_phrases(value.text), dialect) for value in term.values]
    return _any_of([Members((Source(found, (text,), doc),), lookup) for text in texts])


def _any_of(found: list[Members]) -> Members:
    sources = tuple(source for one in found for source in one.sources)
    return Members(sources, f"({' OR '.join(one.lookup for one in found)})")


def _matches(dialect: str) -> str:
    return "search MATCH ?" if dialect == "sqlite" else "search.terms @@ CAST(? AS tsquery)"


def _doc(dialect: str) -> str:
    return "search.rowid" if dialect == "sqlite" else "search.doc"


def _status(term: Term, vocabulary: Vocabulary, _dialect: str) -> Condition:
    names = _texts(term)
    kinds = {vocabulary.statuses[name] for name in names}
    return Condition(_in("t.status", names), names, tuple(kind for kind in KINDS if kind in kinds))


def _kind(term: Term, _vocabulary: Vocabulary, _dialect: str) -> Condition:
    names = _texts(term)
    return Condition(_in("t.status_kind", names), names, tuple(kind for kind in KINDS if kind in names))


def _priority(term: Term, _vocabulary: Vocabulary, _dialect: str) -> Condition:
    ranks = tuple(PRIORITIES[name] for name in _texts(term))
    if term.operator == ":":
        return Condition(_in("t.priority", ranks), ranks)
    return Condition(f"t.priority {term.operator} ?", ranks)


def _team(term: Term, vocabulary: Vocabulary, _dialect: str) -> Condition | Widened:
    """The ticket's own team, or a further one that it concerns."""
    known = {**vocabulary.teams, "none": None}
    ids = [known[name] for name in _texts(term)]
    own = _owner("t.team_id", ids)
    if vocabulary.owned or not own.params:
        return own
    source = Source(f"SELECT r.number FROM ticket r WHERE {_owner('r.team_id', ids).sql}", own.params, "", own.sql)
    others = _linked("ticket_team", _in("x.team_id", own.params), own.params)
    return Widened(own, Members((source,), f"({own.sql})"), others)


def _assignee(term: Term, vocabulary: Vocabulary, _dialect: str) -> Condition:
    ids = {**vocabulary.agents, "me": vocabulary.me, "none": None}
    return _owner("t.assignee_id", [ids[name] for name in _texts(term)])


def _watcher(term: Term, vocabulary: Vocabulary, _dialect: str) -> Members:
    ids = {**vocabulary.agents, "me": vocabulary.me}
    agents = tuple(ids[name] for name in _texts(term))
    return _linked("watcher", _in("x.agent_id", agents), agents)


def _owner(column: str, ids: list[int | None]) -> Condition:
    """The column is one of these ids, or empty where one of them is None ("none")."""
    known = tuple(one for one in ids if one is not None)
    some = [f"{column} IS NOT NULL AND {_in(column, known)}"] if known else []
    none = [f"{column} IS NULL"] if len(known) < len(ids) else []
    return Condition(" OR ".join(some + none), known)


def _word(column: str) -> Callable[[Term, Vocabulary, str], Condition]:
    def condition(term: Term, _vocabulary: Vocabulary, dialect: str) -> Condition:
        words = tuple(map(folded, _texts(term)))
        return Condition(_in(_lower(column, dialect), words), words)

    return condition


def _category(term: Term, _vocabulary: Vocabulary, dialect: str) -> Condition:
    column = _lower("t.category", dialect)
    paths = [folded(path.strip("/")) for path in _texts(term)]
    one = f"({column} = ? OR substr({column}, 1, ?) = ?)"
    below = [(path, len(path) + 1, f"{path}/") for path in paths]
    return Condition(" OR ".join([one] * len(paths)), tuple(value for values in below for value in values))


def _tag(term: Term, _vocabulary: Vocabulary, _dialect: str) -> Members:
    tags = tuple(text.lower() for text in _texts(term))
    return _linked("ticket_tag", _in("x.tag", tags), tags)


def _field(term: Term, _vocabulary: Vocabulary, _dialect: str) -> Members:
    values = _texts(term)
    return _linked("ticket_field", f"x.name = ? AND {_in('x.value', values)}", (term.key[6:], *values))


def _linked(table: str, condition: str, params: tuple[Any, ...]) -> Members:
    found = Source(f"SELECT x.ticket FROM {table} x WHERE {condition}", params)
    return Members((found,), f"EXISTS (SELECT 1 FROM {table} x WHERE x.ticket = t.number AND {condition})")


def _company(term: Term, _vocabulary: Vocabulary, dialect: str) -> Members:
    parts = tuple(map(folded, _texts(term)))
    contains = " OR ".join([_contains("c.name", dialect)] * len(parts))
    return _requested("person p JOIN company c ON c.id = p.company_id", "p.id", f"({contains})", parts)


def _tier(term: Term, _vocabulary: Vocabulary, dialect: str) -> Members:
    tiers = tuple(map(folded, _texts(term)))
    tier = _lower("coalesce(nullif(p.tier, ''), c.tier, '')", dialect)
    return _requested("person p LEFT JOIN company c ON c.id = p.company_id", "p.id", _in(tier, tiers), tiers)


def _from(term: Term, _vocabulary: Vocabulary, dialect: str) -> Members:
    return _any_of([_from_one(text, dialect) for text in _texts(term)])


def _from_one(text: str, dialect: str) -> Members:
    address = text.lower()
    if text.startswith("@"):
        end = "substr(d.address, -?)" if dialect == "sqlite" else "right(d.address, ?)"
        return _requested("address d", "d.person_id", f"{end} = ?", (len(address), address))
    if "@" in text:
        return _requested("address d", "d.person_id", "d.address = ?", (address,))
    named = _requested("person p", "p.id", _contains("p.name", dialect), (folded(text),))
    addressed = _requested("address d", "d.person_id", _contains("d.address", dialect), (folded(text),))
    return _any_of([named, addressed])


def _requested(source: str, person: str, condition: str, params: tuple[Any, ...]) -> Members:
    """Tickets whose requester is among the persons that `source` gives under the condition."""
    persons = f"SELECT {person} FROM {source} WHERE {condition}"
    by_person = f"t.requester_id IS NOT NULL AND t.requester_id IN ({persons})"
    found = Source(f"SELECT r.number FROM ticket r WHERE r.requester_id IN ({persons})", params, "", by_person)
    lookup = f"EXISTS (SELECT 1 FROM {source} WHERE {person} = t.requester_id AND {condition})"
    return Members((found,), lookup)


def _created(column: str) -> Callable[[Term, Vocabulary, str], Condition]:
    def condition(term: Term, vocabulary: Vocabulary, _dialect: str) -> Condition:
        from tkt.query.moments import spans

        found = [_within(column, one) for one in spans(term, vocabulary.now, vocabulary.zone)]
        sql = " OR ".join(f"({sql})" for sql, _ in found)
        return Condition(sql, tuple(value for _, params in found for value in params))

    return condition


def _within(column: str, span: Span) -> tuple[str, tuple[int, ...]]:
    begin, end = span
    lower = f"{column} >= ?" if begin is not None else ""
    upper = f"{column} < ?" if end is not None else ""
    known = {"t.due_at": f"t.due_at < {NEVER}", "t.resolved_at": "t.resolved_at IS NOT NULL"}.get(column, "")
    sql = " AND ".join(filter(None, (known, lower, upper)))
    return sql, tuple(value for value in span if value is not None)


def _flag(term: Term, vocabulary: Vocabulary, _dialect: str) -> Condition:
    conditions = [_FLAGS[name] for name in _texts(term)]
    params = tuple(vocabulary.now for condition in conditions for _ in range(condition.count("?")))
    return Condition(" OR ".join(conditions), params)


_FLAGS = {
    "breached": "t.breached",
    "unread": "t.unread",
    "undelivered": "t.undelivered",
    "unassigned": "t.assignee_id IS NULL",
    "snoozed": "(t.snoozed_until IS NOT NULL AND t.snoozed_until > ?)",
    "overdue": "(t.due_at < ? AND t.status_kind IN ('open', 'waiting'))",
}


def _attached(_term: Term, _vocabulary: Vocabulary, _dialect: str) -> Condition:
    return Condition("t.attachments > 0")


def _number(term: Term, _vocabulary: Vocabulary, _dialect: str) -> Condition:
    numbers = tuple(map(number_of, term.values))
    if term.operator == ":":
        return Condition("", numbers=frozenset(numbers))
    return Condition(f"t.number {term.operator} ?", numbers)


def _count(column: str) -> Callable[[Term, Vocabulary, str], Condition]:
    def condition(term: Term, _vocabulary: Vocabulary, _dialect: str) -> Condition:
        numbers = tuple(map(count_of, term.values))
        return Condition(_in(column, numbers) if term.operator == ":" else f"{column} {term.operator} ?", numbers)

    return condition


def _parent(term: Term, _vocabulary: Vocabulary, _dialect: str) -> Members:
    numbers = tuple(map(number_of, term.values))
    children = Source(f"SELECT r.number FROM ticket r WHERE {_in('r.parent', numbers)}", numbers)
    return Members((children,), f"(t.parent IS NOT NULL AND {_in('t.parent', numbers)})")


def _texts(term: Term) -> tuple[str, ...]:
    return tuple(value.text for value in term.values)


def _in(column: str, values: tuple[Any, ...]) -> str:
    return f"{column} = ?" if len(values) == 1 else f"{column} IN ({', '.join('?' * len(values))})"


def _lower(column: str, dialect: str) -> str:
    """A to Z in lower case, nothing else, as `folded` does it: so do SQLite and Postgres with COLLATE "C"."""
    return f"lower({column})" if dialect == "sqlite" else f'lower({column} COLLATE "C")'


def _contains(column: str, dialect: str) -> str:
    return f"{'instr' if dialect == 'sqlite' else 'strpos'}({_lower(column, dialect)}, ?) > 0"


_LEAVES: dict[str, Callable[[Term, Vocabulary, str], Condition | Members | Widened]] = {
    "status": _status,
    "kind": _kind,
    "priority": _priority,
    "team": _team,
    "assignee": _assignee,
    "watcher": _watcher,
    "type": _word("t.type"),
    "channel": _word("t.channel"),
    "category": _category,
    "tag": _tag,
    "company": _company,
    "customer.tier": _tier,
    "from": _from,
    "subject": _subject,
    "created": _created("t.created_at"),
    "updated": _created("t.updated_at"),
    "due": _created("t.due_at"),
    "resolved": _created("t.resolved_at"),
    "is": _flag,
    "has": _attached,
    "number": _number,
    "parent": _parent,
    "unanswered": _count("t.unanswered_count"),
    "reopened": _count("t.reopened_count"),
    "field": _field,
}
