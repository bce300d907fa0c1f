"""Eight processes at once on one store, through the command line: nothing is lost, nothing is doubled."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import func, select

from tkt.desk import tickets
from tkt.desk.unit import Desk, find_actor
from tkt.store.read import open_reader
from tkt.store.read_events import events_after
from tkt.store.tables import Clock, Entry, Event, Outbox, Ticket, TicketTag

PROCESSES = 8
SHARED = 3

WORKERS = """
import contextlib, io, json, os, sys
from tkt.cli.main import run
from tkt.desk import conversation, rules, tickets  # loaded once, for all
desk, folder, shared, *names = sys.argv[1:]

def tkt(me, *words):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(["--desk", desk, "--as", me, *words])
    return [words, status, out.getvalue().strip(), err.getvalue().strip()]

def work(me):
    for number in map(str, range(1, int(shared) + 1)):
        yield tkt(me, "take", number)
        yield tkt(me, "tag", number, "+" + me)
        yield tkt(me, "reply", number, "-b", "from " + me)
        yield tkt(me, "new", "by " + me, "--from", "same@customer.example", "--key", "key" + number, "--tag", me)
        yield tkt(me, "new", "own of " + me, "-b", "x", "--from", me + "@customer.example", "-t", "all", "-a", "auto")

gate, opener = os.pipe()
for me in names:
    if os.fork() == 0:
        os.close(opener)
        os.read(gate, 1)  # ends for all at once
        with open(os.path.join(folder, me), "w") as file:
            json.dump(list(work(me)), file)
        os._exit(0)
os.close(opener)
sys.exit(max(os.waitstatus_to_exitcode(os.wait()[1]) for _ in names))
"""

DESK = """
[desk]
name = "Busy"
[[team]]
name = "all"
members = [{names}]
assign = "round-robin"
[[sla]]
name = "all"
match = ""
[sla.targets]
default = {{ first_response = "4h", resolution = "24h" }}
[[rule]]
name = "busy"
on = "replied"
when = "NOT tag:answered"
do = ["tag:+answered"]
"""

NAMES = [f"p{n}" for n in range(PROCESSES)]


def prepared(office: Any) -> None:
    agents = "".join(f'[[agent]]\nname = "{name}"\nrole = "admin"\n' for name in NAMES)
    office.declare(DESK.format(names=", ".join(f'"{name}"' for name in NAMES)), people=agents)
    desk = Desk(office.store, find_actor(office.store, "p0"))
    for n in range(SHARED):
        tickets.create(desk, f"Shared {n}", requester=("", "ann@customer.example"), text="help")


def run_all(office: Any, folder: Path) -> list[list[Any]]:
    """Let all go at once, and collect (words, status, out, err) of every command."""
    command = [sys.executable, "-c", WORKERS, office.store.location.target, str(folder), str(SHARED), *NAMES]
    subprocess.run(command, check=True, timeout=120)
    return [command for name in NAMES for command in json.loads((folder / name).read_text())]


@pytest.fixture
def followed(office: Any) -> Any:
    """Follows the event log while the test runs; gives what it has seen when told to stop."""
    seen: list[int] = []
    stop = threading.Event()

    def follow() -> None:
        with open_reader(office.store.location) as reader:
            while True:
                last = stop.is_set()
                seen.extend(row.id for row in events_after(reader, seen[-1] if seen else 0))
                if last:
                    return
                stop.wait(0.02)

    thread = threading.Thread(target=follow)
    thread.start()

    def end() -> list[int]:
        stop.set()
        thread.join()
        return seen

    yield end
    end()


def test_eight_processes_at_once(office: Any, followed: Any, tmp_path: Path) -> None:
    prepared(office)
    done = run_all(office, tmp_path)
    assert len(done) == PROCESSES * SHARED * 5
    busy = {75} if office.store.dialect == "sqlite" else set()  # on Postgres nobody waits long, and nothing deadlocks
    assert {status for _, status, _, _ in done} <= {0, 5} | busy
    assert not [err for *_, err in done if "Traceback" in err or "bug" in err]
    of = lambda verb: [command for command in done if command[0][0] == verb]  # noqa: E731
    _check_takes(office, of("take"))
    _check_tags(office, of("tag"))
    _check_replies(office, of("reply"))
    _check_creations(office, of("new"))
    _check_log(office, followed)


def _check_takes(office: Any, takes: list[Any]) -> None:
    winners = Counter(words[1] for words, status, _, _ in takes if status == 0)
    assert winners == {str(number): 1 for number in range(1, SHARED + 1)}
    for words, status, out, err in takes:
        if status == 0:
            assert out == f"#{words[1]} → {office.document(int(words[1]))['assignee']}"
        elif status == 5:
            assert "takes it over" in err


def _check_tags(office: Any, tags: list[Any]) -> None:
    done = {(int(words[1]), words[2][1:]) for words, status, _, _ in tags if status == 0}
    stored = {(row.ticket, row.tag) for row in office.rows(TicketTag, TicketTag.ticket <= SHARED)}
    assert stored - {(number, "answered") for number in range(1, SHARED + 1)} == done


def _check_replies(office: Any, replies: list[Any]) -> None:
    done = Counter(int(words[1]) for words, status, _, _ in replies if status == 0)
    for number in range(1, SHARED + 1):
        entries = office.entries(number)
        assert [one.position for one in entries] == list(range(1, len(entries) + 1))
        assert sum(one.kind == "reply" for one in entries) == done[number]
    mails = office.rows(Outbox, Outbox.kind == "reply")
    assert len(mails) == done.total() == len({one.message_id for one in mails})
    answered = [event for event in office.rows(Event, Event.verb == "tag") if event.cause == "rule busy"]
    assert sorted(event.ticket for event in answered) == list(range(1, SHARED + 1))


def _check_creations(office: Any, made: list[Any]) -> None:
    own = [int(out) for words, status, out, _ in made if status == 0 and words[1].startswith("own")]
    assert len(own) == len(set(own))
    keyed: dict[str, set[str]] = {}
    for words, status, out, _ in made:
        if "--key" in words and status == 0:
            keyed.setdefault(words[words.index("--key") + 1], set()).add(out)
    assert all(len(numbers) == 1 for numbers in keyed.values())
    assert {ticket.number for ticket in office.rows(Ticket)} == {
        *range(1, SHARED + 1), *own, *(int(number) for numbers in keyed.values() for number in numbers),
    }  # fmt: skip
    loads = Counter(office.ticket(number).assignee_id for number in own)
    assert max(loads.values()) - min(loads.values()) <= 1  # round robin held, whoever asked


def _check_log(office: Any, followed: Any) -> None:
    with office.store.transaction() as session:
        per_ticket = select(Event.ticket, func.count(func.distinct(Event.change))).group_by(Event.ticket)
        changes = {number: count for number, count in session.exec(per_ticket) if number}
    versions = {ticket.number: ticket.version for ticket in office.rows(Ticket)}
    assert changes == versions
    assert len(office.rows(Clock)) == 2 * len(versions)
    assert len(office.rows(Entry)) == sum(event.verb in ("inbound", "reply") for event in office.rows(Event))
    assert followed() == [event.id for event in office.rows(Event)]
