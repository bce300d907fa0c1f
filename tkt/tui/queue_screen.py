"""The queue's one screen: list, reading pane, bars; which command a key calls; what is open and what is marked.

The list is read by `Loader`, tickets are changed by `Deeds`, texts written in `Composing`; this screen joins them. No
widget has the focus while the list is worked in, so every key comes here, to one table.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen

from tkt.errors import QueryError, TktError
from tkt.times import to_micros
from tkt.tui import theme
from tkt.tui.bars import HINTS, READING_HINTS, MessageLine, TitleBar
from tkt.tui.columns import Context
from tkt.tui.commands import COMMANDS, find
from tkt.tui.keymap import key_of
from tkt.tui.live import Change
from tkt.tui.picker import Picker
from tkt.tui.prompt_line import PromptLine
from tkt.tui.queue_list import QueueList
from tkt.tui.reading_pane import ReadingPane
from tkt.tui.views import Asked

if TYPE_CHECKING:
    from tkt.store.read_events import EventRow
    from tkt.tui.composer import Composer
    from tkt.tui.session import Session

BESIDE_FROM = 130
"""Columns from which the preview stands right of the list."""
PREVIEW_DELAY = 0.12
"""Seconds the cursor must rest before the ticket under it is read."""
TICK = 5.0


class QueueScreen(Screen[None], inherit_bindings=False):
    class Changed(Message):
        """Somebody has changed something (from the live thread)."""

        def __init__(self, change: Change) -> None:
            super().__init__()
            self.change = change

    class Away(Message):
        """The store is away, or (without an error) back."""

        def __init__(self, error: TktError | None) -> None:
            super().__init__()
            self.error = error

    def __init__(self, session: Session) -> None:
        super().__init__()
        from tkt.tui.composing import Composing
        from tkt.tui.deeds import Deeds
        from tkt.tui.loader import Loader
        from tkt.tui.navigation import Navigation

        self.session = session
        self.title_bar, self.message_line = TitleBar(), MessageLine()
        self.queue, self.reading = QueueList(), ReadingPane()
        self.prompt, self.picker = PromptLine(), Picker()
        self.marked: set[int] = set()
        self.read_only = ""
        """Why nothing can be changed; empty when it can."""
        self.preview_wanted = True
        self.opened = False
        self.ready = False
        """Whether everything is there that keys may need: names, and the desk to write to."""
        self.loader = Loader(self, session.source, session.asked)
        self.navigation, self.deeds, self.composing = Navigation(self), Deeds(self), Composing(self)
        self._handlers: Mapping[str, Callable[[str], object]] = {
            **self.navigation.handlers(), **self.deeds.handlers(), **self.composing.handlers(),
        }  # fmt: skip
        self._preview_number: int | None = None

    def compose(self) -> ComposeResult:
        yield self.title_bar
        with Container(id="work"):
            yield self.queue
            yield self.reading
        yield self.message_line
        yield self.prompt
        yield self.picker

    def on_mount(self) -> None:
        self.reading.context = self.context
        self.queue.context = self.context()
        self.show_title()
        self.arrange_panes(self.app.size.width)
        self.call_after_refresh(self._begin)
        self.set_interval(TICK, self.tick)

    def _begin(self) -> None:
        """After the first picture: read the list, then load what writing needs, then follow the others."""
        self.start(self._open_first(), group="first")

    async def _open_first(self) -> None:
        await self.open_list(self.loader.asked)
        self.session.follow(
            lambda change: self.post_message(self.Changed(change)), lambda error: self.post_message(self.Away(error))
        )
        await self.loader.read_words()
        await self.deeds.warm_up()
        self.ready = True

    def start(self, work: Coroutine[Any, Any, None], group: str, exclusive: bool = False) -> None:
        """Do this beside the screen; `exclusive` drops what the same group is doing. What fails is said."""
        self.run_worker(self._guarded(work), group=group, exclusive=exclusive)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except TktError as error:
            self.say_error(error)

    # --- keys and commands -------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        if self.focused is not None:
            return
        name = self.session.keys.get(key_of(event))
        if name is None and event.key == "ctrl+c":
            self.say("q leaves the queue")
        elif name is not None:
            event.stop()
            self.message_line.say("")
            self.call_command(name)

    def call_command(self, name: str, argument: str = "") -> None:
        """A command that was not typed: what is wrong with it is said in the message line."""
        try:
            self.run_command(name, argument)
        except TktError as error:
            self.say_error(error)

    def run_command(self, name: str, argument: str = "") -> None:
        """Raises TktError when the argument is wrong."""
        if COMMANDS[name].writes and self.read_only:
            self.say(self.read_only, theme.ERROR)
        else:
            self._handlers[name](argument)

    def run_line(self, line: str) -> None:
        """A command as typed after `:`. Raises TktError when there is none of that name."""
        word, _, argument = line.strip().partition(" ")
        if word.isdecimal():
            word, argument = "go", word
        command = find(word)
        if command is None:
            raise TktError(f"there is no command '{word}'; ? lists them")
        self.run_command(command.name, argument.strip())

    # --- what is shown -----------------------------------------------------------------------------------------------

    def context(self) -> Context:
        return Context(
            to_micros(self.session.now()), self.session.actor_name, frozenset(self.marked), self.queue.window.gone
        )

    async def open_list(self, asked: Asked, from_end: bool = False) -> None:
        """Show another list; a query that can't be read is pointed at where it was typed, else said."""
        try:
            await self.loader.open(asked, from_end=from_end)
        except TktError as error:
            if isinstance(error, QueryError) and self.prompt.display:
                self.prompt.point_out(error)
            else:
                self.loader.show_failure(asked, error)
        else:
            if self.prompt.display and self.prompt.sign == "/":
                self.prompt.leave()

    def list_changed(self, reread: bool = True) -> None:
        """Rows have come or gone: draw them, and (`reread`) the ticket that is being read."""
        self.queue.context = self.context()
        self.deeds.list_read()
        self.queue.show()
        self.show_title()
        if reread or self.queue.window.number != self._preview_number:
            self.show_ticket()

    def cursor_moved(self, cursor: int, top: int) -> None:
        self.queue.context = self.context()
        self.queue.moved(cursor, top)
        self.show_title()
        self.loader.more()
        self.show_ticket(delay=PREVIEW_DELAY)

    def show_ticket(self, delay: float = 0.0) -> None:
        """Read the ticket under the cursor into the reading pane, if there is one on the screen."""
        if not (self.opened or self.composing.active or self.preview_wanted):
            return
        self.start(self._show_ticket(delay), group="reading", exclusive=True)

    async def _show_ticket(self, delay: float) -> None:
        import asyncio

        await asyncio.sleep(delay)
        number = self.queue.window.number
        self._preview_number = number
        if number is None:
            self.reading.show(None)
        else:
            await self.loader.read_ticket(number, self.opened, self.reading.history)

    def show_title(self) -> None:
        window = self.queue.window
        total, place = self.loader.total_words, window.position
        where = f"{place}/{total}" if place and total else total
        marked = f"{len(self.marked)} marked  " if self.marked else ""
        who = f"{self.session.actor_name} (read only)" if self.read_only else self.session.actor_name
        self.title_bar.say(f"tkt  {self.loader.asked.title}", f"{marked}{where}  {who}")

    def arrange_panes(self, width: int | None = None) -> None:
        """Which panes are on the screen, and where."""
        work = self.query_one("#work")
        beside = (width or self.size.width) >= BESIDE_FROM
        work.set_class(beside and not self.opened and not self.composing.active, "beside")
        work.set_class(self.opened, "open")
        work.set_class(self.composing.active, "composing")
        work.set_class(not self.preview_wanted and not self.opened, "alone")
        self.message_line.hints = "" if self.composing.active else READING_HINTS if self.opened else HINTS
        self.message_line.refresh()
        self.reading.beside = beside and not self.opened and not self.composing.active

    def on_resize(self, event: events.Resize) -> None:
        self.arrange_panes(event.size.width)

    def tick(self) -> None:
        """Time has passed."""
        self.queue.tick(self.context())

    # --- messages ----------------------------------------------------------------------------------------------------

    def say(self, text: str, style: Style = theme.PLAIN) -> None:
        self.message_line.say(text, style)

    def say_error(self, error: TktError) -> None:
        """An error belongs where its cause was typed, else in the message line."""
        if self.prompt.display:
            self.prompt.point_out(error)
        else:
            self.say(str(error), theme.ERROR)

    def store_away(self, error: TktError | None) -> None:
        words = f"{error} (trying again)" if error else ""
        if words != self.message_line.lasting:
            self.message_line.lasting = words
            self.message_line.refresh()

    def on_queue_screen_away(self, message: Away) -> None:
        self.store_away(message.error)
        if message.error is None:
            self.loader.refresh()

    def on_queue_screen_changed(self, message: Changed) -> None:
        others = [event for event in message.change.events if event.actor != self.session.actor_name]
        self.composing.others_did(others)
        self._notice([event for event in others if event.ticket == self.queue.window.number])
        self.loader.refresh()

    def _notice(self, concerning: list[EventRow]) -> None:
        from tkt.tui.conversation_text import event_words

        if concerning and not self.composing.active:
            self.say(f"#{concerning[-1].ticket} just changed: {event_words(concerning[-1])}", theme.NOTICE)

    def on_prompt_line_left(self) -> None:
        self.prompt.leave()

    def on_prompt_line_entered(self, message: PromptLine.Entered) -> None:
        if message.sign == "/":
            self.start(self.open_list(Asked(self.loader.asked.view, message.text)), group="list")
            return
        self.prompt.leave()
        try:
            if message.text:
                self.run_line(message.text)
        except TktError as error:
            self.navigation.ask_command(message.text)
            self.prompt.point_out(error)

    def on_picker_picked(self, message: Picker.Picked) -> None:
        self.picker.leave()
        if message.word:
            self.call_command(message.purpose, message.word)

    async def on_composer_wanted(self, message: Composer.Wanted) -> None:
        await self.composing.wanted(message.what)

    def on_unmount(self) -> None:
        self.composing.keep()
        self.loader.close()
        self.deeds.close()
