"""What the queue changes: the desk's verbs, as blocking calls that belong in a worker thread of their own.

The desk (SQLModel) is loaded at the first call, `warm_up`, which the screen makes after its first picture. A command on
several tickets is one transaction each; what failed is kept per number.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from tkt.errors import NotAllowed, TktError
from tkt.store.location import Location
from tkt.times import utcnow

if TYPE_CHECKING:
    from tkt.desk.conversation import Upload
    from tkt.desk.unit import Desk

Verb = Callable[["Desk", int], object]


class Outcome(NamedTuple):
    """Which tickets a command reached, what went wrong with the others, and how many changes were recorded (a ticket
    that was so already has none): so many steps undo takes back."""

    done: list[int]
    failed: list[tuple[int, TktError]]
    steps: int = 0


class Recipients(NamedTuple):
    """Who a reply would go to; whom of them mail does not reach, and why."""

    to: list[str]
    cc: list[str]
    out_of_reach: dict[str, str]


class Letter(NamedTuple):
    """A reply or a note that is to be written. `version` is the ticket's as it was seen; `cc` are addresses to add,
    `files` paths to attach, `status` what a reply moves the ticket to (None: as replies do by themselves)."""

    kind: str
    number: int
    text: str
    version: int | None
    cc: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    status: str | None = None


class Acts:
    """Writes in the name of one agent."""

    def __init__(self, location: Location, actor_name: str, now: Callable[[], datetime] = utcnow) -> None:
        self._location = location
        self._actor_name = actor_name
        self._now = now
        self._desk: Desk | None = None

    def warm_up(self) -> str:
        """Load the desk; the actor's role. Raises NotAllowed when the store doesn't know them."""
        from tkt.desk import conversation, macros, tickets, undo  # noqa: F401  (loaded now, so that the first key is quick)

        return self._opened().actor.role

    def each(self, numbers: Sequence[int], verb: Verb) -> Outcome:
        """Do it to every ticket, one transaction each. Raises TktError when there is only one and it fails."""
        desk, outcome = self._opened(), Outcome([], [])
        newest = self._newest_event()
        for number in numbers:
            try:
                verb(desk, number)
                outcome.done.append(number)
            except TktError as error:
                if len(numbers) == 1:
                    raise
                outcome.failed.append((number, error))
        return outcome._replace(steps=self._my_changes(newest))

    def _newest_event(self) -> int:
        from sqlmodel import func, select

        from tkt.store.tables import Event

        with self._opened().store.transaction() as session:
            return session.exec(select(func.max(Event.id))).one() or 0

    def _my_changes(self, after: int) -> int:
        from sqlmodel import col, func, select

        from tkt.store.tables import Event

        desk = self._opened()
        with desk.store.transaction() as session:
            mine = (Event.actor == desk.actor.name, col(Event.id) > after)
            return session.exec(select(func.count(func.distinct(Event.change))).where(*mine)).one()

    def undo(self, steps: int = 1) -> str:
        """Take back my last changes; in words."""
        from tkt.desk.undo import undo

        return "; ".join(str(undo(self._opened())) for _ in range(steps))

    def redo(self, steps: int = 1) -> str:
        from tkt.desk.undo import redo

        return "; ".join(str(redo(self._opened())) for _ in range(steps))

    def write(self, letter: Letter, written: Callable[[], object]) -> list[str]:
        """Write it, with its files; what its writer should know besides. `written` is called right after the commit,
        whatever comes then. A note overwrites nothing, so a changed ticket does not stop it.
        """
        from tkt.desk.conversation import note, reply
        from tkt.desk.mentions import remarks

        files = [_upload(path) for path in letter.files]
        number, text, version = letter.number, letter.text, letter.version
        if letter.kind == "note":
            note(self._opened(), number, text, attachments=files)
        else:
            reply(self._opened(), number, text, cc=letter.cc, attachments=files, status=letter.status, version=version)
        written()
        try:
            return remarks(self._opened(), text, letter.kind)
        except TktError as error:
            return [f"whether all who are named exist could not be seen: {error}"]

    def recipients(self, number: int, cc: tuple[str, ...] = ()) -> Recipients:
        """Who a reply to this ticket would go to if these addresses were added, by the rule that sending follows.
        Raises UsageError when one is no address."""
        from tkt.desk.outbox import reply_recipients
        from tkt.desk.standing import out_of_reach
        from tkt.store.tables import Ticket

        with self._opened().look() as change:
            to, others = reply_recipients(change, change.session.get_one(Ticket, number), cc)
            return Recipients(list(to), list(others), out_of_reach(change, [*to, *others]))

    def seen(self, number: int) -> None:
        """Note that somebody of the desk has read the ticket."""
        from tkt.desk.tickets import seen

        seen(self._opened(), number)

    def close(self) -> None:
        if self._desk is not None:
            self._desk.store.close()

    def _opened(self) -> Desk:
        if self._desk is None:
            from tkt.desk.unit import Desk, find_actor
            from tkt.store.engine import Store

            store = Store(self._location)
            self._desk = Desk(store, find_actor(store, self._actor_name), self._now)
        if self._desk.actor.role == "viewer":
            raise NotAllowed(f"{self._actor_name} is a viewer of this desk and changes nothing")
        return self._desk


def _upload(path: str) -> Upload:
    """Raises TktError when the file can't be read."""
    from mimetypes import guess_type

    from tkt.desk.conversation import Upload

    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise TktError(f"{path} can't be read: {error.strerror}") from error
    return Upload(os.path.basename(path), guess_type(path)[0] or "application/octet-stream", content)
