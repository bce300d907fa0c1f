"""smtplib's connection, with an end to everything: no server can hold us longer than it may, fill our memory, or make
us take one answer for another.

An answer must be complete within the time for it, whether its bytes come slowly or not at all; it has a greatest size.
What a server says without being asked means that it and we are out of step: nothing it says can be trusted any more
(an early "250" would be taken for the acceptance of a mail that is then refused). A long mail may take long, as long as
it goes on.

Leaves to others: what the answers mean (`smtp`), the login (`smtp_login`).
"""

from __future__ import annotations

import smtplib
import ssl
from time import monotonic
from typing import Any

LONGEST_REPLY = 64 * 1024
"""Bytes of one answer; RFC 5321 section 4.5.3.1.5 has 512 for a line."""

PORTION = 64 * 1024
"""Bytes of a mail that must be gone within the time for one answer (RFC 5321 section 4.5.3.2.5)."""


class OutOfStep(smtplib.SMTPServerDisconnected):
    """The server says what nobody asked it."""


class Connection(smtplib.SMTP):
    """`timeout` is for each answer; `ends`, on the clock of `time.monotonic`, is when all must be over."""

    ends = float("inf")
    sock: Any = None
    file: Any = None
    _unread = b""

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Raises OutOfStep, SMTPServerDisconnected, OSError."""
        self.listen()
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        """Raises SMTPServerDisconnected, TimeoutError."""
        data = s.encode(self.command_encoding) if isinstance(s, str) else bytes(s)
        for start in range(0, len(data), PORTION):
            sock = self._socket()
            sock.settimeout(self._remaining(monotonic() + float(self.timeout)))
            self._carefully(sock.sendall, data[start : start + PORTION])

    def getreply(self, patience: float | None = None) -> tuple[int, bytes]:
        """The next answer; `patience` in seconds instead of `timeout`. Raises SMTPServerDisconnected, TimeoutError."""
        end = monotonic() + (float(self.timeout) if patience is None else patience)
        lines: list[bytes] = []
        while True:
            line = self._line(end)
            if not (line[:1] in (b"2", b"3", b"4", b"5") and line[:3].isdigit() and line[3:4] in (b"", b" ", b"-")):
                self.close()
                shown = line[:80].decode("ascii", "replace")
                raise OutOfStep(f"it answers with what is no SMTP reply: {shown!r}")
            lines.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)
            if sum(map(len, lines)) > LONGEST_REPLY or len(lines) > LONGEST_REPLY // 16:
                self.close()
                raise OutOfStep("its answer has no end")

    def listen(self) -> None:
        """Take notice of what the server has said unasked. Raises OutOfStep, SMTPServerDisconnected."""
        sock = self._socket()
        sock.settimeout(0)
        try:
            self._unread += self._received(sock)
        except (BlockingIOError, ssl.SSLWantReadError):
            pass
        finally:
            if self.sock is not None:
                self.sock.settimeout(self.timeout)
        if self._unread:
            said = self._unread[:80].decode("ascii", "replace").strip()
            self.close()
            raise OutOfStep(f"it says unasked: {said!r}")

    def close(self) -> None:
        self._unread = b""
        super().close()

    def _line(self, end: float) -> bytes:
        while b"\n" not in self._unread:
            if len(self._unread) > LONGEST_REPLY:
                self.close()
                raise OutOfStep("its answer has no end")
            sock = self._socket()
            sock.settimeout(self._remaining(end))
            self._unread += self._carefully(self._received, sock)
        line, _, self._unread = self._unread.partition(b"\n")
        return line.rstrip(b"\r")

    def _received(self, sock: Any) -> bytes:
        data: bytes = sock.recv(4096)
        if not data:
            self.close()
            raise smtplib.SMTPServerDisconnected("it closed the connection")
        return data

    def _remaining(self, end: float) -> float:
        left = min(end, self.ends) - monotonic()
        if left <= 0:
            self.close()
            raise TimeoutError("it takes too long")
        return left

    def _carefully(self, act: Any, *args: Any) -> Any:
        """After a failure the connection is of no use."""
        try:
            return act(*args)
        except OSError as error:
            self.close()
            if isinstance(error, (TimeoutError, smtplib.SMTPServerDisconnected)):
                raise
            raise smtplib.SMTPServerDisconnected(f"the connection broke off: {error.strerror or error}") from None

    def _socket(self) -> Any:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        return self.sock


class TlsConnection(Connection, smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""
