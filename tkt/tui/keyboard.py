"""Who gets a key: one place, one order.

Every key and every pasted text comes here, whatever is open; no widget of the queue ever has Textual's focus. A key
goes to the first of the takers that is open, and only when what the key before it began is done: a composer opened, a
list read, a ticket changed. So the same keys do the same, however fast they are typed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from time import monotonic
from typing import Any, Protocol

from textual.events import Key, Paste

from tkt.errors import TktError

Work = Coroutine[Any, Any, object] | None
"""What a key began and the next one must wait for; None when it is done already."""


class KeyTaker(Protocol):
    """Something that can be open, and then gets the keys."""

    @property
    def takes_keys(self) -> bool: ...

    def take_key(self, event: Key) -> Work: ...

    def take_paste(self, text: str) -> Work: ...


class Keyboard:
    """Deals keys out to `takers`, the innermost first. Until the first `hold` has ended it only collects.

    `start` runs a coroutine beside the screen. What goes wrong is told to `failed`. `urgent` is asked about keys that
    come while something is under way, and says whether it has dealt with one itself.
    """

    def __init__(
        self,
        takers: Sequence[KeyTaker],
        start: Callable[[Coroutine[Any, Any, None]], object],
        failed: Callable[[TktError], object],
        urgent: Callable[[Key], bool],
    ) -> None:
        self._takers = takers
        self._start = start
        self._failed = failed
        self._urgent = urgent
        self._typed: deque[Key | Paste] = deque()
        self._held_since: float | None = monotonic()
        self._closed = False
        self.typed_at = 0.0
        """When the key was pressed that is being dealt with, on the clock of `time.monotonic`."""

    @property
    def taken_by(self) -> KeyTaker:
        """Who gets keys now."""
        return next(taker for taker in self._takers if taker.takes_keys)

    @property
    def held_for(self) -> float:
        """Seconds since which a key's doing has not ended."""
        return 0.0 if self._held_since is None else monotonic() - self._held_since

    def put(self, event: Key | Paste) -> None:
        """A key was pressed, or a text pasted."""
        held = self._held_since is not None
        if self._closed or (held and isinstance(event, Key) and self._urgent(event)):
            return
        self._typed.append(event)
        self._deal()

    def hold(self, work: Coroutine[Any, Any, object]) -> None:
        """Keys wait until this is done."""
        self._held_since = monotonic()
        self._start(self._until_done(work))

    def drop(self) -> None:
        """Forget the keys that wait."""
        self._typed.clear()

    def close(self) -> None:
        """Take no keys any more: the queue is being left."""
        self._closed = True
        self.drop()

    async def _until_done(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except TktError as error:
            self._failed(error)
        finally:
            self._held_since = None
        self._deal()

    def _deal(self) -> None:
        while self._typed and self._held_since is None:
            work = self._give(self._typed.popleft())
            if work is not None:
                self.hold(work)

    def _give(self, event: Key | Paste) -> Work:
        self.typed_at = event.time
        taker = self.taken_by
        try:
            return taker.take_key(event) if isinstance(event, Key) else taker.take_paste(event.text)
        except TktError as error:
            self._failed(error)
            return None
