"""Keeps the list and the reading pane filled: asks a `Source` in a worker thread, and shows what comes back.

Nothing here blocks the screen. An answer that was overtaken (another list, other rows meanwhile) is dropped or asked
for again. What goes wrong with the store stands in the message line until it works again; nothing is raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tkt.errors import QueryError, TktError, TryAgain
from tkt.tui.source import MOST_COUNTED, MOST_READ, PAGE, PREVIEWED, Segment, Source
from tkt.tui.views import BUILT_IN, Asked, View

if TYPE_CHECKING:
    from tkt.store.read_entries import Message
    from tkt.store.read_tickets import TicketRow
    from tkt.tui.queue_screen import QueueScreen

AHEAD = 50
"""Rows above and below the screen that a refresh reads with it."""
RETRY_SECONDS = 3.0
COUNT_DELAY = 0.3
"""Seconds before a list is counted: what is read first matters more, and many changes need one count."""

T = TypeVar("T")


class Loader:
    def __init__(self, screen: QueueScreen, make_source: Callable[[], Source], asked: Asked) -> None:
        self._screen = screen
        self._source, self._count_source = make_source(), make_source()
        self._thread = ThreadPoolExecutor(1, "tkt-read")
        self._count_thread = ThreadPoolExecutor(1, "tkt-count")
        self.asked = asked
        self.opened = False
        """Whether any list was read yet."""
        self.views: tuple[View, ...] = BUILT_IN
        self.total: int | None = None
        self.words: dict[str, list[str]] = {}
        self._generation = 0
        self._stale = False
        self._own = False
        self._retrying = False
        self._refreshing = asyncio.Lock()
        self._paging = asyncio.Lock()
        self.macros: dict[str, str] = {}
        """What each macro does, by its name."""

    # --- lists ------------------------------------------------------------------------------------------------------

    async def open(self, asked: Asked, *, from_end: bool = False) -> None:
        """Show another list, from its beginning or its end. Raises QueryError."""
        self._generation += 1
        generation = self._generation
        found = await self._read(self._source.last if from_end else self._source.first, asked)
        if generation != self._generation or found is None:
            return
        same, self.asked, self.opened = asked == self.asked, asked, True
        window = self._screen.queue.window
        cursor = len(found.rows) - 1 if from_end else 0
        window.show(found.rows, at_start=found.at_start, at_end=found.at_end, cursor=cursor)
        self._screen.queue.says = await self._empty_words() if not found.rows else ()
        if not same:
            self.total = None
        self._screen.list_changed()
        self.count()

    def show_failure(self, asked: Asked, error: TktError) -> None:
        """A list that can't be read: it is the one that is shown, empty, with the reason."""
        self.asked, self.total, self.opened = asked, None, True
        self._screen.queue.window.show([], at_start=True, at_end=True)
        self._screen.queue.says = (str(error), "", "[ and ] show other views, / filters.")
        self._screen.list_changed()

    async def _empty_words(self) -> tuple[str, ...]:
        if await self._read(self._source.is_empty):
            return (
                "This desk has no ticket yet.",
                "",
                "  tkt new 'SUBJECT' --from ann@example.com     writes one down",
                "  tkt mail pull                                fetches the mailboxes of desk.toml",
                "  tkt demo                                     shows a desk that is full of them",
                "",
                "New tickets appear here by themselves. q leaves, ? helps.",
            )
        if self.asked.filtered:
            return ("No ticket matches.", "", "esc shows the view again, / changes the filter.")
        return (f"Nothing in '{self.asked.view.name}'.", "", "[ and ] show other views, / filters.")

    def more(self) -> None:
        """Read the page that the cursor is about to need, if any."""
        window = self._screen.queue.window
        if not self._paging.locked() and window.rows and (window.wants_more or window.wants_earlier):
            self._screen.start(self._more, group="page")

    async def _more(self) -> None:
        window = self._screen.queue.window
        while window.rows and (window.wants_more or window.wants_earlier):
            if not await self.read_page(backwards=not window.wants_more):
                return

    async def read_page(self, backwards: bool) -> bool:
        """Read the page after the loaded rows, or before them. False when it can't be read now."""
        async with self._paging:
            window, generation = self._screen.queue.window, self._generation
            if window.at_start if backwards else window.at_end:
                return True
            edge, revision = window.rows[0 if backwards else -1], window.revision
            found = await self._read(self._source.following, self.asked, edge, backwards)
            if found is None or generation != self._generation:
                return False
            if revision == window.revision:
                if backwards:
                    window.extend_back(found.rows, found.at_start)
                else:
                    window.extend(found.rows, found.at_end)
                self._screen.list_changed(reread=False)
            return True

    def refresh(self, own: bool = False) -> None:
        """Read again what is on the screen. `own`: after the agent's own doing, when the cursor need not stay on a
        ticket that has left the list, unless it is being read."""
        self._stale, self._own = True, self._own or own
        if not self._refreshing.locked():
            self._screen.start(partial(self.reread, own), group="refresh")

    async def reread(self, own: bool = False) -> None:
        """The same, done when the list on the screen is as new as this call."""
        self._stale, self._own = True, self._own or own
        async with self._refreshing:
            while self._stale:
                own, self._stale, self._own = self._own, False, False
                await self._refresh_once(own)

    async def _refresh_once(self, own: bool) -> None:
        window, generation = self._screen.queue.window, self._generation
        start = max(0 if window.at_start else 1, window.top - AHEAD)
        after: TicketRow | None = window.rows[start - 1] if 0 < start <= len(window.rows) else None
        limit = max(PAGE, window.top + window.height + AHEAD - start)
        revision, number = window.revision, window.number
        try:
            found = await self._read(self._source.refreshed, self.asked, after, limit, number, True)
        except QueryError as error:
            self._screen.say_error(error)
            return
        if found is None or generation != self._generation:
            return
        if revision != window.revision or number != window.number:
            self._stale, self._own = True, self._own or own
            return
        if found.moved:
            self._show_around(found.segment, number)
        else:
            keep = None if own and not self._screen.opened else found.keep
            window.refresh(start if after else 0, found.segment.rows, at_end=found.segment.at_end, keep=keep)
        if not window.rows:
            self._screen.queue.says = await self._empty_words()
        self._screen.list_changed()
        self.count()

    def _show_around(self, segment: Segment, number: int | None) -> None:
        window = self._screen.queue.window
        line = window.cursor - window.top
        place = next((at for at, row in enumerate(segment.rows) if row.number == number), 0)
        window.show(segment.rows, at_start=segment.at_start, at_end=segment.at_end, cursor=place, line=line)

    # --- what comes later --------------------------------------------------------------------------------------------

    def count(self) -> None:
        """Ask how long the list is, in a thread of its own: it may take a while."""
        self._screen.start(partial(self._count, self.asked, self._generation), group="count", exclusive=True)

    async def _count(self, asked: Asked, generation: int) -> None:
        await asyncio.sleep(COUNT_DELAY)
        total = await self._read(self._count_source.count, asked, thread=self._count_thread)
        if total is not None and generation == self._generation:
            self.total = total
            self._screen.show_title()

    @property
    def total_words(self) -> str:
        if self.total is None:
            return ""
        return f"{self.total:,}+" if self.total >= MOST_COUNTED else f"{self.total:,}"

    async def read_ticket(self, number: int, whole: bool, aspect: str) -> None:
        """Fill the reading pane."""
        pane = self._screen.reading
        limit = MOST_READ if whole else PREVIEWED
        try:
            found = await self._read(self._source.reading, number, limit, aspect)
        except TktError as error:
            pane.show(None, str(error))
            return
        if found is not None and number == self._screen.queue.window.number:
            pane.show(found)

    async def messages(self, number: int) -> list[Message]:
        """The newest messages of a ticket. Raises NotFound."""
        found = await self._read(self._source.reading, number)
        return found.messages if found else []

    async def read_words(self) -> None:
        """Views and the names that pickers and completion offer."""
        views = await self._read(self._source.views)
        for kind in ("agent", "team", "tag", "status", "priority"):
            self.words[kind] = await self._read(self._source.words, kind) or []
        self.macros = await self._read(self._source.macros) or {}
        self.words["macro"] = list(self.macros)
        if views:
            self.views = views

    async def _read(self, read: Callable[..., T], *args: object, thread: ThreadPoolExecutor | None = None) -> T | None:
        """Call the source in its thread. None when the store is away: then it is tried again later. Raises other
        TktErrors."""
        source = self._count_source if thread else self._source
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(thread or self._thread, source.call, read, *args)
        except TryAgain as error:
            self._screen.store_away(error)
            self._retry_later()
            return None
        self._screen.store_away(None)
        return found

    def _retry_later(self) -> None:
        """However many reads have failed meanwhile: one refresh."""
        if not self._retrying:
            self._retrying = True
            self._screen.set_timer(RETRY_SECONDS, self._retry)

    def _retry(self) -> None:
        self._retrying = False
        self.refresh()

    async def save_files(self, number: int, folder: str) -> list[str]:
        """Write a ticket's attachments into a folder; the paths written. Raises TktError."""
        return await self._read(self._source.save_files, number, folder) or []

    async def rows(self, numbers: list[int]) -> list[TicketRow]:
        return await self._read(self._source.rows, numbers) or []

    async def show_one(self, number: int) -> bool:
        """Show a ticket that is not in the list, by itself on the screen; whether there is one."""
        rows = await self.rows([number])
        if not rows:
            return False
        self._generation += 1
        self._screen.queue.window.show(rows, at_start=True, at_end=True)
        self.total = 1
        self._screen.list_changed()
        return True

    def close(self) -> None:
        """Give the connections back, after what is under way."""
        for source, thread in ((self._source, self._thread), (self._count_source, self._count_thread)):
            thread.submit(source.close)
            thread.shutdown(wait=True)
