"""Writing a reply or a note: opens the composer below the conversation, keeps the draft, sends, and watches whether the
ticket changes under the agent's hands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tkt.errors import Conflict, TktError
from tkt.safe_text import safe_block
from tkt.tui import theme

if TYPE_CHECKING:
    from tkt.store.read_events import EventRow
    from tkt.tui.composer import Composer
    from tkt.tui.queue_screen import QueueScreen

DRAFT_DELAY = 1.0
"""Seconds after a key until the draft is on the disk."""


class Composing:
    def __init__(self, screen: QueueScreen) -> None:
        self._screen = screen
        self._drafts = screen.session.drafts
        self._composer: Composer | None = None
        self._sending = False
        self._saving = False

    @property
    def active(self) -> bool:
        return self._composer is not None

    def handlers(self) -> dict[str, Callable[[str], object]]:
        return {
            "reply": lambda _: self._open("reply"),
            "note": lambda _: self._open("note"),
            "edit": lambda _: self._open("reply", in_editor=True),
        }

    def _open(self, kind: str, in_editor: bool = False) -> None:
        self._screen.start(self._opened(kind, in_editor), group="compose", exclusive=True)

    async def _opened(self, kind: str, in_editor: bool) -> None:
        from tkt.tui.composer import Composer

        row = self._screen.queue.window.current
        if row is None or self._composer is not None:
            return
        draft = self._drafts.read(row.number, kind)
        self._composer = Composer(kind, row.number, row.version, safe_block(draft))
        self._screen.arrange_panes()
        await self._screen.mount(self._composer, before=self._screen.message_line)
        self._screen.show_ticket()
        if draft:
            self._screen.say("your draft is back")
        if kind == "reply":
            await self._show_recipients(self._composer)
        if in_editor:
            self._edit(self._composer)

    async def _show_recipients(self, composer: Composer) -> None:
        deeds = self._screen.deeds
        try:
            composer.show_recipients(await deeds.call(deeds.acts.recipients, composer.number))
        except TktError as error:
            composer.warn(str(error))

    async def wanted(self, what: str) -> None:
        """What the composer's keys ask for."""
        composer = self._composer
        if composer is None:
            return
        if what == "send":
            await self._send(composer)
        elif what == "keep":
            await self._leave(composer)
        elif what == "editor":
            self._edit(composer)
        elif not self._saving:
            self._saving = True
            self._screen.set_timer(DRAFT_DELAY, self.keep)

    def keep(self) -> None:
        """Write the draft to the disk."""
        self._saving = False
        composer = self._composer
        if composer is None:
            return
        try:
            self._drafts.keep(composer.number, composer.kind, composer.text)
        except OSError as error:
            composer.warn(f"the draft can't be kept in {self._drafts.folder}: {error.strerror}")

    async def _leave(self, composer: Composer) -> None:
        self.keep()
        kept = bool(composer.text.strip())
        await self._close(composer)
        self._screen.say(f"the draft of the {composer.kind} is kept and comes back with it" if kept else "")

    async def _close(self, composer: Composer) -> None:
        self._composer = None
        await composer.remove()
        self._screen.set_focus(None)
        self._screen.arrange_panes()
        self._screen.loader.refresh(own=True)

    async def _send(self, composer: Composer) -> None:
        if self._sending:
            return
        self._sending = True
        try:
            await self._deliver(composer)
        finally:
            self._sending = False

    async def _deliver(self, composer: Composer) -> None:
        deeds, number = self._screen.deeds, composer.number
        act = deeds.acts.reply if composer.kind == "reply" else deeds.acts.note
        self.keep()
        try:
            await deeds.call(act, number, composer.text, composer.version)
        except Conflict as error:
            await self._conflict(composer, error)
        except TktError as error:
            composer.warn(str(error))
        else:
            self._drafts.drop(number, composer.kind)
            deeds.sent(number)
            await self._close(composer)
            undo = "z takes it back while it has not left" if composer.kind == "reply" else "z takes it back"
            self._screen.say(f"#{number}: {composer.kind} written; {undo}", theme.GOOD)

    async def _conflict(self, composer: Composer, error: Conflict) -> None:
        """Say what changed, and let the next ^s send against the ticket as it is now."""
        rows = await self._screen.loader.rows([composer.number])
        if rows and rows[0].version != composer.version:
            composer.version = rows[0].version
            composer.warn(f"not sent: {error}. ^s sends it anyway, esc keeps the draft")
            self._screen.show_ticket()
        else:
            composer.warn(str(error))

    def others_did(self, events: list[EventRow]) -> None:
        """Tell the agent, while they write, what somebody else did to this ticket."""
        from tkt.tui.conversation_text import event_words

        composer = self._composer
        concerning = [event for event in events if composer and event.ticket == composer.number]
        if composer is not None and concerning:
            composer.warn(f"#{composer.number} changed while you write: {event_words(concerning[-1])}")
            self._screen.show_ticket()

    def _edit(self, composer: Composer) -> None:
        from textual.app import SuspendNotSupported

        from tkt.cli.editor import edited

        try:
            with self._screen.app.suspend():
                text = edited(composer.text)
        except SuspendNotSupported:
            composer.warn("this terminal can't be handed to an editor")
        except TktError as error:
            composer.warn(str(error))
        else:
            composer.area.text = safe_block(text).rstrip("\n")
            composer.area.move_cursor(composer.area.document.end)
            composer.area.focus()
