"""Promises: business time next to the libraries of PyPI, the check of a desk with a million open clocks, and deadlines
computed anew after a change of a calendar.

`add` and `between` stand beside businesstimedelta and business-duration on the same cases, where an environment has
them (`--peers`). The check stands beside the bare query and beside as many bare durable commits; it is taken on two
desks whose tickets are all open, and changes them, as time would.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from bench.desk_file import ADMIN
from bench.figures import Figure
from tkt.desk import configure, sla_check
from tkt.desk.unit import SYSTEM, Actor, Desk
from tkt.errors import TktError
from tkt.sla.calendar import Calendar
from tkt.sla.public_holidays import in_year
from tkt.store.engine import Store
from tkt.store.location import parse_location
from tkt.times import from_micros, to_micros

CALENDARS = "business time, x faster"
CHECK = "the SLA check"
DUE, TURNS, ASKED, ROUNDS = 100, 5, 200, 2_000
ALLOWED = 0.050
"""Seconds that the work of DUE clocks may take besides as many bare commits."""

HOURS = (9, 17)
START = datetime(2026, 3, 3, 10, 17, tzinfo=UTC)
CASES = {"90 minutes": 5_400, "a month": 20 * 8 * 3600, "a year": 250 * 8 * 3600}
HOLIDAYS = [day for year in (2026, 2027) for day in in_year("DE", "", year)]

_DUE = "SELECT id, ticket FROM clock WHERE next_check_at <= ? ORDER BY next_check_at, id"


def measure(folder: str, desks: tuple[str, str], peers: str) -> list[Figure]:
    """`desks`: a small and a large one without finished tickets; `peers`: programs of an environment, or empty."""
    found = _beside_libraries(peers) if peers else []
    small, large = (_Checked.of(Path(folder), path) for path in desks)
    return [*found, *_figures(small, large), _computed_anew(Path(folder), desks[0])]


# --- business time ----------------------------------------------------------------------------------------------------


def _beside_libraries(peers: str) -> list[Figure]:
    days = {day: [f"{HOURS[0]:02}:00-{HOURS[1]:02}:00"] for day in ("mon", "tue", "wed", "thu", "fri")}
    extra = [day.isoformat() for day in HOLIDAYS]
    calendar = Calendar.from_definition("c", {"timezone": "UTC", "hours": days, "holidays": {"extra": extra}})
    cases = [(START, calendar.add(START, seconds), seconds) for seconds in CASES.values()]
    found: list[Figure] = []
    for name, case, theirs in zip(CASES, cases, _ask(peers, cases), strict=True):
        start, end, seconds = case
        ours = {
            "add": (_best(partial(calendar.add, start, seconds), ROUNDS), end.replace(tzinfo=None).isoformat()),
            "between": (_best(partial(calendar.between, start, end), ROUNDS), seconds),
        }
        for way, (took, answer) in theirs.items():
            found.append(_beside(f"{name}: {way}", ours[way.rpartition(" ")[2]], (took, answer)))
    return found


def _beside(name: str, ours: tuple[float, Any], theirs: tuple[float, Any]) -> Figure:
    same = "the same answer" if str(theirs[1]).startswith(str(ours[1])) else f"its answer is {theirs[1]}, not {ours[1]}"
    detail = f"{ours[0] * 1e6:.1f} µs against {theirs[0] * 1e6:,.0f} µs; {same}"
    return Figure(CALENDARS, name, theirs[0] / ours[0], "x", 20, True, detail)


def _ask(peers: str, cases: list[tuple[datetime, datetime, int]]) -> list[dict[str, tuple[float, Any]]]:
    asked = {
        "hours": HOURS,
        "holidays": [day.isoformat() for day in HOLIDAYS],
        "rounds": 20,
        "cases": [{"start": _naive(start), "end": _naive(end), "seconds": seconds} for start, end, seconds in cases],
    }
    command = [os.path.join(peers, "python"), "-I", str(Path(__file__).with_name("calendar_peers.py"))]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True)
    if done.returncode:
        raise TktError(f"the libraries to compare with can't be asked: {done.stderr.strip().splitlines()[-1]}")
    answers: list[dict[str, tuple[float, Any]]] = json.loads(done.stdout)
    return answers


def _naive(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat()


# --- the check --------------------------------------------------------------------------------------------------------


class _Checked(NamedTuple):
    """Seconds on one desk: to find DUE due clocks, and none, by tkt and by the bare query; to do what is due on DUE,
    and for as many bare commits.
    """

    clocks: int
    finding: float
    bare_finding: float
    finding_none: float
    work: float
    commits: float

    @classmethod
    def of(cls, folder: Path, path: str) -> _Checked:
        bare = sqlite3.connect(path, isolation_level=None)
        store = Store(parse_location(path))
        first, last = _due_moments(bare)
        finding, bare_finding = _best_in_turns(
            partial(sla_check.waiting, _desk(store, last)),
            lambda: bare.execute(_DUE, (to_micros(last),)).fetchall(),
        )
        none = _best(partial(sla_check.waiting, _desk(store, first - timedelta(seconds=1))), ASKED)
        (clocks,) = bare.execute("SELECT count(*) FROM clock WHERE next_check_at IS NOT NULL").fetchone()
        work, commits = _work(folder, store, bare)
        bare.close()
        store.close()
        return cls(clocks, finding, bare_finding, none, work, commits)


def _work(folder: Path, store: Store, bare: sqlite3.Connection) -> tuple[float, float]:
    """Both in turns, since the disk has its moods; the medians. The first turn of each fills caches and is left out."""
    work, commits = [], []
    for _ in range(TURNS + 1):
        _, last = _due_moments(bare)
        work.append(_timed(partial(sla_check.check, _desk(store, last))))
        commits.append(_timed(partial(_bare_commits, folder / "commits.db")))
    return statistics.median(work[1:]), statistics.median(commits[1:])


def _bare_commits(path: Path) -> None:
    store = sqlite3.connect(path, isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.execute("CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, what TEXT)")
    for _ in range(DUE):
        store.execute("BEGIN IMMEDIATE")
        store.execute("INSERT INTO row (what) VALUES (?)", ("x" * 100,))
        store.execute("COMMIT")
    store.close()


def _figures(small: _Checked, large: _Checked) -> list[Figure]:
    growth = f"{_ms(large.work)} against {_ms(small.work)}"
    grown = Figure(CHECK, f"work of {DUE}, the large desk / the small one", large.work / small.work, detail=growth)
    return [*_of_size(small), *_of_size(large), grown]


def _of_size(one: _Checked) -> list[Figure]:
    finding = f"{_ms(one.finding)} against {_ms(one.bare_finding)}"
    work = f"{_ms(one.work)}; {DUE} commits take {_ms(one.commits)}"
    told = (
        (f"finding {DUE} due / the query", one.finding / one.bare_finding, "x", 3, finding),
        (f"finding {DUE} due", one.finding * 1000, "ms", 2, ""),
        ("finding none due", one.finding_none * 1000, "ms", 0.2, ""),
        (f"work of {DUE} / commits + 50 ms", one.work / (one.commits + ALLOWED), "x", 1, work),
    )
    return [
        Figure(CHECK, f"{name}, {one.clocks:,} clocks", value, unit, aim, detail=detail)
        for name, value, unit, aim, detail in told
    ]


def _due_moments(bare: sqlite3.Connection) -> tuple[datetime, datetime]:
    """When the first clock is due, and when DUE of them are."""
    found = "SELECT next_check_at FROM clock WHERE next_check_at IS NOT NULL ORDER BY next_check_at LIMIT ?"
    moments = bare.execute(found, (DUE,)).fetchall()
    return from_micros(moments[0][0]), from_micros(moments[-1][0])


def _desk(store: Store, moment: datetime) -> Desk:
    return Desk(store, SYSTEM, now=lambda: moment)


# --- deadlines after a change -----------------------------------------------------------------------------------------


def _computed_anew(folder: Path, path: str) -> Figure:
    """`config apply` of another closing time, on a copy: tickets a second."""
    copy = folder / "another-calendar.db"
    shutil.copy(path, copy)
    store = Store(parse_location(str(copy)))
    desk = Desk(store, Actor("agent", ADMIN, 1, "admin"))
    text = configure.shown_config(desk).replace('mon = ["08:00-18:00"]', 'mon = ["08:00-17:00"]')
    told: list[int] = []
    took = _timed(lambda: configure.apply_config(desk, text, lambda _, total: told.append(total)))
    store.close()
    os.remove(copy)
    detail = f"{told[-1]:,} open tickets in {took:.1f} s, some hundred a transaction"
    return Figure(CHECK, "deadlines after another calendar", told[-1] / took, "a second", detail=detail)


# --- time -------------------------------------------------------------------------------------------------------------


def _best_in_turns(*ways: Callable[[], object]) -> list[float]:
    best = [float("inf")] * len(ways)
    for _ in range(ASKED):
        best = [min(one, _timed(way)) for one, way in zip(best, ways, strict=True)]
    return best


def _best(way: Callable[[], object], rounds: int) -> float:
    return min(_timed(way) for _ in range(rounds))


def _timed(way: Callable[[], object]) -> float:
    begun = time.perf_counter()
    way()
    return time.perf_counter() - begun


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"
