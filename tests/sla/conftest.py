"""A desk of three policies and one ticket at a time, driven by stories: what the SLA tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from tkt.query.evaluate import Documents, Facts
from tkt.sla import check, clocks
from tkt.sla.clocks import Breach
from tkt.store.constants import PRIORITIES, STATUSES
from tkt.store.definitions import Definitions, load_definitions
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.tables import Clock, ClockSpan, ClockStep, Definition, Entry, Event, Team, Ticket
from tkt.times import to_micros

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday at opening time; the office is open on weekdays from 9 to 17, in UTC."""

OFFICE = {"timezone": "UTC", "hours": {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
SHOP = {"timezone": "UTC", "hours": {day: ["08:00-12:00", "13:00-20:00"] for day in ("mon", "wed", "sat")}}
POLICIES: list[dict[str, Any]] = [
    {
        "name": "vip",
        "match": "category:vip",
        "calendar": "24x7",
        "pause": ["on-hold"],
        "targets": {
            "urgent": {"first_response": "15m", "next_response": "30m", "resolution": "4h"},
            "default": {"first_response": "1h", "next_response": "2h", "resolution": "8h"},
        },
        "steps": [
            {"metric": "first_response", "at": "-10m", "do": ["tag:+soon"]},
            {"metric": "first_response", "at": "+0m", "do": ["tag:+late"]},
            {"metric": "resolution", "at": "+0m", "do": ["set:priority=urgent"]},
            {"metric": "resolution", "at": "+2h", "do": ["note:two hours late"]},
        ],
    },
    {
        "name": "team",
        "match": "team:shop",
        "pause_first_response": True,
        "targets": {"high": {"first_response": "2h"}, "default": {"resolution": "10h", "next_response": "3h"}},
    },
    {
        "name": "standard",
        "match": "NOT category:free",
        "calendar": "office",
        "targets": {
            "urgent": {"first_response": "1h", "resolution": "4h"},
            "default": {"first_response": "4h", "next_response": "8h", "resolution": "24h"},
        },
    },
]


class Desk:
    """Tickets changed the way the desk's verbs change them, followed by the ledger; one transaction each."""

    def __init__(self, store: Store, policies: list[dict[str, Any]]) -> None:
        self.store = store
        self.number = 0
        with store.transaction() as session:
            session.add(Team(name="shop", calendar="shop"))
            for name, body in (("office", OFFICE), ("shop", SHOP)):
                session.add(Definition(kind="calendar", name=name, body=body, created_at=MONDAY))
            for position, table in enumerate(policies):
                body = {key: value for key, value in table.items() if key != "name"}
                session.add(Definition(kind="sla", name=table["name"], position=position, body=body, created_at=MONDAY))

    @staticmethod
    def at(hours: float, seconds: float = 0) -> datetime:
        """So long after Monday, 9 o'clock."""
        return MONDAY + timedelta(hours=hours, seconds=seconds)

    def create(self, at: datetime = MONDAY, machine: bool = False, **values: Any) -> int:
        with self.store.transaction() as session:
            ticket = Ticket(subject="help", created_at=at, updated_at=at)
            ticket.unanswered_since = None  # a new ticket waits for its first response, not for a next one
            self._set(session, ticket, values)
            session.add(ticket)
            session.flush()
            if machine:
                entry = Entry(ticket=ticket.number or 0, position=1, kind="inbound", at=at, machine="auto-reply")
                session.add(entry)
            self._follow(session, ticket, at, created=True, machine=machine)
            self.number = ticket.number or 0
        return self.number

    def inbound(self, at: datetime) -> list[Breach]:
        def change(ticket: Ticket) -> None:
            ticket.unanswered_since = ticket.unanswered_since or at
            if ticket.status_kind != "open":
                self._status(ticket, "open")

        return self._change(at, change, inbound=True)

    def reply(self, at: datetime, status: str = "") -> list[Breach]:
        def change(ticket: Ticket) -> None:
            ticket.first_response_at = ticket.first_response_at or at
            ticket.unanswered_since = None
            self._status(ticket, status or ("open" if ticket.status == "new" else ticket.status))

        return self._change(at, change, replied=True)

    def withdraw(self, at: datetime, first: bool, unanswered_since: datetime | None) -> list[Breach]:
        """Take the last reply back: the first one, or a later answer to a message of that moment."""

        def change(ticket: Ticket) -> None:
            ticket.first_response_at = None if first else ticket.first_response_at
            ticket.unanswered_since = unanswered_since

        return self._change(at, change, withdrawn=True, undone=True)

    def undo(self, at: datetime, before: Ticket) -> list[Breach]:
        """Take the last change of the status back."""

        def change(ticket: Ticket) -> None:
            self._status(ticket, before.status)
            ticket.unanswered_since = before.unanswered_since

        return self._change(at, change, undone=True)

    def status(self, at: datetime, status: str) -> list[Breach]:
        return self._change(at, lambda ticket: self._status(ticket, status))

    def set(self, at: datetime, **values: Any) -> list[Breach]:
        with self.store.transaction() as session:
            ticket = session.get_one(Ticket, self.number)
            changed = self._set(session, ticket, values)
            return self._follow(session, ticket, at, changed=changed)

    def touch(self, at: datetime, **changed: tuple[object, object]) -> list[Breach]:
        """A change of something that is none of the ticket's own columns here."""
        with self.store.transaction() as session:
            ticket = session.get_one(Ticket, self.number)
            return self._follow(session, ticket, at, changed=changed)

    def merge(self, at: datetime, into: int) -> list[Breach]:
        def change(ticket: Ticket) -> None:
            ticket.merged_into = into

        return self._change(at, change)

    def check(self, at: datetime) -> list[check.Finding]:
        with self.store.transaction() as session:
            definitions = load_definitions(session, None)
            waiting = check.due(session, at)
            return [one for ticket in waiting for one in check.claim(session, definitions, ticket, at)]

    def redefine(self, kind: str, name: str, body: dict[str, Any], at: datetime) -> list[Breach]:
        """Give a calendar or policy a new version and let the ticket be reconsidered."""
        with self.store.transaction() as session:
            old = session.exec(select(Definition).where(Definition.name == name, Definition.active)).one()
            old.active = False
            session.add(
                Definition(
                    kind=kind,
                    name=name,
                    version=old.version + 1,
                    position=old.position,
                    body=body,
                    created_at=at,
                )  # fmt: skip
            )
            session.flush()
            ticket = session.get_one(Ticket, self.number)
            definitions = load_definitions(session, None)
            facts = self._facts(session, ticket)
            return clocks.reconsider(session, definitions, ticket, facts, at, "configuration 2")

    # --- what is in the store -----------------------------------------------------------------------------

    def ticket(self) -> Ticket:
        with self.store.transaction() as session:
            return session.get_one(Ticket, self.number)

    def clocks(self, metric: str = "") -> list[Clock]:
        with self.store.transaction() as session:
            query = select(Clock).where(Clock.ticket == self.number).order_by(col(Clock.id))
            return [clock for clock in session.exec(query) if metric in ("", clock.metric)]

    def clock(self, metric: str) -> Clock:
        return self.clocks(metric)[-1]

    def spans(self, metric: str) -> list[ClockSpan]:
        """The spans of all cycles of a metric, in order."""
        with self.store.transaction() as session:
            query = select(ClockSpan).join(Clock, col(Clock.id) == ClockSpan.clock_id)
            query = query.where(Clock.ticket == self.number, Clock.metric == metric)
            return list(session.exec(query.order_by(col(ClockSpan.started_at), col(ClockSpan.id))))

    def steps(self) -> list[ClockStep]:
        with self.store.transaction() as session:
            return list(session.exec(select(ClockStep).order_by(col(ClockStep.due_at))))

    def ledger(self) -> list[tuple[Any, ...]]:
        """The ticket's clocks and spans as plain values, without row ids."""
        found: list[tuple[Any, ...]] = []
        for clock in self.clocks():
            found.append(
                (
                    clock.metric,
                    clock.cycle,
                    clock.state,
                    micros(clock.started_at),
                    clock.target_seconds,
                    clock.carried_seconds,
                    clock.used_seconds,
                    micros(clock.running_since),
                    micros(clock.due_at),
                    micros(clock.next_check_at),
                    micros(clock.met_at),
                    micros(clock.breached_at),
                    micros(clock.cancelled_at),
                    clock.by_change,
                    clock.reason,
                )  # fmt: skip
            )
        for metric in ("first_response", "next_response", "resolution"):
            for span in self.spans(metric):
                ends = micros(span.started_at), micros(span.ended_at)
                found.append((metric, span.state, *ends, span.seconds, span.target_seconds, span.cause))
        return found

    # --- how a change goes --------------------------------------------------------------------------------

    def _change(self, at: datetime, change: Callable[[Ticket], None], **flags: bool) -> list[Breach]:
        with self.store.transaction() as session:
            ticket = session.get_one(Ticket, self.number)
            before, kind = ticket.status, ticket.status_kind
            change(ticket)
            changed = {"status": (before, ticket.status)} if ticket.status != before else {}
            if changed:
                session.add(
                    Event(
                        at=at,
                        change="c",
                        actor="a",
                        ticket=ticket.number,
                        verb="status",
                        field="status",
                        old=before,
                        new=ticket.status,
                    )  # fmt: skip
                )
            return self._follow(session, ticket, at, before=before, kind=kind, changed=changed, **flags)

    def _follow(
        self, session: Session, ticket: Ticket, at: datetime, *, before: str = "", kind: str = "",
        changed: dict[str, Any] | None = None, **flags: bool,
    ) -> list[Breach]:  # fmt: skip
        story = clocks.Story(
            ticket, at, self._facts(session, ticket), status_before=before or ticket.status,
            status_kind_before=kind or ticket.status_kind, changed=changed or {}, cause="test", **flags,
        )  # fmt: skip
        return clocks.follow(session, self._definitions(session), story)

    def _definitions(self, session: Session) -> Definitions:
        return load_definitions(session, None)

    def _facts(self, session: Session, ticket: Ticket) -> Callable[[], Facts]:
        def facts() -> Facts:
            team = session.get_one(Team, ticket.team_id).name if ticket.team_id else ""
            return Facts(ticket.number or 0, Documents(ticket.subject, lambda: ()), category=ticket.category, team=team)

        return facts

    def _set(self, session: Session, ticket: Ticket, values: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        for name, value in values.items():
            changed[name] = ("old", value)
            if name == "priority":
                ticket.priority = PRIORITIES[value]
            elif name == "team":
                ticket.team_id = session.exec(select(Team.id).where(Team.name == value)).first()
            elif name == "status":
                self._status(ticket, value)
            elif name == "due":
                ticket.manual_due_at = value
            else:
                setattr(ticket, name, value)
        return changed

    @staticmethod
    def _status(ticket: Ticket, status: str) -> None:
        ticket.status, ticket.status_kind = status, STATUSES[status]
        if ticket.status_kind in ("resolved", "closed"):
            ticket.unanswered_since = None


def micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


@pytest.fixture
def policies() -> list[dict[str, Any]]:
    return POLICIES


@pytest.fixture
def desk_at() -> Callable[[Store], Desk]:
    """Makes the desk in a store."""
    return lambda store: Desk(store, POLICIES)


@pytest.fixture
def desk(sqlite_location: Location, policies: list[dict[str, Any]]) -> Iterator[Desk]:
    """The desk on SQLite; that Postgres keeps the same ledger is proved over random stories."""
    store = Store(sqlite_location)
    yield Desk(store, policies)
    store.close()
