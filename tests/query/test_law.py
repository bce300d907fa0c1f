"""The law of the query language: SQL and Python give the same answer for every ticket, on both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tkt.query.compile import compile_query
from tkt.query.evaluate import matches
from tkt.query.language import parse
from tkt.store.read_clauses import Sort, Vocabulary
from tkt.store.read_tickets import count, page_numbers

_OPERATORS = st.sampled_from([">", ">=", "<", "<="])


def _term(key: str, *values: str) -> st.SearchStrategy[str]:
    """`key:value` with one to three alternatives."""
    chosen = st.lists(st.sampled_from(values), min_size=1, max_size=3)
    return chosen.map(lambda some: f"{key}:{','.join(some)}")


_TIMES = ("1h", "24h", "2d", "2w", "today", "yesterday", "2026-09-21", "2026-09-20", "2026-09-21T14:13:20Z")
_TERMS = st.one_of(
    _term("status", "new", "open", "waiting", "on-hold", "resolved", "closed"),
    _term("kind", "open", "waiting", "resolved", "closed"),
    _term("priority", "low", "high"),
    st.tuples(_OPERATORS, st.sampled_from(["low", "normal", "urgent"])).map(lambda x: f"priority{x[0]}{x[1]}"),
    _term("team", "none", "network", "billing"),
    _term("assignee", "none", "me", "alice", "bob"),
    _term("watcher", "me", "alice", "bob"),
    _term("type", "incident", "REQUEST", "other"),
    _term("category", "network", "NETWORK/vpn", "/network/", "büro", "Büro"),
    _term("channel", "mail", "Cli"),
    _term("tag", "vpn", "SPAM", "größe"),
    _term("field.order_no", "123", '"it\'s"', '"a b"'),
    _term("field.other", "123"),
    _term("company", "acme", '"ACME,"', "Zürich", "ZÜRICH"),
    _term("customer.tier", "vip", "GOLD", "silver"),
    _term("from", "@acme.com", "ann@ACME.com", "ann", "o'neill", "100%", "lee", "@example.org", "_"),
    _term("subject", "vpn", '"VPN gateway"', "arger", "登录", "坏", '"error 42"'),
    st.tuples(st.sampled_from(["created", "updated", "due", "resolved"]), _OPERATORS, st.sampled_from(_TIMES)).map(
        "".join
    ),
    st.tuples(st.sampled_from(["created", "due"]), st.sampled_from(_TIMES[4:])).map(":".join),
    _term("is", "breached", "unread", "snoozed", "unassigned", "overdue", "undelivered"),
    st.just("has:attachment"),
    _term("parent", "1", "12", "#3"),
    _term("number", "1", "12", "#60", "999"),
    st.tuples(_OPERATORS, st.integers(0, 70)).map(lambda x: f"number{x[0]}{x[1]}"),
    _term("unanswered", "0", "2", "10"),
    st.tuples(st.sampled_from(["unanswered", "reopened"]), _OPERATORS, st.integers(0, 4)).map(
        lambda x: f"{x[0]}{x[1]}{x[2]}"
    ),
    st.sampled_from(["vpn", "gateway", "arger", '"error 42"', "登录失败", "打印", "了", "naive", "it's", '"42 vpn"']),
)
_QUERIES = st.recursive(
    _TERMS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"-({one})"),
        inner.map(lambda one: f"NOT ({one})"),
        st.lists(inner, min_size=2, max_size=4).map(lambda some: " ".join(f"({one})" for one in some)),
        st.lists(inner, min_size=2, max_size=4).map(lambda some: " OR ".join(f"({one})" for one in some)),
    ),
    max_leaves=6,
)
_SORTS = st.sampled_from(
    [
        Sort((("due_at", False), ("number", False))),
        Sort((("priority", True), ("due_at", False), ("number", False))),
        Sort((("updated_at", True), ("number", True))),
        Sort((("number", True),)),
    ]
)


def _too_many(_sql: str, _params: tuple[Any, ...]) -> None:
    return None


@pytest.mark.parametrize("seed", [1, 2])
def test_sql_and_python_agree(random_desk: Callable[[int], Any], seed: int) -> None:
    desk = random_desk(seed)

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(_QUERIES, _SORTS, st.booleans())
    def law(query: str, sort: Sort, owned: bool) -> None:
        tree, vocabulary = parse(query), desk.vocabulary._replace(owned=owned)
        expected = [facts.number for facts in desk.tickets if matches(tree, facts, vocabulary)]
        for probe in (None, desk.reader.few, _too_many):
            where = compile_query(tree, vocabulary, desk.reader.dialect, probe)
            assert sorted(page_numbers(desk.reader, where, sort)) == expected
            assert count(desk.reader, where) == len(expected)

    law()
    desk.reader.close()


def test_every_ticket_is_on_exactly_one_page(random_desk: Callable[[int], Any]) -> None:
    desk = random_desk(3)

    @settings(max_examples=40, deadline=None)
    @given(_TERMS, _SORTS, st.integers(1, 9), st.booleans())
    def law(query: str, sort: Sort, limit: int, backwards: bool) -> None:
        where = compile_query(parse(query), desk.vocabulary, desk.reader.dialect, desk.reader.few)
        whole = page_numbers(desk.reader, where, sort)
        found: list[int] = []
        after = None
        while some := page_numbers(desk.reader, where, sort, limit, after, backwards):
            found = [*some, *found] if backwards else [*found, *some]
            after = _key(desk.tickets, sort, some[0] if backwards else some[-1])
        assert found == whole

    law()
    desk.reader.close()


def _key(tickets: list[Any], sort: Sort, number: int) -> tuple[Any, ...]:
    facts = tickets[number - 1]
    values = {name: getattr(facts, name) for name, _ in sort.columns}
    return tuple(2**63 - 1 if value is None else value for value in values.values())


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_team_that_no_ticket_concerns_besides_its_own_costs_nothing_more(dialect: str) -> None:
    """The page of a team is a walk of its index, as if there were no further teams."""
    tree, vocabulary = parse("team:network"), Vocabulary(teams={"network": 7})
    where = compile_query(tree, vocabulary, dialect, lambda _sql, _params: frozenset())
    assert (where.sql, where.params) == ("(t.team_id IS NOT NULL AND t.team_id = ?)", (7,))
    some = compile_query(
        tree, vocabulary, dialect, lambda sql, _params: frozenset([12] if "ticket_team" in sql else [3])
    )
    assert some.sql == "(t.number IN (3, 12))"
