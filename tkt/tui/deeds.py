"""Commands that change tickets: on those that are marked, else on the one under the cursor.

Each goes through the desk's verbs in a thread of its own. A change is checked against the version the agent saw; if
somebody was faster, it is not made, and what they did is said: the same key again does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from tkt.errors import Conflict, NotAllowed, NotFound, TktError, UsageError
from tkt.tui import theme
from tkt.tui.acts import Outcome, Verb
from tkt.tui.picker import Choice

if TYPE_CHECKING:
    from tkt.tui.acts import Acts
    from tkt.tui.queue_screen import QueueScreen

SHOWN_FAILURES = 3
PATIENCE = 1.0
"""Seconds after which it is said that the store lets us wait."""

T = TypeVar("T")


class Deeds:
    def __init__(self, screen: QueueScreen) -> None:
        self._screen = screen
        self._acts = screen.session.acts()
        self._thread = ThreadPoolExecutor(1, "tkt-write")
        self._done: list[int] = []
        self._undone: list[int] = []
        self._touched: set[int] = set()
        """Tickets changed here since the list was last read: their versions on the screen are old."""

    def handlers(self) -> dict[str, Callable[[str], object]]:
        return {
            "assign": self._assign,
            "take": lambda _: self._take(),
            "status": self._status,
            "close": lambda _: self._status("closed"),
            "tag": self._tag,
            "set": self._set,
            "undo": lambda _: self._screen.start(self._undo(), group="act"),
            "redo": lambda _: self._screen.start(self._redo(), group="act"),
        }

    async def warm_up(self) -> None:
        """Load the desk while nothing else happens; find out whether this agent may change anything."""
        try:
            await self.call(self._acts.warm_up)
        except (NotAllowed, NotFound) as error:
            self._screen.read_only = f"read only: {error}"
            self._screen.show_title()
        except TktError as error:
            self._screen.say_error(error)

    async def call(self, act: Callable[..., T], *args: object) -> T:
        """Call the desk in its thread. Raises TktError."""
        asked = asyncio.get_running_loop().run_in_executor(self._thread, act, *args)
        done, _ = await asyncio.wait({asked}, timeout=PATIENCE)
        if not done:
            self._screen.say("waiting for the store …", theme.NOTICE)
        return await asked

    @property
    def acts(self) -> Acts:
        return self._acts

    def targets(self) -> list[int]:
        """The marked tickets in the list's order, else the one under the cursor."""
        window = self._screen.queue.window
        order = {row.number: index for index, row in enumerate(window.rows)}
        marked = sorted(self._screen.marked, key=lambda number: (order.get(number, len(order)), number))
        return marked or ([window.number] if window.number is not None else [])

    # --- commands ----------------------------------------------------------------------------------------------------

    def _assign(self, who: str) -> None:
        if not who:
            self._pick("assign", "Assign", self._assignees())
            return
        from tkt.desk.tickets import assign

        versions = self._versions()
        self._run(f"assigned to {who}", lambda desk, number: assign(desk, number, who, versions.get(number)))

    def _assignees(self) -> list[Choice]:
        fixed = [Choice("me", "yourself"), Choice("none", "nobody"), Choice("auto", "as the team's rule says")]
        return [*fixed, *(Choice(name) for name in self._screen.loader.words.get("agent", []))]

    def _take(self) -> None:
        from tkt.desk.tickets import take

        self._run("taken", lambda desk, number: take(desk, number))

    def _status(self, status: str) -> None:
        if not status:
            self._pick("status", "Status", [Choice(name) for name in self._screen.loader.words.get("status", [])])
            return
        from tkt.desk.tickets import set_status

        versions = self._versions()
        self._run(status, lambda desk, number: set_status(desk, number, status, versions.get(number)))

    def _tag(self, words: str) -> None:
        if not words:
            self._screen.navigation.ask_command("tag ")
            return
        from tkt.desk.tickets import tag

        add = [word.lstrip("+") for word in words.split() if not word.startswith("-")]
        remove = [word[1:] for word in words.split() if word.startswith("-")]
        self._run(f"tags {words}", lambda desk, number: tag(desk, number, add, remove))

    def _set(self, words: str) -> None:
        import shlex

        from tkt.desk.tickets import set_fields

        if not words:
            self._screen.navigation.ask_command("set ")
            return
        try:
            pairs = [word.partition("=") for word in shlex.split(words)]
        except ValueError as error:
            raise UsageError(f"set: {error}") from error
        if not all(equals for _, equals, _ in pairs):
            raise UsageError("set what? :set priority=high team=network")
        wanted = {key: value for key, _, value in pairs}
        versions = self._versions()
        self._run(words, lambda desk, number: set_fields(desk, number, wanted, versions.get(number)))

    def _pick(self, purpose: str, title: str, choices: list[Choice]) -> None:
        targets = self.targets()
        if targets:
            what = f"#{targets[0]}" if len(targets) == 1 else f"{len(targets)} tickets"
            self._screen.picker.ask(purpose, f"{title} {what}", choices)

    def _versions(self) -> dict[int, int]:
        rows = self._screen.queue.window.rows
        return {row.number: row.version for row in rows if row.number not in self._touched}

    # --- doing -------------------------------------------------------------------------------------------------------

    def _run(self, words: str, verb: Verb) -> None:
        targets = self.targets()
        if targets:
            self._screen.start(self._do(targets, words, verb), group="act")

    async def _do(self, numbers: list[int], words: str, verb: Verb) -> None:
        try:
            outcome = await self.call(self._acts.each, numbers, verb)
        except TktError as error:
            self._screen.say(self._explained(error), theme.ERROR)
        else:
            self._tell(outcome, words)
        self._screen.navigation.unmark()
        self._screen.loader.refresh(own=True)

    def _explained(self, error: TktError) -> str:
        if isinstance(error, Conflict) and "changed meanwhile" in str(error):
            return f"{error}. Nothing was done; the same again does it"
        return str(error)

    def _tell(self, outcome: Outcome, words: str) -> None:
        self._touched |= set(outcome.done)
        if outcome.steps:
            self._done.append(outcome.steps)
            self._undone.clear()
        whom = f"#{outcome.done[0]}" if len(outcome.done) == 1 else f"{len(outcome.done)} tickets"
        if not outcome.failed:
            self._screen.say(f"{whom}: {words}" if outcome.steps else f"{whom}: nothing to change")
            return
        failures = "; ".join(f"#{number}: {error}" for number, error in outcome.failed[:SHOWN_FAILURES])
        more = f"; and {len(outcome.failed) - SHOWN_FAILURES} more" if len(outcome.failed) > SHOWN_FAILURES else ""
        self._screen.say(f"{whom}: {words}. Failed: {failures}{more}", theme.ERROR)

    def sent(self, number: int) -> None:
        """A reply or note was written: one step that undo takes back."""
        self._touched.add(number)
        self._done.append(1)
        self._undone.clear()

    def list_read(self) -> None:
        """The rows on the screen are new: their versions count again."""
        self._touched.clear()

    async def _undo(self) -> None:
        steps = self._done.pop() if self._done else 1
        await self._turn(self._acts.undo, steps, self._undone, "taken back")

    async def _redo(self) -> None:
        steps = self._undone.pop() if self._undone else 1
        await self._turn(self._acts.redo, steps, self._done, "done again")

    async def _turn(self, act: Callable[[int], str], steps: int, other: list[int], words: str) -> None:
        try:
            said = await self.call(act, steps)
        except TktError as error:
            self._screen.say_error(error)
        else:
            other.append(steps)
            self._screen.say(f"{words}: {said}")
        self._screen.loader.refresh(own=True)

    def close(self) -> None:
        self._thread.submit(self._acts.close)
        self._thread.shutdown(wait=True)
