"""What a desk does by itself: pull mail, deliver the outbox, check the SLA, run time rules. `tkt serve` and
nothing else.

APScheduler keeps the time; each job calls one verb of a channel or the desk with a desk of its own. A job that
fails says so in one line and is tried again at its next turn: a mail server or a database may go away and come
back. Several schedulers on one Postgres share the work: outbox rows and SLA steps are claimed one by one in the
store, and a mailbox is pulled by one of them at a time. A job ends between two messages when it is told to stop;
whatever it had begun is taken up by the next one.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from typing import NamedTuple

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from tkt.channels.mail import deliver, gateway
from tkt.desk import rules, sla_check
from tkt.desk.unit import Desk
from tkt.errors import TktError, TryAgain, worst
from tkt.safe_text import safe_line
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.times import format_duration, utcnow

log = logging.getLogger("tkt")


class Stopping(Exception):
    """Raised inside a long job when the scheduler is to end; never leaves this module."""


class Job(NamedTuple):
    """One kind of work: its pace in seconds, and what it does; the lines to log are its result."""

    name: str
    seconds: int
    work: Callable[[Scheduler], list[str]]


class Scheduler:
    """The jobs of one desk. `start` and `stop` for running beside something else, `run` for a process of its own."""

    def __init__(self, location: Location) -> None:
        self.store = Store(location)
        self._stopping = threading.Event()
        self._failing: dict[str, str] = {}
        self._timer = BackgroundScheduler(timezone="UTC", executors={"default": ThreadPoolExecutor(len(JOBS))})
        for job in JOBS:
            self._timer.add_job(
                self._turn,
                "interval",
                args=[job],
                seconds=job.seconds,
                next_run_time=utcnow(),
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    def desk(self) -> Desk:
        """A desk in nobody's name for one turn of one job."""
        return Desk(self.store)

    def start(self) -> None:
        """Begin; returns at once."""
        self._timer.start()

    def stop(self) -> None:
        """End: running jobs finish what they have begun, then the store is closed."""
        self._stopping.set()
        if self._timer.running:
            self._timer.shutdown(wait=True)
        self.store.close()

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stopping.set())
        log.info("serving %s", self.store.location.shown)
        self.start()
        self._stopping.wait()
        log.info("stopping")
        self.stop()
        log.info("stopped")

    def once(self) -> int:
        """One round of every job, in order; the worst exit status. For cron."""
        errors = [error for job in JOBS if (error := self._attempt(job)) is not None]
        self.store.close()
        return worst(errors)

    def go_on(self, *_progress: object) -> None:
        """Called by long jobs between two messages. Raises Stopping when it is time to end."""
        if self._stopping.is_set():
            raise Stopping

    def _turn(self, job: Job) -> None:
        """One turn of a job, whatever comes of it: the timer must go on."""
        if self._stopping.is_set():
            return
        try:
            error = self._attempt(job)
        except Stopping:
            return
        except Exception:  # a bug in one job must not silence the others; the log has the whole of it
            log.exception("%s: this is a bug in tkt", job.name)
            return
        self._note(job.name, str(error) if error else "")

    def _attempt(self, job: Job) -> TktError | None:
        try:
            for line in job.work(self):
                log.info("%s: %s", job.name, safe_line(line))
        except TktError as error:
            if not self._failing.get(job.name):
                log.warning("%s: %s", job.name, safe_line(str(error)))
            return error
        return None

    def _note(self, name: str, error: str) -> None:
        """Remember whether a job fails, so that a long outage is two lines in the log and not thousands."""
        if not error and self._failing.get(name):
            log.info("%s: working again", name)
        self._failing[name] = error


def pull(scheduler: Scheduler) -> list[str]:
    """Take in what waits in the mailboxes; one scheduler at a time."""
    with scheduler.store.alone("pull") as mine:
        if not mine:
            return []
        results = gateway.pull(scheduler.desk(), progress=scheduler.go_on)
    failed = [result for result in results if result.error]
    lines = [_pulled(result) for result in results if result.fetched]
    if failed:
        for line in lines:
            log.info("pull: %s", safe_line(line))
        raise MailboxesFailed(failed)
    return lines


class MailboxesFailed(TryAgain):
    """Some mailboxes could not be read; the others were."""

    def __init__(self, failed: list[gateway.PullResult]) -> None:
        super().__init__("; ".join(f"{one.mailbox}: {one.error}" for one in failed))


def send(scheduler: Scheduler) -> list[str]:
    """Deliver what is due in the outbox."""
    return [_delivered(one) for one in deliver.deliver(scheduler.desk())]


def check(scheduler: Scheduler) -> list[str]:
    """Mark breaches, fire reminders and escalations that are due."""
    fired = sla_check.check(scheduler.desk())
    return [
        f"#{one.ticket} {one.metric} {one.what}"
        + (f", {format_duration(one.late_seconds)} late" if one.late_seconds >= sla_check.LATE_SECONDS else "")
        for one in fired
    ]


def run_rules(scheduler: Scheduler) -> list[str]:
    """Let the rules of `on = "every"` fire on the tickets they match."""
    return [f"{rule} on #{number}" for rule, number in rules.run_time_rules(scheduler.desk())]


JOBS = (
    Job("pull", 30, pull),
    Job("sla", 15, check),
    Job("rules", 60, run_rules),
    Job("send", 5, send),
)
"""In this order for `--once`: what came in is answered, checked and ruled upon before the outbox is emptied."""


def _pulled(result: gateway.PullResult) -> str:
    parts = ("tickets", "entries", "machine", "duplicates", "quarantined")
    counts = ", ".join(f"{getattr(result, part)} {part}" for part in parts if getattr(result, part))
    return f"{result.mailbox}: {result.fetched} fetched: {counts}"


def _delivered(one: deliver.Delivery) -> str:
    error = f" ({one.error})" if one.error else ""
    return f"{one.kind} for #{one.ticket} to {', '.join(one.recipients)}: {one.state}{error}"
