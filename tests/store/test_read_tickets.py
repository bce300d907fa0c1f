"""Pages, counts, merges and tags: every read of tickets, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from tkt.errors import NotFound
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.read_clauses import BY_DUE, Sort, Where
from tkt.store.read_tickets import (
    MOST_AT_ONCE,
    by_numbers,
    count,
    page,
    page_numbers,
    page_sql,
    tags_of,
    ticket,
)
from tkt.store.tables import Address, Agent, Company, Person, Team, Ticket, TicketTag
from tkt.times import to_micros

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KINDS = ("open", "waiting", "closed")
TICKETS = 30


@pytest.fixture
def reader(store: Store, location: Location) -> Iterator[Reader]:
    """Thirty tickets; every third kind in turn, deadlines that repeat, some without."""
    with store.transaction() as session:
        session.add_all([Team(id=1, name="network"), Agent(id=1, name="alice"), Company(id=1, name="Acme", tier="vip")])
        session.flush()
        session.add(Person(id=1, name="Ann", company_id=1, created_at=START))
        session.flush()
        session.add_all([Address(address="lee@x.example", person_id=1), Address(address="ann@x.example", person_id=1)])
        session.add_all([_ticket(number) for number in range(1, TICKETS + 1)])
        session.flush()
        session.add_all([TicketTag(ticket=2, tag=tag) for tag in ("vpn", "b", "ä")])
    with open_reader(location) as opened:
        yield opened


def _ticket(number: int) -> Ticket:
    kind = KINDS[number % 3]
    return Ticket(
        number=number,
        subject=f"subject {number}",
        status="new" if kind == "open" else kind,
        status_kind=kind,
        priority=number % 4 + 1,
        team_id=1 if number % 2 else None,
        assignee_id=1 if number == 2 else None,
        requester_id=1 if number == 2 else None,
        created_at=START,
        updated_at=START + timedelta(minutes=number % 5),
        due_at=None if number % 7 == 0 else START + timedelta(hours=number % 4),
        merged_into={8: 6, 6: 5}.get(number),
    )


def test_a_row_has_the_names_and_plain_values(reader: Reader) -> None:
    row = ticket(reader, 2)
    assert (row.number, row.subject, row.status, row.status_kind) == (2, "subject 2", "closed", "closed")
    assert (row.priority, row.assignee, row.team) == ("high", "alice", "")
    assert (row.requester_name, row.requester_email, row.company, row.tier) == ("Ann", "ann@x.example", "Acme", "vip")
    assert row.due_at == to_micros(START + timedelta(hours=2))
    assert row.created_at == to_micros(START)
    assert (row.unread, row.undelivered, row.breached) == (False, False, False)
    assert ticket(reader, 7).due_at is None
    assert ticket(reader, 7).requester_email == ""
    with pytest.raises(NotFound, match="no ticket #99"):
        ticket(reader, 99)


def test_the_usual_order_is_by_deadline_without_one_last(reader: Reader) -> None:
    rows = page(reader, limit=None)
    keys = [(row.due_at is None, row.due_at or 0, row.number) for row in rows]
    assert len(rows) == TICKETS
    assert keys == sorted(keys)
    assert [row.number for row in page(reader, limit=5)] == [row.number for row in rows[:5]]


SORTS = (
    BY_DUE,
    Sort((("priority", True), ("due_at", False), ("number", False))),
    Sort((("updated_at", True), ("number", True))),
    Sort((("created_at", False), ("number", False))),
    Sort((("number", True),)),
)


def test_pages_join_without_gap_or_overlap_in_both_directions(reader: Reader) -> None:
    for where, sort in product((Where("1 = 1"), Where("t.priority > ?", (2,)), Where("(1 = 0)")), SORTS):
        whole = page(reader, where, sort, None)
        for limit, backwards in product((1, 4, 100), (False, True)):
            assert _read_through(reader, where, sort, limit, backwards) == whole


def _read_through(reader: Reader, where: Where, sort: Sort, limit: int, backwards: bool) -> list[object]:
    found: list[object] = []
    key = None
    while some := page(reader, where, sort, limit, key, backwards):
        found = [*some, *found] if backwards else [*found, *some]
        key = sort.key(some[0] if backwards else some[-1])
    return found


def test_kinds_limit_a_page(reader: Reader) -> None:
    numbers = page_numbers(reader, Where("1 = 1", (), ("open",)))
    assert sorted(numbers) == [number for number in range(1, TICKETS + 1) if number % 3 == 0]
    assert page_numbers(reader, Where("1 = 1", (), ())) == []


def test_many_numbers_are_read_in_their_order(reader: Reader) -> None:
    numbers = [*range(TICKETS, 0, -1), 999, *range(2000, 2000 + MOST_AT_ONCE)]
    assert [row.number for row in by_numbers(reader, numbers)] == list(range(TICKETS, 0, -1))
    assert by_numbers(reader, []) == []


def test_counting_stops_at_its_cap(reader: Reader) -> None:
    assert count(reader) == TICKETS
    assert count(reader, Where("t.status_kind = ?", ("open",))) == 10
    assert count(reader, Where("t.status_kind = ?", ("open",)), 4) == 4


def test_tags_are_sorted(reader: Reader) -> None:
    assert {number: sorted(tags) for number, tags in tags_of(reader, [1, 2]).items()} == {2: ["b", "vpn", "ä"]}


@pytest.mark.parametrize(
    ("where", "index"),
    [
        (Where("(t.status_kind = ?)", ("open",), ("open",)), "ix_ticket_kind_due"),
        (Where("(t.status_kind IN (?, ?))", ("open", "waiting"), ("open", "waiting")), "ix_ticket_kind_due"),
        (Where("1 = 1"), "ix_ticket_kind_due"),
        (Where("(t.assignee_id IS NOT NULL AND t.assignee_id = ?)", (1,)), "ix_ticket_assignee"),
        (Where("(t.assignee_id IS NULL)"), "ix_ticket_assignee"),
        (Where("(t.team_id IS NOT NULL AND t.team_id = ?)", (1,), ("open",)), "ix_ticket_team"),
    ],
)
def test_the_usual_lists_walk_an_index_and_sort_nothing(sqlite_location: Location, where: Where, index: str) -> None:
    sql, params = page_sql(where, BY_DUE, 50, (1, 2))
    with open_reader(sqlite_location) as reader:
        steps = [row[3] for row in reader.rows(f"EXPLAIN QUERY PLAN {sql}", params)]
    walked = [step for step in steps if " t " in step]
    assert len(walked) == len(where.kinds)
    assert all(step.startswith("SEARCH t USING") and index in step for step in walked), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps
