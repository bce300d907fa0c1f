"""The search index: what is written is found, what is removed is not, and results are ranked, on both engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tkt.query.listing import listing
from tkt.store import read, read_ranking, read_windows
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.read_tickets import count, page_numbers
from tkt.store.search import add_document, doc_id, move_document, remove_document, replace_document
from tkt.store.tables import Ticket
from tkt.times import utcnow

Find = Callable[[str], list[int]]
TEXTS = (
    "The VPN client says error 42 again and again",
    "Drucker im Büro: Ärger mit dem Papierfach",
    "无法登录邮箱，请尽快处理",
    "vpn-gw1.example.com does not answer",
)


@pytest.fixture
def reader(store: Store, location: Location) -> Iterator[Reader]:
    with open_reader(location) as opened:
        yield opened


@pytest.fixture
def find(store: Store, reader: Reader) -> Find:
    """Four tickets, each with one message; finds numbers in the order of the numbers."""
    with store.transaction() as session:
        for number, text in enumerate(TEXTS, 1):
            session.add(Ticket(number=number, subject="", created_at=utcnow(), updated_at=utcnow()))
            session.flush()
            add_document(session, number, 1, text)
    return lambda query: page_numbers(reader, *listing(reader, query, "number")[1:])


FOUND = {
    "vpn": [1, 4],
    "VPN error": [1],
    '"error 42"': [1],
    '"42 error"': [],
    "buro": [2],
    "ÄRGER": [2],
    "登录": [3],
    "登录邮箱": [3],
    "登邮": [],
    "理": [3],
    "gw1.example.com": [4],
    "vpn -error": [4],
    "error OR 登录": [1, 3],
    "it's": [],
    '"don\'t & | ! <-> *"': [],
    "a*": [],
    "NEAR": [],
}


def test_words_and_phrases_are_found(find: Find) -> None:
    assert {query: find(query) for query in FOUND} == FOUND


def test_what_is_removed_moved_or_replaced_is_found_no_more(store: Store, find: Find) -> None:
    with store.transaction() as session:
        remove_document(session, 1, 1, TEXTS[0])
        move_document(session, (3, 1), (1, 7), TEXTS[2])
        replace_document(session, 4, 1, TEXTS[3], "Nothing")
        replace_document(session, 2, 1, TEXTS[1], TEXTS[1])
    assert [find(query) for query in ("vpn", "登录", "nothing", "buro")] == [[], [1], [4], [2]]
    with store.transaction() as session:
        add_document(session, 1, 1, TEXTS[0])
    assert find("vpn") == [1]


def test_a_document_without_words_is_none(store: Store, find: Find) -> None:
    with store.transaction() as session:
        add_document(session, 2, 9, " !? ")
        remove_document(session, 2, 9, " !? ")
    assert find("buro") == [2]


def test_an_undone_transaction_leaves_no_document(store: Store, find: Find) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as session:
        add_document(session, 2, 2, "vpn")
        raise ZeroDivisionError
    assert find("vpn") == [1, 4]


def test_ids_keep_tickets_apart() -> None:
    assert doc_id(1, 0) < doc_id(1, 2**20 - 1) < doc_id(2, 0)


def test_any_text_can_be_indexed_and_removed(store: Store, find: Find) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60))
    def law(text: str) -> None:
        with store.transaction() as session:
            add_document(session, 2, 2, f"{text} vpn")
        assert find("vpn") == [1, 2, 4]
        with store.transaction() as session:
            remove_document(session, 2, 2, f"{text} vpn")
        assert find("vpn") == [1, 4]

    law()


def _fill(store: Store, texts: list[tuple[str, str]]) -> None:
    with store.transaction() as session:
        for number, (subject, text) in enumerate(texts, 1):
            session.add(Ticket(number=number, subject=subject, created_at=utcnow(), updated_at=utcnow()))
            session.flush()
            add_document(session, number, 0, subject)
            add_document(session, number, 1, text)


def test_what_fits_best_comes_first(store: Store, reader: Reader) -> None:
    filler = "many other words that have little to do with it " * 5
    _fill(store, [("printer", "broken"), ("hello", f"printer {filler}"), ("x", "y"), ("paper", f"printer {filler}")])
    found = listing(reader, "printer")
    assert page_numbers(reader, found.where, found.sort) == [1, 4, 2]


def test_common_words_rank_by_subject_then_age_and_nothing_is_lost(
    store: Store, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "FEW", 5)
    monkeypatch.setattr(read_ranking, "FEW", 15)
    monkeypatch.setattr(read_ranking, "CANDIDATES", 6)
    monkeypatch.setattr(read_windows, "FIRST_WINDOW", 3)
    _fill(store, [("vpn" if number % 4 == 0 else "x", "the vpn") for number in range(1, 21)])
    where, sort = listing(reader, "vpn the")[1:]
    expected = [20, 16, 19, 18, 17, 15, *range(14, 0, -1)]
    assert not where.few
    assert page_numbers(reader, where, sort) == expected
    assert (count(reader, where), count(reader, where, 7)) == (20, 7)
    for limit in (1, 4, 9):
        pages: list[int] = []
        while some := page_numbers(reader, where, sort, limit, (pages[-1],) if pages else None):
            pages += some
        assert pages == expected
        while some := page_numbers(reader, where, sort, limit, (pages[0],) if len(pages) < 20 else None, True):
            pages = some if len(pages) == 20 else [*some, *pages]
            if len(pages) == 20:
                break
        assert pages == expected
    assert page_numbers(reader, *listing(reader, "vpn number<5", "number")[1:]) == [1, 2, 3, 4]
