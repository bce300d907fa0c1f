"""An IMAP server that does what a test tells it, for what real servers do rarely: refusing, lying, talking rubbish.

It knows one user, a few folders and the commands that a mail gateway needs. `instead` may answer a command in its
place: it gets (tag, command, arguments) and gives the bytes to send, or pieces of them one after another, None to let
the server answer, or `CUT` to end the connection.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from mail_servers.wires import Listener

CUT = b"cut the connection"
Answer = bytes | Iterator[bytes]
Instead = Callable[[str, str, str], Answer | None]


class Folder:
    """Messages by UID, with their flags; `sizes` are the lies told about them."""

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.flags: dict[int, set[str]] = {}
        self.sizes: dict[int, int] = {}
        self.validity, self.next_uid, self.read_only = 1, 1, False

    def add(self, *mails: bytes) -> None:
        for mail in mails:
            self.messages[self.next_uid], self.flags[self.next_uid] = mail, set()
            self.next_uid += 1

    def chosen(self, uids: str) -> list[int]:
        """The UIDs of a set such as 1:3,7,9:* that are there."""
        wanted: set[int] = set()
        for part in uids.split(","):
            low, _, high = part.partition(":")
            last = max(self.messages, default=0)
            ends = sorted(last if end == "*" else int(end) for end in (low, high or low))
            wanted.update(range(ends[0], ends[1] + 1))
        return sorted(wanted & set(self.messages))

    def number(self, uid: int) -> int:
        return sorted(self.messages).index(uid) + 1


class Scripted(Listener):
    """The server; `said` are the commands it got, in order."""

    def __init__(self) -> None:
        self.folders = {"INBOX": Folder()}
        self.capabilities = "IMAP4rev1"
        self.instead: Instead = lambda _tag, _command, _arguments: None
        self.greeting = b"* OK ready\r\n"
        self.said: list[str] = []
        super().__init__()

    @property
    def inbox(self) -> Folder:
        return self.folders["INBOX"]

    def body(self, **more: Any) -> dict[str, Any]:
        return {"imap": f"imap+plain://support@localhost:{self.port}/INBOX", "password_command": "echo x", **more}

    def count(self, command: str) -> int:
        return sum(one.startswith(command) for one in self.said)

    def _serve(self, client: socket.socket) -> None:
        session = Session(self)
        with client, suppress(OSError):
            client.sendall(self.greeting)
            for line in client.makefile("rb"):
                answer = session.answer(line.decode().rstrip("\r\n"))
                if answer == CUT:
                    client.shutdown(socket.SHUT_RDWR)
                    return
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    client.sendall(piece)


class Session:
    """One connection's conversation."""

    def __init__(self, server: Scripted) -> None:
        self._server, self._folder = server, server.inbox

    def answer(self, line: str) -> Answer:
        tag, _, rest = line.partition(" ")
        command, _, arguments = rest.partition(" ")
        if command.upper() == "UID":
            command, _, arguments = arguments.partition(" ")
        command = command.upper()
        self._server.said.append(f"{command} {arguments}")
        scripted = self._server.instead(tag, command, arguments)
        if scripted is not None:
            return scripted
        done = f"{tag} OK {command} done\r\n"
        method = getattr(self, f"_{command.lower()}", None)
        if method is None:
            return f"{tag} BAD what is {command}?\r\n".encode()
        said: bytes | None = method(arguments)
        return f"{tag} NO there is none\r\n".encode() if said is None else said + done.encode()

    def _capability(self, _arguments: str) -> bytes:
        return f"* CAPABILITY {self._server.capabilities}\r\n".encode()

    def _login(self, _arguments: str) -> bytes:
        return b""

    _noop = _logout = _login

    def _list(self, arguments: str) -> bytes:
        wanted = arguments.rpartition(" ")[2].strip('"')
        found = [name for name in self._server.folders if wanted in ("*", name)]
        return "".join(f'* LIST () "/" "{name}"\r\n' for name in found).encode()

    def _create(self, arguments: str) -> bytes:
        self._server.folders[arguments.strip('"')] = Folder()
        return b""

    def _select(self, arguments: str) -> bytes | None:
        name = arguments.strip('"')
        if name not in self._server.folders:
            return None
        self._folder = folder = self._server.folders[name]
        mode = "READ-ONLY" if folder.read_only else "READ-WRITE"
        lines = [f"{len(folder.messages)} EXISTS", "0 RECENT", f"OK [UIDVALIDITY {folder.validity}] x"]
        lines += [f"OK [UIDNEXT {folder.next_uid}] x", f"OK [{mode}] x"]
        return "".join(f"* {line}\r\n" for line in lines).encode()

    _examine = _select

    def _search(self, arguments: str) -> bytes:
        found = self._folder.chosen(arguments.rpartition(" ")[2])
        return f"* SEARCH {' '.join(map(str, found))}\r\n".encode()

    def _fetch(self, arguments: str) -> bytes:
        uids, _, items = arguments.partition(" ")
        return b"".join(self._fetched(uid, items) for uid in self._folder.chosen(uids))

    def _fetched(self, uid: int, items: str) -> bytes:
        folder, raw = self._folder, self._folder.messages[uid]
        head = f"* {folder.number(uid)} FETCH (UID {uid} ".encode()
        if "RFC822.SIZE" in items:
            return head + f"RFC822.SIZE {folder.sizes.get(uid, len(raw))})\r\n".encode()
        return head + f"BODY[] {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"

    def _store(self, arguments: str) -> bytes:
        uids, _, rest = arguments.partition(" ")
        for uid in self._folder.chosen(uids):
            self._folder.flags[uid].update(re.findall(r"\\\w+", rest))
        return b""

    def _copy(self, arguments: str) -> bytes | None:
        uids, _, name = arguments.partition(" ")
        if name.strip('"') not in self._server.folders:
            return None
        target = self._server.folders[name.strip('"')]
        target.add(*(self._folder.messages[uid] for uid in self._folder.chosen(uids)))
        return b""

    def _move(self, arguments: str) -> bytes | None:
        said = self._copy(arguments)
        for uid in self._folder.chosen(arguments.partition(" ")[0]):
            del self._folder.messages[uid]
        return said

    def _expunge(self, arguments: str) -> bytes:
        """All that is marked, or with UIDPLUS those of the set (RFC 4315)."""
        for uid in self._folder.chosen(arguments or "1:*"):
            if r"\Deleted" in self._folder.flags[uid]:
                del self._folder.messages[uid]
        return b""


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    server = Scripted()
    yield server
    server.close()
