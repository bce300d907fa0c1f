"""The command that runs the scheduler: serve."""

from __future__ import annotations

import typer

from tkt.cli import context


def serve(once: bool = typer.Option(False, "--once", help="One round of everything, then end: for cron.")) -> int:
    """Pull mail, deliver the outbox, check the SLA, run time rules, until SIGTERM.

    With --once the exit status is 75 when a mail server or the store is away and a later round may do better.

    Example: tkt serve
    """
    from tkt.scheduler import Scheduler

    _log_to_standard_error()
    scheduler = Scheduler(context.location())
    if once:
        return scheduler.once()
    scheduler.run()
    return 0


def _log_to_standard_error() -> None:
    """One line per event, with the time in UTC; systemd and cron keep standard error."""
    import logging
    import time

    handler = logging.StreamHandler()
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


COMMANDS = {"serve": serve}
