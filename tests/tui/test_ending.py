"""The queue can be left whatever the terminal and the store do, and a scheduler beside it stops in good order."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
import termios
import time
from pathlib import Path

import pytest

from tests.tui.conftest import NOW, SERVE, RealTerminal
from tkt.store.tables import Definition
from tkt.tui.drafts import Drafts

STOPPED = "left waiting for an answer; the next scheduler takes it up"


@pytest.fixture
def silent_port():
    """A server that takes connections and says nothing."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        yield server.getsockname()[1]


@pytest.fixture
def opened(small_desk, empty_desk):
    """Opens queues in terminals of their own."""
    terminals = []

    def open_terminal(*args: str, **options: str) -> RealTerminal:
        terminals.append(RealTerminal(*args, **options))
        return terminals[-1]

    yield open_terminal
    for terminal in terminals:
        terminal.close()


def stalled(terminal: RealTerminal) -> None:
    """Let the queue write more than the line holds, and read none of it."""
    for turn in range(80):
        fcntl.ioctl(terminal.file, termios.TIOCSWINSZ, struct.pack("HHHH", 40 + turn % 2, 120 + turn % 2, 0, 0))
        time.sleep(0.03)


@pytest.mark.parametrize("how", ["cut", "terminated"])
def test_a_terminal_that_takes_nothing_keeps_no_queue_alive(how, opened, empty_desk):
    narrow = "from textual.drivers import _writer_thread as pipe; pipe.MAX_QUEUED_WRITES = 1; "
    terminal = opened(empty_desk.target, but=f"{narrow} ending.HANG_UP_SECONDS = ending.PATIENCE_SECONDS = 0.5")
    terminal.wait_for(b"VPN is down")
    terminal.write(b"rHalf a thought")
    terminal.wait_for(b"mailed to")
    terminal.read(1.0)
    stalled(terminal)
    if how == "cut":
        terminal.hang_up()
    else:
        terminal.kill(signal.SIGTERM)
        time.sleep(1.0)
    assert os.waitstatus_to_exitcode(terminal.wait()) == 1
    assert Drafts(empty_desk).read(1, "reply").text == "Half a thought"


def test_a_store_that_says_nothing_keeps_no_queue_alive(opened, silent_port):
    terminal = opened(f"postgresql://u@127.0.0.1:{silent_port}/desk", but="ending.PATIENCE_SECONDS = 0.5")
    terminal.wait_for(b"SUBJECT")
    terminal.write(b"q")
    left = terminal.wait_for(b"no change was under way")
    assert left.index(b"\x1b[?1049l") < left.index(b"the queue could not be left in good order")
    assert os.waitstatus_to_exitcode(terminal.wait()) == 1


@pytest.fixture
def serving(opened, small_desk, empty_desk, silent_port):
    """`tkt --serve`, whose scheduler waits for a mail server that says nothing and takes seconds to stop."""
    body = {"address": "quiet@desk.example", "imap": f"imap://u@127.0.0.1:{silent_port}", "password_env": "HOME"}
    with small_desk.store.transaction() as session:
        session.add(Definition(kind="mailbox", name="quiet", body=body, created_at=NOW))
    terminal = opened(empty_desk.target, SERVE, "scheduler.PATIENCE_SECONDS = 3; ending.HANG_UP_SECONDS = 2")
    terminal.wait_for(b"VPN is down")
    terminal.read(1.0)
    return terminal


def log_of_scheduler() -> str:
    return (Path(os.environ["XDG_STATE_HOME"]) / "tkt" / "serve.log").read_text()


def test_nothing_cuts_a_scheduler_that_stops_after_the_queue_was_left(serving):
    serving.write(b"\x1a")
    assert b"a scheduler runs beside this queue" in serving.read()
    serving.write(b"q")
    serving.wait_for(b"stopping: the scheduler finishes what it has at hand")
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        serving.kill(number)
    assert os.waitstatus_to_exitcode(serving.wait()) == 0
    assert STOPPED in log_of_scheduler()


def test_a_line_that_is_cut_stops_the_scheduler_in_good_order(serving):
    serving.hang_up()
    serving.kill(signal.SIGHUP)
    assert os.waitstatus_to_exitcode(serving.wait()) == 0
    assert STOPPED in log_of_scheduler()


def test_a_signal_before_the_screen_is_there_ends_the_queue_in_good_order(opened, small_desk, empty_desk):
    early = "import signal; scheduler.Scheduler.start = lambda self: (self._timer.start(), signal.raise_signal(15))"
    terminal = opened(empty_desk.target, SERVE, early)
    assert os.waitstatus_to_exitcode(terminal.wait()) == 0


def test_an_editor_that_has_the_terminal_may_finish_first(opened, empty_desk, tmp_path, monkeypatch):
    script = tmp_path / "editor"
    script.write_text('#!/bin/sh\necho "IN THE EDITOR"\nsleep 3\necho more >> "$1"\n')
    script.chmod(0o700)
    monkeypatch.setenv("TKT_EDITOR", str(script))
    terminal = opened(empty_desk.target, but="ending.PATIENCE_SECONDS = 2")
    terminal.wait_for(b"VPN is down")
    terminal.write(b"e")
    terminal.wait_for(b"IN THE EDITOR")
    terminal.kill(signal.SIGTERM)
    assert os.waitstatus_to_exitcode(terminal.wait()) == 0
    assert Drafts(empty_desk).read(1, "reply").text == "more"
