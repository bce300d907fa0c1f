"""When the jobs do something: a mailbox at its own pace, a reply after its undo window, and nothing while idle."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tkt import scheduler
from tkt.channels.mail.mailboxes import mailboxes
from tkt.errors import TryAgain
from tkt.scheduler import Scheduler
from tkt.store import engine
from tkt.store.location import Location
from tkt.times import utcnow


@pytest.fixture
def idle(sqlite_location: Location, configure: Callable[..., None], maildir: Any) -> Iterator[Scheduler]:
    """A desk with a mailbox, a promise and a time rule, on which everything has been done."""
    more = '[[rule]]\nname = "by time"\non = "every"\nwhen = "tag:never"\ndo = ["tag:+ruled"]\n'
    configure(sqlite_location, {"support": {"imap": f"maildir:{maildir.path}", "every": "1h"}}, more)
    made = Scheduler(sqlite_location)
    for job in scheduler.JOBS:
        job.work(made)
        made.settle()
    yield made
    made.store.close()


def test_each_mailbox_has_its_own_pace(
    sqlite_location: Location,
    tmp_path: Path,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    """Both are read at the start; then the quick one again and again, the slow one not for an hour."""
    quick, slow = (folder(tmp_path / name) for name in ("quick", "slow"))
    configure(sqlite_location, {"quick": body(quick, "1s"), "slow": body(slow, "1h")}, desk="confirm = false")
    put(quick, letter("one"))
    put(slow, letter("two"))
    serve(sqlite_location, hurried=True)
    until(lambda: len(rows(sqlite_location, "SELECT subject FROM ticket")) == 2)
    put(slow, letter("never"))
    for subject in ("three", "four"):
        put(quick, letter(subject))
        until(lambda subject=subject: subject in rows(sqlite_location, "SELECT subject FROM ticket"))
    assert "never" not in rows(sqlite_location, "SELECT subject FROM ticket")


def folder(path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (path / part).mkdir(parents=True)
    return path


def body(path: Path, every: str) -> dict[str, str]:
    return {"imap": f"maildir:{path}", "every": every}


def put(path: Path, mail: bytes) -> None:
    (path / "new" / f"{time.time_ns()}.host").write_bytes(mail)


def test_an_idle_desk_holds_nobody_up(idle: Scheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the write lock every job finds that there is nothing to do."""
    idle.store.close()
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0)
    patient = Scheduler(idle.store.location)
    with patient.desk("pull").look() as change:
        read = mailboxes(change.definitions)
    for box in patient.timetable.take(dict.fromkeys([None, *read], 3600), 2):
        patient.timetable.done(box)
    holder = sqlite3.connect(idle.store.location.target, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for job in scheduler.JOBS:
        job.work(patient)
    holder.close()
    patient.store.close()


def test_a_reply_leaves_after_its_undo_window(
    sqlite_location: Location,
    postman: Any,
    configure: Callable[..., None],
    tkt: Callable[..., Any],
    serve: Callable[..., Any],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    configure(sqlite_location, {"support": postman.body()}, desk='undo_window = "2s"')
    assert tkt(sqlite_location, "new", "The printer", "--from", "carol@customer.example").returncode == 0
    serve(sqlite_location, hurried=True)
    assert tkt(sqlite_location, "reply", "1", "-b", "Try again.").returncode == 0
    until(lambda: len(postman.received) == 1)
    [(written, held, sent)] = until(lambda: rows(
        sqlite_location, "SELECT created_at, next_at, sent_at FROM outbox WHERE kind = 'reply' AND state = 'sent'"
    ))  # fmt: skip
    assert sent >= written + 2_000_000


def test_a_clock_that_was_set_back_stops_nothing(
    idle: Scheduler, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All turns are planned in an hour, as they are when the clock goes back by that much."""
    monkeypatch.setattr(scheduler, "CLOCK_SECONDS", 0.05)
    idle.start()
    for job in scheduler.JOBS:
        idle._timer.modify_job(job.name, next_run_time=utcnow() + timedelta(hours=1))
    real = time.time
    monkeypatch.setattr(scheduler.time, "time", lambda: real() - 3600)
    soon = utcnow() + timedelta(minutes=30)
    until(lambda: all(idle._timer.get_job(job.name).next_run_time < soon for job in scheduler.JOBS))
    idle.stop()


def test_a_mailbox_for_which_no_thread_can_be_had_is_read_later(
    idle: Scheduler, maildir: Any, letter: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    maildir.deliver(letter("The kettle"))
    idle.timetable = type(idle.timetable)()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_more)
        with pytest.raises(TryAgain, match="no thread for filing: can't start new thread"):
            scheduler.pull(idle)
    scheduler.pull(idle)
    idle.settle()
    with idle.store.reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM ticket").scalar() == 1


def no_more(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
