"""Running commands to measure them: interleaved, so that a slow minute of the machine falls on all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

BIN = os.path.dirname(sys.executable)
PYTHON = sys.executable
TKT = os.path.join(BIN, "tkt")
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""What getrusage counts memory in."""


_PEAK = """
import os, resource, sys
nowhere = [(os.POSIX_SPAWN_OPEN, at, os.devnull, os.O_RDWR, 0) for at in (0, 1, 2)]
os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere), 0)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run by a small Python: Linux counts what a process was before it became the command, too."""


class Timed(NamedTuple):
    """Wall-clock seconds of several runs of one command."""

    seconds: list[float]

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def shown(self) -> str:
        return f"{self.best * 1000:.0f} ms"


class CommandFailed(Exception):
    """A measured command did not end well: its time would mean nothing."""


def environment(folder: str) -> dict[str, str]:
    """What the measured commands see: compiled modules kept, no settings of whoever runs this."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    homes = {name: folder for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    return kept | homes | {"TKT_AGENT": "alice", "TERM": "xterm-256color"}


def interleaved(
    commands: Mapping[str, Sequence[str]], rounds: int, env: Mapping[str, str], warm_up: int = 1
) -> dict[str, Timed]:
    """Each command once in every round, after `warm_up` rounds that don't count. Raises CommandFailed."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + warm_up):
        for name, command in commands.items():
            took = _run(command, env)
            if number >= warm_up:
                seconds[name].append(took)
    return {name: Timed(seconds[name]) for name in commands}


def peak_memory(command: Sequence[str], env: Mapping[str, str]) -> int:
    """The most resident memory that the command has while it runs, in bytes."""
    found = subprocess.run([PYTHON, "-S", "-c", _PEAK, *command], env=dict(env), capture_output=True, check=True)
    return int(found.stdout) * MAXRSS_UNIT


def _run(command: Sequence[str], env: Mapping[str, str]) -> float:
    nowhere = [(os.POSIX_SPAWN_OPEN, at, os.devnull, os.O_RDWR, 0) for at in (0, 1, 2)]
    begun = time.perf_counter()
    process = os.posix_spawn(command[0], list(command), env, file_actions=nowhere)
    _, status = os.waitpid(process, 0)
    took = time.perf_counter() - begun
    if os.waitstatus_to_exitcode(status) != 0:
        raise CommandFailed(f"exit status {os.waitstatus_to_exitcode(status)}: {' '.join(command)}")
    return took
