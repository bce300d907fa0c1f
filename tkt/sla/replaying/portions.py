"""Many tickets' histories gone through on all processors: in portions that are told of as they are done.

Each process makes what it works with for itself (a store of its own), once, and keeps one portion of tickets in memory.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import connection, get_context, parent_process
from typing import Any, Protocol, TypeVar

CHUNK = 1_000
"""Tickets a process takes at once."""

ALONE = 4_000
"""So many tickets are done sooner than other processes are ready."""

Progress = Callable[[int, int], None]
"""Told how many of how many tickets are done."""

Part = TypeVar("Part")
PartOf = TypeVar("PartOf", covariant=True)


class Worker(Protocol[PartOf]):
    """Does portions, one after another."""

    def do(self, numbers: Sequence[int]) -> PartOf:
        """What comes of these tickets."""

    def close(self) -> None:
        """Give back what it holds."""


def in_portions(
    make: Callable[[], Worker[Part]], numbers: Sequence[int], progress: Progress = lambda done, total: None
) -> Iterator[Part]:
    """What comes of all these tickets, portion by portion, in any order. `make` is sent to other processes. Raises what
    the workers raise, KeyboardInterrupt.
    """
    chunks = [numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK)]
    done = 0
    for part, count in _alone(make, chunks) if len(numbers) <= ALONE else _in_processes(make, chunks):
        done += count
        progress(done, len(numbers))
        yield part


def _alone(make: Callable[[], Worker[Part]], chunks: Sequence[Sequence[int]]) -> Iterator[tuple[Part, int]]:
    worker = make()
    try:
        for chunk in chunks:
            yield worker.do(chunk), len(chunk)
    finally:
        worker.close()


def _in_processes(make: Callable[[], Worker[Part]], chunks: Sequence[Sequence[int]]) -> Iterator[tuple[Part, int]]:
    """A few chunks ahead of the processes at a time, so that little waits in memory."""
    workers = os.cpu_count() or 1
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (make,))
    try:
        waiting: dict[Future[Part], int] = {}
        for chunk in chunks:
            with _uninterrupted():
                waiting[pool.submit(_do, chunk)] = len(chunk)
            if len(waiting) >= 2 * workers:
                yield from _finished(waiting)
        while waiting:
            yield from _finished(waiting)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits for the end of this block, and processes that are started in it never hear of it: one that died of
    it while it holds a queue's lock would leave the others, and us, waiting for ever. Who began the work ends it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _finished(waiting: dict[Future[Part], int]) -> Iterator[tuple[Part, int]]:
    done, _ = wait(waiting, return_when=FIRST_COMPLETED)
    for one in done:
        yield one.result(), waiting.pop(one)


# --- one process ----------------------------------------------------------------------------------------------------

_here: list[Worker[Any]] = []


def _begin(make: Callable[[], Worker[Any]]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _here[:] = [make()]


def _end_with_parent() -> None:
    """However the parent ends. The queue of what is to be done does not tell: each worker can write to it, too, and so
    they would wait for one another for ever.
    """
    if (parent := parent_process()) is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _do(numbers: Sequence[int]) -> Any:
    return _here[0].do(numbers)
