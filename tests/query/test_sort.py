"""Orders of a list."""

from __future__ import annotations

import pytest

from tkt.errors import QueryError
from tkt.query.language import EVERYTHING, parse
from tkt.query.sort import default_sort, parse_sort


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("due", [("due_at", False), ("number", False)]),
        ("-updated", [("updated_at", True), ("number", True)]),
        ("-priority, due", [("priority", True), ("due_at", False), ("number", False)]),
        ("number", [("number", False)]),
        ("-number,due", [("number", True)]),
        ("created,created", [("created_at", False), ("number", False)]),
    ],
)
def test_orders_end_with_the_number(text: str, columns: list[tuple[str, bool]]) -> None:
    assert parse_sort(text, EVERYTHING).columns == tuple(columns)


@pytest.mark.parametrize(
    ("text", "marked", "hint"),
    [("deu", "deu", "due"), ("due,prioriy", "prioriy", "priority"), ("due,", "", ""), ("due,rank", "rank", "")],
)
def test_unknown_orders_are_pointed_at(text: str, marked: str, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_sort(text, parse("vpn"))
    error = caught.value
    assert (text[error.position : error.position + error.length], error.hint) == (marked, hint)


def test_rank_needs_words() -> None:
    assert parse_sort("rank", parse("vpn OR wlan")).ranking == ((("vpn",),), (("wlan",),))
    with pytest.raises(QueryError, match="needs a word"):
        parse_sort("rank", parse("-vpn tag:x"))


def test_full_text_is_ranked_and_everything_else_by_deadline() -> None:
    assert default_sort(parse("kind:open vpn")).ranking == ((("vpn",),),)
    assert default_sort(parse("kind:open")).columns[0] == ("due_at", False)
    assert default_sort(parse("-vpn")).columns[0] == ("due_at", False)
