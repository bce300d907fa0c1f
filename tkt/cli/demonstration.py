"""The demo: a throw-away desk filled from the shipped sample mail, then the queue; without a terminal, the list and the
SLA report.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile

from tkt.cli import context, output
from tkt.cli.context import Chosen
from tkt.store.location import parse_location


def demonstrate(folder: str) -> int:
    """Run the demo in `folder`, or in one that is thrown away afterwards."""
    if folder:
        os.makedirs(folder, exist_ok=True)
        return _demonstrate_in(folder)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # like ^c: the folder is removed first
    with tempfile.TemporaryDirectory(prefix="tkt-demo-") as temporary:
        return _demonstrate_in(temporary)


def _demonstrate_in(folder: str) -> int:
    from tkt.demo.fill import fill

    context.stay()
    path = os.path.join(os.path.abspath(folder), "desk.db")
    fill(parse_location(path), folder, context.agent_name(), _Bar())
    Chosen.desk = path
    if output.on_terminal() and sys.stdin.isatty():
        from tkt.cli.queue import open_queue

        return open_queue()
    return _print_desk(path)


def _print_desk(desk: str) -> int:
    """What somebody without a terminal gets to see: the queue, then the SLA report."""
    from tkt.cli.main import run

    output.line("The queue: open tickets, most urgent deadline first")
    output.line()
    status = run(["--desk", desk, "list", "-n", "0"])
    output.line()
    return max(status, run(["--desk", desk, "sla", "report"]))


class _Bar:
    """A bar on standard error while the mails arrive; nothing where that is no terminal."""

    WIDTH = 30

    def __call__(self, done: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        full = self.WIDTH * done // total
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{'█' * full}{'░' * (self.WIDTH - full)} {done} of {total} mails{end}")
        sys.stderr.flush()
