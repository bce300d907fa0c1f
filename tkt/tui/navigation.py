"""Commands that change nothing: moving, reading, views, filter, marks, help, leaving."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from tkt.errors import NotFound, TktError, UsageError
from tkt.tui import theme
from tkt.tui.completion import complete_command, complete_query
from tkt.tui.conversation_text import newest_text
from tkt.tui.keyboard import Work
from tkt.tui.source import CONVERSATION, HISTORY, PROMISES
from tkt.tui.views import Asked, View, next_view

if TYPE_CHECKING:
    from tkt.tui.queue_screen import QueueScreen


class Navigation:
    def __init__(self, screen: QueueScreen) -> None:
        self._screen = screen
        self._range_from: int | None = None
        self._marked_before: set[int] = set()

    def handlers(self) -> dict[str, Callable[[str], Work]]:
        return {
            "down": lambda _: self._step(1),
            "up": lambda _: self._step(-1),
            "half-down": lambda _: self._page(0.5),
            "half-up": lambda _: self._page(-0.5),
            "page-down": lambda _: self._page(1),
            "page-up": lambda _: self._page(-1),
            "first": lambda _: self._edge(end=False),
            "last": lambda _: self._edge(end=True),
            "next": lambda _: self._move(1),
            "previous": lambda _: self._move(-1),
            "go": self._go,
            "open": lambda _: self._open(),
            "preview": lambda _: self._preview(),
            "scroll-down": lambda _: self._screen.reading.scroll_by(3),
            "scroll-up": lambda _: self._screen.reading.scroll_by(-3),
            "unfold": lambda _: self._unfold(),
            "history": lambda _: self._aspect(HISTORY),
            "promises": lambda _: self._aspect(PROMISES),
            "filter": self._filter,
            "view-before": lambda _: self._turn(-1),
            "view-after": lambda _: self._turn(1),
            "view": self._view,
            "refresh": lambda _: self._refresh(),
            "mark": lambda _: self._mark(),
            "range": lambda _: self._range(),
            "mark-all": lambda _: self._mark_all(),
            "copy-number": lambda _: self._copy_number(),
            "save": self._save,
            "copy-text": lambda _: self._copy_text(),
            "command": lambda _: self.ask_command(""),
            "help": lambda _: self._screen.help.open(),
            "back": lambda _: self._back(),
            "quit": lambda _: self._quit(),
            "suspend": lambda _: self._suspend(),
        }

    # --- moving ------------------------------------------------------------------------------------------------------

    def _step(self, rows: int) -> Work:
        if self._screen.opened:
            self._screen.reading.scroll_by(rows)
            return None
        return self._move(rows)

    def _page(self, pages: float) -> Work:
        if self._screen.opened:
            self._screen.reading.scroll_by(round(self._screen.reading.lines_shown * pages))
            return None
        return self._move(round(self._screen.queue.window.height * pages))

    def _edge(self, end: bool) -> Work:
        """To the list's first or last ticket: read from that side if it is not loaded."""
        window = self._screen.queue.window
        if self._screen.opened:
            self._screen.reading.scroll_to_edge(end)
        elif window.at_end if end else window.at_start:
            self._move_to(len(window.rows) - 1 if end else 0)
        else:
            return self._screen.open_list(self._screen.loader.asked, from_end=end)
        return None

    def _move(self, rows: int) -> Work:
        window = self._screen.queue.window
        if window.holds(window.cursor + rows):
            self._move_to(window.cursor + rows)
            return None
        return self._move_beyond(rows)

    async def _move_beyond(self, rows: int) -> None:
        """Move to a row that is not loaded yet: as far as there are rows."""
        window = self._screen.queue.window
        while not window.holds(window.cursor + rows):
            if not await self._screen.loader.read_page(backwards=rows < 0):
                break
        self._move_to(window.cursor + rows)

    def _move_to(self, index: int) -> None:
        window = self._screen.queue.window
        cursor, top, gone = window.cursor, window.top, window.gone
        window.move_to(index)
        if self._range_from is not None:
            self._stretch_range()
        if gone != window.gone or self._range_from is not None:
            self._screen.queue.refresh()
        self._screen.cursor_moved(cursor, top)

    def _go(self, argument: str) -> Work:
        """To a ticket by number: in this list if it is loaded, else alone."""
        if not argument:
            return self.ask_command("go ")
        if not argument.isdecimal():
            raise UsageError("go where? :go 1042, or :1042")
        index = self._screen.queue.window.index_of(int(argument))
        if index is None:
            return self._open_alone(int(argument))
        self._move_to(index)
        return None

    async def _open_alone(self, number: int) -> None:
        if not await self._screen.loader.show_one(number):
            raise NotFound(f"there is no ticket {number}")

    # --- reading -----------------------------------------------------------------------------------------------------

    def _open(self) -> Work:
        if self._screen.queue.window.number is None:
            return None
        self._screen.opened = True
        self._screen.arrange_panes()
        return self._screen.ticket_shown()

    def _preview(self) -> None:
        if self._screen.opened:
            self._screen.say("p is for the list: esc goes back to it")
            return
        self._screen.preview_wanted = not self._screen.preview_wanted
        self._screen.arrange_panes()
        self._screen.show_ticket()

    def _unfold(self) -> None:
        self._screen.reading.unfolded = not self._screen.reading.unfolded
        self._screen.reading.lay_out()

    def _aspect(self, aspect: str) -> Work:
        """This of the ticket instead of its conversation, or the conversation again."""
        reading = self._screen.reading
        reading.aspect = CONVERSATION if reading.aspect == aspect else aspect
        return self._screen.ticket_shown() if self._screen.preview_wanted else self._open()

    # --- lists -------------------------------------------------------------------------------------------------------

    async def _show(self, asked: Asked) -> None:
        """Another list; marks belong to the one that is left."""
        if await self._screen.open_list(asked):
            self.unmark()
            self._screen.list_changed(reread=False)

    def _filter(self, argument: str) -> Work:
        if argument:
            return self._show(Asked(self._screen.loader.asked.view, argument))
        query = self._screen.loader.asked.query
        words = self._screen.loader.words
        start = f"{query} " if query else ""
        self._screen.prompt.ask("/", start, lambda text: complete_query(text, words), self._filter_entered)
        return None

    def _filter_entered(self, query: str) -> Work:
        return self._show(Asked(self._screen.loader.asked.view, query))

    def _turn(self, step: int) -> Work:
        return self._show_view(next_view(self._screen.loader.views, self._screen.loader.asked.view, step))

    def _view(self, argument: str) -> Work:
        if not argument:
            return self.ask_command("view ")
        wanted = argument.lower()
        found = [view for view in self._screen.loader.views if view.name.lower().startswith(wanted)]
        if not found:
            names = ", ".join(view.name for view in self._screen.loader.views)
            raise UsageError(f"there is no view '{argument}'; there are {names}")
        return self._show_view(found[0])

    def _show_view(self, view: View) -> Work:
        return self._show(Asked(view, view.query))

    def _refresh(self) -> None:
        self._screen.session.redraw()
        self._screen.loader.refresh()
        self._screen.start(self._screen.loader.read_words, group="words", exclusive=True)

    # --- marks -------------------------------------------------------------------------------------------------------

    def _mark(self) -> Work:
        number = self._screen.queue.window.number
        if number is None:
            return None
        self._screen.marked ^= {number}
        return self._move(1)

    def _range(self) -> None:
        if self._range_from is not None:
            self._end_range()
            self._screen.say(f"{len(self._screen.marked)} marked")
        elif self._screen.queue.window.number is not None:
            self._range_from = self._screen.queue.window.number
            self._marked_before = set(self._screen.marked)
            self._screen.say("range: move, then act; v ends it, esc unmarks")
            self._move_to(self._screen.queue.window.cursor)

    def _stretch_range(self) -> None:
        window = self._screen.queue.window
        start = window.index_of(self._range_from)
        if start is not None:
            low, high = sorted((start, window.cursor))
            self._screen.marked = self._marked_before | {row.number for row in window.rows[low : high + 1]}

    def _end_range(self) -> None:
        self._range_from = None

    def _mark_all(self) -> None:
        numbers = {row.number for row in self._screen.queue.window.rows}
        self._screen.marked = set() if numbers <= self._screen.marked else numbers
        more = "" if self._screen.queue.window.at_end else " (those that are loaded)"
        self._screen.list_changed(reread=False)
        self._screen.say(f"{len(self._screen.marked)} marked{more}")

    def unmark(self) -> None:
        """Forget all marks."""
        self._end_range()
        self._screen.marked = set()

    # --- the rest ----------------------------------------------------------------------------------------------------

    def ask_command(self, text: str) -> Work:
        """Open the `:` line with this text."""
        loader = self._screen.loader
        names = {**loader.words, "view": [view.name for view in loader.views]}
        self._screen.prompt.ask(":", text, lambda typed: complete_command(typed, names), self._command_entered)
        return None

    def _command_entered(self, line: str) -> Work:
        """The line closes, and comes back if nothing can be done with what it says."""
        self._screen.prompt.leave()
        try:
            return self._screen.run_line(line) if line else None
        except TktError as error:
            self.ask_command(line)
            self._screen.prompt.point_out(error)
            return None

    def _save(self, folder: str) -> Work:
        if not folder:
            return self.ask_command("save ")
        number = self._screen.queue.window.number
        return self._save_files(number, os.path.expanduser(folder)) if number is not None else None

    async def _save_files(self, number: int, folder: str) -> None:
        paths = await self._screen.loader.save_files(number, folder)
        names = ", ".join(os.path.basename(path) for path in paths)
        self._screen.say(f"#{number}: {names} saved in {os.path.abspath(folder)}", theme.GOOD)

    def _copy_number(self) -> None:
        number = self._screen.queue.window.number
        if number is not None:
            self._screen.app.copy_to_clipboard(str(number))
            self._screen.say(f"{number} copied")

    def _copy_text(self) -> Work:
        number = self._screen.queue.window.number
        return self._copy_text_of(number) if number is not None else None

    async def _copy_text_of(self, number: int) -> None:
        text = newest_text(await self._screen.loader.messages(number))
        if text:
            self._screen.app.copy_to_clipboard(text)
        self._screen.say(f"{len(text)} characters copied" if text else "there is no text to copy")

    def _back(self) -> Work:
        """Leave the innermost thing that is open."""
        screen = self._screen
        if screen.opened:
            screen.opened = False
            screen.arrange_panes()
            screen.show_ticket()
        elif screen.marked or self._range_from is not None:
            self.unmark()
            screen.list_changed(reread=False)
        elif screen.reading.aspect != CONVERSATION:
            return self._aspect(CONVERSATION)
        elif screen.loader.asked.filtered:
            return self._show_view(screen.loader.asked.view)
        else:
            screen.say("q leaves the queue")
        return None

    def _suspend(self) -> None:
        """Give the shell the terminal; not with a scheduler in this process, which may be in a transaction."""
        if self._screen.session.serving:
            raise TktError("a scheduler runs beside this queue, and ^z would stop it in the middle of its work")
        self._screen.app.action_suspend_process()

    def _quit(self) -> Work:
        if self._screen.opened:
            return self._back()
        self._screen.leave()
        return None
