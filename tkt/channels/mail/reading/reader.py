"""The process that reads messages for another one, `watchdog`, and may die of one.

It imports nothing but what reading takes (some 15 MB and a tenth of a second), holds itself to the limits that come
with each message, and leaves when its standard input ends: with its parent, however that ends. What it can't forestall
(a crash in C, a loop) ends it by a signal, and the parent draws the conclusion.

On standard input a REQUEST and the raw message, over and over; on standard output an ANSWER and its words, first of
all a READY. Attachments stay where they are, in the message (`mime.Later`), so that no bytes go both ways.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import sys
import time
from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Any, BinaryIO

from tkt.channels.mail.reading.mime import Part
from tkt.channels.mail.reading.parse import ParsedMail, Unparseable, parse

REQUEST = struct.Struct("!QQQ")
"""The message's size in bytes; how many bytes of memory and how many seconds of computing its reading may take."""

ANSWER = struct.Struct("!cQ")
"""What kind of answer, and the size of what follows: a pickle (READ), nothing, or words in UTF-8."""

SMALL = 60_000
"""Bytes that go through a pipe in one piece."""

READY, READ, REFUSED, OUT_OF_MEMORY, FAILED = b"=", b"+", b"-", b"m", b"!"

IN_FIRST_PLACE = "1000"
"""For the kernel that runs out of memory: end this process before any other (proc(5), oom_score_adj)."""


def read(raw: bytes) -> ParsedMail:
    """The message, its attachments still in `raw`. Raises Unparseable."""
    return parse(raw, Part.later)


def main(function: str = f"{__name__}:read") -> None:
    """Answer requests with what `function` ("module:name", of bytes) makes of them, until there are none."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    module, _, name = function.partition(":")
    work = getattr(import_module(module), name)
    _prepare(answers)
    requests, limits = sys.stdin.buffer, _Limits()
    while len(head := requests.read(REQUEST.size)) == REQUEST.size:
        size, memory, seconds = REQUEST.unpack(head)
        limits.allow(memory, seconds)
        try:
            kind, words = _read(work, requests.read(size))
        except MemoryError:
            limits.lift()
            _answer(answers, OUT_OF_MEMORY, b"")
            return
        _answer(answers, kind, words)


def _read(work: Callable[[bytes], Any], raw: bytes) -> tuple[bytes, bytes]:
    try:
        return READ, pickle.dumps(work(raw), pickle.HIGHEST_PROTOCOL)
    except Unparseable as error:
        return REFUSED, str(error).encode("utf-8", "replace")


def _answer(answers: BinaryIO, kind: bytes, words: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        answers.write(ANSWER.pack(kind, len(words)) + words if len(words) < SMALL else ANSWER.pack(kind, len(words)))
        answers.write(b"" if len(words) < SMALL else words)
        answers.flush()


def _prepare(answers: BinaryIO) -> None:
    """Say that it can begin; a mistake of ours in reading is told to the parent, which knows whom to tell."""

    def tell(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        place = f" at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""
        _answer(answers, FAILED, f"{kind.__name__}{place}".encode())

    sys.excepthook = tell
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(IN_FIRST_PLACE)
    _answer(answers, READY, b"")


class _Limits:
    """What this process may take for one message, beyond what it has; the kernel sees to it, where it can.

    A limit that stands and fits well enough is left: setting it costs as much as reading a short mail.
    """

    def __init__(self) -> None:
        self._set("RLIMIT_CORE", 0)
        self._memory = self._until = 0

    def allow(self, memory: int, seconds: int) -> None:
        """So many bytes and (about, at most twice) so many seconds of computing from now on."""
        if not self._memory <= memory <= self._memory * 1.1:
            self._memory = memory
            self._set("RLIMIT_AS", _address_space() + memory)
        if not seconds <= self._until - time.process_time() <= 2 * seconds:
            self._until = int(time.process_time()) + 2 * seconds
            self._set("RLIMIT_CPU", self._until)

    def lift(self) -> None:
        """Room for a last word."""
        self._set("RLIMIT_AS", -1)

    def _set(self, name: str, value: int) -> None:
        try:
            import resource
        except ImportError:  # no such limits on this system: the parent's clock is left
            return
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        unlimited = hard == resource.RLIM_INFINITY
        within = value if unlimited else hard if value < 0 else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS has the names of some, and not the limits
            resource.setrlimit(which, (within, hard))


def _address_space() -> int:
    """How much of it is in use, in bytes; what is usual where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return 64 << 20
