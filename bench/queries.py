"""Reading a desk inside one process: tkt's read side against the bare SQL that answers the same question.

Also how a question's price grows with the desk. Each is asked many times, both ways in turn; the best time of each
counts.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from bench.desk_file import ADMIN
from bench.figures import Figure
from bench.texts import COMMON_WORD, RARE_WORD
from tkt.desk import sla_check
from tkt.desk.unit import SYSTEM, Desk
from tkt.query.listing import listing
from tkt.sla.check import due
from tkt.store.constants import DOC_SHIFT
from tkt.store.engine import Store
from tkt.store.location import parse_location
from tkt.store.read import Reader, open_reader
from tkt.store.read_tickets import page, page_numbers
from tkt.times import from_micros

GROUP = "reading, x bare SQL"
GROWTH = "reading, x the small desk"
PAGE = 50
DUE = 100

Ways = tuple[Callable[[], object], Callable[[], object]]
"""Two ways to answer one question: tkt's, bare SQL."""

_PAGE_OPEN = (
    "SELECT number FROM ticket WHERE status_kind = 'open' AND (due_at, number) > (?, ?)"
    " ORDER BY due_at, number LIMIT 50"
)
_NEWEST = "SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid DESC LIMIT 50"
_DUE = "SELECT id, ticket FROM clock WHERE next_check_at <= ? ORDER BY next_check_at, id"


def measure(small: str, large: str, sizes: tuple[str, str], rounds: int) -> list[Figure]:
    """`small` and `large` are desks of `bench.generate`."""
    found: list[Figure] = []
    times: dict[str, list[float]] = {}
    for path in (small, large):
        with open_reader(parse_location(path), ADMIN) as reader:
            bare = sqlite3.connect(path, isolation_level=None)
            for name, (tkt, raw) in {**_questions(reader, bare), **_due_question(path, bare)}.items():
                ours, theirs = _best_of((tkt, raw), rounds)
                times.setdefault(name, []).append(ours)
                if path == large:
                    detail = f"{_shown(ours)} against {_shown(theirs)}"
                    found.append(Figure(GROUP, f"{name}, {sizes[1]}", ours / theirs, "x", detail=detail))
            bare.close()
    for name, (first, last) in times.items():
        found.append(Figure(GROWTH, name, last / first, "x", detail=f"{_shown(last)} against {_shown(first)}"))
    return [*found, _check(small, large)]


def _questions(reader: Reader, bare: sqlite3.Connection) -> dict[str, Ways]:
    opened = listing(reader, "kind:open")
    first = page(reader, opened.where, opened.sort, PAGE)
    after = opened.sort.key(first[-1])
    return {
        "second page of 50": (
            partial(page_numbers, reader, opened.where, opened.sort, PAGE, after),
            lambda: bare.execute(_PAGE_OPEN, after).fetchall(),
        ),
        "full text, a rare word": (partial(_search, reader, RARE_WORD), partial(_bare_search, bare, RARE_WORD)),
        "full text, a common word": (partial(_search, reader, COMMON_WORD), partial(_bare_search, bare, COMMON_WORD)),
        "full text, Chinese": (partial(_search, reader, "登录失败"), partial(_bare_search, bare, '"登录 录失 失败"')),
    }


def _due_question(path: str, bare: sqlite3.Connection) -> dict[str, Ways]:
    moment = _moment_of_due(bare, DUE)
    store = Store(parse_location(path))

    def ours() -> object:
        with store.transaction() as session:
            return due(session, from_micros(moment))

    return {f"{DUE} due clocks": (ours, lambda: bare.execute(_DUE, (moment,)).fetchall())}


def _search(reader: Reader, query: str) -> list[int]:
    """The first page of a full-text query, ranked, as `tkt list` asks for it."""
    found = listing(reader, query)
    return page_numbers(reader, found.where, found.sort, PAGE)


def _bare_search(bare: sqlite3.Connection, words: str) -> list[int]:
    return [row[0] >> DOC_SHIFT for row in bare.execute(_NEWEST, (words,))]


def _check(small: str, large: str) -> Figure:
    """A whole SLA check of what is due, on both desks: it changes them, as time would."""
    rates = []
    for path in (small, large):
        bare = sqlite3.connect(path)
        moment = _moment_of_due(bare, DUE)
        bare.close()
        store = Store(parse_location(path))
        desk = Desk(store, SYSTEM, now=lambda moment=moment: from_micros(moment) + timedelta(seconds=1))  # type: ignore[misc]
        begun = time.perf_counter()
        done = len(sla_check.check(desk, DUE))
        rates.append((time.perf_counter() - begun) / max(1, done))
        store.close()
    per_one = ", ".join(f"{rate * 1000:.1f} ms" for rate in rates)
    return Figure(GROWTH, "SLA check, for each thing done", rates[1] / rates[0], "x", detail=per_one)


def _moment_of_due(bare: sqlite3.Connection, count: int) -> int:
    """The moment at which so many clocks are due (all, where there are fewer)."""
    found = "SELECT next_check_at FROM clock WHERE next_check_at IS NOT NULL ORDER BY next_check_at LIMIT ?"
    return int(bare.execute(found, (count,)).fetchall()[-1][0])


def _best_of(ways: tuple[Callable[[], object], ...], rounds: int) -> list[float]:
    best = [float("inf")] * len(ways)
    for _ in range(rounds):
        for at, way in enumerate(ways):
            begun = time.perf_counter()
            way()
            best[at] = min(best[at], time.perf_counter() - begun)
    return best


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"
