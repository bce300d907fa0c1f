"""Mail that somebody has kept: where each message of an mbox file or a Maildir is, and its bytes.

Promises: whatever the size of an archive, a message at a time is in memory; nothing in it is changed. An mbox may be of
any make: `>From ` for `From ` at a line's begin (mboxo) or one `>` more (mboxrd), Content-Length instead (mboxcl2) or
besides (mboxcl), CRLF, no empty line between two messages, compressed by gzip. A Maildir is read with its subfolders.
Sources: mbox(5), maildir(5), RFC 4155, Maildir++.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import BinaryIO, NamedTuple

from tkt.channels.mail.reading.headers import parse_date
from tkt.errors import NotFound, TktError, UsageError
from tkt.times import from_micros, to_micros

WINDOW = 4_000_000
"""Bytes of an mbox that are looked at at once."""

HEAD_BYTES = 65_536
"""As much of a message as is read for its header fields when an archive is gone through."""

_LINE = 1_000
_DAY = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DATED = re.compile(rb"From [^\n]*\b" + _DAY + rb",? +(?:" + _MONTH + rb" +\d|\d{1,2} +" + _MONTH + rb")[^\n]*\d:\d\d")
_STAMP = re.compile(_DAY + rb"\b.*", re.DOTALL)
_FIELD = re.compile(rb"(?:>?From |[!-9;-~]{1,100}[ \t]*:)")
_KNOWN_FIELD = re.compile(
    rb"(?:from|to|cc|subject|date|message-id|received|return-path|delivered-to|mime-version|content-type|status|"
    rb"x-[a-z0-9-]+|dkim-signature|reply-to|sender|authentication-results|arc-[a-z-]+)[ \t]*:",
    re.IGNORECASE,
)
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_BARE = re.compile(rb"^From ", re.MULTILINE)
_END = re.compile(rb"\n\r?\n")


class Spot(NamedTuple):
    """Where a message is: its file, its first byte and its length there; whether `>From ` in it stands for `From `;
    when its file says that it came (microseconds, 0 where it does not).
    """

    path: str
    start: int
    size: int
    quoted: bool = False
    stamp: int = 0


def read(spot: Spot, most: int | None = None) -> bytes:
    """The message, or the beginning of it. Raises TktError."""
    try:
        with open(spot.path, "rb") as file:
            file.seek(spot.start)
            raw = file.read(spot.size if most is None else min(spot.size, most))
    except OSError as error:
        raise TktError(f"{spot.path} can't be read: {error.strerror}") from error
    if not spot.quoted or b">From " not in raw:  # seven times as fast as finding it out by the pattern
        return raw
    return _QUOTED.sub(rb"\1", raw)


def mbox(path: str, kept: ExitStack) -> Iterator[Spot]:
    """The messages of an mbox file, in its order; a compressed one is unpacked, and can be read until `kept` is closed.

    Raises NotFound, UsageError (it is none), TktError.
    """
    path = os.path.abspath(path)
    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder; 'tkt import maildir' brings in a Maildir")
    file, where = _opened(path), path
    try:
        if path.endswith(".gz"):
            where, file = _unpacked(path, file, kept)
        yield from _Scanner(path, where, file).spots()
    except OSError as error:
        raise TktError(f"{path} can't be read: {error.strerror or error}") from error
    finally:
        file.close()


def maildir(path: str) -> Iterator[Spot]:
    """The messages of a Maildir and of the Maildirs in it, folder after folder. Raises NotFound, UsageError."""
    path = os.path.abspath(path)
    if not os.path.isdir(path):
        raise NotFound(f"there is no folder {path}")
    folders = [where for where, inside, _ in os.walk(path) if {"cur", "new"} & set(inside)]
    if not folders:
        raise UsageError(f"{path} is no Maildir: it has no cur or new in it, and neither has a folder below")
    for where in sorted(folders):
        for part in ("cur", "new"):
            yield from _files(os.path.join(where, part))


def _files(folder: str) -> Iterator[Spot]:
    if not os.path.isdir(folder):
        return
    try:
        with os.scandir(folder) as entries:
            names = sorted(one.name for one in entries if one.is_file(follow_symlinks=False) and one.name[0] != ".")
    except OSError as error:
        raise TktError(f"{folder} can't be read: {error.strerror}") from error
    for name in names:
        path = os.path.join(folder, name)
        found = os.lstat(path)
        yield Spot(path, 0, found.st_size, stamp=int(found.st_mtime * 1_000_000))


def _opened(path: str) -> BinaryIO:
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise TktError(f"{path} can't be read: {error.strerror}") from error


def _unpacked(path: str, packed: BinaryIO, kept: ExitStack) -> tuple[str, BinaryIO]:
    """A file without a name, so that nothing is left of it however this process ends; its descriptor's path."""
    target = kept.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    with packed:
        try:
            with gzip.open(packed) as source:
                shutil.copyfileobj(source, target, WINDOW)
        except (EOFError, gzip.BadGzipFile) as error:
            raise TktError(f"{path} can't be unpacked: {error}") from error
    target.flush()
    name = f"/dev/fd/{target.fileno()}"
    return name, open(name, "rb")


class _Scanner:
    """Goes through an mbox from its begin to its end, a window of it in memory; whoever gave it knows it by `name`."""

    def __init__(self, name: str, path: str, file: BinaryIO) -> None:
        self._name, self._path, self._file = name, path, file
        self._size = os.fstat(file.fileno()).st_size
        self._base, self._window = 0, b""

    def spots(self) -> Iterator[Spot]:
        at = self._find(0)
        if at is None or self._peek(0, at).strip():
            if self._size and self._peek(0, _LINE).strip():
                raise UsageError(f"{self._name} is no mbox: it does not begin with a line 'From …'")
            return
        while at is not None:
            line = self._line(at)
            start = at + len(line)
            length = self._declared(start)
            after = start if length is None else start + length
            at = self._find(after)
            end = self._without_separator(start, self._size if at is None else at)
            yield Spot(self._path, start, end - start, self._is_quoted(start, end, length), _stamp(line))

    def _find(self, start: int) -> int | None:
        """Where the next message's From_ line begins, at or after `start`."""
        at = start
        while at < self._size:
            if self._peek(at, 5) == b"From " and self._begins_message(at):
                return at
            at = self._next_line_from(at)
        return None

    def _next_line_from(self, at: int) -> int:
        """Where, after `at`, a line begins with "From "; the end of the file if none does."""
        while True:
            self._load(at)
            found = self._window.find(b"\nFrom ", at - self._base)
            if found >= 0:
                return self._base + found + 1
            end = self._base + len(self._window)
            if end >= self._size:
                return self._size
            at = end - 5

    def _begins_message(self, at: int) -> bool:
        """Is it a From_ line, and no sentence that begins so? The date tells, and what stands around it."""
        line = self._line(at)
        following = self._peek(at + len(line), 200)
        apart = at == 0 or _END.search(self._peek(max(0, at - 3), min(at, 3))) is not None
        if _DATED.match(line):
            return apart or _FIELD.match(following) is not None
        return apart and _KNOWN_FIELD.match(following) is not None

    def _declared(self, start: int) -> int | None:
        """The length of the message, headers included, by its Content-Length: if a message or the end follows there."""
        head = self._peek(start, HEAD_BYTES)
        blank = _END.search(head)
        found = _LENGTH.search(head, 0, blank.start() + 1) if blank else None
        if blank is None or found is None:
            return None
        end = start + blank.end() + int(found[1])
        follows = self._peek(end, 20).lstrip(b"\r\n")
        if end > self._size or (follows and not follows.startswith(b"From ")):
            return None
        return end - start

    def _is_quoted(self, start: int, end: int, length: int | None) -> bool:
        """Content-Length alone (mboxcl2) quotes nothing: then `From ` stands there as it is."""
        if length is None:
            return True
        return _BARE.search(self._peek(start, min(end - start, WINDOW))) is None

    def _without_separator(self, start: int, end: int) -> int:
        """The empty line behind a message is none of it."""
        tail = self._peek(max(start, end - 4), end - max(start, end - 4))
        for blank in (b"\r\n\r\n", b"\n\n"):
            if tail.endswith(blank):
                return end - len(blank) // 2
        return end

    def _line(self, at: int) -> bytes:
        return self._peek(at, _LINE).partition(b"\n")[0] + b"\n"

    def _peek(self, at: int, size: int) -> bytes:
        """So many bytes from there, fewer at the end."""
        if not self._base <= at <= at + size <= self._base + len(self._window):
            self._load(at, max(size, WINDOW))
        return self._window[at - self._base : at - self._base + size]

    def _load(self, at: int, size: int = WINDOW) -> None:
        held = self._base <= at < self._base + len(self._window) - 5
        if held and size == WINDOW and self._base + len(self._window) - at > HEAD_BYTES + _LINE:
            return
        self._file.seek(at)
        self._base, self._window = at, self._file.read(size)


def _stamp(line: bytes) -> int:
    """The date in a From_ line (in the clock of whoever wrote it, taken for UTC), 0 if there is none."""
    found = _STAMP.search(line)
    moment = parse_date(found[0].decode("latin-1").strip()) if found else None
    return to_micros(moment) if moment else 0


def stamped(spot: Spot) -> datetime | None:
    """When the message's file says that it came."""
    return from_micros(spot.stamp) if spot.stamp else None
