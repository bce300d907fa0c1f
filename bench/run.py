"""All benchmarks in one run: `make bench`, or `python -m bench --quick` to try them.

Makes two desks (kept in --desks FOLDER for the next run, if that is given), takes every figure and prints them as one
table, or as JSON. Progress goes to standard error. The exit status says whether it ran, not whether aims were reached.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from bench import intake, mail, queries, queue, sla, startup
from bench.figures import Figure, as_json, table
from bench.generate import generate
from bench.processes import environment
from tkt.store.constants import SCHEMA
from tkt.store.location import parse_location


class Plan(NamedTuple):
    """How much is measured: tickets of the two desks, rounds of each part, mails a round, mails end to end, and tickets
    of the two desks whose tickets are all open (1.3 running clocks each).
    """

    small: int
    large: int
    starts: int
    opens: int
    questions: int
    mails: int
    takes: int
    whole: int
    few_open: int
    many_open: int


FULL = Plan(1_000, 1_000_000, 21, 9, 30, 60, 24, 10_000, 7_750, 775_000)
QUICK = Plan(1_000, 20_000, 5, 2, 5, 30, 5, 300, 1_000, 7_750)
PARTS = ("startup", "intake", "mail", "queue", "queries", "sla")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure tkt, as ratios taken in one run.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK.large:,} tickets instead of {FULL.large:,}")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--desks", metavar="FOLDER", help="keep the generated desks there and use them again")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone; may be repeated")
    parser.add_argument("--roundup", metavar="FOLDER", help="programs of an environment with Roundup, to compare with")
    parser.add_argument("--peers", metavar="FOLDER", help="programs of one with the libraries of bench.calendar_peers")
    chosen = parser.parse_args(arguments)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every start would compile tkt anew
    with tempfile.TemporaryDirectory(prefix="tkt-bench-") as folder:
        plan = QUICK if chosen.quick else FULL
        others = chosen.roundup or "", chosen.peers or ""
        figures = _measure(plan, chosen.only or PARTS, folder, chosen.desks or folder, others)
    print(as_json(figures) if chosen.json else table(figures))
    return 0


def _measure(
    plan: Plan, parts: list[str] | tuple[str, ...], folder: str, desks: str, others: tuple[str, str]
) -> list[Figure]:
    os.makedirs(desks, exist_ok=True)
    small, large = _desks(desks, plan, parts)
    sizes = f"{plan.small:,}", f"{plan.large:,}"
    env = environment(folder)
    mails, whole = (_made(folder, name) for name in ("mails", "whole"))
    work: dict[str, Callable[[], list[Figure]]] = {
        "startup": partial(startup.measure, small, large, plan.starts, env, sizes),
        "intake": partial(intake.measure, mails, plan.mails, plan.takes),
        "mail": partial(mail.measure, whole, (small, large), plan.whole, others[0]),
        "queue": partial(queue.measure, small, large, plan.opens, env, sizes),
        "queries": partial(queries.measure, small, large, sizes, plan.questions),
        "sla": lambda: sla.measure(folder, _open_desks(desks, plan), others[1]),
    }
    found: list[Figure] = []
    for part in PARTS:
        if part in parts:
            _say(f"measuring: {part}")
            found += work[part]()
    groups = list(dict.fromkeys(figure.group for figure in found))
    return sorted(found, key=lambda figure: groups.index(figure.group))


def _desks(folder: str, plan: Plan, parts: list[str] | tuple[str, ...]) -> tuple[str, str]:
    """The small and the large desk; none where no part needs them."""
    if set(parts) == {"sla"}:
        return "", ""
    return _desk(folder, plan.small), _desk(folder, plan.large)


def _open_desks(folder: str, plan: Plan) -> tuple[str, str]:
    return _desk(folder, plan.few_open, all_open=True), _desk(folder, plan.many_open, all_open=True)


def _desk(folder: str, tickets: int, *, all_open: bool = False) -> str:
    """The path of a desk of this size, made unless it is there."""
    path = os.path.join(folder, f"desk-{SCHEMA}-{'open-' if all_open else ''}{tickets}.db")
    if os.path.exists(path):
        return path
    making = f"{path}.making"
    for left in (making, f"{making}-wal", f"{making}-shm"):
        if os.path.exists(left):
            os.remove(left)
    _say(f"making a desk of {tickets:,} tickets")
    begun = time.perf_counter()
    generate(parse_location(making), tickets, all_open=all_open)
    shutil.move(making, path)
    _say(f"made in {time.perf_counter() - begun:.0f} s")
    return path


def _made(folder: str, name: str) -> str:
    path = os.path.join(folder, name)
    os.makedirs(path)
    return path


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
