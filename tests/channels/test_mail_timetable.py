"""When a mailbox is due."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.channels.mail.receiving.timetable import PAUSES_SECONDS, Timetable


class Seconds:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


PACES = {"quick": 30.0, "slow": 3600.0}


def test_each_has_its_own_pace(seconds: Seconds) -> None:
    table: Timetable[str] = Timetable(seconds)
    assert table.take(PACES, 4) == ["quick", "slow"]
    assert table.take(PACES, 4) == []
    table.done("quick")
    table.done("slow")
    seconds.now += 30
    assert table.take(PACES, 4) == ["quick"]
    assert table.take(PACES | {"slow": 10.0}, 4) == ["slow"]  # a shorter pace holds at once


def test_so_many_at_once(seconds: Seconds) -> None:
    table: Timetable[str] = Timetable(seconds)
    assert table.take(PACES, 1) == ["quick"]
    assert table.take(PACES, 1) == []
    table.done("quick")
    assert table.take(PACES, 1) == ["slow"]


def test_what_arrives_makes_it_due_and_is_not_lost_while_it_is_read(seconds: Seconds) -> None:
    table: Timetable[str] = Timetable(seconds)
    table.take(PACES, 4)
    table.arrived("slow")
    assert table.take(PACES, 4) == []
    table.done("slow")
    assert table.take(PACES, 4) == ["slow"]
    table.done("slow")
    assert table.take(PACES, 4) == []
    table.arrived("unknown")


def test_pauses_grow_until_it_works(seconds: Seconds) -> None:
    table: Timetable[str] = Timetable(seconds)
    for pause in (*PAUSES_SECONDS, PAUSES_SECONDS[-1]):
        assert "quick" in table.take(PACES, 4)
        assert table.failed("quick") == pause
        seconds.now += pause - 1
        assert "quick" not in table.take(PACES, 4)
        seconds.now += 1
    assert "quick" in table.take(PACES, 4)
    table.done("quick")
    seconds.now += 30
    assert "quick" in table.take(PACES, 4)
    assert table.failed("quick") == PAUSES_SECONDS[0]


def test_one_that_somebody_else_reads_is_due_again_soon(seconds: Seconds) -> None:
    table: Timetable[str] = Timetable(seconds)
    table.take(PACES, 4)
    table.left("slow")
    assert table.take(PACES, 4) == ["slow"]


STEPS: list[Callable[[Timetable[str], str], object]] = [Timetable.done, Timetable.failed, Timetable.left]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.floats(0, 4000)), max_size=30))
def test_it_is_never_given_out_twice(moves: list[tuple[int, int, float]]) -> None:
    """Whatever is taken, handed back and arrives: nobody has what another one has, and three at most are out."""
    clock = Seconds()
    table: Timetable[str] = Timetable(clock)
    paces = {name: 60.0 for name in "abcde"}
    out: list[str] = []
    for back, how, later in moves:
        clock.now += later
        taken = table.take(paces, 3)
        assert not set(taken) & set(out)
        out += taken
        assert len(out) <= 3
        for name in out[:back]:
            table.arrived(name)
            STEPS[how](table, name)
        del out[:back]


def test_a_mailbox_that_was_changed_while_it_is_read_waits_for_its_end(seconds: Seconds) -> None:
    """Each is (name, what is declared of it)."""
    table: Timetable[tuple[str, str]] = Timetable(seconds, name=lambda key: key[0])
    before, after = ("support", "old"), ("support", "new")
    assert table.take({before: 30.0}, 4) == [before]
    assert table.take({after: 30.0, ("sales", "old"): 30.0}, 4) == [("sales", "old")]
    table.done(before)
    assert table.take({after: 30.0}, 4) == [after]
