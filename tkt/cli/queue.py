"""Opening the full-screen queue: the one door of the command line to Textual."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tkt.cli import context
from tkt.store.location import state_folder

if TYPE_CHECKING:
    from tkt.scheduler import Scheduler

LOG_FILE = "serve.log"


def open_queue(*, serve: bool = False) -> int:
    """Run the queue until it is quit; with `serve`, the scheduler beside it."""
    from tkt.cli.serving import leave
    from tkt.tui.app import run

    context.stay()
    begun: list[Scheduler] = []
    run(context.location(), context.agent_name(), background=partial(_scheduler, begun) if serve else None)
    for scheduler in begun:
        leave(scheduler)
    return 0


@contextmanager
def _scheduler(begun: list[Scheduler]) -> Iterator[None]:
    """The scheduler at work while the block runs, added to those begun. Its log goes to a file: the terminal is the
    queue's.
    """
    from tkt.cli.serving import log_to
    from tkt.scheduler import Scheduler

    log_to(os.path.join(state_folder(), LOG_FILE))
    scheduler = Scheduler(context.location())
    begun.append(scheduler)
    scheduler.start()
    try:
        yield
    finally:
        scheduler.stop()
