"""The benchmarks measure what they say: generated desks are desks, both ways of intake do the same, aims are judged."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from bench import intake, texts
from bench.figures import Figure, as_json, table
from bench.generate import generate
from bench.terminal import Terminal
from tkt.query.listing import listing
from tkt.store.location import Location, parse_location
from tkt.store.read import open_reader
from tkt.store.read_tickets import count, page

NOW = 1_800_000_000_000_000
TICKETS = 400


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Location:
    location = parse_location(str(tmp_path_factory.mktemp("bench") / "desk.db"))
    generate(location, TICKETS, now=NOW)
    return location


def test_a_generated_desk_is_read_like_any_other(desk: Location) -> None:
    with open_reader(desk, "alice") as reader:
        found = listing(reader, "kind:open", now=NOW)
        open_tickets = page(reader, found.where, found.sort, None)
        everything = count(reader, listing(reader, "", now=NOW).where)
    deadlines = [row.due_at for row in open_tickets]
    assert everything == TICKETS
    assert TICKETS * 0.02 < len(open_tickets) < TICKETS * 0.1
    assert None not in deadlines and deadlines == sorted(deadlines, key=lambda due: due or 0)


def test_a_generated_desk_is_searched_by_the_rare_word_and_in_chinese(desk: Location) -> None:
    with open_reader(desk, "alice") as reader:
        rare = count(reader, listing(reader, texts.RARE_WORD, now=NOW).where)
        chinese = count(reader, listing(reader, "登录失败", now=NOW).where)
    assert rare == texts.RARE_TICKETS
    assert 0 < chinese < TICKETS / 10


def test_nothing_of_a_generated_desk_is_due_before_time_passes(desk: Location) -> None:
    store = sqlite3.connect(desk.target)
    (first,) = store.execute("SELECT min(next_check_at) FROM clock").fetchone()
    (ill,) = store.execute("PRAGMA integrity_check").fetchone()
    dangling = store.execute("PRAGMA foreign_key_check").fetchall()
    store.close()
    assert first > NOW
    assert (ill, dangling) == ("ok", [])


def test_the_same_seed_makes_the_same_tickets(desk: Location, tmp_path: Path) -> None:
    again = parse_location(str(tmp_path / "again.db"))
    generate(again, TICKETS, now=NOW)
    other = parse_location(str(tmp_path / "other.db"))
    generate(other, TICKETS, seed=1, now=NOW)
    assert _tickets(desk) == _tickets(again) != _tickets(other)


def test_a_desk_may_have_nothing_but_open_tickets(tmp_path: Path) -> None:
    location = parse_location(str(tmp_path / "open.db"))
    generate(location, 60, now=NOW, all_open=True)
    store = sqlite3.connect(location.target)
    kinds = store.execute("SELECT DISTINCT status_kind FROM ticket").fetchall()
    (running,) = store.execute("SELECT count(*) FROM clock WHERE next_check_at > ?", (NOW,)).fetchone()
    store.close()
    assert kinds == [("open",)]
    assert running >= 60


def test_tkt_and_by_hand_write_the_same_rows(tmp_path: Path) -> None:
    figures = intake.measure(str(tmp_path), mails=9, rounds=2)
    assert "the same rows" in figures[0].detail


def test_an_aim_is_judged_in_its_own_direction() -> None:
    at_most = Figure("group", "below", 1.9, aim=2)
    at_least = Figure("group", "too slow", 0.2, aim=0.3, at_least=True)
    lines = table([at_most, at_least, Figure("group", "no aim", 7)]).splitlines()
    assert lines[-1] == "1 of 2 aims reached; short: too slow"
    assert [figure["reached"] for figure in json.loads(as_json([at_most, at_least]))] == [True, False]


def test_a_terminal_counts_what_a_key_writes() -> None:
    program = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print('x' * 40, flush=True)"
    terminal = Terminal([sys.executable, "-c", program], {})
    terminal.wait_for(lambda text: b"ready" in text, "ready")
    assert terminal.press("\n", quiet=0.3) == len("\r\n") + 40 + len("\r\n")  # the terminal's echo, then the answer
    terminal.close("\x04")


def _tickets(location: Location) -> list[tuple[object, ...]]:
    store = sqlite3.connect(location.target)
    found = store.execute("SELECT t.*, e.text FROM ticket t JOIN entry e ON e.ticket = t.number ORDER BY e.id")
    rows = found.fetchall()
    store.close()
    return rows
