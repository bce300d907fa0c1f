"""Work on all processors: every portion once; Ctrl-C and the end of who began it end it, whenever they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tkt.sla.replaying.portions import ALONE, in_portions

INTERRUPTED = """
import sys, time
from tests.sla.replaying.test_portions import Slow
from tkt.sla.replaying.portions import in_portions

if __name__ == "__main__":
    try:
        print("begun", flush=True)
        sum(in_portions(Slow, range(1_000_000)))
    except KeyboardInterrupt:
        sys.exit(130)
"""

GOING_ON = """
from tests.sla.replaying.test_portions import Slow
from tkt.sla.replaying.portions import in_portions

if __name__ == "__main__":
    for _ in in_portions(Slow, range(1_000_000)):
        print("going on", flush=True)
"""


class Adding:
    """Adds numbers up."""

    def do(self, numbers: Sequence[int]) -> int:
        return sum(numbers)

    def close(self) -> None:
        pass


class Slow(Adding):
    """Takes its time."""

    def do(self, numbers: Sequence[int]) -> int:
        time.sleep(0.05)
        return super().do(numbers)


@pytest.mark.parametrize("many", [0, ALONE, 3 * ALONE + 1])
def test_every_portion_is_done_once_and_told_of(many: int) -> None:
    told: list[tuple[int, int]] = []
    assert sum(in_portions(Adding, range(many), lambda *done: told.append(done))) == sum(range(many))
    assert told[-1:] == ([(many, many)] if many else [])


@pytest.mark.parametrize("seconds", [0.0, 0.15, 0.4, 1.0])
def test_control_c_ends_all_processes(tmp_path: Path, seconds: float) -> None:
    process = _started(tmp_path / "work.py", INTERRUPTED)
    assert process.stdout and process.stdout.readline() == "begun\n"
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert (process.returncode, errors) == (130, "")
    _await_end_of_group(process.pid)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    process = _started(tmp_path / "work.py", GOING_ON)
    try:
        assert process.stdout and process.stdout.readline() == "going on\n"
    finally:
        process.kill()
        process.wait()
    _await_end_of_group(process.pid)
    process.communicate()


def _started(script: Path, text: str) -> subprocess.Popen[str]:
    """In a process group of its own."""
    script.write_text(text)
    root = str(Path(__file__).parents[3])
    return subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": root}, start_new_session=True,
    )  # fmt: skip


def _await_end_of_group(group: int) -> None:
    """The last of it, Python's resource tracker, ends when it sees that the others have."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    os.killpg(group, signal.SIGKILL)
    pytest.fail("some process of it goes on")
