"""Commands that change tickets: on those that are marked, else on the one under the cursor.

Each goes through the desk's verbs in a thread of its own. A change is checked against the version the agent saw; if
somebody was faster, it is not made, and what they did is said: the same key again does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from tkt.errors import Conflict, NotAllowed, NotFound, TktError, UsageError
from tkt.tui import theme
from tkt.tui.acts import Letter, Outcome, Verb
from tkt.tui.keyboard import Work
from tkt.tui.picker import Choice

if TYPE_CHECKING:
    from tkt.desk.unit import Desk
    from tkt.tui.acts import Acts
    from tkt.tui.queue_screen import QueueScreen

SHOWN_FAILURES = 3
PATIENCE = 1.0
"""Seconds after which it is said that the store lets us wait."""

T = TypeVar("T")
Words = str | Callable[[], str]
"""What is said of a change when it was made."""


class Step(NamedTuple):
    """What one undo takes back: so many changes, and the text if one was written."""

    changes: int = 1
    letter: Letter | None = None


class Deeds:
    def __init__(self, screen: QueueScreen) -> None:
        self._screen = screen
        self._acts = screen.session.acts()
        self._thread = ThreadPoolExecutor(1, "tkt-write")
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._old: dict[int, int] = {}
        """Versions that were on the screen when a ticket was changed here: while they still are, they don't count."""
        self._refusal, self._refused_at = "", 0.0
        self.under_way = False
        """Whether the desk is at work; what still waits for its turn will not be begun."""

    def handlers(self) -> dict[str, Callable[[str], Work]]:
        return {
            "assign": self._assign,
            "take": lambda _: self._take(),
            "status": self._status,
            "close": lambda _: self._status("closed"),
            "tag": self._tag,
            "set": self._set,
            "follow": lambda whom: self._follow(whom, True),
            "unfollow": lambda whom: self._follow(whom, False),
            "merge": self._merge,
            "split": self._split,
            "spam": lambda _: self._spam(),
            "ham": lambda _: self._ham(),
            "macro": self._macro,
            "undo": lambda _: self._undo(),
            "redo": lambda _: self._redo(),
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
        asked = asyncio.get_running_loop().run_in_executor(self._thread, self._noted, act, *args)
        done, _ = await asyncio.wait({asked}, timeout=PATIENCE)
        if not done:
            self._screen.say("waiting for the store …", theme.NOTICE)
        return await asked

    def _noted(self, act: Callable[..., T], *args: object) -> T:
        self.under_way = True
        try:
            return act(*args)
        finally:
            self.under_way = False

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

    def _assign(self, who: str) -> Work:
        if not who:
            return self._pick("Assign", self._assignees(), self._assign)
        from tkt.desk.tickets import assign

        versions = self._versions()
        return self._run(f"assigned to {who}", lambda desk, number: assign(desk, number, who, versions.get(number)))

    def _assignees(self) -> list[Choice]:
        fixed = [Choice("me", "yourself"), Choice("none", "nobody"), Choice("auto", "as the team's rule says")]
        return [*fixed, *(Choice(name) for name in self._screen.loader.words.get("agent", []))]

    def _take(self) -> Work:
        from tkt.desk.tickets import take

        return self._run("taken", lambda desk, number: take(desk, number))

    def _status(self, status: str) -> Work:
        if not status:
            choices = [Choice(name) for name in self._screen.loader.words.get("status", [])]
            return self._pick("Status of", choices, self._status)
        from tkt.desk.tickets import set_status

        versions = self._versions()
        return self._run(status, lambda desk, number: set_status(desk, number, status, versions.get(number)))

    def _tag(self, words: str) -> Work:
        if not words:
            return self._screen.navigation.ask_command("tag ")
        from tkt.desk.tickets import tag

        add = [word.lstrip("+") for word in words.split() if not word.startswith("-")]
        remove = [word[1:] for word in words.split() if word.startswith("-")]
        return self._run(f"tags {words}", lambda desk, number: tag(desk, number, add, remove))

    def _macro(self, name: str) -> Work:
        macros = self._screen.loader.macros
        if not macros:
            raise TktError("this desk has no macros; [[macro]] in desk.toml declares one")
        if not name:
            return self._pick("Macro on", [Choice(name, what) for name, what in macros.items()], self._macro)
        from tkt.desk.macros import run_macro

        versions = self._versions()
        return self._run(f"macro {name}", lambda desk, number: run_macro(desk, number, name, versions.get(number)))

    def _set(self, words: str) -> Work:
        import shlex

        from tkt.desk.tickets import set_fields

        if not words:
            return self._screen.navigation.ask_command("set ")
        try:
            pairs = [word.partition("=") for word in shlex.split(words)]
        except ValueError as error:
            raise UsageError(f"set: {error}") from error
        if not all(equals for _, equals, _ in pairs):
            raise UsageError("set what? :set priority=high team=network")
        wanted = {key: value for key, _, value in pairs}
        versions = self._versions()
        return self._run(words, lambda desk, number: set_fields(desk, number, wanted, versions.get(number)))

    def _follow(self, whom: str, follows: bool) -> Work:
        """Agents by their names, others by their addresses; nobody named: the agent who acts."""
        from tkt.desk import followers

        known = {"me", *self._screen.loader.words.get("agent", [])}
        addresses = [word for word in whom.split() if "@" in word and word not in known]
        agents = [word for word in whom.split() if word not in addresses]
        act = followers.follow if follows else followers.unfollow
        words = f"{'followed' if follows else 'not followed'} by {whom or 'you'}"
        return self._run(words, lambda desk, number: act(desk, number, agents, addresses))

    def _merge(self, into: str) -> Work:
        """The marked tickets, or the one under the cursor; the one in which they end may be among the marked."""
        if not into:
            return self._screen.navigation.ask_command("merge ")
        from tkt.desk.merging import merge

        target, versions = _number(into), self._versions()
        sources = [number for number in self.targets() if number != target] or [target]
        words = f"merged into #{target}"
        return self._run(words, lambda desk, number: merge(desk, number, target, versions.get(number)), sources)

    def _split(self, entry: str) -> Work:
        from tkt.desk.splitting import split

        chosen, versions = _number(entry) if entry else None, self._versions()
        made: list[str] = []

        def act(desk: Desk, number: int) -> None:
            made.append(f"#{split(desk, number, chosen, versions.get(number)).number}")

        return self._run(lambda: f"split off: {', '.join(made)}", act)

    def _spam(self) -> Work:
        from tkt.desk.spam import spam

        versions = self._versions()
        return self._run("spam", lambda desk, number: spam(desk, number, versions.get(number)))

    def _ham(self) -> Work:
        from tkt.desk.spam import ham

        versions = self._versions()
        return self._run("no spam", lambda desk, number: ham(desk, number, versions.get(number)))

    def _pick(self, title: str, choices: list[Choice], picked: Callable[[str], Work]) -> Work:
        targets = self.targets()
        if targets:
            what = f"#{targets[0]}" if len(targets) == 1 else f"{len(targets)} tickets"
            self._screen.picker.ask(f"{title} {what}", choices, picked)
        return None

    def _versions(self) -> dict[int, int]:
        """What the agent saw: a change is made to no other version."""
        rows = self._screen.queue.window.rows
        return {row.number: row.version for row in rows if row.version != self._old.get(row.number)}

    # --- doing -------------------------------------------------------------------------------------------------------

    def _run(self, words: Words, verb: Verb, targets: list[int] | None = None) -> Work:
        """What is done to these tickets, else to those that are chosen now."""
        targets = self.targets() if targets is None else targets
        if targets and self._screen.keyboard.typed_at < self._refused_at:
            raise TktError(f"{self._refusal}. Nothing was done after it either")
        return self._do(targets, words, verb) if targets else None

    async def _do(self, numbers: list[int], words: Words, verb: Verb) -> None:
        try:
            outcome = await self.call(self._acts.each, numbers, verb)
        except TktError as error:
            self._refused(error)
        else:
            self._tell(outcome, words if isinstance(words, str) else words())
        self._screen.navigation.unmark()
        await self._screen.loader.reread(own=True)

    def _refused(self, error: TktError) -> None:
        """What was typed ahead, before this could be read, is refused too."""
        self._refusal, self._refused_at = str(error), monotonic()
        self._screen.say(self._explained(error), theme.ERROR)

    async def seen(self, number: int) -> None:
        """The ticket was read on the whole screen. If the store has no time for that now, it stays unread."""
        try:
            await self.call(self._acts.seen, number)
        except TktError:
            return
        self._screen.loader.refresh()

    def _explained(self, error: TktError) -> str:
        if isinstance(error, Conflict) and "changed meanwhile" in str(error):
            return f"{error}. Nothing was done; the same again does it"
        return str(error)

    def _tell(self, outcome: Outcome, words: str) -> None:
        self._forget_versions(outcome.done)
        if outcome.steps:
            self._done.append(Step(outcome.steps))
            self._undone.clear()
        whom = f"#{outcome.done[0]}" if len(outcome.done) == 1 else f"{len(outcome.done)} tickets"
        if not outcome.failed:
            self._screen.say(f"{whom}: {words}" if outcome.steps else f"{whom}: nothing to change")
            return
        failures = "; ".join(f"#{number}: {error}" for number, error in outcome.failed[:SHOWN_FAILURES])
        more = f"; and {len(outcome.failed) - SHOWN_FAILURES} more" if len(outcome.failed) > SHOWN_FAILURES else ""
        self._screen.say(f"{whom}: {words}. Failed: {failures}{more}", theme.ERROR)

    def sent(self, letter: Letter) -> None:
        """A reply or note was written: one step that undo takes back."""
        self._forget_versions([letter.number])
        self._done.append(Step(1, letter))
        self._undone.clear()

    def _forget_versions(self, changed: list[int]) -> None:
        numbers = set(changed)
        self._old |= {row.number: row.version for row in self._screen.queue.window.rows if row.number in numbers}

    async def _undo(self) -> None:
        step = self._done.pop() if self._done else Step()
        await self._turn(self._acts.undo, step, self._undone, "taken back")

    async def _redo(self) -> None:
        step = self._undone.pop() if self._undone else Step()
        await self._turn(self._acts.redo, step, self._done, "done again")

    async def _turn(self, act: Callable[[int], str], step: Step, other: list[Step], words: str) -> None:
        try:
            said = await self.call(act, step.changes)
        except TktError as error:
            self._screen.say_error(error)
        else:
            other.append(step)
            if step.letter is not None:
                self._screen.composing.turn(step.letter, taken_back=other is self._undone)
            self._screen.say(f"{words}: {said}")
        await self._screen.loader.reread(own=True)

    def close(self) -> None:
        self._thread.submit(self._acts.close)
        self._thread.shutdown(wait=True)


def _number(word: str) -> int:
    """Raises UsageError."""
    bare = word.removeprefix("#")
    if not (bare.isascii() and bare.isdigit()) or len(bare) > 18:
        raise UsageError(f"'{word}' is no number")
    return int(bare)
