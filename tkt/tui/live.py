"""Following what others do: a thread that waits for commits and tells which tickets they touched.

What was committed before it began counts as one change of which nothing is known: a list that was read before that may
lack it. It has its own connection. A store that goes away is told once and tried again, more and more slowly; when it
is back that is told too. Ends within a second of `stop`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from tkt.errors import NotFound, TktError, WrongSchema
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.read_events import EventRow, events_after, last_event
from tkt.store.read_people import teams

PERIOD = {"sqlite": 0.3, "postgresql": 1.0}
"""Seconds between two looks: SQLite's costs microseconds, Postgres's a round trip."""
MOST_EVENTS = 500
LONGEST_PAUSE = 10.0


class Change(NamedTuple):
    """What was committed since the last one. `everything`: too much to say what; `members`: of the teams that were
    mentioned.
    """

    events: list[EventRow]
    everything: bool = False
    members: Mapping[str, Sequence[str]] = MappingProxyType({})

    @property
    def numbers(self) -> set[int]:
        return {event.ticket for event in self.events if event.ticket is not None}


class Live(threading.Thread):
    """Calls `changed(Change)` and `away(error or None)`, both in this thread."""

    def __init__(
        self, location: Location, changed: Callable[[Change], object], away: Callable[[TktError | None], object]
    ) -> None:
        super().__init__(name="tkt-live", daemon=True)
        self._location = location
        self._changed = changed
        self._away = away
        self._stopped = threading.Event()
        self._newest = -1
        self._is_away = False

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        pause = 1.0
        while not self._stopped.is_set():
            try:
                with open_reader(self._location) as reader:
                    self._watch(reader)
            except (WrongSchema, NotFound) as error:  # which waiting does not mend
                self._away(error)
                return
            except TktError as error:
                pause = min(pause * 2, LONGEST_PAUSE) if self._is_away else 1.0
                self._is_away = True
                self._away(error)
                self._stopped.wait(pause)

    def _watch(self, reader: Reader) -> None:
        token: object = None
        if self._newest < 0:
            token, self._newest = reader.changed(), last_event(reader)
            self._changed(Change([]))
        while True:
            found = reader.changed()
            if self._is_away:
                self._is_away = False
                self._away(None)
            if found != token:
                token = found
                self._tell(reader)
            if self._stopped.wait(PERIOD[self._location.dialect]):
                return

    def _tell(self, reader: Reader) -> None:
        events = events_after(reader, self._newest, MOST_EVENTS)
        if len(events) == MOST_EVENTS:
            self._newest = last_event(reader)
            self._changed(Change(events, everything=True))
            return
        self._newest = events[-1].id if events else self._newest
        self._changed(Change(events, members=_mentioned(reader, events)))


def _mentioned(reader: Reader, events: Sequence[EventRow]) -> dict[str, list[str]]:
    """The members of each team that was mentioned."""
    wanted = {event.new for event in events if (event.verb, event.field) == ("mention", "team")}
    return {team.name: team.members for team in teams(reader) if team.name in wanted} if wanted else {}
