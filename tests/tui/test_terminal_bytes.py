"""What a key press costs on the line, measured through a real terminal. Textual's own would be 1,400 bytes for `j` and
15,000 for a prompt.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator

import pytest

START = """
import sys
from tkt.store.location import parse_location
from tkt.tui.app import run
run(parse_location(sys.argv[1]), "alice")
"""


class Terminal:
    def __init__(self, desk: str) -> None:
        self.process, self.file = pty.fork()
        if self.process == 0:
            os.environ.update(TERM="xterm-256color", COLUMNS="", LINES="")
            os.execv(sys.executable, [sys.executable, "-c", START, desk])
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))

    def read(self, quiet: float = 0.4) -> bytes:
        """What is written until nothing comes for so many seconds."""
        found = b""
        while select.select([self.file], [], [], quiet)[0]:
            try:
                found += os.read(self.file, 65536)
            except OSError:  # the process has ended
                break
        return found

    def wait_for(self, text: bytes) -> bytes:
        found, end = b"", time.monotonic() + 20
        while text not in found:
            assert time.monotonic() < end, found
            found += self.read(0.1)
        return found

    def press(self, keys: bytes) -> int:
        os.write(self.file, keys)
        return len(self.read())

    def close(self) -> None:
        os.kill(self.process, 9)
        os.waitpid(self.process, 0)
        os.close(self.file)


@pytest.fixture
def terminal(small_desk, empty_desk) -> Iterator[Terminal]:
    for number in range(1, 9):
        small_desk.write(number, due_at=None)  # nothing counts down meanwhile
    opened = Terminal(empty_desk.target)
    yield opened
    opened.close()


def test_bytes_of_a_key_press(terminal):
    terminal.wait_for(b"VPN is down")
    terminal.read(1.0)
    assert terminal.press(b"j") < 1500  # with another ticket in the preview
    terminal.press(b"p")
    for key in (b"j", b"j", b"k"):
        assert terminal.press(key) < 500
    assert terminal.press(b":") < 1000
    assert terminal.press(b"a") < 300
    assert terminal.press(b"\x1b") < 1000
    assert terminal.press(b"c") < 3000
    assert terminal.press(b"x") < 150
    assert terminal.press(b"y") < 150


def test_it_draws_anew_after_the_shell_had_the_terminal(terminal):
    terminal.wait_for(b"VPN is down")
    terminal.read(1.0)
    terminal.press(b"\x1a")
    os.kill(terminal.process, signal.SIGCONT)
    assert b"VPN is down" in terminal.wait_for(b"enter read")


def test_refreshing_draws_anew(terminal):
    terminal.wait_for(b"VPN is down")
    terminal.read(1.0)
    os.write(terminal.file, b"R")
    assert b"SUBJECT" in terminal.wait_for(b"VPN is down")


def test_it_draws_before_the_store_answers_and_leaves_the_terminal_as_it_was(terminal):
    written = terminal.wait_for(b"VPN is down")
    assert written.index(b"SUBJECT") < written.index(b"VPN is down")
    assert b"?1000h" not in written  # no mouse
    os.write(terminal.file, b"q")
    left = terminal.wait_for(b"\x1b[?1049l")
    assert b"\x1b[?25h" in left + terminal.read()
