"""A ticket's clocks as its history makes them: the event log gone through again, with the code that follows a change
while it happens (`tkt.sla.clocks`).

Every change of the log becomes the story it was: what the ticket was like, what happened, when, because of what. The
definitions are those of its era; where an era began, unfinished tickets are reconsidered as `config apply` did; where
the check noted a breach, overdue clocks are marked. With one era of other definitions the same history tells what
would have been promised and kept under those.

Where the log does not hold what is needed, what is given says what is missing. Leaves to others: comparing with
the stored ledger (`tkt.sla.replaying.rebuild`), and what follows from other promises (`tkt.sla.replaying.simulate`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from sqlmodel import Session

from tkt.errors import TktError
from tkt.sla import clocks
from tkt.sla.clocks import Story
from tkt.sla.ledger import OpenClock
from tkt.sla.replaying.customer_past import Turn
from tkt.sla.replaying.eras import Eras
from tkt.sla.replaying.memory import MemoryBook
from tkt.sla.replaying.past import Past, PastEvent, read_texts
from tkt.sla.replaying.ticket_past import TicketPast
from tkt.store.definitions import Definitions
from tkt.times import from_micros

FOLLOWING = ("resolved", "closed", "unanswered")
"""Fields that follow from what was done, and are no change of their own."""

MESSAGES = ("inbound", "reply", "note", "call", "chat", "system")
SPAM = "spam"

BY_TIME = "rule"
"""The verb that notes the firing of a rule of `on = "every"`."""

TOUCHING = frozenset({*MESSAGES, "create", "withdraw", "restore", BY_TIME})
"""Verbs by which a ticket counts as updated, besides what changes a field of it."""


class Replayed(NamedTuple):
    """A ticket's recomputed clocks with their spans, its deadline, whether anything was broken.

    `problem` is why it could not be recomputed, `gap` where the history does not lead to the ticket of today; "" where
    all is well.
    """

    clocks: list[OpenClock]
    due_at: datetime | None = None
    breached: bool = False
    problem: str = ""
    gap: str = ""


def replay(session: Session, past: Past, eras: Eras) -> Replayed:
    """Recompute the clocks of one ticket; `session` is only read."""
    if not past.events or past.events[0].verb not in ("create", "import"):
        return Replayed([], problem="the history does not begin with its creation")
    played = Play(session, past, eras)
    try:
        played.run()
    except TktError as error:
        return Replayed(played.book.clocks, problem=str(error))
    ticket = played.ticket
    return Replayed(played.book.clocks, ticket.due_at, ticket.breached, gap=ticket.differs(eras.asked))


class Play:
    """One ticket going through its history; without its clocks where nobody asks for them (`promises`)."""

    def __init__(self, session: Session, past: Past, eras: Eras, *, promises: bool = True) -> None:
        self.session = session
        self.promises = promises
        self.past = past
        self.eras = eras
        self.definitions = eras.definitions(eras.place(past.events[0].id))
        self.book = MemoryBook(session, self.definitions)
        self.ticket = TicketPast(past, eras.names, self.definitions)
        self._awaited = self._what_comes()
        self._texts: dict[int, list[str]] | None = None

    def run(self) -> None:
        for _, group in groupby(self.past.events, key=lambda event: event.change):
            events = list(group)
            self._wait_until(events[0].id)
            self.change(events)
        self._wait_until(None)

    # --- what changed around the ticket ---------------------------------------------------------------------

    def _what_comes(self) -> deque[tuple[int, int | Turn]]:
        """The eras that begin after the ticket, and the changes of its customer, by their first events."""
        first = self.past.events[0].id
        self.ticket.customer, turns = self.eras.customers.past(self.past.customer)
        coming: list[tuple[int, int | Turn]] = [(self.eras.all[place].event, place) for place in self.eras.after(first)]
        for turn in turns:
            if turn.event < first:
                self.ticket.customer = turn.customer
            else:
                coming.append((turn.event, turn))
        return deque(sorted(coming, key=lambda one: one[0]))

    def _wait_until(self, event: int | None) -> None:
        """Go through what changed around the ticket before this event (None: since)."""
        while self._awaited and (event is None or self._awaited[0][0] < event):
            self.meet(self._awaited.popleft()[1])

    def meet(self, what: int | Turn) -> None:
        """An era begins, or the customer changes."""
        if isinstance(what, Turn):
            self.ticket.customer = what.customer
            self._reconsider(from_micros(what.at), what.cause)
        else:
            self._enter(what)

    def _enter(self, place: int) -> None:
        era = self.eras.all[place]
        self.definitions = self.book.definitions = self.eras.definitions(place)
        if era.reconsiders:
            self._reconsider(era.at, "configuration")

    def _reconsider(self, at: datetime, cause: str) -> None:
        ticket = self.ticket
        if self.promises and ticket.status_kind in ("open", "waiting"):
            clocks.reconsider_in(
                self.book, self.definitions, ticket, lambda: ticket.facts(self._said), at, cause
            )  # fmt: skip

    # --- changes --------------------------------------------------------------------------------------------

    def change(self, events: Sequence[PastEvent]) -> None:
        """One change of the log."""
        at = from_micros(events[0].at)
        if _is_check(events[0]) and self.book.check(at):
            self.ticket.breached = True
        story = self._story(events, at)
        self.book.by_machine = bool(self.ticket.machine)
        if self.promises:
            clocks.follow_in(self.book, self.definitions, story)
        self.book.statuses_past += [
            (str(one.old), at) for one in events if one.field == "status" and one.verb != "rule"
        ]

    def go_through(self, events: Sequence[PastEvent], hear: Callable[[PastEvent], str]) -> None:
        """Let the events of a change happen to the ticket, in their order; `hear` does it, and says what rules may
        answer.
        """
        for event in events:
            hear(event)

    def _story(self, events: Sequence[PastEvent], at: datetime) -> Story:
        ticket = self.ticket
        status, kind = ticket.status, ticket.status_kind
        created = any(event.verb == "create" for event in events)
        heard = _Heard(created)
        self.go_through(events, lambda event: heard.note(event, ticket, at, self.definitions))
        if heard.touched:
            ticket.updated_at = at
        undone = any(event.undoes and event.cause == "undo" for event in events)
        first = next((event for event in events if not _notes_breach(event)), events[0])
        cause = first.cause or first.actor
        moved = clocks.moved_in((event.field, event.old, event.new) for event in events)
        return Story(
            ticket, at, lambda: ticket.facts(self._said), created=created, machine=created and bool(ticket.machine),
            inbound=heard.inbound, replied=heard.replied, withdrawn=heard.withdrawn, spam=heard.spam, undone=undone,
            moved=moved,
            status_before=status, status_kind_before=kind, changed=heard.changed, cause=cause,
        )  # fmt: skip

    def _said(self) -> Iterator[str]:
        """The texts of the messages that stand at this moment of the history."""
        if self._texts is None:
            self._texts = read_texts(self.session, list(self.ticket.entries))
        for entry in sorted(self.ticket.said):
            yield from self._texts.get(entry, ())


def _is_check(first: PastEvent) -> bool:
    """Whether a change that begins with this event is the check's, which marks what is overdue before all else."""
    return first.verb == "sla" and first.cause.startswith("SLA ")


def _notes_breach(event: PastEvent) -> bool:
    return event.verb == "sla" and event.new == "breached"


class _Heard:
    """What one change did to the ticket, event by event."""

    def __init__(self, created: bool) -> None:
        self.created = created
        self.inbound = self.replied = self.withdrawn = self.spam = False
        self.changed: dict[str, tuple[object, object]] = {}
        self.touched = False
        """Whether the ticket counts as updated by it: a notice, a delivery or a follower leaves it as it was."""

    def note(self, event: PastEvent, ticket: TicketPast, at: datetime, definitions: Definitions) -> str:
        """Let the event happen; what rules may answer of it ("created", "inbound", "replied", "changed"), or ""."""
        entry = ticket.entries.get(event.entry or 0)
        self.touched = self.touched or event.verb in TOUCHING
        if entry is not None and event.verb in MESSAGES:
            ticket.say(entry, at, stands=True)
            return self._hear(event, entry.by_agent, entry.machine, ticket, at)
        if entry is not None and event.verb in ("withdraw", "restore"):
            self._turn(event.verb == "restore", entry.kind == "reply", ticket, at, event.entry or 0)
        elif entry is not None:
            ticket.bring_in(entry, event)
        elif ticket.apply(event, definitions):
            self.touched = self.touched or event.field != "watcher"
            return self._note_field(event)
        return "created" if event.verb == "create" else ""

    def _hear(self, event: PastEvent, by_agent: bool, machine: str, ticket: TicketPast, at: datetime) -> str:
        if event.verb == "reply" and by_agent:
            self.replied = True
            return "replied"
        if event.verb == "inbound" and not self.created and not machine:
            self.inbound = True
            ticket.unanswered_since = ticket.unanswered_since or at
            return "inbound"
        return ""

    def _turn(self, stands: bool, reply: bool, ticket: TicketPast, at: datetime, entry: int) -> None:
        (ticket.said.add if stands else ticket.said.discard)(entry)
        if reply:
            self.withdrawn, self.replied = not stands, stands
            ticket.recount_first_response()

    def _note_field(self, event: PastEvent) -> str:
        if event.field in FOLLOWING or event.field == "watcher":
            return ""
        before = self.changed.get(event.field, (event.old, None))[0]
        many = event.field in ("tag", "teams") or event.field.startswith("field.")
        self.changed[event.field] = (event.old if many else before, event.new)
        self.spam = self.spam or (event.field == "tag" and event.new == SPAM)
        return "changed"
