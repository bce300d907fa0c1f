"""What a desk does by itself: pull mail, deliver the outbox, check the SLA, run time rules. `tkt serve` and
nothing else.

APScheduler keeps the time; each job calls verbs of a channel or the desk with a desk of its own. What fails is tried
again at the job's next turn: a mail server or a database may go away and come back, and the log has one line when it
goes and one when it is back. Several schedulers on one Postgres share the work: outbox rows and SLA steps are claimed
one by one in the store, and the mailboxes are read by one of them at a time. A job ends between two messages when it
is told to stop; whatever it had begun is taken up by the next one. A job that finds nothing to do only reads.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import NamedTuple

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler

from tkt.channels.mail import deliver, gateway, intake
from tkt.channels.mail.mailboxes import mailboxes
from tkt.desk import rules, sla_check
from tkt.desk.unit import Desk
from tkt.errors import MailboxUnusable, MailServerAway, StoreBusy, StoreUnreachable, TktError, TryAgain, worst
from tkt.safe_text import safe_line
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.times import format_duration, utcnow

log = logging.getLogger("tkt")
for quiet in (log, logging.getLogger("apscheduler")):
    quiet.addHandler(logging.NullHandler())  # whoever wants the log adds a handler: a full-screen queue must not
logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a turn is left out while the last one runs is no news

PATIENCE_SECONDS = 10
"""How long running jobs may take to end. Only one that waits for a server that says nothing takes longer."""

UNFILED_SECONDS = 30
"""How often mail is looked for that was stored and never filed (a pipe's, while the store was busy)."""

DUE_AT_ONCE = 100
"""How many due clocks are attended to between two looks at whether it is time to stop."""

STORE = "the store"


class Stopping(Exception):
    """Raised inside a long job when the scheduler is to end; never leaves this module."""


class Job(NamedTuple):
    """One kind of work: its name in the log, its pace in seconds, and what it does."""

    name: str
    seconds: int
    work: Callable[[Scheduler], None]


class Troubles:
    """What does not work now, by subject ("the store", "mailbox support"): told when it begins and when it is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._errors: dict[str, tuple[Exception, float]] = {}

    def report(self, subject: str, error: Exception) -> None:
        """It does not work. Logged unless it is known; another kind of error is news."""
        with self._lock:
            known = self._errors.get(subject)
            self._errors[subject] = error, time.monotonic()
        if known is not None and type(known[0]) is type(error):
            return
        if isinstance(error, TktError):
            words = safe_line(str(error))
            log.warning("%s", words if words.startswith(subject) else f"{subject}: {words}")
        else:
            log.error("%s: this is a bug in tkt", subject, exc_info=error)

    def over(self, subject: str, began: float) -> None:
        """It works: what was begun at `began` (monotonic seconds), after the last report, went well."""
        with self._lock:
            known = self._errors.get(subject)
            if known is None or known[1] >= began:
                return
            del self._errors[subject]
        log.info("%s: working again", subject)

    def __contains__(self, subject: str) -> bool:
        with self._lock:
            return subject in self._errors

    def exit_status(self) -> int:
        """The worst of what does not work, 0 when all does."""
        with self._lock:
            return worst([error for error, _ in self._errors.values() if isinstance(error, TktError)])


class Scheduler:
    """The jobs of one desk. `start` and `stop` for running beside something else, `run` for a process of its own."""

    def __init__(self, location: Location) -> None:
        self.store = Store(location)
        self.troubles = Troubles()
        self._desks = {job.name: Desk(self.store) for job in JOBS}
        self.unrecorded: deliver.Unrecorded = {}
        self._pulls: dict[str, float] = {}
        self._stopping = threading.Event()
        self._turns = _Turns()
        self._timer = BackgroundScheduler(timezone="UTC", executors={"default": self._turns})
        for job in JOBS:
            self._timer.add_job(
                self._turn,
                "interval",
                args=[job],
                id=job.name,
                seconds=job.seconds,
                next_run_time=utcnow(),
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    def desk(self, job: str) -> Desk:
        """The desk in nobody's name that this job's turns use, one after another."""
        return self._desks[job]

    def start(self) -> None:
        """Begin; returns at once."""
        self._timer.start()

    def stop(self) -> None:
        """End: running jobs finish what they have at hand, then the store is closed."""
        self._stopping.set()
        if self._timer.running:
            self._timer.shutdown(wait=False)
        for name in self._turns.wait(PATIENCE_SECONDS):
            log.warning("%s: left waiting for an answer; the next scheduler takes it up", name)
        self.store.close()

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP. Raises WrongSchema, TktError for a store that can't be served."""
        told: SimpleQueue[int] = SimpleQueue()  # unlike an Event, safe to touch in a signal handler
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, _frame: told.put(received))
        self._look_at_store()
        log.info("serving %s", self.store.location.shown)
        self.start()
        log.info("stopping: %s", signal.Signals(told.get()).name)
        self.stop()
        log.info("stopped")

    def once(self) -> int:
        """One round of every job, in order; the worst exit status. For cron. Raises what `run` raises."""
        self._look_at_store()
        for job in JOBS:
            if STORE not in self.troubles:
                self._attempt(job)
        self.store.close()
        return self.troubles.exit_status()

    def go_on(self) -> None:
        """Called by long jobs between two messages. Raises Stopping when it is time to end."""
        if self._stopping.is_set():
            raise Stopping

    def due_pulls(self, every: dict[str, int]) -> list[str]:
        """Those of these names (with their pace in seconds) whose time has come; it is noted that they are served."""
        now = time.monotonic()
        due = [name for name in every if self._pulls.get(name, now) <= now]
        self._pulls = {name: now + every[name] if name in due else self._pulls[name] for name in every}
        return due

    def _look_at_store(self) -> None:
        """A store of another version will not do; one that is away may come back."""
        with suppress(TryAgain), self.store.reading() as session:
            session.connection()

    def _turn(self, job: Job) -> None:
        """One turn of a job, whatever comes of it: the timer must go on."""
        if self._stopping.is_set():
            return
        try:
            self._attempt(job)
        except Stopping:
            return
        except Exception as error:  # a bug in one job must not silence the others; the log has the whole of it
            self.troubles.report(job.name, error)

    def _attempt(self, job: Job) -> None:
        began = time.monotonic()
        try:
            job.work(self)
            if STORE in self.troubles:
                with self.store.transaction() as session:  # it may still be locked for those who write
                    session.connection()
        except (StoreBusy, StoreUnreachable) as error:
            self.troubles.report(STORE, error)
        except TktError as error:
            self.troubles.report(job.name, error)
        else:
            self.troubles.over(STORE, began)
            self.troubles.over(job.name, began)


class _Turns(BaseExecutor):  # type: ignore[misc]
    """Each turn of a job in a thread of its own, which does not keep the process from ending."""

    def __init__(self) -> None:
        super().__init__()
        self._threads: dict[str, threading.Thread] = {}

    def wait(self, seconds: float) -> list[str]:
        """Wait at most so long until all turns have ended; the names of the jobs that have not."""
        end = time.monotonic() + seconds
        begun = list(self._threads.items())
        for _, thread in begun:
            thread.join(max(0.0, end - time.monotonic()))
        return [name for name, thread in begun if thread.is_alive()]

    def _do_submit_job(self, job: object, run_times: list[object]) -> None:
        name = str(getattr(job, "id", ""))
        thread = threading.Thread(target=self._run, args=(job, name, run_times), name=name, daemon=True)
        self._threads[name] = thread
        thread.start()

    def _run(self, job: object, name: str, run_times: list[object]) -> None:
        self._run_job_success(name, run_job(job, "default", run_times, self._logger.name))


def pull(scheduler: Scheduler) -> None:
    """Take in what waits in the mailboxes whose time has come; one scheduler at a time."""
    desk, began = scheduler.desk("pull"), time.monotonic()
    with desk.look() as change:
        read = {box.name: box.every for box in mailboxes(change.definitions) if box.source is not None}
    due = scheduler.due_pulls(read | {"": UNFILED_SECONDS})
    if not due:
        return
    with scheduler.store.alone("pull") as mine:
        if not mine:
            return
        names = [name for name in due if name]
        if not names:
            intake.resume(desk)
            return
        for result in gateway.pull(desk, names, progress=lambda *_progress: scheduler.go_on()):
            _tell_pulled(scheduler, result, began)


def send(scheduler: Scheduler) -> None:
    """Deliver what is due in the outbox."""

    def tell(one: deliver.Delivery) -> None:
        _tell_delivered(scheduler, one, began)
        scheduler.go_on()

    began = time.monotonic()
    deliver.deliver(scheduler.desk("send"), progress=tell, unrecorded=scheduler.unrecorded)


def check(scheduler: Scheduler) -> None:
    """Mark breaches, fire reminders and escalations that are due."""
    while fired := sla_check.check(scheduler.desk("sla"), DUE_AT_ONCE):
        for one in fired:
            late = f", {format_duration(one.late_seconds)} late" if one.is_late else ""
            log.info("sla: #%d %s %s%s", one.ticket, one.metric, one.what, late)
        scheduler.go_on()


def run_rules(scheduler: Scheduler) -> None:
    """Let the rules of `on = "every"` fire on the tickets they match."""
    for rule, number in rules.run_time_rules(scheduler.desk("rules")):
        log.info("rules: %s on #%d", safe_line(rule), number)


JOBS = (
    Job("pull", 5, pull),
    Job("sla", 15, check),
    Job("rules", 60, run_rules),
    Job("send", 5, send),
)
"""In this order for `--once`: what came in is answered, checked and ruled upon before the outbox is emptied.

"pull" looks which mailboxes are due; each has its own pace (`every` in desk.toml), which can't be finer than this.
"""


def _tell_pulled(scheduler: Scheduler, result: gateway.PullResult, began: float) -> None:
    parts = ("tickets", "entries", "machine", "duplicates", "quarantined")
    counts = ", ".join(f"{getattr(result, part)} {part}" for part in parts if getattr(result, part))
    if result.fetched:
        log.info("pull: mailbox %s: %d fetched: %s", safe_line(result.mailbox), result.fetched, counts)
    subject = f"reading mailbox {result.mailbox}"
    if result.error:
        words = _without(f"mailbox {result.mailbox}", result.error)
        scheduler.troubles.report(subject, (MailServerAway if result.away else MailboxUnusable)(words))
    else:
        scheduler.troubles.over(subject, began)


def _tell_delivered(scheduler: Scheduler, one: deliver.Delivery, began: float) -> None:
    subject = f"sending from mailbox {one.mailbox}" if one.mailbox else "sending"
    if one.server:
        words = _without(f"mailbox {one.mailbox}", one.error)
        scheduler.troubles.report(subject, (MailServerAway if one.server == "away" else MailboxUnusable)(words))
        return
    scheduler.troubles.over(subject, began)
    words = f" ({one.error})" if one.error else ""
    what = f"{one.kind} for #{one.ticket} to {', '.join(one.recipients)}: {one.state}{words}"
    log.info("send: %s", safe_line(what))


def _without(beginning: str, words: str) -> str:
    """The words of an error without the name that the log's line begins with anyway."""
    return words.removeprefix(beginning).removeprefix(":").strip()
