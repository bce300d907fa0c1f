"""A ledger in memory, for a replay: what a ticket's clocks come to when its history is gone through again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from tkt.sla import history, policies
from tkt.sla.history import Status
from tkt.sla.ledger import AnyClock, OpenClock
from tkt.sla.policies import Terms
from tkt.sla.policy import Policy
from tkt.sla.ticket_state import TicketState
from tkt.store.definitions import Definitions


class MemoryBook:
    """See `tkt.sla.book.Book`. `definitions` are those in force; `statuses_past` is kept by the replay: which status
    ended when."""

    def __init__(self, session: Session, definitions: Definitions) -> None:
        self.session = session
        self.definitions = definitions
        self.clocks: list[OpenClock] = []
        self.statuses_past: list[tuple[str, datetime]] = []
        self.by_machine = False

    def load(self) -> list[OpenClock]:
        return [one for one in self.clocks if one.span.ended_at is None]

    def last_cycle(self, metric: str) -> AnyClock | None:
        return next((one.clock for one in reversed(self.clocks) if one.metric == metric), None)

    def write(self, clocks: list[OpenClock]) -> None:
        for one in clocks:
            if one.clock.id is None:
                self.clocks.append(one)
                one.clock.id = len(self.clocks)

    def terms(self, policy: Policy, ticket: TicketState, metric: str) -> Terms | None:
        return policies.terms(self.session, self.definitions, policy, ticket, metric)

    def statuses(self, present: str, since: datetime) -> list[tuple[Status, datetime]]:
        return history.in_order(self.definitions, self.statuses_past, present, since)

    def opened_by_machine(self) -> bool:
        return self.by_machine

    def check(self, at: datetime) -> bool:
        """What the check does at a moment: mark what is overdue; whether anything was."""
        return any([one.breach_if_due(at) for one in self.load()])
