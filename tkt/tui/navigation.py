"""Commands that change nothing: moving, reading, views, filter, marks, help, leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tkt.errors import NotFound, UsageError
from tkt.tui.completion import complete_command, complete_query
from tkt.tui.conversation_text import newest_text
from tkt.tui.help_page import HelpScreen
from tkt.tui.views import Asked, View, next_view

if TYPE_CHECKING:
    from tkt.tui.queue_screen import QueueScreen


class Navigation:
    def __init__(self, screen: QueueScreen) -> None:
        self._screen = screen
        self._range_from: int | None = None
        self._marked_before: set[int] = set()

    def handlers(self) -> dict[str, Callable[[str], object]]:
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
            "history": lambda _: self._history(),
            "filter": self._filter,
            "view-before": lambda _: self._turn(-1),
            "view-after": lambda _: self._turn(1),
            "view": self._view,
            "refresh": lambda _: self._refresh(),
            "mark": lambda _: self._mark(),
            "range": lambda _: self._range(),
            "mark-all": lambda _: self._mark_all(),
            "copy-number": lambda _: self._copy_number(),
            "copy-text": lambda _: self._copy_text(),
            "command": lambda _: self.ask_command(""),
            "help": lambda _: self._screen.app.push_screen(HelpScreen(self._screen.session.keys)),
            "back": lambda _: self._back(),
            "quit": lambda _: self._quit(),
            "suspend": lambda _: self._screen.app.action_suspend_process(),
        }

    # --- moving ------------------------------------------------------------------------------------------------------

    def _step(self, rows: int) -> None:
        if self._screen.opened:
            self._screen.reading.scroll_by(rows)
        else:
            self._move(rows)

    def _page(self, pages: float) -> None:
        if self._screen.opened:
            self._screen.reading.scroll_by(round(self._screen.reading.lines_shown * pages))
        else:
            self._move(round(self._screen.queue.window.height * pages))

    def _edge(self, end: bool) -> None:
        """To the list's first or last ticket: read from that side if it is not loaded."""
        window = self._screen.queue.window
        if self._screen.opened:
            self._screen.reading.scroll_to_edge(end)
        elif window.at_end if end else window.at_start:
            self._move(len(window.rows) * (1 if end else -1))
        else:
            asked = self._screen.loader.asked
            self._screen.start(self._screen.open_list(asked, from_end=end), group="list")

    def _move(self, rows: int) -> None:
        self._move_to(self._screen.queue.window.cursor + rows)

    def _move_to(self, index: int) -> None:
        window = self._screen.queue.window
        cursor, top, gone = window.cursor, window.top, window.gone
        window.move_to(index)
        if self._range_from is not None:
            self._stretch_range()
        if gone != window.gone or self._range_from is not None:
            self._screen.queue.refresh()
        self._screen.cursor_moved(cursor, top)

    def _go(self, argument: str) -> None:
        """To a ticket by number: in this list if it is loaded, else alone."""
        if not argument:
            self.ask_command("go ")
            return
        if not argument.isdecimal():
            raise UsageError("go where? :go 1042, or :1042")
        index = self._screen.queue.window.index_of(int(argument))
        if index is not None:
            self._move_to(index)
        else:
            self._screen.start(self._open_alone(int(argument)), group="list")

    async def _open_alone(self, number: int) -> None:
        if not await self._screen.loader.show_one(number):
            raise NotFound(f"there is no ticket {number}")

    # --- reading -----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self._screen.queue.window.number is not None:
            self._screen.opened = True
            self._screen.arrange_panes()
            self._screen.show_ticket()

    def _preview(self) -> None:
        self._screen.preview_wanted = not self._screen.preview_wanted
        self._screen.arrange_panes()
        self._screen.show_ticket()

    def _unfold(self) -> None:
        self._screen.reading.unfolded = not self._screen.reading.unfolded
        self._screen.reading.lay_out()

    def _history(self) -> None:
        self._screen.reading.history = not self._screen.reading.history
        if not self._screen.preview_wanted:
            self._open()
        self._screen.show_ticket()

    # --- lists -------------------------------------------------------------------------------------------------------

    def _show(self, asked: Asked) -> None:
        self._end_range()
        self._screen.marked.clear()
        self._screen.start(self._screen.open_list(asked), group="list", exclusive=True)

    def _filter(self, argument: str) -> None:
        if argument:
            self._show(Asked(self._screen.loader.asked.view, argument))
            return
        query = self._screen.loader.asked.query
        words = self._screen.loader.words
        self._screen.prompt.ask("/", f"{query} " if query else "", lambda text: complete_query(text, words))

    def _turn(self, step: int) -> None:
        self._show_view(next_view(self._screen.loader.views, self._screen.loader.asked.view, step))

    def _view(self, argument: str) -> None:
        if not argument:
            self.ask_command("view ")
            return
        wanted = argument.lower()
        found = [view for view in self._screen.loader.views if view.name.lower().startswith(wanted)]
        if not found:
            names = ", ".join(view.name for view in self._screen.loader.views)
            raise UsageError(f"there is no view '{argument}'; there are {names}")
        self._show_view(found[0])

    def _show_view(self, view: View) -> None:
        self._show(Asked(view, view.query))

    def _refresh(self) -> None:
        self._screen.session.redraw()
        self._screen.loader.refresh()
        self._screen.start(self._screen.loader.read_words(), group="words", exclusive=True)

    # --- marks -------------------------------------------------------------------------------------------------------

    def _mark(self) -> None:
        number = self._screen.queue.window.number
        if number is not None:
            self._screen.marked ^= {number}
            self._move(1)

    def _range(self) -> None:
        if self._range_from is not None:
            self._end_range()
            self._screen.say(f"{len(self._screen.marked)} marked")
        elif self._screen.queue.window.number is not None:
            self._range_from = self._screen.queue.window.number
            self._marked_before = set(self._screen.marked)
            self._screen.say("range: move, then act; v ends it, esc unmarks")
            self._move(0)

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

    def ask_command(self, text: str) -> None:
        """Open the `:` line with this text."""
        loader = self._screen.loader
        names = {**loader.words, "view": [view.name for view in loader.views]}
        self._screen.prompt.ask(":", text, lambda typed: complete_command(typed, names))

    def _copy_number(self) -> None:
        number = self._screen.queue.window.number
        if number is not None:
            self._screen.app.copy_to_clipboard(str(number))
            self._screen.say(f"{number} copied")

    def _copy_text(self) -> None:
        number = self._screen.queue.window.number
        if number is not None:
            self._screen.start(self._copy_text_of(number), group="copy")

    async def _copy_text_of(self, number: int) -> None:
        text = newest_text(await self._screen.loader.messages(number))
        if text:
            self._screen.app.copy_to_clipboard(text)
        self._screen.say(f"{len(text)} characters copied" if text else "there is no text to copy")

    def _back(self) -> bool:
        """Leave the innermost thing that is open; whether there was one."""
        screen = self._screen
        if screen.opened:
            screen.opened = False
            screen.arrange_panes()
            screen.show_ticket()
        elif screen.marked or self._range_from is not None:
            self.unmark()
            screen.list_changed(reread=False)
        elif screen.reading.history:
            self._history()
        elif screen.loader.asked.filtered:
            self._show_view(screen.loader.asked.view)
        else:
            return False
        return True

    def _quit(self) -> None:
        if self._screen.opened:
            self._back()
        else:
            self._screen.app.exit()
