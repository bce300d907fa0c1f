"""The queue's one screen: list, reading pane, bars; which command a key calls; what is open and what is marked.

The list is read by `Loader`, tickets are changed by `Deeds`, texts written in `Composing`; this screen joins them.
Every key comes here and goes through `Keyboard`, to what is open, else to the one table of commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerCancelled

from tkt.errors import QueryError, TktError
from tkt.times import to_micros
from tkt.tui import theme
from tkt.tui.bars import HINTS, READING_HINTS, MessageLine, TitleBar
from tkt.tui.columns import Context
from tkt.tui.commands import COMMANDS, find
from tkt.tui.help_page import HelpPage
from tkt.tui.keyboard import Keyboard, Work
from tkt.tui.keymap import key_of, shown
from tkt.tui.live import Change
from tkt.tui.picker import Picker
from tkt.tui.prompt_line import PromptLine
from tkt.tui.queue_list import QueueList
from tkt.tui.reading_pane import ReadingPane
from tkt.tui.views import Asked

if TYPE_CHECKING:
    from tkt.store.read_events import EventRow
    from tkt.tui.session import Session

BESIDE_FROM = 130
"""Columns from which the preview stands right of the list."""
PREVIEW_DELAY = 0.12
"""Seconds the cursor must rest before the ticket under it is read."""
TICK = 5.0
IMPATIENCE = 1.0
"""Seconds after which ^c means that the agent will not wait any longer."""


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
        self.prompt, self.picker, self.help = PromptLine(), Picker(), HelpPage(session.keys)
        self.marked: set[int] = set()
        self.read_only = ""
        """Why nothing can be changed; empty when it can."""
        self.preview_wanted = True
        self.opened = False
        self.ready = asyncio.Event()
        """Set when everything is there that commands may need: names, and the desk to write to."""
        self.loader = Loader(self, session.source, session.asked)
        self.navigation, self.deeds, self.composing = Navigation(self), Deeds(self), Composing(self)
        self._handlers: Mapping[str, Callable[[str], Work]] = {
            **self.navigation.handlers(), **self.deeds.handlers(), **self.composing.handlers(),
        }  # fmt: skip
        takers = (self.help, self.picker, self.prompt, self.composing, self)
        self.keyboard = Keyboard(takers, self._beside, self.say_error, self._urgent)
        self._given_up = False
        self._preview_number: int | None = None

    def compose(self) -> ComposeResult:
        yield self.title_bar
        with Container(id="work"):
            yield self.queue
            yield self.reading
        yield self.message_line
        yield self.prompt
        yield self.picker
        yield self.help

    def on_mount(self) -> None:
        self.reading.context = self.context
        self.queue.context = self.context()
        self.show_title()
        self.arrange_panes(self.app.size.width)
        self.call_after_refresh(self._begin)
        self.set_interval(TICK, self.tick)

    def _begin(self) -> None:
        """After the first picture: read the list, then load what writing needs, then follow the others."""
        self.keyboard.hold(self._open_first())

    async def _open_first(self) -> None:
        await self.open_list(self.loader.asked)
        self.start(self._prepare, group="first")

    async def _prepare(self) -> None:
        self.session.follow(
            lambda change: self.post_message(self.Changed(change)), lambda error: self.post_message(self.Away(error))
        )
        try:
            await self.loader.read_words()
            await self.deeds.warm_up()
        finally:
            self.ready.set()

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], group: str, exclusive: bool = False) -> Worker[None]:
        """Do this beside the screen; `exclusive` drops what the same group is doing. What fails is said."""
        return self.run_worker(partial(self._guarded, work), group=group, exclusive=exclusive)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except TktError as error:
            self.say_error(error)

    def _beside(self, work: Coroutine[Any, Any, None]) -> object:
        return self.run_worker(work, group="keys")

    def leave(self) -> None:
        """Leave the queue; what was typed after that is nobody's."""
        self.session.ending.leaving()
        self.keyboard.close()
        self.composing.keep()
        self.app.exit()

    @property
    def unanswered(self) -> str:
        """What is given up when the queue ends now."""
        if self.deeds.under_way and self.ready.is_set():
            return "the store has not said whether the last change was made"
        return "the store or the terminal did not answer; no change was under way"

    # --- keys and commands -------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.keyboard.put(event)

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.keyboard.put(event)

    def _urgent(self, event: events.Key) -> bool:
        """While a key's doing takes long, ^c forgets what was typed meanwhile, and once more leaves; while the first
        list is read, there is nothing yet that q could hurt."""
        if event.key == "ctrl+c" and self.keyboard.held_for > IMPATIENCE:
            if self._given_up:
                self.leave()
            self.keyboard.drop()
            self._given_up = True
            self.say("still waiting for the store; keys typed meanwhile are forgotten, ^c again leaves", theme.NOTICE)
            return True
        if self.loader.opened or self.session.keys.get(key_of(event)) != "quit":
            return False
        self.leave()
        return True

    @property
    def takes_keys(self) -> bool:
        """The list takes what nothing else does."""
        return True

    def take_key(self, event: events.Key) -> Work:
        self._given_up = False
        name = self.session.keys.get(key_of(event))
        self.message_line.hush(event.time)
        if name is None:
            stray = f"{shown(key_of(event))} does nothing; ? shows the keys"
            self.say("q leaves the queue" if event.key == "ctrl+c" else stray)
            return None
        return self.run_command(name)

    def take_paste(self, text: str) -> Work:
        """A text that was pasted is not meant as commands."""
        self.say("a text was pasted here; r or c opens where one is written")
        return None

    def run_command(self, name: str, argument: str = "") -> Work:
        """Raises TktError when the argument is wrong."""
        if COMMANDS[name].needs_desk and not self.ready.is_set():
            return self._when_ready(name, argument)
        if COMMANDS[name].writes and self.read_only:
            raise TktError(self.read_only)
        return self._handlers[name](argument)

    async def _when_ready(self, name: str, argument: str) -> None:
        await self.ready.wait()
        work = self.run_command(name, argument)
        if work is not None:
            await work

    def run_line(self, line: str) -> Work:
        """A command as typed after `:`. Raises TktError when there is none of that name."""
        word, _, argument = line.strip().partition(" ")
        if word.isdecimal():
            word, argument = "go", word
        command = find(word)
        if command is None:
            raise TktError(f"there is no command '{word}'; ? lists them")
        return self.run_command(command.name, argument.strip())

    # --- what is shown -----------------------------------------------------------------------------------------------

    def context(self) -> Context:
        return Context(
            to_micros(self.session.now()),
            self.session.actor_name,
            frozenset(self.marked),
            self.queue.window.gone,
            {} if self.composing.active else self.session.drafts.kinds(),
            (*self.loader.words.get("agent", ()), *self.loader.words.get("team", ())),
        )

    async def open_list(self, asked: Asked, from_end: bool = False) -> bool:
        """Show another list, and say whether it could be; a query that can't be read is pointed at where it was typed,
        else it is the list's text."""
        try:
            await self.loader.open(asked, from_end=from_end)
        except TktError as error:
            if isinstance(error, QueryError) and self.prompt.is_open:
                self.prompt.point_out(error)
            else:
                self.loader.show_failure(asked, error)
            return False
        self.prompt.leave()
        return True

    def list_changed(self, reread: bool = True) -> None:
        """Rows have come or gone: draw them, and (`reread`) the ticket that is being read."""
        self.queue.context = self.context()
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

    def show_ticket(self, delay: float = 0.0) -> Worker[None] | None:
        """Read the ticket under the cursor into the reading pane, if there is one on the screen."""
        if not (self.opened or self.composing.active or self.preview_wanted):
            return None
        return self.start(partial(self._show_ticket, delay), group="reading", exclusive=True)

    async def ticket_shown(self) -> None:
        """The same, done when the ticket is on the screen (or another has overtaken it)."""
        worker = self.show_ticket()
        if worker is not None:
            with suppress(WorkerCancelled):
                await worker.wait()

    async def _show_ticket(self, delay: float) -> None:
        await asyncio.sleep(delay)
        number = self.queue.window.number
        self._preview_number = number
        if number is None:
            self.reading.show(None)
        else:
            await self.loader.read_ticket(number, self.opened, self.reading.aspect)
            if self.opened and self.reading.unread and not self.read_only:
                self.start(partial(self.deeds.seen, number), group="seen")

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
        if self.prompt.is_open:
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
        self._tell_of_me(others, message.change.members)
        self.loader.refresh()

    def _tell_of_me(self, others: list[EventRow], members: Mapping[str, Sequence[str]]) -> None:
        from tkt.tui.conversation_text import concerning_me

        if words := concerning_me(others, self.session.actor_name, members):
            self.say(words, theme.NOTICE)

    def _notice(self, concerning: list[EventRow]) -> None:
        from tkt.tui.conversation_text import event_words

        if concerning and not self.composing.active:
            self.say(f"#{concerning[-1].ticket} just changed: {event_words(concerning[-1])}", theme.NOTICE)

    def on_unmount(self) -> None:
        self.composing.keep()
        self.loader.close()
        self.deeds.close()
