"""What the terminal sends, as keys: an escape stays an escape, however soon the next key follows.

Terminals write alt+x as escape and x. Textual takes an escape with a key within a tenth of a second for that, and often
for nothing: over a slow line, the escape that leaves a text and the key after it come together. The queue uses no alt
keys, so here only what can begin a terminal's sequence is taken for one. And what is pasted is text, whatever it holds:
Textual would take what follows an escape in it for keys.
"""

from __future__ import annotations

import os
import signal
from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator
from itertools import chain
from select import select

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Paste
from textual.message import Message

ESCAPE = "\x1b"
BEGINS_SEQUENCE = "[O" + ESCAPE
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
READ_BYTES = 4096
LOOK_SECONDS = 0.1


class KeyParser(XTermParser):
    """Characters into keys, pasted texts and the terminal's answers."""

    def __init__(self) -> None:
        super().__init__()
        self._latest = ""
        self._pasted: list[str] | None = None

    def feed(self, data: str) -> Iterable[Message]:
        if not data:
            yield from super().feed(data)
            return
        keys: list[str] = []
        for letter in data:
            if self._pasted is not None:
                yield from self._paste(letter)
                continue
            if self._latest.endswith(ESCAPE) and letter not in BEGINS_SEQUENCE:
                yield from self._understood(keys)
                yield from self._lone_escape()
            keys.append(letter)
            self._heed(letter)
            if self._latest == PASTE_BEGINS:
                yield from self._understood(keys)
                self._pasted = []
        yield from self._understood(keys)

    def _understood(self, keys: list[str]) -> Iterator[Message]:
        if keys:
            yield from super().feed("".join(keys))
            keys.clear()

    def _heed(self, letter: str) -> None:
        self._latest = (self._latest + letter)[-len(PASTE_BEGINS) :]

    def _paste(self, letter: str) -> Iterator[Message]:
        assert self._pasted is not None
        self._pasted.append(letter)
        self._heed(letter)
        if self._latest == PASTE_ENDS:
            text = "".join(self._pasted)[: -len(PASTE_ENDS)]
            self._pasted = None
            yield from (message for message in super().feed(PASTE_ENDS) if not isinstance(message, Paste))
            yield Paste(text)

    def _lone_escape(self) -> Iterator[Message]:
        """What the parser would say if nothing more came."""
        if self._timeout_time is not None:
            self._timeout_time = 0.0
            yield from self.tick()


class Terminal(LinuxDriver):
    """Textual's driver with that parser. A terminal that is gone hangs up, even where nobody sends the signal."""

    def run_input_thread(self) -> None:
        parser, decode = KeyParser(), getincrementaldecoder("utf-8")("replace").decode
        while not self.exit_event.is_set():
            text = ""
            if select([self.fileno], [], [], LOOK_SECONDS)[0]:
                read = self._read()
                if not read:
                    os.kill(os.getpid(), signal.SIGHUP)
                    return
                text = decode(read)
            for message in chain(parser.feed(text) if text else (), parser.tick()):
                self.process_message(message)

    def _read(self) -> bytes:
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:
            return b""
