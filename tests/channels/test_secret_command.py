"""A command that gives a secret: all its processes end, when it hangs itself or they hold its output."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tkt.channels import secret_command
from tkt.channels.secret_command import CommandFailed, first_line

WAITING = """
import sys, threading
from tkt.__main__ import _leave
from tkt.channels.secret_command import first_line

threading.Thread(target=first_line, args=(sys.argv[1],), daemon=True).start()
sys.stdin.read()
if sys.argv[2] == "leave":
    _leave(0)
"""


class Held:
    """A script that holds a pipe open, as all do that it begins."""

    def __init__(self, folder: Path) -> None:
        self._script, self._pipe = folder / "script", folder / "pipe"
        os.mkfifo(self._pipe)
        self.reader = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK)

    def command(self, script: str) -> str:
        self._script.write_text(f"exec 3>{self._pipe}; echo begun >&3; {script}\n")
        return f"sh {self._script}"

    def read(self) -> bytes:
        """What is said next: b"" when nobody holds the pipe any more."""
        assert select.select([self.reader], [], [], 30)[0]
        return os.read(self.reader, 100)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    pipe = Held(tmp_path)
    yield pipe
    os.close(pipe.reader)


@pytest.mark.parametrize("script", ["sleep 90; echo x", "sleep 90 & echo x"])
def test_a_command_that_takes_too_long_leaves_no_process_behind(
    script: str, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secret_command, "SECONDS", 1)
    with pytest.raises(CommandFailed, match="it took too long"):
        first_line(held.command(script))
    assert (held.read(), held.read()) == (b"begun\n", b"")


@pytest.mark.parametrize("how", ["leave", "return"])
def test_a_command_ends_with_the_process_that_waits_for_it(how: str, held: Held) -> None:
    words = [sys.executable, "-c", WAITING, held.command("sleep 90"), how]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert held.read() == b"begun\n"
        process.communicate()
    assert held.read() == b""
