"""Where one ticket's ledger and its past are kept while a change is followed: the store, or (for a replay of the
history, `tkt.sla.replaying.memory`) memory. What a change means for the clocks is the same in both (`tkt.sla.clocks`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from sqlmodel import Session

from tkt.sla import history, ledger, policies
from tkt.sla.history import Status
from tkt.sla.ledger import AnyClock, OpenClock
from tkt.sla.policies import Terms
from tkt.sla.policy import Policy
from tkt.sla.ticket_state import TicketState
from tkt.store.definitions import Definitions
from tkt.store.rows import rewrite


class Book(Protocol):
    """One ticket's clocks and statuses up to the change under way, and where the clocks are written."""

    def load(self) -> list[OpenClock]:
        """The clocks that still count, oldest first."""

    def last_cycle(self, metric: str) -> AnyClock | None:
        """The latest clock of this metric, in whatever state."""

    def write(self, clocks: list[OpenClock]) -> None:
        """Keep new clocks and spans, and what has changed of the old ones."""

    def terms(self, policy: Policy, ticket: TicketState, metric: str) -> Terms | None:
        """What the policy promises the ticket as it stands; None where it promises nothing for the metric."""

    def statuses(self, present: str, since: datetime) -> list[tuple[Status, datetime]]:
        """Each status the ticket had from `since` on and from when, up to the `present` one before the change."""

    def opened_by_machine(self) -> bool:
        """Whether the ticket began with an automatic mail: then no promise runs by itself."""


class StoredBook:
    """The ledger in the store, inside the transaction of the change."""

    def __init__(self, session: Session, definitions: Definitions, number: int) -> None:
        self._session = session
        self._definitions = definitions
        self._number = number

    def load(self) -> list[OpenClock]:
        return ledger.load(self._session, self._definitions, self._number)

    def last_cycle(self, metric: str) -> AnyClock | None:
        return ledger.last_cycle(self._session, self._number, metric)

    def write(self, clocks: list[OpenClock]) -> None:
        ledger.write(self._session, clocks)

    def terms(self, policy: Policy, ticket: TicketState, metric: str) -> Terms | None:
        return policies.terms(self._session, self._definitions, policy, ticket, metric)

    def statuses(self, present: str, since: datetime) -> list[tuple[Status, datetime]]:
        return history.statuses(self._session, self._definitions, self._number, present, since)

    def opened_by_machine(self) -> bool:
        self._session.flush()  # this change may have found otherwise
        return history.opened_by_machine(self._session, self._number)


class Shelf:
    """The ledgers of many tickets that are gone through in one transaction: read together, written together."""

    def __init__(self, session: Session, definitions: Definitions, numbers: Collection[int]) -> None:
        self._session = session
        self._definitions = definitions
        self.loaded = ledger.load_many(session, definitions, numbers)
        self.waiting: list[OpenClock] = []

    def book(self, number: int) -> Book:
        """One ticket's ledger; to be followed once, since it is not read again."""
        return _ShelvedBook(self, self._session, self._definitions, number)

    def write(self) -> None:
        """Keep what the books were given to write."""
        rewrite(self._session, list(self._session.dirty))
        ledger.write(self._session, self.waiting)
        self.waiting = []


class _ShelvedBook(StoredBook):
    def __init__(self, shelf: Shelf, session: Session, definitions: Definitions, number: int) -> None:
        super().__init__(session, definitions, number)
        self._shelf = shelf
        self._clocks = shelf.loaded[number]

    def load(self) -> list[OpenClock]:
        return self._clocks

    def write(self, clocks: list[OpenClock]) -> None:
        self._shelf.waiting += clocks
