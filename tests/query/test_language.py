"""Reading queries: what is understood, and how mistakes are pointed at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.errors import QueryError
from tkt.query.caret import point
from tkt.query.compile import compile_query
from tkt.query.language import EVERYTHING, And, Node, Not, Or, Term, Text, Vocabulary, check, parse

VOCABULARY = Vocabulary({"network": 1, "net ops": 2}, {"alice": 1, "bob": 2}, {"new": "open", "open": "open"}, 1)


def shape(tree: Node) -> object:
    """The tree as nested tuples of words, for comparing."""
    if isinstance(tree, Text):
        return " ".join(term for phrase in tree.phrases for term in phrase)
    if isinstance(tree, Term):
        return tree.key + tree.operator + ",".join(value.text for value in tree.values)
    if isinstance(tree, Not):
        return ("not", shape(tree.part))
    return ("and" if isinstance(tree, And) else "or", *map(shape, tree.parts))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status:new,open", "status:new,open"),
        ("a b OR c", ("or", ("and", "a", "b"), "c")),
        ("a AND b OR c AND d", ("or", ("and", "a", "b"), ("and", "c", "d"))),
        ("a (b OR c)", ("and", "a", ("or", "b", "c"))),
        ("-tag:vpn NOT x -(a b)", ("and", ("not", "tag:vpn"), ("not", "x"), ("not", ("and", "a", "b")))),
        ("NOT NOT x", ("not", ("not", "x"))),
        ("wi-fi", "wi fi"),
        ('"third time"', "third time"),
        (r'"say \"hi\""', "say hi"),
        ("or and not", ("and", "or", "and", "not")),
        ('team:"net ops",network', "team:net ops,network"),
        ("PRIORITY>=High", "priority>=high"),
        ("field.order_no:123", "field.order_no:123"),
        ("tag:a:b/c", "tag:a:b/c"),
        ("https://example.com/x", "https example com x"),
        ("a=b", "a b"),
        ("created<2026-11-01", "created<2026-11-01"),
        ("登录", "登录"),
        ("(a)OR(b)", ("or", "a", "b")),
    ],
)
def test_queries_are_read(text: str, expected: object) -> None:
    assert shape(parse(text)) == expected


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_query_means_everything(text: str) -> None:
    assert parse(text) is EVERYTHING


@pytest.mark.parametrize(
    ("text", "marked", "hint", "words"),
    [
        ("statsu:open", "statsu", "status", "there is no term 'statsu:'"),
        ("owner:bob", "owner", "assignee", "there is no term 'owner:'"),
        ("foo:bar", "foo", "", "in quotation marks"),
        ("kind:opne", "opne", "open", "known: open, waiting, resolved, closed"),
        ("priority:hihg", "hihg", "high", "there is no priority 'hihg'"),
        ("is:unraed", "unraed", "unread", "there is no mark"),
        ("has:beard", "beard", "", "known: attachment"),
        ("tag:x status:", "status:", "", "needs a value"),
        ("status: open", "status:", "", "needs a value"),
        ("kind:open,", "kind:open,", "", "needs a value"),
        ("(a b", "(", "", "never closed"),
        ("a (", "(", "", "never closed"),
        ("a )", ")", "", "closes nothing"),
        (") a", ")", "", "closes nothing"),
        ("a ()", "()", "", "nothing between the brackets"),
        ('tag:x "foo', '"', "", "never closed"),
        ('""', '""', "", "nothing between the quotation marks"),
        ('team:" "', '" "', "", "nothing between the quotation marks"),
        ("a OR", "OR", "", "OR stands between"),
        ("OR a", "OR", "", "OR stands between"),
        ("a OR OR b", "OR", "", "OR stands between"),
        ("(a OR ) b", "OR", "", "OR stands between"),
        ("AND a", "AND", "", "AND stands between"),
        ("a AND", "AND", "", "AND stands between"),
        ("a AND OR b", "AND", "", "AND stands between"),
        ("a NOT", "NOT", "", "denies nothing"),
        ("- a", "-", "", "denies nothing"),
        ("a -", "-", "", "denies nothing"),
        ("NOT OR b", "NOT", "", "denies nothing"),
        ("created<soon", "soon", "", "is no time"),
        ("created<2026-02-30", "2026-02-30", "", "is no time"),
        ("due<9999999999d", "9999999999d", "", "is no time"),
        ("created:7d", ":", "<", "with '<' or '>'"),
        ("priority=high", "=", ":", "not with '='"),
        ("status>open", ">", "", "not with '>'"),
        ("created<1d,2d", "2d", "", "alternatives go with ':'"),
        ("parent:x", "x", "", "is not a ticket's number"),
        ("number:²", "²", "", "is not a ticket's number"),
        ("a !!", "!!", "", "no letter, no digit"),
        ("subject:!!", "!!", "", "no letter, no digit"),
    ],
)
def test_mistakes_are_pointed_at(text: str, marked: str, hint: str, words: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    error = caught.value
    assert text[error.position : error.position + error.length] == marked
    assert (error.hint, error.query) == (hint, text)
    assert words in str(error)


@pytest.mark.parametrize(
    ("text", "marked", "hint"),
    [
        ("x status:opne", "opne", "open"),
        ("team:netwrok", "netwrok", "network"),
        ("team:network,nobody", "nobody", ""),
        ("-(assignee:alcie)", "alcie", "alice"),
        ("team:Network", "Network", "network"),
    ],
)
def test_unknown_names_are_found_against_the_vocabulary(text: str, marked: str, hint: str) -> None:
    tree = parse(text)
    with pytest.raises(QueryError) as caught:
        check(tree, VOCABULARY)
    error = caught.value
    assert (text[error.position : error.position + error.length], error.hint) == (marked, hint)
    with pytest.raises(QueryError):
        compile_query(tree, VOCABULARY, "sqlite")


def test_known_names_pass() -> None:
    check(parse('team:none,network,"net ops" assignee:me,none,bob status:new'), VOCABULARY)


def test_me_needs_an_agent() -> None:
    with pytest.raises(QueryError, match="'me' names nobody"):
        check(parse("assignee:me"), VOCABULARY._replace(me=None))


def test_field_names_are_checked_where_they_are_known() -> None:
    tree = parse("field.order_on:1")
    check(tree, VOCABULARY)
    with pytest.raises(QueryError) as caught:
        check(tree, VOCABULARY._replace(fields=("order_no",)))
    assert (caught.value.position, caught.value.length, caught.value.hint) == (6, 8, "order_no")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(" * 5000 + "a", "nested deeper"),
        ("-" * 5000 + "a", "nested deeper"),
        ("NOT " * 2000 + "a", "nested deeper"),
        ("a " * 400, "at most 300"),
        ("number:" + ",".join(map(str, range(400))), "at most 300"),
        ("a" * 20_000, "longer than 10,000"),
        ('"' + "\\" * 9_000, "never closed"),
    ],
)
def test_a_query_is_bounded(text: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        parse(text)


@given(st.text(st.sampled_from('ab:<>=-() ",\\ORANDNT12é登\n'), max_size=40) | st.text(max_size=30))
def test_any_text_is_read_or_refused_with_its_place(text: str) -> None:
    try:
        tree = parse(text)
    except QueryError as error:
        assert 0 <= error.position <= len(text)
        assert len(point(error).splitlines()) == 2
    else:
        assert isinstance(tree, Term | Text | Not | And | Or)


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("status:opne x", "status:opne x\n       ^^^^"),
        ("登录 kind:opne", "登录 kind:opne\n          ^^^^"),
        ("a\tkind:opne", "a kind:opne\n       ^^^^"),
        ("\x1b[31m kind:opne", " [31m kind:opne\n           ^^^^"),
    ],
)
def test_a_mistake_is_drawn(text: str, drawn: str) -> None:
    with pytest.raises(QueryError) as caught:
        check(parse(text), VOCABULARY)
    assert point(caught.value) == drawn


def test_of_a_long_query_the_surroundings_are_drawn() -> None:
    text = "word " * 50 + "kind:opne " + "word " * 50
    with pytest.raises(QueryError) as caught:
        parse(text)
    query, carets = point(caught.value).splitlines()
    assert len(query) <= 80
    start = carets.index("^")
    assert query[start : start + 4] == "opne"
    assert query.startswith("…")
    assert query.endswith("…")
