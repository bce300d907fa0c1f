"""The loaded part of a list: the cursor stays with its ticket, whatever comes and goes around it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tkt.store.read_tickets import TicketRow
from tkt.tui.window import MOST_ROWS, Window


def ticket(number: int, version: int = 1) -> TicketRow:
    texts = ("subject", "open", "open", "normal", *[""] * 9)
    return TicketRow(number, *texts, 0, 0, *[None] * 5, False, False, False, 0, version, None, None, None)


def rows(*numbers: int) -> list[TicketRow]:
    return [ticket(number) for number in numbers]


def window(*numbers: int, height: int = 5, cursor: int = 0) -> Window:
    made = Window()
    made.resize(height)
    made.show(rows(*numbers), at_start=True, at_end=True, cursor=cursor)
    return made


def numbers(made: Window) -> list[int]:
    return [row.number for row in made.rows]


def test_the_cursor_follows_its_ticket_to_another_place():
    made = window(1, 2, 3, 4, cursor=1)
    made.refresh(0, rows(3, 4, 1, 2), at_end=True)
    assert made.number == 2


def test_a_ticket_that_leaves_under_the_cursor_stays_until_the_cursor_moves():
    made = window(1, 2, 3, cursor=1)
    made.refresh(0, rows(1, 3), at_end=True, keep=ticket(2, version=2))
    assert numbers(made) == [1, 2, 3]
    assert made.number == 2 and made.gone == {2} and made.current.version == 2
    made.move_to(2)
    assert numbers(made) == [1, 3] and made.number == 3 and not made.gone


def test_after_ones_own_doing_the_cursor_goes_to_who_took_the_place():
    made = window(1, 2, 3, cursor=1)
    made.refresh(0, rows(1, 3), at_end=True)
    assert made.number == 3


def test_the_last_ticket_leaves():
    made = window(1, cursor=0)
    made.refresh(0, [], at_end=True)
    assert made.number is None and made.position is None


def test_new_tickets_above_do_not_move_the_cursors_line():
    made = window(*range(10, 40), cursor=12)
    line = made.cursor - made.top
    made.refresh(0, rows(1, 2, 3, *range(10, 40)), at_end=True)
    assert made.number == 22 and made.cursor - made.top == line


def test_positions_are_counted_from_the_start_while_it_is_known():
    made = window(1, 2, 3, cursor=2)
    assert made.position == 3
    made.show(rows(7, 8), at_start=False, at_end=True, cursor=1)
    assert made.position is None
    made.extend_back(rows(4, 5, 6), at_start=True)
    assert made.position == 5 and made.number == 8


def test_a_long_walk_keeps_a_bounded_number_of_rows_and_its_position():
    made = window(*range(100))
    for start in range(100, 4000, 100):
        made.move_to(len(made.rows) - 1)
        made.extend(rows(*range(start, start + 100)), at_end=False)
    assert len(made.rows) <= MOST_ROWS
    assert made.number is not None and made.position == made.number + 1


@given(
    before=st.lists(st.integers(1, 40), unique=True, min_size=1),
    after=st.lists(st.integers(1, 40), unique=True),
    height=st.integers(1, 12),
    cursor=st.integers(0, 39),
    keep=st.booleans(),
)
def test_refreshing_keeps_the_ticket_and_shows_the_cursor(before, after, height, cursor, keep):
    made = window(*before, height=height, cursor=cursor % len(before))
    number = made.number
    made.refresh(0, rows(*after), at_end=True, keep=ticket(number) if keep and number not in after else None)
    if number in after or keep:
        assert made.number == number
    assert len(set(numbers(made))) == len(made.rows)
    assert set(after) <= set(numbers(made))
    if made.rows:
        assert made.top <= made.cursor < made.top + height
