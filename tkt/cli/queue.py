"""Opening the full-screen queue: the one door of the command line to Textual."""

from __future__ import annotations

from tkt.cli import context


def open_queue(*, serve: bool = False) -> int:
    """Run the queue until it is quit; with `serve`, the scheduler beside it."""
    from tkt.tui.app import run

    place = context.location()
    if not serve:
        run(place, context.agent_name())
        return 0
    from tkt.scheduler import Scheduler

    scheduler = Scheduler(place)
    scheduler.start()
    try:
        run(place, context.agent_name())
    finally:
        scheduler.stop()
    return 0
