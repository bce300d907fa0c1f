"""kill -9 at every step of pull, send and SLA check, one after the other: nothing is lost, nothing doubled.

A step is what leaves the process: a statement to the store, a commit, a line to the IMAP or SMTP server. A small
program is loaded once and forks for each run; the run with number n kills itself just before its nth step, a run with
number 0 goes through. Each killed run is followed by one that goes through, and then everything is counted. The steps
end with the first run that comes to its end before its step.

A pull is killed before commits and lines to servers only: within a transaction every statement leaves the same behind,
nothing, and there are hundreds. Delivery and check are killed before each statement as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest

from tkt.desk import conversation, tickets
from tkt.desk.unit import Desk, find_actor
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.times import utcnow

STRIDE = int(os.environ.get("TKT_CRASH_STRIDE", "1"))
"""2 leaves out every other step; the SLA check is killed at every third unless it is set."""

ENOUGH = 2_000
"""More steps than there can be: a run that needs them goes in circles."""

RUNNER = """
import os, signal, sys
import encodings.idna, jinja2.sandbox, psycopg, sqlalchemy.dialects.postgresql.psycopg  # what each run would load else
from tkt.channels.mail import gateway
from tkt.channels.mail.receiving import imap
from tkt.channels.mail.sending import deliver
from tkt.desk import reactions, sla_check, templates
from tkt.desk.unit import Desk
from tkt.store.engine import Store
from tkt.store.location import parse_location

STATEMENTS, LINES = {"execute", "executemany"}, {"sendall", "send"}

def killed_before(step, work):
    left = step
    stored = {"commit"} if work == "pull" else {"commit", *STATEMENTS}
    def count(frame, event, argument):
        nonlocal left
        if event == "c_call":
            told = argument.__name__ in stored or argument.__name__ in LINES
        else:
            code = frame.f_code
            told = event == "call" and code.co_name in stored and "psycopg" in code.co_filename
        if told:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    return count

def run(work, step, target):
    desk = Desk(Store(parse_location(target)))
    if step:
        sys.setprofile(killed_before(step, work))
    if work == "pull":
        for result in gateway.pull(desk):
            assert not result.error, result
    elif work == "check":
        sla_check.check(desk)
    else:
        for one in deliver.deliver(desk, now_all=True):
            assert one.state == "sent", one
    sys.setprofile(None)
    desk.store.close()

for line in sys.stdin:
    work, step, target = line.split()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            run(work, int(step), target)
            status = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Runner:
    """Runs pull, send or check in a process of its own, to a step or to the end."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", RUNNER]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, work: str, location: Location, step: int = 0) -> bool:
        """Whether it was killed at this step; it must have gone through otherwise."""
        self.begin(work, location, step)
        return self.ended()

    def begin(self, work: str, location: Location, step: int = 0) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{work} {step} {location.target}\n")
        self._process.stdin.flush()

    def ended(self) -> bool:
        """Wait for its end; whether it was killed."""
        assert self._process.stdout
        status = int(self._process.stdout.readline())
        assert status in (0, -9), f"it ended with {status}"
        return status == -9

    def steps(self, work: str, location: Location, first: int = 1, stride: int = STRIDE) -> Iterator[int]:
        """Each step at which the work is killed, after it was killed there and has gone through."""
        for step in range(first, ENOUGH, stride):
            killed = self.run(work, location, step)
            self.run(work, location)
            yield step
            if not killed:
                return
        raise AssertionError(f"{work} takes more than {ENOUGH} steps")

    def close(self) -> None:
        self._process.communicate()


@pytest.fixture
def runner() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.close()


def test_a_pull_killed_at_any_step_files_each_mail_once(
    location: Location,
    runner: Runner,
    servers: Callable[..., Any],
    postman: Any,
    letter: Callable[..., bytes],
    configure: Callable[..., None],
    rows: Callable[..., list[Any]],
) -> None:
    imap = servers("pymap").emptied()
    configure(location, {"support": imap.body(archive="Done") | postman.body()})
    wanted: Counter[str] = Counter()

    def arrive(number: int) -> None:
        """A request and the customer's answer to it."""
        asked, answer = f"<{number}.1@customer.example>", f"<{number}.2@customer.example>"
        imap.deliver(
            letter(f"Question {number}", Message_ID=asked),
            letter(f"Question {number}", text="And?", Message_ID=answer, In_Reply_To=asked),
        )
        wanted.update((asked, answer))

    arrive(1)
    for step in runner.steps("pull", location):
        assert rows(location, "SELECT state FROM intake WHERE state NOT IN ('ticket', 'entry')") == [], step
        assert Counter(rows(location, "SELECT message_id FROM entry WHERE kind = 'inbound'")) == wanted, step
        assert rows(location, "SELECT count(*) FROM ticket WHERE entries <> 2") == [0], step
        assert imap.count() == 0 and imap.count("Done") == len(wanted), step
        arrive(step + 1)
    assert step > 15
    assert rows(location, "SELECT count(*) FROM ticket") == [len(wanted) // 2 - 1]  # the last two have just arrived


def test_a_delivery_killed_at_any_step_sends_each_mail(
    location: Location,
    runner: Runner,
    postman: Any,
    configure: Callable[..., None],
    rows: Callable[..., list[Any]],
) -> None:
    """A second copy leaves only from the steps between the server's answer and our record of it, which are one stretch,
    and has the same Message-ID.
    """
    configure(location, {"support": postman.body()})
    store = Store(location)
    alice = Desk(store, find_actor(store, "alice"))
    number = _ticket(alice)
    conversation.reply(alice, number, "answer 0")
    copies: list[int] = []
    for step in runner.steps("send", location):
        assert set(rows(location, "SELECT state FROM outbox")) <= {"sent"}, step
        received = Counter(str(message_from_bytes(one.content)["Message-ID"]) for one in postman.received)
        assert set(received) == set(rows(location, "SELECT message_id FROM outbox")), step
        copies.append(received.total() - len(received))
        assert max(received.values()) <= 2, step
        conversation.reply(alice, number, f"answer {step}")
    store.close()
    doubled = [at for at in range(1, len(copies)) if copies[at] > copies[at - 1]]
    assert step > 10 and doubled == list(range(doubled[0], doubled[-1] + 1))
    assert rows(location, "SELECT count(*) FROM entry WHERE kind = 'reply' AND delivery <> 'sent'") == [1]


def _ticket(desk: Desk, subject: str = "The printer") -> int:
    number = tickets.create(desk, subject, requester=("Ann", "ann@customer.example")).number
    assert number is not None
    return number


STEPS = """
[[webhook]]
name = "pager"
url = "http://localhost:1/"

[[agent]]
name = "sue"
email = "sue@desk.example"
role = "supervisor"

[[sla]]
name = "quiet"
match = "subject:quiet"
[sla.targets]
default = { first_response = "1h" }
[[sla.steps]]
metric = "first_response"
at = "-10m"
do = ["notify:assignee"]
[[sla.steps]]
metric = "first_response"
at = "+0m"
every = "2h"
do = ["notify:supervisor"]

[[sla]]
name = "all"
[sla.targets]
default = { first_response = "1h" }
[[sla.steps]]
metric = "first_response"
at = "-10m"
do = ["notify:assignee", "tag:+soon"]
[[sla.steps]]
metric = "first_response"
at = "+0m"
every = "2h"
when = "tag:soon"
do = ["notify:supervisor", "set:priority=high", "note:late", "webhook:pager"]
"""

ONCE = {
    "steps": "SELECT ticket, step, n FROM clock_step s JOIN clock c ON c.id = s.clock_id",
    "breaches": "SELECT id FROM clock WHERE state = 'breached' AND breached_at = due_at",
    "mails": "SELECT ticket, CAST(recipients AS TEXT) FROM outbox WHERE kind = 'notification'",
    "calls": "SELECT ticket, webhook FROM webhook_call",
    "notes": "SELECT ticket FROM entry WHERE kind = 'note'",
    "tags": "SELECT ticket FROM event WHERE field = 'tag' AND actor = 'tkt'",
    "priorities": "SELECT ticket FROM event WHERE field = 'priority' AND cause LIKE '%(time 2, 1 before it missed)%'",
    "told": "SELECT ticket, field, CAST(new AS TEXT) FROM event WHERE verb = 'sla'",
}
"""What a check does on a ticket that is three and a half hours old, and how often: once, but for mails, steps and
events of the SLA.
"""
TIMES = {"steps": 2, "mails": 2, "told": 3}
QUIET = ("steps", "breaches", "mails", "told")
"""What there is where steps only tell people: the check attends to many such tickets in one transaction."""


@pytest.fixture
def overdue(
    postman: Any, configure: Callable[..., None], rows: Callable[..., list[Any]]
) -> Iterator[Callable[[Location], Any]]:
    """overdue(location) makes it a desk; what it gives makes a ticket of 3 h 30 min ago, by its subject."""
    stores: list[Store] = []

    def make(location: Location) -> Any:
        configure(location, {"support": postman.body()}, STEPS)
        stores.append(Store(location))
        past = Desk(stores[-1], find_actor(stores[-1], "alice"), lambda: utcnow() - timedelta(hours=3, minutes=30))
        return lambda subject="The printer": tickets.assign(past, _ticket(past, subject), "alice")

    yield make
    for store in stores:
        store.close()


def once(location: Location, rows: Callable[..., list[Any]], count: int, what_of: Iterable[str] = ONCE) -> None:
    """Everything has happened on each of `count` tickets, and nothing twice."""
    for what in what_of:
        found = Counter(rows(location, ONCE[what]))
        assert set(found.values()) == {1} and len(found) == count * TIMES.get(what, 1), (what, found)


@pytest.mark.parametrize(
    ("subjects", "what_of", "least"),
    [(("The printer",), ONCE, 20), (("quiet", "quiet"), QUIET, 10)],
    ids=["of_one", "of_many"],
)
def test_a_check_killed_at_any_step_does_everything_once(
    location: Location,
    runner: Runner,
    overdue: Callable[[Location], Any],
    rows: Callable[..., list[Any]],
    subjects: tuple[str, ...],
    what_of: Iterable[str],
    least: int,
) -> None:
    create = overdue(location)
    for subject in subjects:
        create(subject)
    stride = STRIDE if "TKT_CRASH_STRIDE" in os.environ else 3
    first = ("sqlite", "postgresql").index(location.dialect) + 1  # two of every three, between them
    for count, step in enumerate(runner.steps("check", location, first, stride), 1):  # noqa: B007
        once(location, rows, len(subjects) * count, what_of)
        for subject in subjects:
            create(subject)
    assert step > least


@pytest.mark.parametrize(("subject", "what_of"), [("The printer", ONCE), ("quiet", QUIET)], ids=["of_one", "of_many"])
def test_two_checks_at_once_do_everything_once(
    location: Location,
    runner: Runner,
    overdue: Callable[[Location], Any],
    rows: Callable[..., list[Any]],
    subject: str,
    what_of: Iterable[str],
) -> None:
    create = overdue(location)
    for _ in range(20):
        create(subject)
    other = Runner()
    for one in (runner, other):
        one.begin("check", location)
    assert not runner.ended() and not other.ended()
    other.close()
    once(location, rows, 20, what_of)
