"""When each mailbox is read: at its own pace, at once when something has arrived, and after growing pauses when its
server does not let us in.

Promises: a mailbox is never given out twice at the same time, and what arrives while it is read makes it due again.
Knows neither servers nor threads of its own; safe to use from several.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

PAUSES_SECONDS = (60, 120, 300, 900)
"""After how long a mailbox that can't be read is tried again, the last one again and again."""

Key = TypeVar("Key")


@dataclass
class _Entry:
    """`read`: when it was handed back last. `arrived`: something has come since it was given out last."""

    read: float = -inf
    busy: bool = False
    arrived: bool = False
    failures: int = 0


class Timetable(Generic[Key]):
    """Two keys with the same `name` are one mailbox before and after a change of its configuration: while one of them
    is out, the other one waits. `clock` counts seconds and never goes back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, name: Callable[[Key], object] = lambda key: key):
        self._clock = clock
        self._name = name
        self._lock = threading.Lock()
        self._entries: dict[Key, _Entry] = {}

    def take(self, paces: Mapping[Key, float], most: int) -> list[Key]:
        """Those whose time has come, so many at most together with those that are out already; who takes one hands it
        back by `done`, `failed` or `left`.

        `paces`: how many seconds pass between two readings of each; what is not in it any more is forgotten.
        """
        with self._lock:
            kept = {key: one for key, one in self._entries.items() if key in paces or one.busy}
            self._entries = kept | {key: _Entry() for key in paces if key not in kept}
            free = max(0, most - sum(one.busy for one in self._entries.values()))
            out = {self._name(key) for key, one in self._entries.items() if one.busy}
            due = [key for key in paces if self._name(key) not in out and self._is_due(self._entries[key], paces[key])]
            del due[free:]
            for key in due:
                self._entries[key].busy, self._entries[key].arrived = True, False
        return due

    def arrived(self, key: Key) -> None:
        """Something has arrived there: its time has come."""
        with self._lock:
            if key in self._entries:
                self._entries[key].arrived = True

    def done(self, key: Key) -> None:
        """It has been read."""
        self._hand_back(key, 0)

    def failed(self, key: Key) -> float:
        """Its server does not let us in; how many seconds pass before it is tried again."""
        failures = self._entries[key].failures + 1
        self._hand_back(key, failures)
        return _pause(failures)

    def left(self, key: Key) -> None:
        """It was not read: somebody else is at it, or the store is away. Look again soon."""
        with self._lock:
            self._entries[key].busy, self._entries[key].arrived = False, True

    def _hand_back(self, key: Key, failures: int) -> None:
        with self._lock:
            entry = self._entries[key]
            entry.busy, entry.read, entry.failures = False, self._clock(), failures

    def _is_due(self, entry: _Entry, pace: float) -> bool:
        seconds = _pause(entry.failures) if entry.failures else pace
        return entry.arrived or entry.read + seconds <= self._clock()


def _pause(failures: int) -> float:
    return PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS)) - 1]
