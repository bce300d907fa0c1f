"""What a change of a ticket means for its promises: the SLA ledger kept up to date, in the change's own
transaction.

`follow` is called once per ticket at the end of a change, when the desk's verbs have set the ticket's fields
(status, priority, first_response_at, unanswered_since, merged_into); `reconsider` when the configuration has
changed.

- first_response runs from creation until `first_response_at` is set, next_response from `unanswered_since`
  (once the first response was given) until that is empty, resolution from creation to a resolved or closed
  status.
- Paused statuses stop next_response and resolution, and first_response only where the policy says so.
- Another priority, team, category … or policy: remaining = new target - open time used, from now. With
  nothing left the change itself is the breach.
- What is wanted again (a reopened ticket, an answer taken back) is the next cycle and carries the time
  already used.
- What was taken back never happened: an undone resolving, closing or answer leaves its clock withdrawn and the
  next cycle goes on with its breach and its fired steps; an undone reopening ends its cycle without a verdict.
- Messages that come from another ticket, or go there, take their waiting with them: next_response then runs for
  the oldest that is unanswered now, from when that one came. The wait for one that came with a merge counts in
  full, whatever this ticket's status was meanwhile; a promise that is broken stays so while its message waits here.
- Closing ends the wait for an answer; merging ends every wait, and so does closing as spam. An answer that was
  late before the ticket was closed without it is promised no second time when the ticket is reopened.
- A clock whose deadline passed before this change is breached at its deadline, whether or not the check ran
  in between.

Costs: a new ticket two statements (its clocks, their spans) and its own update; another change one SELECT,
and writes for what moved; an assignment none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlmodel import Session

from tkt.sla import ledger, policies
from tkt.sla.book import Book, StoredBook
from tkt.sla.ledger import AnyClock, OpenClock
from tkt.sla.policies import Terms
from tkt.sla.policy import RESPONSES, Policy
from tkt.sla.ticket_state import CAME, WENT, TicketState
from tkt.store.definitions import Definitions

if TYPE_CHECKING:
    from tkt.query.evaluate import Facts

UNRELATED = frozenset({"assignee", "snooze", "undelivered", "resolved", "closed"})
"""Fields that no promise depends on."""

DONE = ("resolved", "closed")
_IN_WORDS = ("status", "priority", "team", "category", "type")


class Breach(NamedTuple):
    """A promise found broken: to be recorded as an event of verb "sla", field = metric, new = "breached"."""

    metric: str
    at: datetime
    by_change: bool


class Story(NamedTuple):
    """What one change did to one ticket; `ticket` is as it stands after the change.

    `facts` is only called where a policy has to be chosen. `changed` holds for each changed field its first
    old and last new value in the history's words. `undone`: the change takes an earlier one back (undo, not
    redo), `withdrawn`: a message with it.
    `moved`: in words, that messages came or went, and with them since when a customer waits (`moved_in`).
    `machine`: opened by machine mail, so without clocks; `spam`: found to be spam, which voids them. `cause` names who
    or what was behind it.
    """

    ticket: TicketState
    at: datetime
    facts: Callable[[], Facts]
    created: bool = False
    machine: bool = False
    inbound: bool = False
    replied: bool = False
    withdrawn: bool = False
    spam: bool = False
    undone: bool = False
    moved: str = ""
    status_before: str = ""
    status_kind_before: str = "open"
    changed: Mapping[str, tuple[object, object]] = {}
    cause: str = ""


def moved_in(fields: Iterable[tuple[str, Any, Any]]) -> str:
    """From what a change recorded of a ticket's fields (name, old, new): which messages came or went, if since when a
    customer waits is another moment now; else "". A ticket that is merged, or is so no more, has its own promises.
    """
    recorded = list(fields)
    if any(name == "merged" for name, _, _ in recorded):
        return ""
    moved = next((name for name, _, _ in recorded if name.startswith((CAME, WENT))), "")
    waits = [(old, new) for name, old, new in recorded if name == "unanswered"]
    return moved if waits and waits[0][0] != waits[-1][1] else ""


def follow(session: Session, definitions: Definitions, story: Story) -> list[Breach]:
    """Bring the ticket's clocks, `due_at` and `breached` up to date with what happened.

    Gives the breaches that came to light. Raises TktError where a calendar has no time left for a deadline.
    """
    return follow_in(StoredBook(session, definitions, story.ticket.number or 0), definitions, story)


def follow_in(book: Book, definitions: Definitions, story: Story) -> list[Breach]:
    """The same with the ledger in this book, under these definitions."""
    if not _concerns_promises(story):
        return []
    return _Bookkeeping(book, definitions, story).done()


def reconsider(
    session: Session,
    definitions: Definitions,
    ticket: TicketState,
    facts: Callable[[], Facts],
    at: datetime,
    cause: str,
) -> list[Breach]:
    """The same for an open ticket whose policies or calendars may be others now (after `config apply`)."""
    return reconsider_in(StoredBook(session, definitions, ticket.number or 0), definitions, ticket, facts, at, cause)


def reconsider_in(
    book: Book,
    definitions: Definitions,
    ticket: TicketState,
    facts: Callable[[], Facts],
    at: datetime,
    cause: str,
) -> list[Breach]:
    """The same with the ledger in this book."""
    story = Story(
        ticket, at, facts, status_before=ticket.status, status_kind_before=ticket.status_kind,
        changed={"configuration": (None, None)}, cause=cause,
    )  # fmt: skip
    return _Bookkeeping(book, definitions, story).done()


def _concerns_promises(story: Story) -> bool:
    happened = story.created or story.inbound or story.replied or story.withdrawn
    return bool(happened or story.ticket.merged_into or story.changed.keys() - UNRELATED)


class _Bookkeeping:
    """One ticket's clocks during one change."""

    def __init__(self, book: Book, definitions: Definitions, story: Story) -> None:
        self.book = book
        self.definitions = definitions
        self.story = story
        self.ticket = story.ticket
        self.cause = _in_words(story)
        self.breaches: list[Breach] = []
        self.clocks: list[OpenClock] = []
        self._chosen: list[Policy | None] = []

    def done(self) -> list[Breach]:
        if not self.story.created:
            self.clocks = self.book.load()
        self._end_what_is_over()
        if self._wanted():
            self._hold_to_present_terms()
            self._pause_and_resume()
            self._begin_what_is_missing()
        self._sum_up()
        self.book.write(self.clocks)
        return self.breaches

    # --- what ends ------------------------------------------------------------------------------------------

    def _end_what_is_over(self) -> None:
        for clock in self.clocks:
            if self.ticket.merged_into:
                self._cancel(clock, f"merged into #{self.ticket.merged_into}")
            elif self.story.spam and self.ticket.status_kind in DONE:
                self._cancel(clock, "it is spam")
            elif clock.metric == "next_response" and self.story.moved:
                self._let_go(clock)
            elif clock.metric == "next_response" and self.ticket.first_response_at is None:
                self._cancel(clock, "the first response is open again")
            elif clock.metric == "resolution" and self.story.undone and self.ticket.status_kind in DONE:
                self._cancel(clock, "its beginning was taken back")
            elif self._fulfilled(clock.metric):
                self._note(clock, clock.meet(self.story.at))
            elif self.ticket.status_kind in DONE:
                self._cancel(clock, f"{self.ticket.status_kind} without an answer")
            else:
                self._note(clock, clock.breach_if_due(self.story.at))

    def _fulfilled(self, metric: str) -> bool:
        ticket = self.ticket
        if metric == "resolution":
            return ticket.status_kind in DONE
        first = metric == "first_response"
        given = ticket.first_response_at is not None if first else ticket.unanswered_since is None
        return given and (self.story.replied or ticket.status_kind not in DONE)

    def _cancel(self, clock: OpenClock, reason: str) -> None:
        self._note(clock, clock.breach_if_due(self.story.at))
        clock.cancel(self.story.at, reason)

    def _let_go(self, clock: OpenClock) -> None:
        """Another message is the oldest now: a promise that ran for a younger one stays broken if it is."""
        self._note(clock, clock.breach_if_due(self.story.at))
        runs_for, since = clock.clock.started_at, self.ticket.unanswered_since
        if since is None or not (runs_for == since or (clock.breached and since < runs_for)):
            clock.cancel(self.story.at, self.story.moved)

    def _note(self, clock: OpenClock, broken: bool) -> None:
        if broken:
            breached_at = clock.clock.breached_at or self.story.at
            self.breaches.append(Breach(clock.metric, breached_at, clock.clock.by_change))

    # --- what goes on ---------------------------------------------------------------------------------------

    def _wanted(self) -> list[str]:
        """The metrics for which a clock should count now."""
        ticket = self.ticket
        if ticket.merged_into or ticket.status_kind in DONE or (self.story.created and self.story.machine):
            return []
        if ticket.first_response_at is None:
            return ["first_response", "resolution"]
        return ["next_response", "resolution"] if ticket.unanswered_since else ["resolution"]

    def _open(self) -> list[OpenClock]:
        return [clock for clock in self.clocks if clock.span.ended_at is None]

    def _hold_to_present_terms(self) -> None:
        if self.story.created or not self.story.changed.keys() - UNRELATED - {"status", "due"}:
            return
        for clock in self._open():
            terms = self._terms(clock.metric)
            if terms is not None:
                self._note(clock, clock.change_terms(terms, self.story.at, self.cause))
            elif not clock.breached:
                clock.cancel(self.story.at, f"nothing is promised any more: {self.cause}")

    def _pause_and_resume(self) -> None:
        for clock in self._open():
            pauses = clock.policy.pauses(clock.metric, self.ticket.status, self.ticket.status_kind)
            if pauses and not clock.paused:
                clock.pause(self.story.at, self.cause)
            elif clock.paused and not pauses:
                clock.resume(self.story.at, self.cause)

    # --- what begins ----------------------------------------------------------------------------------------

    def _begin_what_is_missing(self) -> None:
        running = {clock.metric for clock in self._open()}
        missing = [metric for metric in self._wanted() if metric not in running]
        for metric in missing:
            terms = self._terms(metric)
            begun = self._begin(metric, terms) if terms else None
            if begun is not None:
                self.clocks.append(begun)
        self._pause_and_resume()

    def _begin(self, metric: str, terms: Terms) -> OpenClock | None:
        if self.story.created:
            return self._start(metric, terms, self.ticket.created_at)
        last = self.book.last_cycle(metric)
        if last is not None and self._goes_on(last):
            return None if self._was_broken_for_good(last) else self._next_cycle(last, terms)
        since = self._since(metric)
        if since is None:
            return None
        return self._start(metric, terms, since, cycle=last.cycle + 1 if last else 1)

    def _goes_on(self, last: AnyClock) -> bool:
        """Whether the promise wanted now is the one that clock stood for, so that its time counts."""
        if last.metric != "next_response" or self.story.withdrawn:
            return True
        since, ended = self.ticket.unanswered_since, last.met_at or last.cancelled_at
        if self.story.moved:
            return last.started_at == since
        return bool(since and ended and since < ended)

    def _was_broken_for_good(self, last: AnyClock) -> bool:
        """Whether the answer wanted was late already when the ticket was closed without it: said once."""
        return last.metric in RESPONSES and last.state == "breached" and not self._took_back(last)

    def _took_back(self, last: AnyClock) -> bool:
        """Whether this change takes back what met that clock."""
        if last.metric == "resolution":
            return last.met_at is not None and self.story.undone and self.story.status_kind_before in DONE
        return last.met_at is not None and self.story.withdrawn

    def _next_cycle(self, last: AnyClock, terms: Terms) -> OpenClock:
        used = last.carried_seconds + last.used_seconds
        at, cycle = self.story.at, last.cycle + 1
        begun = ledger.begin(self.ticket, last.metric, terms, at, self.cause, cycle=cycle, carried=used)
        if last.met_at is None or self._took_back(last):
            begun.go_on_from(last)
        if not begun.breached:
            self._note(begun, begun.set_due_or_break(at, self.cause))
        return begun

    def _since(self, metric: str) -> datetime | None:
        """When a promise that has no clock yet began to count: None where a machine's ticket has nobody
        waiting.
        """
        if metric == "next_response":
            return self.ticket.unanswered_since
        if self.story.status_kind_before in DONE:
            return self.story.at
        if self.book.opened_by_machine():
            return self.ticket.unanswered_since
        return self.ticket.created_at

    def _start(self, metric: str, terms: Terms, since: datetime, cycle: int = 1) -> OpenClock:
        at = self.story.at
        begun = ledger.begin(self.ticket, metric, terms, since, self.cause, cycle=cycle)
        if self.story.created or since >= at:
            begun.set_due_or_break(begun.clock.started_at, self.cause)
            self._note(begun, begun.breach_if_due(at))
            return begun
        past = self.book.statuses(self.story.status_before, since)
        waited_elsewhere = self.story.moved.startswith(CAME) and not self.story.undone
        for status, moment in past:
            still = terms.policy.pauses(metric, *status) or status[1] in DONE
            begun.recall(still and not waited_elsewhere, moment, self.cause)
        self._note(begun, begun.settle(at, self.cause))
        return begun

    # --- the sum --------------------------------------------------------------------------------------------

    def _terms(self, metric: str) -> Terms | None:
        if not self._chosen:
            self._chosen = [policies.choose(self.definitions, self.story.facts, self.story.at)]
        policy = self._chosen[0]
        return self.book.terms(policy, self.ticket, metric) if policy else None

    def _sum_up(self) -> None:
        """The ticket's own deadline is the earliest of its running clocks and the one set by hand."""
        ticket, dues = self.ticket, []
        for clock in self.clocks:
            clock.plan_check()
            if not clock.paused and clock.clock.due_at:
                dues.append(clock.clock.due_at)
        if ticket.manual_due_at and ticket.status_kind not in DONE:
            dues.append(ticket.manual_due_at)
        ticket.due_at = min(dues, default=None)
        ticket.breached = ticket.breached or any(clock.breached for clock in self.clocks)


def _in_words(story: Story) -> str:
    """Why the spans of this change are as they are: "customer's message, status waiting → open (alice)"."""
    told = [("created", story.created), ("customer's message", story.inbound), ("reply", story.replied)]
    words = [word for word, happened in (*told, ("taken back", story.withdrawn or story.undone)) if happened]
    if not story.created:
        words += [_field_in_words(*item) for item in story.changed.items() if item[0] not in UNRELATED]
    by = f" ({story.cause})" if story.cause and not story.created else ""
    return ", ".join(words) + by


def _field_in_words(name: str, values: tuple[object, object]) -> str:
    old, new = values
    return f"{name} {old or 'none'} → {new or 'none'}" if name in _IN_WORDS else name
