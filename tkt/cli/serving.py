"""The command that runs the scheduler: serve."""

from __future__ import annotations

import typer

from tkt.cli import context


def serve(once: bool = typer.Option(False, "--once", help="One round of everything, then end: for cron.")) -> int:
    """The scheduler: mail in and out, deadlines, time rules. It runs until SIGTERM.

    With --once the exit status is 75 when a mail server or the store is away and a later round may do better.

    Example: tkt serve
    """
    from tkt.scheduler import Scheduler

    context.refuse_viewer()
    log_to(None)
    context.stay()
    scheduler = Scheduler(context.location())
    if once:
        return scheduler.once()
    scheduler.run()
    return 0


def log_to(path: str | None) -> None:
    """One line per event, with the time in UTC: to a file, or (None) to standard error, which systemd and cron keep."""
    import logging
    import os
    import time

    if path:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8") if path else logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


COMMANDS = {"serve": serve}
