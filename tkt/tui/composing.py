"""Writing a reply or a note: opens the composer below the conversation, keeps the draft, sends, and watches whether the
ticket changes under the agent's hands.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from tkt.errors import Conflict, TktError
from tkt.tui import theme
from tkt.tui.acts import Letter
from tkt.tui.completion import complete_mention, complete_path
from tkt.tui.drafts import Draft
from tkt.tui.keyboard import Work
from tkt.tui.picker import Choice
from tkt.tui.prompt_line import Completion

if TYPE_CHECKING:
    from textual.events import Key

    from tkt.store.read_events import EventRow
    from tkt.tui.composer import Composer
    from tkt.tui.queue_screen import QueueScreen

DRAFT_DELAY = 0.5
"""Seconds after a key until the draft is on the disk."""


class Composing:
    """Gets the keys while a composer is open."""

    def __init__(self, screen: QueueScreen) -> None:
        self._screen = screen
        self._drafts = screen.session.drafts
        self._composer: Composer | None = None
        self._saving = False
        self._draft_file = threading.Lock()
        self._warned_at = 0.0
        self._keys: dict[str, Callable[[Composer], Work]] = {
            "ctrl+s": self._send,
            "ctrl+enter": self._send,
            "ctrl+t": self._choose_status,
            "ctrl+r": self._ask_cc,
            "ctrl+o": self._ask_file,
            "ctrl+e": self._edit,
            "tab": self._complete_name,
            "escape": self._leave,
        }

    @property
    def active(self) -> bool:
        return self._composer is not None

    def handlers(self) -> dict[str, Callable[[str], Work]]:
        return {
            "reply": lambda _: self._open("reply"),
            "note": lambda _: self._open("note"),
            "edit": lambda _: self._open("reply", in_editor=True),
        }

    # --- keys --------------------------------------------------------------------------------------------------------

    @property
    def takes_keys(self) -> bool:
        return self.active

    def take_key(self, event: Key) -> Work:
        composer = self._composer
        if composer is None:
            return None
        if event.key in self._keys:
            return self._keys[event.key](composer)
        if event.key == "ctrl+c" and not composer.area.selected_text:
            self._warn("esc leaves and keeps the draft, ^s sends")
            return None
        self._keep_soon()
        return composer.area.press(event)

    def take_paste(self, text: str) -> Work:
        if self._composer is not None:
            self._composer.area.type(text)
            self._keep_soon()
        return None

    def _warn(self, words: str) -> None:
        self._warned_at = monotonic()
        if self._composer is not None:
            self._composer.warn(words)

    # --- opening and leaving -----------------------------------------------------------------------------------------

    async def _open(self, kind: str, in_editor: bool = False) -> None:
        from tkt.tui.composer import Composer

        row = self._screen.queue.window.current
        if row is None or self._composer is not None:
            return
        draft = self._drafts.read(row.number, kind)
        composer = self._composer = Composer(kind, row.number, row.version, draft)
        self._screen.arrange_panes()
        await self._screen.mount(composer, before=self._screen.message_line)
        self._screen.show_ticket()
        if not draft.empty:
            self._screen.say("your draft is back")
        if kind == "reply":
            self._screen.start(partial(self._show_recipients, composer), group="recipients")
        if in_editor:
            self._edit(composer)

    async def _show_recipients(self, composer: Composer) -> None:
        deeds = self._screen.deeds
        try:
            found = await deeds.call(deeds.acts.recipients, composer.number, tuple(composer.cc))
        except TktError as error:
            self._warn(str(error))
        else:
            composer.head.show(recipients=found)

    async def _leave(self, composer: Composer) -> None:
        self.keep()
        await self._close(composer)
        if not composer.draft.empty:
            self._screen.say(f"#{composer.number}: the draft of the {composer.kind} is kept and comes back with it")

    async def _close(self, composer: Composer) -> None:
        self._composer = None
        await composer.remove()
        self._screen.arrange_panes()
        await self._screen.loader.reread(own=True)

    # --- the draft ---------------------------------------------------------------------------------------------------

    def _keep_soon(self) -> None:
        if not self._saving:
            self._saving = True
            self._screen.set_timer(DRAFT_DELAY, self.keep)

    def keep(self) -> None:
        """Write the draft to the disk."""
        self._saving = False
        composer = self._composer
        if composer is None:
            return
        try:
            with self._draft_file:
                if not composer.written:
                    self._drafts.keep(composer.number, composer.kind, composer.draft)
        except OSError as error:
            self._warn(f"the draft can't be kept in {self._drafts.folder}: {error.strerror}")

    def _written(self, composer: Composer) -> None:
        """What was just committed is no draft any more, whoever leaves the queue now (in the thread that writes)."""
        with self._draft_file:
            composer.written = True
            self._drafts.drop(composer.number, composer.kind)

    def turn(self, letter: Letter, taken_back: bool) -> None:
        """What undo takes back becomes a draft again, unless another was begun; done again, it is none any more."""
        draft = Draft(letter.text, letter.cc, letter.files)
        kept = self._drafts.read(letter.number, letter.kind)
        try:
            if taken_back and kept.empty:
                self._drafts.keep(letter.number, letter.kind, draft)
            elif not taken_back and kept == draft:
                self._drafts.drop(letter.number, letter.kind)
        except OSError as error:
            self._screen.say(f"the text can't be kept in {self._drafts.folder}: {error.strerror}", theme.ERROR)

    # --- sending -----------------------------------------------------------------------------------------------------

    def _choose_status(self, composer: Composer) -> Work:
        if composer.kind == "reply":
            statuses = [Choice(name) for name in self._screen.loader.words.get("status", [])]
            self._screen.picker.ask(
                f"Send, and set #{composer.number} to", statuses, lambda status: self._send(composer, status)
            )
        return None

    async def _send(self, composer: Composer, status: str | None = None) -> None:
        if self._screen.keyboard.typed_at < self._warned_at:
            return  # pressed before the warning could be read
        deeds, number, draft = self._screen.deeds, composer.number, composer.draft
        letter = Letter(composer.kind, number, draft.text, composer.version, draft.cc, draft.files, status)
        self.keep()
        try:
            remarks = await deeds.call(deeds.acts.write, letter, partial(self._written, composer))
        except Conflict as error:
            await self._conflict(composer, error)
        except TktError as error:
            self._warn(f"not sent: {error}")
        else:
            deeds.sent(letter)
            await self._close(composer)
            said = "; ".join([f"#{number}: {_sent(letter)}", *remarks])
            self._screen.say(said, theme.NOTICE if remarks else theme.GOOD)

    async def _conflict(self, composer: Composer, error: Conflict) -> None:
        """Say what changed, and let the next ^s send against the ticket as it is now."""
        rows = await self._screen.loader.rows([composer.number])
        if rows and rows[0].version != composer.version:
            composer.version = rows[0].version
            self._warn(f"not sent: {error}. ^s sends it anyway, esc keeps the draft")
            self._screen.show_ticket()
        else:
            self._warn(f"not sent: {error}")

    def others_did(self, events: list[EventRow]) -> None:
        """Tell the agent, while they write, what somebody else did to this ticket."""
        from tkt.tui.conversation_text import event_words

        composer = self._composer
        concerning = [event for event in events if composer and event.ticket == composer.number]
        if composer is not None and concerning:
            composer.warn(f"#{composer.number} changed while you write: {event_words(concerning[-1])}")
            self._screen.show_ticket()

    # --- what goes with it -------------------------------------------------------------------------------------------

    def _ask_cc(self, composer: Composer) -> Work:
        if composer.kind == "reply":
            added = "".join(f"{address} " for address in composer.cc)
            self._screen.prompt.ask(
                "Add cc: ", added, lambda _text: Completion(0, []), lambda text: self._set_cc(composer, text)
            )
        return None

    async def _set_cc(self, composer: Composer, text: str) -> None:
        """The addresses that were typed, in place of those that were added before."""
        deeds = self._screen.deeds
        wanted = tuple(dict.fromkeys(text.replace(",", " ").replace(";", " ").split()))
        found = await deeds.call(deeds.acts.recipients, composer.number, wanted)
        composer.cc = list(wanted)
        composer.head.show(recipients=found)
        self._screen.prompt.leave()
        self._keep_soon()

    def _ask_file(self, composer: Composer) -> Work:
        self._screen.prompt.ask("Attach: ", "", complete_path, lambda text: self._turn_file(composer, text))
        return None

    def _turn_file(self, composer: Composer, text: str) -> Work:
        if text:
            path = os.path.abspath(os.path.expanduser(text.strip("'\"")))
            if not os.path.isfile(path) or not os.access(path, os.R_OK):
                raise TktError(f"there is no file {path} that can be read")
            attached = composer.turn_file(path)
            composer.warn("" if attached else f"{os.path.basename(path)} is not attached any more")
            self._keep_soon()
        self._screen.prompt.leave()
        return None

    def _complete_name(self, composer: Composer) -> Work:
        """In a note, go on with the name after an "@" as far as it is certain, and say what it may become."""
        words = self._screen.loader.words
        found = complete_mention(composer.area.before_cursor, [*words.get("agent", []), *words.get("team", [])])
        if composer.kind == "note" and found is not None and found.words:
            end = found.end if len(found.words) == 1 else ""
            shared = os.path.commonprefix(found.words)
            begun = composer.area.before_cursor[found.start :]
            composer.area.put_before_cursor(found.start, (shared if len(shared) >= len(begun) else begun) + end)
            composer.warn("" if end else "  ".join(found.words))
            self._keep_soon()
        return None

    def _edit(self, composer: Composer) -> Work:
        from textual.app import SuspendNotSupported

        from tkt.editor import edited

        self.keep()
        failure, text = "", composer.draft.text
        try:
            with self._screen.session.ending.terminal_lent(), self._screen.app.suspend():
                try:  # here, as the screen comes back only if nothing is raised in its block
                    text = edited(text)
                except TktError as error:
                    failure = str(error)
        except SuspendNotSupported:
            failure = "this terminal can't be handed to an editor"
        composer.put_text(text.rstrip("\n"))
        self._warn(failure)
        self.keep()
        return None


def _sent(letter: Letter) -> str:
    if letter.kind == "note":
        return "note written; z takes it back"
    status = f", status {letter.status}" if letter.status else ""
    return f"reply written{status}; z takes it back while it has not left"
