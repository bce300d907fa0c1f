"""Opening the full-screen queue: the one door of the command line to Textual."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tkt.cli import context
from tkt.store.location import state_folder

LOG_FILE = "serve.log"


def open_queue(*, serve: bool = False) -> int:
    """Run the queue until it is quit; with `serve`, the scheduler beside it."""
    from tkt.tui.app import run

    context.stay()
    run(context.location(), context.agent_name(), background=_scheduler if serve else None)
    return 0


@contextmanager
def _scheduler() -> Iterator[None]:
    """The scheduler at work while the block runs. Its log goes to a file: the terminal is the queue's."""
    from tkt.cli.serving import log_to
    from tkt.scheduler import Scheduler

    log_to(os.path.join(state_folder(), LOG_FILE))
    scheduler = Scheduler(context.location())
    scheduler.start()
    try:
        yield
    finally:
        scheduler.stop()
