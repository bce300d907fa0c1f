"""A program in a pseudo-terminal: when it shows something, and how many bytes it writes."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

COLUMNS, LINES = 100, 30
PATIENCE = 60.0
"""Seconds after which something that did not appear counts as a failure."""

_CONTROLS = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class NothingSeen(Exception):
    """The program did not show what it should have shown."""


class Terminal:
    """Starts the program; `seconds` counts from then. Leave it by `close`."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._begun = time.perf_counter()
        self._process, self._master = _spawn(command, env)
        self.written = bytearray()

    def wait_for(self, seen: Callable[[bytes], bool], what: str) -> float:
        """Seconds from the start until what was written satisfies `seen` (text without escape sequences)."""
        while True:
            if seen(_CONTROLS.sub(b"", self.written)):
                return time.perf_counter() - self._begun
            if not self._read(PATIENCE):
                raise NothingSeen(f"the terminal never showed {what}; it showed: {bytes(self.written[-2000:])!r}")

    def settle(self, quiet: float) -> int:
        """Wait until nothing has been written for `quiet` seconds; the bytes that were."""
        before = len(self.written)
        while self._read(quiet):
            pass
        return len(self.written) - before

    def press(self, keys: str, quiet: float = 0.6) -> int:
        """Press keys; how many bytes were written until all was quiet."""
        os.write(self._master, keys.encode())
        return self.settle(quiet)

    def close(self, keys: str) -> None:
        """Leave the program by these keys; kills what doesn't go."""
        os.write(self._master, keys.encode())
        end = time.monotonic() + 5
        while time.monotonic() < end and self._read(0.5):
            pass
        done, _ = os.waitpid(self._process, os.WNOHANG)
        if not done:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
        os.close(self._master)

    def memory(self) -> int:
        """The most resident memory that the program has had until now, in bytes; 0 where the system doesn't tell."""
        try:
            with open(f"/proc/{self._process}/status") as file:
                fields = dict(line.split(":", 1) for line in file)
        except FileNotFoundError:
            return 0
        return int(fields["VmHWM"].split()[0]) * 1024

    def _read(self, patience: float) -> bool:
        """Take what is written next, if that comes in time."""
        ready, _, _ = select.select([self._master], [], [], patience)
        if not ready:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # Linux says so when the program has gone
            return False
        self.written += data
        return bool(data)


def _spawn(command: Sequence[str], env: Mapping[str, str]) -> tuple[int, int]:
    process, master = pty.fork()
    if process == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        os.execve(command[0], list(command), dict(env))
    return process, master
