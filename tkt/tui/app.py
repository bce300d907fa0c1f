"""The full-screen queue as an application: made for slow lines.

    run(location, "alice")

The mouse is off, nothing blinks or moves by itself, and only cells that differ are written (`frame`). The first picture
is drawn before the store is asked; what writing needs (SQLModel) is loaded after the list is there. A signal that ends
it (a lost connection's, too) keeps what is being written, and leaves the terminal as it was.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from datetime import datetime
from typing import Any

from rich.console import Console, RenderableType
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.reactive import Reactive
from textual.screen import Screen

from tkt.errors import UsageError
from tkt.store.location import Location, user_settings
from tkt.times import utcnow
from tkt.tui import theme
from tkt.tui.ending import Ending, tell_terminal
from tkt.tui.frame import Frame
from tkt.tui.keymap import keymap
from tkt.tui.queue_screen import QueueScreen
from tkt.tui.session import Session
from tkt.tui.terminal import Terminal


class Compared(CompositorUpdate):
    """An update that writes only what differs from the last picture."""

    def __init__(self, frame: Frame, update: CompositorUpdate) -> None:
        self._frame = frame
        self._update = update

    def render_segments(self, console: Console) -> str:
        return self._frame.sequence(self._update, console)


class QueueApp(App[None], inherit_bindings=False):
    CSS = theme.CSS
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    TITLE = "tkt"
    theme = Reactive("ansi-dark")

    def __init__(
        self,
        location: Location,
        actor_name: str,
        *,
        query: str = "",
        keys: object = None,
        now: Callable[[], datetime] = utcnow,
        serving: bool = False,
        ending: Ending | None = None,
    ) -> None:
        super().__init__(driver_class=Terminal)
        self.animation_level = "none"
        self._frame = Frame()
        self.session = Session(
            location,
            actor_name,
            keymap(keys),
            query=query,
            now=now,
            redraw=self.redraw,
            serving=serving,
            ending=ending,
        )

    def on_mount(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self.redraw())
        screen = self.screen_stack[0]
        if isinstance(screen, QueueScreen) and not self.is_headless:
            loop, context = asyncio.get_running_loop(), copy_context()
            self.session.ending.opened(
                lambda: loop.call_soon_threadsafe(screen.leave, context=context), lambda: self._abandon(screen)
            )

    def _abandon(self, screen: QueueScreen) -> None:
        """Keep what is written and give the terminal back, from another thread, while this one is stuck."""
        screen.composing.keep()
        if self._driver is not None:
            self._driver.stop_application_mode()
            self._driver.close()
        tell_terminal(f"the queue could not be left in good order: {screen.unanswered}")

    def on_resize(self) -> None:
        """Terminals reflow what they show when their size changes, and may be back at the old size before we draw."""
        self._frame.forget()
        for screen in self.screen_stack:
            screen.refresh(layout=True)

    def get_default_screen(self) -> Screen[Any]:
        return QueueScreen(self.session)

    def redraw(self) -> None:
        """Draw everything anew, whatever the terminal shows."""
        self._frame.forget()
        self.screen.refresh(layout=True)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, CompositorUpdate):
            renderable = Compared(self._frame, renderable)
        super()._display(screen, renderable)

    def _fatal_error(self) -> None:
        """A bug: say where, without the local variables that Textual would print (they may hold a password)."""
        from rich.segment import Segments
        from rich.traceback import Traceback

        self.session.ending.leaving()
        shown = self.console.render(Traceback(show_locals=False), self.console.options)
        self._exit_renderables.append(Segments(shown))
        self._close_messages_no_wait()

    def on_unmount(self) -> None:
        self.session.close()


def run(
    location: Location,
    actor_name: str | None,
    *,
    query: str = "",
    background: Callable[[], AbstractContextManager[Callable[[], object]]] | None = None,
) -> None:
    """Open the queue and come back when it is left.

    `query` filters the first list. `background` gives what runs beside it (the scheduler of `tkt --serve`): entered
    before the screen opens, left after it closes; what it yields stops it from any thread, should the screen never
    close. Raises UsageError for a wrong keymap in tkt.toml, and where there is no terminal to draw on.
    """
    if not sys.stderr.isatty():
        raise UsageError("the queue is drawn on standard error, which is no terminal here: open it without '2>'")
    keys, ending = user_settings().get("keys"), Ending()
    serving = background is not None
    app = QueueApp(location, actor_name or "", query=query, keys=keys, serving=serving, ending=ending)
    with ending.heeding(), background() if background else nullcontext() as stop, ending.of_screen(stop):
        app.run(mouse=False)
