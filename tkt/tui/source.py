"""What the queue reads, as blocking calls that belong in a worker thread.

One `Source` has one connection and serves one thread. It opens the store at its first call and again after the store
was away. Raises what `tkt.store.read` raises; knows nothing of Textual.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tkt.errors import TryAgain
from tkt.store.location import Location
from tkt.store.read import Reader, open_reader
from tkt.store.read_clauses import Where
from tkt.store.read_clocks import ClockRow, clocks_of
from tkt.store.read_entries import Message, conversation
from tkt.store.read_events import EventRow, history
from tkt.store.read_people import followers_of, watchers_of
from tkt.store.read_tickets import TicketRow, by_numbers, count, page, page_numbers, tags_of, teams_of, ticket
from tkt.times import to_micros, utcnow
from tkt.tui.views import BUILT_IN, Asked, View

if TYPE_CHECKING:
    from tkt.query.listing import Listing

PAGE = 100
"""Tickets read at once."""
MOST_COUNTED = 10_000
"""Where counting stops: the title then says `10,000+`."""
PREVIEWED = 40
"""Messages of a conversation that are read for the preview: the newest."""
MOST_READ = 400
"""Messages that are read at most: folding and wrapping them is half a second, thousands would stop every key."""

T = TypeVar("T")


class Segment(NamedTuple):
    """A run of a list and whether it reaches its ends."""

    rows: list[TicketRow]
    at_start: bool
    at_end: bool


class Refreshed(NamedTuple):
    """What now stands after a place of the list; `keep` is the cursor's ticket if it is no longer in the list. With
    `moved`, the cursor's ticket stands somewhere else: the segment is its surroundings."""

    segment: Segment
    keep: TicketRow | None
    moved: bool


CONVERSATION, HISTORY, PROMISES = "conversation", "history", "promises"
"""What the reading pane shows of a ticket."""


class Reading(NamedTuple):
    """One ticket for the reading pane; `events` and `promises` (why its deadlines are what they are, as lines) only
    where they are what is read. `teams` are further ones that it concerns, `watchers` agents who follow it,
    `followers` addresses that get its replies."""

    row: TicketRow
    messages: list[Message]
    clocks: list[ClockRow]
    tags: list[str]
    earlier: int
    events: list[EventRow]
    teams: list[str] = []
    watchers: list[str] = []
    followers: list[str] = []
    promises: list[str] = []


class Source:
    def __init__(self, location: Location, agent: str, now: Callable[[], datetime] = utcnow) -> None:
        self._location = location
        self._agent = agent
        self._now = now
        self._reader: Reader | None = None

    @property
    def reader(self) -> Reader:
        if self._reader is None:
            self._reader = open_reader(self._location, self._agent)
        return self._reader

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def call(self, read: Callable[..., T], *args: object) -> T:
        """Read; after a failure of the store the next call connects anew."""
        try:
            return read(*args)
        except TryAgain:
            self.close()
            raise

    def now(self) -> int:
        return to_micros(self._now())

    def listing(self, asked: Asked) -> Listing:
        """Raises QueryError."""
        from tkt.query.listing import listing  # loaded by the worker thread, after the first picture

        return listing(self.reader, asked.query, asked.view.sort, self.now())

    def first(self, asked: Asked) -> Segment:
        """The beginning of a list."""
        found = self.listing(asked)
        rows = page(self.reader, found.where, found.sort, PAGE)
        return Segment(rows, True, len(rows) < PAGE)

    def last(self, asked: Asked) -> Segment:
        """The end of a list, reached from the other side."""
        found = self.listing(asked)
        rows = page(self.reader, found.where, found.sort, PAGE, backwards=True)
        return Segment(rows, len(rows) < PAGE, True)

    def following(self, asked: Asked, row: TicketRow, backwards: bool = False) -> Segment:
        """The page after (or before) a row."""
        found = self.listing(asked)
        rows = page(self.reader, found.where, found.sort, PAGE, found.sort.key(row), backwards)
        return Segment(rows, backwards and len(rows) < PAGE, not backwards and len(rows) < PAGE)

    def refreshed(
        self, asked: Asked, after: TicketRow | None, limit: int, cursor: int | None, follow: bool
    ) -> Refreshed:
        """Read `limit` rows after that row again (None: from the start). If the ticket `cursor` is not among them, it
        has left the list, or (with `follow`) its new place is read instead."""
        found = self.listing(asked)
        key = None if after is None else found.sort.key(after)
        rows = page(self.reader, found.where, found.sort, limit, key)
        segment = Segment(rows, after is None, len(rows) < limit)
        if cursor is None or any(row.number == cursor for row in rows):
            return Refreshed(segment, None, False)
        present = by_numbers(self.reader, [cursor])
        if follow and present and self._belongs(found.where, cursor):
            return Refreshed(self._around(found, present[0]), None, True)
        return Refreshed(segment, present[0] if present else None, False)

    def _belongs(self, where: Where, number: int) -> bool:
        one = Where(f"({where.sql}) AND t.number = ?", (*where.params, number), where.kinds, few=True)
        return bool(page_numbers(self.reader, one, limit=1))

    def _around(self, found: Listing, row: TicketRow) -> Segment:
        key, half = found.sort.key(row), PAGE // 2
        before = page(self.reader, found.where, found.sort, half, key, backwards=True)
        after = page(self.reader, found.where, found.sort, half, key)
        return Segment([*before, row, *after], len(before) < half, len(after) < half)

    def rows(self, numbers: list[int]) -> list[TicketRow]:
        return by_numbers(self.reader, numbers)

    def count(self, asked: Asked) -> int:
        """How many tickets a list holds; MOST_COUNTED means that many or more."""
        return count(self.reader, self.listing(asked).where, MOST_COUNTED)

    def reading(self, number: int, limit: int = PREVIEWED, aspect: str = CONVERSATION) -> Reading:
        """A ticket with its conversation (its newest `limit` messages). Raises NotFound."""
        promises = self._explained(number) if aspect == PROMISES else []
        with self.reader.snapshot():
            messages = conversation(self.reader, number, limit=limit)
            return Reading(
                ticket(self.reader, number),
                messages,
                clocks_of(self.reader, [number], self.now()).get(number, []),
                tags_of(self.reader, [number]).get(number, []),
                messages[0].position - 1 if messages else 0,
                history(self.reader, number) if aspect == HISTORY else [],
                teams_of(self.reader, [number]).get(number, []),
                watchers_of(self.reader, number),
                [one.email for one in followers_of(self.reader, number)],
                promises,
            )

    def _explained(self, number: int) -> list[str]:
        from tkt.sla.explain import explain
        from tkt.sla.explain_text import lines

        return list(lines(explain(self.reader, number, self._now())))

    def save_files(self, number: int, folder: str) -> list[str]:
        """Write the ticket's attachments into a folder; the paths written. Raises NotFound, TktError."""
        from tkt.saving import save_files

        return save_files(self.reader, number, folder)

    def macros(self) -> dict[str, str]:
        """What each macro of the desk does, by its name."""
        return {name: "; ".join(map(str, body.get("do", []))) for name, body in self._declared("macro")}

    def _declared(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        """Names and bodies of what desk.toml declares of this kind, in its order."""
        import json

        found = self.reader.rows(
            "SELECT name, CAST(body AS TEXT) FROM definition WHERE kind = ? AND active ORDER BY position, id", (kind,)
        )
        return [(name, json.loads(text)) for name, text in found]

    def views(self) -> tuple[View, ...]:
        """The built-in views, then those of desk.toml; one of the same name takes a built-in's place."""
        declared = {
            name: View(name, str(body.get("query", "")), str(body.get("sort", "")))
            for name, body in self._declared("view")
        }
        own = [declared.pop(view.name, view) for view in BUILT_IN]
        return (*own, *declared.values())

    def is_empty(self) -> bool:
        """Whether the desk has no ticket at all."""
        return self.reader.row("SELECT number FROM ticket LIMIT 1") is None

    def words(self, kind: str) -> list[str]:
        """Names for pickers and completion: agent, team, tag, status, priority."""
        from tkt.store.read_desk import complete

        return complete(self.reader, kind)
