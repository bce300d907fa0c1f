"""Being told of new mail: IDLE (RFC 2177), on a connection and in a thread of its own for each watched folder.

    watches = Watches(arrived)         # arrived(mailbox): called from whichever thread
    watches.follow(boxes)              # now and then: begins, ends and renews the watches to fit
    watches.watched(box)               # are all its folders watched now?
    watches.stop()

Promises: a watch only says that something has arrived, it reads no mail. It says so when it has begun to watch, too:
what came before that nobody has told. A connection that ends is made again after growing pauses, a server that offers
no IDLE is left in peace, and nothing runs in circles: every turn waits for the server, for the time or for the stop.

Leaves to others: reading (`pulling`), and telling that a server is away (a watch that fails says nothing).
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from tkt.channels.mail.mailboxes import Mailbox, read_folders
from tkt.channels.mail.receiving.imap_session import ImapSession
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable, MailServerAway

RENEW_SECONDS = 9 * 60
"""How long an IDLE lasts before it is begun anew: servers may end one after half an hour, routers forget sooner."""

PAUSES_SECONDS = (10, 60, 120, 300, 900)
"""How long a watch that failed waits before it tries again, the last one again and again."""

FOLDERS = 8
"""How many folders of one mailbox are watched: providers limit the connections of a user."""

GOODBYE_SECONDS = 2.0
"""How long the watches may take together to end; nothing is lost with one that does not."""

BREATH_SECONDS = 1.0
"""How long a watch takes breath after news, so that a server that never stops talking does not keep us busy."""

_NEWS = ("EXISTS", "RECENT")


class NoIdle(Exception):
    """The server does not offer it."""


class Idling:
    """One connection with one folder selected, of which the server tells what happens. Raises MailServerAway,
    MailboxUnusable, NoIdle."""

    def __init__(self, box: Mailbox, server: Server, folder: str, wake: socket.socket) -> None:
        self.session = ImapSession(box, server)
        self._folder, self._wake = folder, wake
        try:
            with self.session.translated(folder):
                offered = self.session.client.has_capability("IDLE")
                if offered:
                    self.session.client.select_folder(folder, readonly=True)
                self._news()
            if not offered:
                raise NoIdle
        except BaseException:  # whatever ends us here, the connection must not stay open
            self.session.close()
            raise

    def wait(self, seconds: float, begun: Callable[[], None]) -> bool:
        """Wait for news; False when there was none for so long, or when `wake` was written to.

        `begun` is called as soon as the server listens: from then on nothing is missed. What came since the last wait
        is asked for first: not every server tells of it by itself.
        """
        client = self.session.client
        with self.session.translated(self._folder):
            self.session.allow()
            client.noop()
            if self._news():
                return True
            self._begin()
        begun()
        with self.session.translated(self._folder):
            found = self._listen(time.monotonic() + seconds)
            client.idle_done()
            return self._news() or found

    def _begin(self) -> None:
        """Say IDLE and wait for "+"; what the server has to tell before it must not be lost, which `idle` would do."""
        client = self.session.client
        client._idle_tag = client._imap._command("IDLE")
        while client._imap._get_response() is not None:
            if client._imap.tagged_commands[client._idle_tag]:
                raise IMAPClientError("it refuses IDLE")

    def _listen(self, end: float) -> bool:
        """Read what the server tells until it is news; until the time, or the stop."""
        client, found = self.session.client, False
        while not found and self._speaks(end):
            client._imap._get_response()
            if client._imap.tagged_commands[client._idle_tag]:
                raise IMAPClientAbortError("it has ended IDLE")
            found = self._news()
        return found

    def _news(self) -> bool:
        """Whether the server has told of a message since this was last asked; everything it told is forgotten."""
        told = self.session.client._imap.untagged_responses
        found = any(name in told for name in _NEWS)
        told.clear()
        return found

    def _speaks(self, end: float) -> bool:
        """Wait until the server says something, or ends the connection; False at the time, or at the stop."""
        if self._has_read_ahead():
            return True
        poll = select.poll()
        poll.register(self.session.client.socket(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        ready = [one for one, _ in poll.poll(max(0.0, end - time.monotonic()) * 1000)]
        return self._wake.fileno() not in ready and bool(ready)

    def _has_read_ahead(self) -> bool:
        """Whether a line has come together with the one before it, and so is not to be seen on the socket."""
        line: Any = self.session.client.socket()
        patience = line.gettimeout()
        line.setblocking(False)
        try:
            return bool(self.session.client._imap.file.peek(1))
        except (ssl.SSLWantReadError, BlockingIOError):
            return False
        finally:
            line.settimeout(patience)


class Watch:
    """One folder that is watched, until it is stopped. `box` is what it was begun with."""

    def __init__(self, box: Mailbox, server: Server, folder: str, arrived: Callable[[Mailbox], None]) -> None:
        self.box, self.folder = box, folder
        self.watching = False
        self._server, self._arrived = server, arrived
        self._stopped = False
        self._idling: Idling | None = None
        self._told, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name=f"watching {box.name}: {folder}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell it to end; `wait` waits until it has."""
        self._stopped = True
        with suppress(OSError):
            self._told.send(b"\0")

    def wait(self, seconds: float) -> None:
        """Until it has ended, at most so long; one that waits for a server that says nothing is left behind."""
        self._thread.join(seconds)

    def _run(self) -> None:
        with self._told, self._wake:
            self._watch_on()

    def _watch_on(self) -> None:
        failures = 0
        while not self._stopped:
            began = time.monotonic()
            try:
                self._watch()
            except NoIdle:
                return
            except (MailServerAway, MailboxUnusable):
                pass
            failures = 1 if time.monotonic() - began > RENEW_SECONDS else failures + 1
            self._pause(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS)) - 1])

    def _watch(self) -> None:
        """One connection, until it ends or we are stopped."""
        idling = Idling(self.box, self._server, self.folder, self._wake)
        try:
            first = True
            while not self._stopped:
                if idling.wait(RENEW_SECONDS, self._begun if first else lambda: None):
                    self._arrived(self.box)
                self._pause(BREATH_SECONDS)
                first = False
        finally:
            self.watching = False
            idling.session.close() if self._stopped else idling.session.cut()

    def _begun(self) -> None:
        self.watching = True
        self._arrived(self.box)

    def _pause(self, seconds: float) -> None:
        if not self._stopped:
            select.select([self._wake], [], [], seconds)


class Watches:
    """The watches of a desk's mailboxes. Safe to follow in one thread while another stops them."""

    def __init__(self, arrived: Callable[[Mailbox], None]) -> None:
        self._arrived = arrived
        self._watches: dict[tuple[Mailbox, str], Watch] = {}
        self._changing = threading.Lock()
        self._stopped = False

    def follow(self, boxes: Iterable[Mailbox]) -> None:
        """Watch these mailboxes as they are declared now, and no others; none once they were stopped."""
        wanted = {(box, folder): server for box in boxes for folder, server in _folders(box)}
        with self._changing:
            for key in [key for key in self._watches if key not in wanted]:
                self._watches.pop(key).stop()
            for (box, folder), server in wanted.items():
                if (box, folder) not in self._watches and not self._stopped:
                    self._watches[box, folder] = Watch(box, server, folder, self._arrived)

    def watched(self, box: Mailbox) -> bool:
        """Whether nothing can arrive in this mailbox unseen."""
        if not isinstance(box.source, Server):
            return False
        mine = (self._watches.get((box, folder)) for folder in read_folders(box, box.source))
        return all(watch is not None and watch.watching for watch in mine)

    def stop(self) -> None:
        """End all of them, for good; one that waits for a server that says nothing is left behind."""
        end = time.monotonic() + GOODBYE_SECONDS
        with self._changing:
            self._stopped = True
            watches = list(self._watches.values())
            self._watches.clear()
        for watch in watches:
            watch.stop()
        for watch in watches:
            watch.wait(max(0.0, end - time.monotonic()))


def _folders(box: Mailbox) -> list[tuple[str, Server]]:
    """The folders to watch; none where mail is read from files."""
    if not isinstance(box.source, Server):
        return []
    return [(folder, box.source) for folder in read_folders(box, box.source)[:FOLDERS]]
