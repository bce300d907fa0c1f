"""Mail in files: Maildirs and mbox files.

A Maildir message's name is the part of its file name that never changes (before the colon), whichever of new/ and cur/
it is in; what has been dealt with moves to cur/ with the flag S. An mbox is never modified: its position is the byte
offset that has been read, guarded by a checksum of what stands right before it, so that a file that was rewritten is
read again from its start (the intake recognises what it knows). Sources: maildir(5), mbox(5), RFC 4155.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from tkt.channels.mail.receiving.sources import BATCH_BYTES, BATCH_MESSAGES, Batch, Fetched, Known, Position, in_batches
from tkt.errors import MailboxUnusable, MailServerAway

GUARD_BYTES = 1024
"""How much of an mbox before the position is compared with what stood there when it was read."""


class Maildir:
    """A Maildir's own messages (new/ and cur/, not its subfolders).

    Only regular files are messages: whoever may put a link into the folder must not make us read what they may not.
    """

    at_hand: Sequence[str] = ()

    def __init__(self, mailbox: str, path: str) -> None:
        self.folder = os.path.abspath(os.path.expanduser(path))
        if not os.path.isdir(os.path.join(self.folder, "new")):
            raise MailboxUnusable(f"mailbox {mailbox}: there is no Maildir at {self.folder}")

    def batches(self, position: Position, known: Known) -> Iterator[Batch]:
        """All messages that are not known, oldest first; known ones that a crash left in new/ are marked."""
        waiting = self._unknown(known)
        remaining = len(waiting)
        for group in in_batches((path, _size(path)) for path in waiting):
            remaining -= len(group)
            messages = [Fetched(_unique_name(path), raw, path) for path in group if (raw := _read(path)) is not None]
            yield Batch(messages, position, remaining)

    def mark(self, batch: Batch) -> None:
        for message in batch.messages:
            self._mark_seen(message.handle)

    def again(self, names: Sequence[str]) -> Iterator[Fetched]:
        """A file is never refused: there is nothing to try again."""
        return iter(())

    def _unknown(self, known: Known) -> list[str]:
        paths = [path for part in ("new", "cur") for path in self._files(part)]
        fresh: list[str] = []
        for start in range(0, len(paths), BATCH_MESSAGES):
            chunk = paths[start : start + BATCH_MESSAGES]
            stored = known([_unique_name(path) for path in chunk])
            fresh += [path for path in chunk if _unique_name(path) not in stored]
            for path in chunk:
                if _unique_name(path) in stored and _part_of(path) == "new":
                    self._mark_seen(path)
        return sorted(fresh, key=_age)

    def _files(self, part: str) -> list[str]:
        folder = os.path.join(self.folder, part)
        try:
            with os.scandir(folder) as entries:
                visible = (entry for entry in entries if not entry.name.startswith("."))
                return [entry.path for entry in visible if entry.is_file(follow_symlinks=False)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MailboxUnusable(f"{folder} can't be read: {error.strerror}") from error

    def _mark_seen(self, path: str) -> None:
        """new/NAME or cur/NAME:2,FLAGS becomes cur/NAME:2,FLAGS with S; another program may have moved it: so be it."""
        name, _, info = os.path.basename(path).partition(":")
        flags = "".join(sorted({*info.removeprefix("2,"), "S"}))
        try:
            os.makedirs(os.path.join(self.folder, "cur"), exist_ok=True)
            os.rename(path, os.path.join(self.folder, "cur", f"{name}:2,{flags}"))
        except FileNotFoundError:
            return
        except OSError as error:
            raise MailboxUnusable(f"{path} can't be marked as read: {error.strerror}") from error


class Mbox:
    """One mbox file."""

    at_hand: Sequence[str] = ()

    def __init__(self, mailbox: str, path: str) -> None:
        self.folder = os.path.abspath(os.path.expanduser(path))
        if not os.path.isfile(self.folder):
            raise MailboxUnusable(f"mailbox {mailbox}: there is no mbox at {self.folder}")

    def batches(self, position: Position, known: Known) -> Iterator[Batch]:
        """The messages after the position, in the file's order."""
        while True:
            with self._locked() as file:
                start = position.last if _is_untouched(file, position) else 0
                messages, end = _read_some(file, start)
                position = Position(_guard(file, end), end)
                remaining = int(end < os.fstat(file.fileno()).st_size)
            if not messages:
                return
            yield Batch(messages, position, remaining)

    def mark(self, batch: Batch) -> None:
        """An mbox shows nothing: only the position is kept."""

    def again(self, names: Sequence[str]) -> Iterator[Fetched]:
        """A file is never refused: there is nothing to try again."""
        return iter(())

    def _locked(self) -> BinaryIO:
        """The file, while nobody appends to it (the lock ends when it is closed)."""
        try:
            file = open(self.folder, "rb")  # noqa: SIM115 - the caller closes it
        except OSError as error:
            raise MailboxUnusable(f"{self.folder} can't be read: {error.strerror}") from error
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise MailServerAway(f"{self.folder} is being written to; try again") from None
        return file


# --- Maildir ----------------------------------------------------------------------------------------------------------


def _unique_name(path: str) -> str:
    return os.path.basename(path).partition(":")[0]


def _part_of(path: str) -> str:
    return os.path.basename(os.path.dirname(path))


def _age(path: str) -> tuple[int, str]:
    """Maildir names begin with the second of delivery; others come first, by name."""
    name = os.path.basename(path)
    seconds = name.partition(".")[0]
    return (int(seconds) if seconds.isascii() and seconds.isdigit() else 0, name)


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _read(path: str) -> bytes | None:
    """The file's bytes; None when another program has moved it (the next round finds it under its new name) or has
    put something else in its place since it was listed.
    """
    try:
        with open(path, "rb", opener=_open_no_link) as file:
            return file.read() if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:  # what O_NOFOLLOW says of a link (open(2))
            return None
        raise MailboxUnusable(f"{path} can't be read: {error.strerror}") from error


def _open_no_link(path: str, flags: int) -> int:
    """Open a file that is no symbolic link, and without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


# --- mbox -------------------------------------------------------------------------------------------------------------


def _is_untouched(file: BinaryIO, position: Position) -> bool:
    """Whether what was read is still what stands before the position."""
    size = os.fstat(file.fileno()).st_size
    return position.last <= size and _guard(file, position.last) == position.validity


def _guard(file: BinaryIO, end: int) -> int:
    start = max(0, end - GUARD_BYTES)
    file.seek(start)
    return zlib.crc32(file.read(end - start))


def _read_some(file: BinaryIO, start: int) -> tuple[list[Fetched], int]:
    """At most a batch of messages from `start`, and the offset behind them."""
    messages: list[Fetched] = []
    total, end = 0, start
    for offset, lines, after in _messages(file, start):
        raw = b"".join(lines)
        if raw.strip():
            digest = hashlib.sha256(raw).hexdigest()[:16]
            messages.append(Fetched(f"{offset}:{digest}", raw))
        total, end = total + len(raw), after
        if len(messages) == BATCH_MESSAGES or total > BATCH_BYTES:
            break
    return messages, end


def _messages(file: BinaryIO, start: int) -> Iterator[tuple[int, Sequence[bytes], int]]:
    """(offset, lines, offset behind it) of each message; a "From " line after an empty line (or first) begins one."""
    file.seek(start)
    offset = at = start
    lines: list[bytes] = []
    blank = True
    for line in file:
        if blank and line.startswith(b"From "):
            if lines:
                yield offset, lines[:-1] if not lines[-1].strip(b"\r\n") else lines, at
            offset, lines = at, []
        else:
            lines.append(_unquoted(line))
        at += len(line)
        blank = not line.strip(b"\r\n")
    if lines:
        yield offset, lines[:-1] if blank else lines, at


def _unquoted(line: bytes) -> bytes:
    """`>From ` was `From ` before it was put into the file."""
    return line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line
