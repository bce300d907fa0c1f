"""A secret from a command that desk.toml names: a password, an access token, a webhook's key.

What the command prints reaches no message, not even that of a command that fails. It runs in a session of its own, so
that all its processes can be ended when it hangs, or when we end: it has no terminal, and must ask an agent or in a
window if it asks at all.
"""

from __future__ import annotations

import atexit
import os
import shlex
import signal
import subprocess
import threading
from contextlib import suppress

SECONDS = 30
"""How long it may take (it may ask an agent, a hardware key or another server)."""

_running: set[subprocess.Popen[bytes]] = set()
_starting = threading.Lock()


class CommandFailed(Exception):
    """Why, in words that follow "the command …"."""


def first_line(command: str) -> str:
    """What it prints first. Raises CommandFailed."""
    try:
        words = [os.path.expanduser(word) for word in shlex.split(command)]
        status, printed = _run(words)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        reason = "it took too long" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        raise CommandFailed(f"failed: {reason}") from None
    lines = printed.decode("utf-8", "replace").splitlines()
    if status or not lines or not lines[0]:
        raise CommandFailed(f"gave nothing (exit status {status})")
    return lines[0]


def _run(words: list[str]) -> tuple[int, bytes]:
    """The exit status, and what was printed. Raises OSError, ValueError, IndexError, TimeoutExpired."""
    with _starting:
        started = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
        _running.add(started)
    with started as process:
        try:
            printed, _ = process.communicate(timeout=SECONDS)
        except BaseException:  # whatever ends us here, nothing of it may be left behind
            _kill(process)
            raise
        finally:
            _running.remove(process)
        return process.returncode, printed


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


@atexit.register
def end_all() -> None:
    """End those that other threads wait for, and let none begin any more: Ctrl-C does not reach them, and nobody else
    would.
    """
    _starting.acquire()
    for process in tuple(_running):
        _kill(process)
