"""What a desk does by itself: pull mail, deliver the outbox, call webhooks, check the SLA, run time rules. `tkt serve`
and nothing else.

APScheduler keeps the time; each job calls verbs of a channel or the desk with a desk of its own. What fails is tried
again at the job's next turn: a mail server or a database may go away and come back, and the log has one line when it
goes and one when it is back. Several schedulers on one Postgres share the work: outbox rows and SLA steps are claimed
one by one in the store, and each mailbox is read by one of them at a time. A job ends between two messages when it
is told to stop; whatever it had begun is taken up by the next one. A job that finds nothing to do only reads.

Each mailbox is read in a thread of its own, so that a server that hangs holds nobody up; their messages are filed one
after another. Where a server offers IDLE, a watch makes its mailbox due the moment that something arrives.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import NamedTuple

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from tkt.channels.mail import gateway
from tkt.channels.mail.mailboxes import Mailbox, mailboxes
from tkt.channels.mail.reading import watchdog
from tkt.channels.mail.receiving import pulling
from tkt.channels.mail.receiving.idle import Watches
from tkt.channels.mail.receiving.timetable import Timetable
from tkt.channels.mail.sending import deliver, recording
from tkt.channels.webhooks import calls
from tkt.desk import firing, reconsidering, rules, sla_check
from tkt.desk.unit import Desk
from tkt.errors import MailboxUnusable, MailServerAway, StoreBusy, StoreUnreachable, TktError, TryAgain
from tkt.safe_text import safe_line
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.times import format_duration, utcnow
from tkt.troubles import Troubles
from tkt.turns import Turns

log = logging.getLogger("tkt")
for quiet in (log, logging.getLogger("apscheduler")):
    quiet.addHandler(logging.NullHandler())  # whoever wants the log adds a handler: a full-screen queue must not
logging.getLogger("apscheduler").setLevel(logging.ERROR)  # that a turn is left out while the last one runs is no news

PATIENCE_SECONDS = 10
"""How long running jobs may take to end. Only one that waits for a server that says nothing takes longer."""

CLOCK_SECONDS = 5
"""How often it is asked whether the clock on the wall was set back, and by how much it may be without being heeded."""

UNFILED_SECONDS = 30
"""How often mail is looked for that was stored and never filed (a pipe's, while the store was busy)."""

WATCHED_SECONDS = 900
"""How often a mailbox is read that tells us itself when something arrives."""

PULLS_AT_ONCE = 4
"""How many mailboxes are read at once; each holds two connections to the store."""

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


class Scheduler:
    """The jobs of one desk. `start` and `stop` for running beside something else, `run` for a process of its own."""

    def __init__(self, location: Location) -> None:
        self.store = Store(location)
        self.troubles = Troubles()
        self.unrecorded: recording.Unrecorded = {}
        self.timetable: Timetable[Mailbox | None] = Timetable(name=lambda box: box and box.name)
        self.filing = threading.Lock()
        self.watches = Watches(self._arrived)
        self._desks: dict[str, Desk] = {}
        self._stopping = threading.Event()
        self._turns = Turns()
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
        return self._desks.setdefault(job, Desk(self.store))

    def start(self) -> None:
        """Begin; returns at once."""
        self._timer.start()
        self._turns.begin("heeding the clock", self._heed_clock)

    def stop(self) -> None:
        """End: running jobs finish what they have at hand, then the store is closed."""
        self._stopping.set()
        if self._timer.running:
            self._timer.shutdown(wait=False)
        self.watches.stop()
        for name in self._turns.wait(PATIENCE_SECONDS):
            log.warning("%s: left waiting for an answer; the next scheduler takes it up", name)
        watchdog.close()
        self.store.close()

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or SIGHUP. Raises WrongSchema, TktError for a store that can't be served."""
        self._look_at_store()  # a signal ends this at once, also where the store does not answer
        told = _signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        log.info("serving %s", self.store.location.shown)
        self.start()
        log.info("stopping: %s", signal.Signals(told.recv(1)[0]).name)
        self.stop()
        log.info("stopped")

    def once(self) -> int:
        """One round of every job, in order; the worst exit status. For cron. Raises what `run` raises."""
        self._look_at_store()
        for job in JOBS:
            if STORE not in self.troubles:
                self._attempt(job)
                self.settle()
        self.store.close()
        return self.troubles.exit_status()

    def go_on(self) -> None:
        """Called by long jobs between two messages. Raises Stopping when it is time to end."""
        if self._stopping.is_set():
            raise Stopping

    def beside(self, name: str, work: Callable[[Scheduler], None]) -> None:
        """Do this once, in a thread of its own, like the turn of a job."""
        self._turns.begin(name, lambda: self._turn(Job(name, 0, work)))

    def settle(self) -> None:
        """Wait until everything has ended that was begun."""
        self._turns.wait(None)

    def watch(self, boxes: list[Mailbox]) -> None:
        """Watch these mailboxes, unless this is but one round."""
        if self._timer.running:
            with suppress(OSError, RuntimeError):  # too many files or threads: they are read at their pace
                self.watches.follow(boxes)

    def _arrived(self, box: Mailbox) -> None:
        self.timetable.arrived(box)
        self._hasten("pull")

    def _hasten(self, job: str) -> None:
        """Let this job's next turn begin now."""
        with suppress(JobLookupError):
            self._timer.modify_job(job, next_run_time=utcnow())

    def _heed_clock(self) -> None:
        """The timer plans by the clock on the wall: where that was set back, nothing would happen until it is as late
        again.
        """
        ahead = time.time() - time.monotonic()
        while not self._stopping.wait(CLOCK_SECONDS):
            before, ahead = ahead, time.time() - time.monotonic()
            if ahead < before - CLOCK_SECONDS:
                log.warning("the clock was set back by %s", format_duration(round(before - ahead)))
                for job in JOBS:
                    self._hasten(job.name)

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


def _signals(*numbers: int) -> socket.socket:
    """Where each of these signals is to be read as a byte from now on.

    A handler in Python would run when the interpreter comes to it, which it does not while it waits for a queue or an
    event: a signal that arrives just before that wait begins is only seen after it.
    """
    told, teller = socket.socketpair()
    teller.setblocking(False)
    signal.set_wakeup_fd(teller.detach())
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it, or a shell's "&"
            signal.signal(number, lambda *_: None)
    return told


def pull(scheduler: Scheduler) -> None:
    """Begin to read the mailboxes whose time has come, each in a thread of its own."""
    with scheduler.desk("pull").look() as change:
        boxes = [box for box in mailboxes(change.definitions) if box.source is not None]
    scheduler.watch(boxes)
    paces: dict[Mailbox | None, float] = {None: UNFILED_SECONDS}
    paces |= {box: WATCHED_SECONDS if scheduler.watches.watched(box) else box.every for box in boxes}
    taken = scheduler.timetable.take(paces, PULLS_AT_ONCE)
    try:
        while taken:
            _begin_to_read(scheduler, taken[0])
            taken.pop(0)
    finally:
        for box in taken:  # what could not be begun is due
            scheduler.timetable.left(box)


def _begin_to_read(scheduler: Scheduler, box: Mailbox | None) -> None:
    if box is None:
        scheduler.beside("filing", _file)
    else:
        scheduler.beside(f"reading mailbox {box.name}", partial(_read, box=box))


def _file(scheduler: Scheduler) -> None:
    """File what was stored and never filed."""
    try:
        gateway.file_what_waits(scheduler.desk("filing"), scheduler.go_on, scheduler.filing)
    finally:
        scheduler.timetable.done(None)


def _read(scheduler: Scheduler, box: Mailbox) -> None:
    """Take in what waits in one mailbox."""
    desk, began = scheduler.desk(f"pull {box.name}"), time.monotonic()
    usable = None
    try:
        found = gateway.pull_beside_others(desk, box, scheduler.go_on, scheduler.filing)
        if found is not None:
            result, usable = found
            _tell_pulled(scheduler, result, began)
    finally:
        _hand_back(scheduler, desk, box, usable)


def _hand_back(scheduler: Scheduler, desk: Desk, box: Mailbox, usable: bool | None) -> None:
    """`usable`: whether its server let us in; None when that was not the question."""
    if usable is None:
        scheduler.timetable.left(box)
    elif usable:
        scheduler.timetable.done(box)
    else:
        seconds = scheduler.timetable.failed(box)
        pulling.keep_next(desk, box.name, utcnow() + timedelta(seconds=seconds))


def send(scheduler: Scheduler) -> None:
    """Deliver what is due in the outbox."""

    def tell(one: recording.Delivery) -> None:
        _tell_delivered(scheduler, one, began)
        scheduler.go_on()

    began = time.monotonic()
    deliver.deliver(scheduler.desk("send"), progress=tell, unrecorded=scheduler.unrecorded)


def call_webhooks(scheduler: Scheduler) -> None:
    """Make the calls of webhooks that are due."""
    if calls.any_due(scheduler.desk("webhooks")):
        from tkt.channels.webhooks.deliver import make_calls  # a desk that calls nobody loads nothing of HTTP

        for one in make_calls(scheduler.desk("webhooks"), go_on=scheduler.go_on):
            log.info("webhooks: %s", safe_line(str(one)))


def check(scheduler: Scheduler) -> None:
    """Mark breaches, fire reminders and escalations that are due; go on with what a change of desk.toml has left."""
    _fire(scheduler)
    while reconsidering.batch(scheduler.desk("sla")):
        scheduler.go_on()
        _fire(scheduler)


def _fire(scheduler: Scheduler) -> None:
    desk, before = scheduler.desk("sla"), list[int]()
    while (waiting := sla_check.waiting(desk, DUE_AT_ONCE)) and waiting != before:
        for one in sla_check.attend_to(desk, waiting):
            late = f", {format_duration(one.late_seconds)} late" if one.is_late else ""
            log.info("sla: #%d %s %s%s", one.ticket, one.metric, one.what, late)
        before = waiting
        scheduler.go_on()


def run_rules(scheduler: Scheduler) -> None:
    """Let the rules of `on = "every"` fire on the tickets they match."""
    for rule, number in rules.run_time_rules(scheduler.desk("rules")):
        log.info("rules: %s on #%d", safe_line(rule), number)


JOBS = (
    Job("pull", 5, pull),
    Job("sla", 15, check),
    Job("rules", firing.INTERVAL_SECONDS, run_rules),
    Job("send", 5, send),
    Job("webhooks", 5, call_webhooks),
)
"""In this order for `--once`: what came in is answered, checked and ruled upon before the outbox is emptied.

"pull" looks which mailboxes are due; each has its own pace (`every` in desk.toml), which can't be finer than this.
"""


def _tell_pulled(scheduler: Scheduler, result: pulling.PullResult, began: float) -> None:
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


def _tell_delivered(scheduler: Scheduler, one: recording.Delivery, began: float) -> None:
    subject = f"sending from mailbox {one.mailbox}" if one.mailbox else "sending"
    if one.server:
        words = _without(f"mailbox {one.mailbox}", one.error)
        scheduler.troubles.report(subject, (MailServerAway if one.server == "away" else MailboxUnusable)(words))
        return
    scheduler.troubles.over(subject, began)
    words = f" ({one.error})" if one.error else ""
    about = f"for #{one.ticket}" if one.ticket else "about several tickets"
    what = f"{one.kind} {about} to {', '.join(one.recipients)}: {one.state}{words}"
    log.info("send: %s", safe_line(what))


def _without(beginning: str, words: str) -> str:
    """The words of an error without the name that the log's line begins with anyway."""
    return words.removeprefix(beginning).removeprefix(":").strip()
