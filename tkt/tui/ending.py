"""Leaving the queue in good order, whatever signals come and whatever the terminal and the store do.

    ending = Ending()
    with ending.heeding(), ending.of_screen(stop_beside): ...

Signals are read in a thread of its own, as the main thread may be stuck: a terminal that takes nothing stops Textual's
writing and with it the event loop. For the same reason every leave has a last resort: when the screen has not closed
after a while, the terminal is given back, what runs beside the queue is stopped, and the process ends.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

PATIENCE_SECONDS = 20.0
"""How long the screen has to close: longer than a store that is busy lets a write wait."""
HANG_UP_SECONDS = 5.0
"""The same, when the terminal is gone and what is still written to it may never come back."""
GIVE_BACK_SECONDS = 1.0
"""How long a terminal has to take what gives it back."""


class Ending:
    """While it is `heeding`, SIGINT, SIGTERM and SIGHUP end nothing by themselves. Before the screen is there, each of
    them has it leave as soon as it is; then SIGINT is a key and the others leave; when it has closed, none matters."""

    def __init__(self) -> None:
        self._leave: Callable[[], object] | None = None
        self._told = False
        self._begun = False
        self._beginning = threading.Lock()
        self._closed = threading.Event()
        self._has_terminal = threading.Event()
        self._has_terminal.set()
        self._abandon: Callable[[], object] = lambda: None
        self._stop_beside: Callable[[], object] = lambda: None

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Signals come here while the block runs. Only in the main thread."""
        told, teller = socket.socketpair()
        teller.setblocking(False)
        handlers = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        before = signal.set_wakeup_fd(teller.fileno(), warn_on_full_buffer=False)
        reader = threading.Thread(target=self._read, args=(told,), name="tkt-signals", daemon=True)
        reader.start()
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            teller.close()
            reader.join()
            told.close()

    @contextmanager
    def of_screen(self, stop_beside: Callable[[], object] | None) -> Iterator[None]:
        """The screen runs in this block. The last resort calls `stop_beside`, in a thread of its own, to end what runs
        beside the queue."""
        self._stop_beside = stop_beside or (lambda: None)
        try:
            yield
        finally:
            self._closed.set()

    def opened(self, leave: Callable[[], object], abandon: Callable[[], object]) -> None:
        """The screen is there: `leave` asks it to close, `abandon` gives the terminal back without it. Both are called
        from other threads."""
        self._leave, self._abandon = leave, abandon
        if self._told:
            self._end(PATIENCE_SECONDS)

    @contextmanager
    def terminal_lent(self) -> Iterator[None]:
        """Another program has the terminal in this block, and the screen can't close before that ends."""
        self._has_terminal.clear()
        try:
            yield
        finally:
            self._has_terminal.set()

    def leaving(self) -> None:
        """The screen, if it was `opened`, is about to close: from now on it has its time for that."""
        if self._leave is not None:
            self._begin(PATIENCE_SECONDS)

    def _begin(self, patience: float) -> None:
        """Only the first call counts: a terminal that closes sends several signals."""
        with self._beginning:
            if not self._begun:
                self._begun = True
                threading.Thread(target=self._last_resort, args=(patience,), name="tkt-ending", daemon=True).start()

    def _read(self, told: socket.socket) -> None:
        while heard := told.recv(1):
            number = heard[0]
            if number in SIGNALS and self._leave is None:
                self._told = True
            if number in SIGNALS and (self._told or number != signal.SIGINT):
                self._end(HANG_UP_SECONDS if number == signal.SIGHUP else PATIENCE_SECONDS)

    def _end(self, patience: float) -> None:
        if self._leave is not None and not self._closed.is_set():
            self._begin(patience)
            with suppress(RuntimeError):  # the event loop has closed meanwhile
                self._leave()

    def _last_resort(self, patience: float) -> None:
        self._has_terminal.wait()
        if self._closed.wait(patience):
            return
        giving_back = threading.Thread(target=self._abandon, name="tkt-abandon", daemon=True)
        giving_back.start()
        giving_back.join(GIVE_BACK_SECONDS)
        try:
            self._stop_beside()
        finally:
            os._exit(1)


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def tell_terminal(words: str) -> None:
    """A line on standard error, past Python's buffers, which another thread may hold; the terminal may be gone."""
    with suppress(OSError):
        os.write(2, f"tkt: {words}\n".encode())
