"""A simulation over many tickets: on all processors, in portions that are told of as they are done.

Each process reads the store for itself and keeps one portion of tickets in memory; what comes back are counts and the
promises that would have gone the other way.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from typing import NamedTuple

from tkt.sla.replaying.customer_past import Customers, read_customers
from tkt.sla.replaying.eras import Era, Eras, Names, read_names
from tkt.sla.replaying.simulate import Outcome, Period, add, simulate
from tkt.store.engine import Store
from tkt.store.location import Location

CHUNK = 1_000
"""Tickets a process takes at once."""

ALONE = 4_000
"""So many tickets are done sooner than other processes are ready."""

Progress = Callable[[int, int], None]
"""Told how many of how many tickets are done."""


class Work(NamedTuple):
    """What every process needs to know."""

    location: Location
    era: Era
    names: Names
    customers: Customers
    period: Period


def run(
    location: Location, numbers: Sequence[int], era: Era, period: Period, progress: Progress = lambda done, total: None
) -> Outcome:
    """Both sides for all these tickets. Raises StoreBusy, StoreUnreachable, KeyboardInterrupt."""
    store = Store(location)
    try:
        with store.reading(frozen=True) as session:
            work = Work(location, era, read_names(session), read_customers(session), period)
    finally:
        store.close()
    chunks = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
    whole = Outcome(0, [], {}, {}, [])
    done = 0
    for part, count in _alone(work, chunks) if len(numbers) <= ALONE else _in_processes(work, chunks):
        whole = add(whole, part)
        done += count
        progress(done, len(numbers))
    whole.flips.sort()
    whole.left_out.sort()
    return whole


def _alone(work: Work, chunks: Sequence[Sequence[int]]) -> Iterator[tuple[Outcome, int]]:
    _begin(work)
    try:
        for chunk in chunks:
            yield _do(chunk), len(chunk)
    finally:
        _end()


def _in_processes(work: Work, chunks: Sequence[Sequence[int]]) -> Iterator[tuple[Outcome, int]]:
    """A few chunks ahead of the processes at a time, so that little waits in memory."""
    workers = os.cpu_count() or 1
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin_process, (work,))
    try:
        waiting: dict[Future[Outcome], int] = {}
        left = iter(chunks)
        for chunk in left:
            waiting[pool.submit(_do, chunk)] = len(chunk)
            if len(waiting) >= 2 * workers:
                yield from _finished(waiting)
        while waiting:
            yield from _finished(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(waiting: dict[Future[Outcome], int]) -> Iterator[tuple[Outcome, int]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for one in done:
        yield one.result(), waiting.pop(one)


# --- one process ----------------------------------------------------------------------------------------------------

_here: list[tuple[Store, Eras, Period]] = []


def _begin_process(work: Work) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began the work ends it
    _begin(work)


def _begin(work: Work) -> None:
    _here[:] = [(Store(work.location), Eras([work.era], work.names, work.customers), work.period)]


def _do(numbers: Sequence[int]) -> Outcome:
    store, eras, period = _here[0]
    with store.reading(frozen=True) as session:
        return simulate(session, numbers, eras, period)


def _end() -> None:
    store, _, _ = _here.pop()
    store.close()
