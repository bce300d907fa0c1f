"""Opening the full-screen queue: the one door of the command line to Textual."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tkt.cli import context
from tkt.store.location import state_folder

if TYPE_CHECKING:
    from tkt.scheduler import Scheduler

LOG_FILE = "serve.log"
SILENCE_SECONDS = 1.0
"""How long the scheduler may take to stop before that is said."""


def open_queue(*, serve: bool = False) -> int:
    """Run the queue until it is quit; with `serve`, the scheduler beside it."""
    from tkt.tui.app import run

    context.stay()
    run(context.location(), context.agent_name(), background=_scheduler if serve else None)
    return 0


@contextmanager
def _scheduler() -> Iterator[Callable[[], None]]:
    """The scheduler at work while the block runs. Its log goes to a file: the terminal is the queue's. Gives what stops
    it: called from two threads, it stops once and both wait for that.
    """
    from tkt.cli.serving import log_to
    from tkt.scheduler import Scheduler

    log_to(os.path.join(state_folder(), LOG_FILE))
    scheduler = Scheduler(context.location())
    stopping, stopped = threading.Lock(), threading.Event()

    def stop() -> None:
        with stopping:
            if not stopped.is_set():
                stopped.set()
                _stop(scheduler)

    scheduler.start()
    try:
        yield stop
    finally:
        stop()


def _stop(scheduler: Scheduler) -> None:
    """Say so when it takes long: nothing else is on the terminal, and whoever waits would begin to press ^c."""
    from tkt.tui.ending import tell_terminal

    words = "stopping: the scheduler finishes what it has at hand …"
    late = threading.Timer(SILENCE_SECONDS, tell_terminal, (words,))
    late.daemon = True
    late.start()
    try:
        scheduler.stop()
    finally:
        late.cancel()
