"""Reading in a process of its own, within limits: a message that is made to exhaust its reader harms nobody else.

    mail = watchdog.read(raw)                 # as parse(raw), and Unparseable for what exceeds the limits
    mail = watchdog.read(raw, ahead=next)     # meanwhile the next one is read, while the caller files this one

Promises: whatever the bytes do to their reader, the caller gets a ParsedMail or an Unparseable whose words are the
reason for quarantine, in little more than the time limit; a new reader goes on with the next message. A reader that
was killed (by whom can't be told: the message, the kernel that is short of memory, an administrator) gets a successor
for the same message once, before the message is blamed. A reader ends with this process, even one that is killed.
The first net is this; the second, for a message that brings this process down, are `intake.ATTEMPTS`.

Readers are kept and used again, one for each thread that reads at the same moment: starting one takes as long as
reading some 300 mails.
"""

from __future__ import annotations

import atexit
import math
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from tkt.channels.mail.reading.mime import Later, content_of
from tkt.channels.mail.reading.parse import Attachment, ParsedMail, Unparseable
from tkt.channels.mail.reading.reader import ANSWER, FAILED, OUT_OF_MEMORY, READ, READY, REFUSED, REQUEST, SMALL
from tkt.errors import TktError, TryAgain

MEGABYTE = 1_000_000
START_SECONDS = 60.0
"""How long a reader may take to start, on a machine that has other things to do."""

AHEAD_BYTES = MEGABYTE
"""A larger message is not read ahead: two of them in memory at once are one too many."""

READER = f"{ParsedMail.__module__.rpartition('.')[0]}.reader:read"
ROOT = str(Path(__file__).parents[4])

_START = (
    "import sys; sys.path.append(sys.argv[1]); from tkt.channels.mail.reading.reader import main; main(sys.argv[2])"
)
_NOT_A_PICKLE = (pickle.UnpicklingError, EOFError, AttributeError, ImportError, LookupError, TypeError, ValueError)
_LONGEST_WORDS = 10_000


class Limits(NamedTuple):
    """What reading one message may take: seconds, and bytes beyond the bare reader's, each with more for its size."""

    seconds: float = 30.0
    seconds_per_megabyte: float = 1.0
    memory: int = 200 * MEGABYTE
    memory_per_byte: int = 8

    def time(self, size: int) -> float:
        """Seconds for a message of this size in bytes."""
        return self.seconds + self.seconds_per_megabyte * size / MEGABYTE

    def space(self, size: int) -> int:
        """Bytes for a message of this size in bytes."""
        return self.memory + self.memory_per_byte * size


LIMITS = Limits()
"""What every message gets."""


class _Died(Exception):
    """The reader is gone, or says what no reader says; the words are the end of "the reader …"."""


class _TooSlow(Exception):
    """The reader did not answer in time."""


class Reader:
    """One reading process, started when it is first needed. Not to be used by two threads at once."""

    def __init__(self, limits: Limits | None = None, function: str = READER) -> None:
        self.limits = limits or LIMITS
        self.function = function
        self.ahead: bytes | None = None
        """The message that is being read while nobody waits for it."""
        self._process: _Process | None = None

    def read(self, raw: bytes, ahead: bytes | None = None) -> ParsedMail:
        """As `read` of this module. Raises Unparseable; TryAgain where no reader can be started."""
        kind, words = self._answer(raw)
        if ahead is not None and len(ahead) <= AHEAD_BYTES:
            self._begin(ahead)
        if kind == REFUSED:
            raise Unparseable(words.decode("utf-8", "replace"))
        return _with_attachments(_unpickled(words), raw)

    def answers(self, seconds: float) -> bool:
        """Whether what is read ahead has been read, waiting at most so long."""
        return self._process is not None and self._process.answers(seconds)

    def close(self) -> None:
        """End the process; a later `read` starts another."""
        self.ahead = None
        if self._process is not None:
            self._process.end()
            self._process = None

    def _begin(self, ahead: bytes) -> None:
        """Have it read; what stands against it is said when its turn comes."""
        try:
            self._ask(ahead)
            self.ahead = ahead
        except _TooSlow:
            self.close()

    def _answer(self, raw: bytes) -> tuple[bytes, bytearray]:
        """What the reader makes of a message: READ or REFUSED, and the words. Raises Unparseable, TryAgain."""
        try:
            return self._attempt(raw)
        except _Died:
            self.close()
        try:
            return self._attempt(raw)
        except _Died as died:
            self.close()
            raise Unparseable(f"the reader {died}") from None

    def _attempt(self, raw: bytes) -> tuple[bytes, bytearray]:
        try:
            if self.ahead is not raw:
                if self.ahead is not None:  # somebody else's, whom nobody asks for any more
                    self.close()
                self._ask(raw)
            self.ahead = None
            assert self._process is not None
            kind, words = self._process.receive(self.limits.time(len(raw)), self.limits.space(len(raw)))
        except _TooSlow:
            self.close()
            seconds = max(1, round(self.limits.time(len(raw))))
            raise Unparseable(f"reading it took more than {seconds:,} seconds") from None
        if kind in (OUT_OF_MEMORY, FAILED):
            self.close()
            raise Unparseable(self._why(kind, words, len(raw)))
        return kind, words

    def _ask(self, raw: bytes) -> None:
        if self._process is None:
            self._process = _Process(self.function)
        seconds = self.limits.time(len(raw))
        head = REQUEST.pack(len(raw), self.limits.space(len(raw)), math.ceil(seconds))
        for piece in (head + raw,) if len(raw) < SMALL else (head, raw):
            self._process.send(piece, seconds)

    def _why(self, kind: bytes, words: bytearray, size: int) -> str:
        if kind == OUT_OF_MEMORY:
            return f"reading it took more than {self.limits.space(size) / MEGABYTE:,.0f} MB"
        return f"reading it failed: {words.decode('utf-8', 'replace')} (this is a bug in tkt)"


class _Process:
    """The process and its pipes: bytes with deadlines. Raises TryAgain when it can't be started."""

    def __init__(self, function: str) -> None:
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, ROOT, function],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # Ctrl-C at the terminal is for us, who then end it
            )
        except OSError as error:
            raise TryAgain(f"the process that reads mail can't be started: {error.strerror}") from error
        assert self._popen.stdin and self._popen.stdout
        self._requests, self._answers = self._popen.stdin.fileno(), self._popen.stdout.fileno()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)
        self._await_start()

    def send(self, data: bytes, seconds: float) -> None:
        """Write all of it, or what the reader takes: why it takes no more, `receive` tells. Raises _TooSlow."""
        deadline, rest = time.monotonic() + seconds, memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._requests, rest) :]
            except BlockingIOError:
                _wait(self._requests, select.POLLOUT, deadline)
            except BrokenPipeError:
                return

    def receive(self, seconds: float, most: int) -> tuple[bytes, bytearray]:
        """The next answer: its kind, and what belongs to it, at most `most` bytes. Raises _Died, _TooSlow."""
        deadline = time.monotonic() + seconds
        kind, size = ANSWER.unpack(self._read(ANSWER.size, deadline))
        if size > (most if kind == READ else _LONGEST_WORDS) or kind not in (
            READY,
            READ,
            REFUSED,
            OUT_OF_MEMORY,
            FAILED,
        ):
            raise _Died("gave an answer that is none")
        return kind, self._read(size, deadline)

    def answers(self, seconds: float) -> bool:
        """Whether an answer has begun to come, waiting at most so long; from one that is gone, none does."""
        return any(event & select.POLLIN for event in _events(self._answers, select.POLLIN, seconds))

    def end(self) -> None:
        """Kill it; raises nothing."""
        self._popen.kill()
        for pipe in (self._popen.stdin, self._popen.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        self._popen.wait()

    def _await_start(self) -> None:
        try:
            self.receive(START_SECONDS, 0)
        except (_Died, _TooSlow) as error:
            self.end()
            raise TryAgain(f"the process that reads mail does not start: it {error or 'says nothing'}") from None

    def _read(self, size: int, deadline: float) -> bytearray:
        """Exactly so many bytes."""
        found = bytearray(size)
        rest = memoryview(found)
        while rest:
            try:
                count = os.readv(self._answers, [rest])
            except BlockingIOError:
                _wait(self._answers, select.POLLIN, deadline)
                continue
            if not count:
                raise _Died(self._end_in_words())
            rest = rest[count:]
        return found

    def _end_in_words(self) -> str:
        """How it ended. Raises _TooSlow when it was for its time."""
        try:
            status = self._popen.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            return "has closed its pipe"
        if status == -signal.SIGXCPU:
            raise _TooSlow
        return f"died of signal {-status}" if status < 0 else f"ended with status {status}"


def _wait(pipe: int, event: int, deadline: float) -> None:
    """Until the pipe is ready, or closed at its other end. Raises _TooSlow."""
    if not _events(pipe, event, deadline - time.monotonic()):
        raise _TooSlow


def _events(pipe: int, event: int, seconds: float) -> list[int]:
    """What has come of the pipe, waiting at most so long."""
    poll = select.poll()
    poll.register(pipe, event)
    return [found for _, found in poll.poll(max(0.0, seconds) * 1000)]


def _unpickled(words: bytearray) -> Any:
    """What the reader, a process of our own, sent us; None where it was no longer itself."""
    try:
        return pickle.loads(words)
    except _NOT_A_PICKLE:
        return None


def _with_attachments(mail: Any, raw: bytes) -> ParsedMail:
    """The mail with the bytes that were left in the message."""
    if not isinstance(mail, ParsedMail):
        raise Unparseable("the reader gave an answer that is none")
    if not mail.attachments:
        return mail
    return replace(mail, attachments=tuple(_with_content(one, raw) for one in mail.attachments))


def _with_content(file: Attachment, raw: bytes) -> Attachment:
    content = file.content
    return file._replace(content=content_of(raw, content)) if isinstance(content, Later) else file


# --- the readers of this process --------------------------------------------------------------------------------------


class _Readers:
    """Readers that nobody uses now; who needs one takes it and puts it back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[Reader] = []

    def take(self, raw: bytes) -> Reader:
        """The one that is reading this message already, else any."""
        with self._lock:
            found = next((one for one in self._idle if one.ahead is raw), None)
            found = found or next((one for one in self._idle if one.ahead is None), None)
            found = found or next(iter(self._idle), None)
            if found is None:
                return Reader()
            self._idle.remove(found)
            return found

    def has_read(self, raw: bytes, seconds: float) -> bool:
        """Whether a reader has read this message already, waiting at most so long."""
        with self._lock:
            reader = next((one for one in self._idle if one.ahead is raw), None)
        return reader is not None and reader.answers(seconds)

    def put_back(self, reader: Reader) -> None:
        with self._lock:
            self._idle.append(reader)

    def close(self) -> None:
        with self._lock:
            while self._idle:
                self._idle.pop().close()


_readers = _Readers()


def read(raw: bytes, ahead: bytes | None = None) -> ParsedMail:
    """The message, read in another process; `ahead` is the one that this thread will want next.

    Raises Unparseable, whose words are the reason for quarantine; TryAgain where no reader can be started.
    """
    reader = _readers.take(raw)
    try:
        mail = reader.read(raw, ahead)
    except TktError:
        _readers.put_back(reader)
        raise
    except BaseException:  # Ctrl-C: half a request may be under way
        reader.close()
        raise
    _readers.put_back(reader)
    return mail


def has_read(raw: bytes, seconds: float) -> bool:
    """Whether the message was read ahead, so that `read` need not wait; asked by the thread that had it read ahead."""
    return _readers.has_read(raw, seconds)


def close() -> None:
    """End the readers that nobody uses; a later `read` starts another."""
    _readers.close()


atexit.register(close)
