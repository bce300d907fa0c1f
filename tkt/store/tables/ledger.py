"""The SLA ledger: promises, the stretches they ran and paused, the steps that fired."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import Field

from tkt.store.tables.row import Row, key, moment, ref
from tkt.store.types import RowId


class Clock(Row, table=True):
    """One promise on one ticket: (ticket, metric, cycle). Seconds are open time of its calendar.

    `used_seconds` sums the finished running spans, `carried_seconds` what an earlier cycle had used. `running_since` is
    set while it runs. `due_at` is set while it runs and after it was met or breached; a paused clock has none.
    `next_check_at` is the earliest moment at which the check has something to do. Met and breached are never rewritten;
    a breached clock that is met later has both moments.
    """

    __table_args__ = (
        UniqueConstraint("ticket", "metric", "cycle"),
        Index("ix_clock_next_check", "next_check_at", sqlite_where=text("next_check_at IS NOT NULL")),
        Index("ix_clock_started", "started_at"),
    )
    id: int | None = key()
    ticket: int = ref("ticket.number")
    metric: str
    cycle: int = 1
    policy_id: int = ref("definition.id")
    calendar_id: int | None = ref("definition.id", nullable=True)
    state: str = "running"
    started_at: datetime = moment()
    target_seconds: int = Field(sa_type=BigInteger)
    carried_seconds: int = Field(default=0, sa_type=BigInteger)
    used_seconds: int = Field(default=0, sa_type=BigInteger)
    running_since: datetime | None = moment(nullable=True)
    due_at: datetime | None = moment(nullable=True)
    next_check_at: datetime | None = moment(nullable=True)
    met_at: datetime | None = moment(nullable=True)
    breached_at: datetime | None = moment(nullable=True)
    cancelled_at: datetime | None = moment(nullable=True)
    by_change: bool = False
    reason: str = ""


class ClockSpan(Row, table=True):
    """A finished or current stretch of a clock: running or paused, under which policy, calendar and target, and why."""

    __tablename__ = "clock_span"
    id: int | None = key()
    clock_id: int = ref("clock.id", index=True)
    state: str
    started_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)
    seconds: int = Field(default=0, sa_type=BigInteger)
    policy_id: int = ref("definition.id")
    calendar_id: int | None = ref("definition.id", nullable=True)
    target_seconds: int = Field(sa_type=BigInteger)
    cause: str = ""


class Reconsideration(Row, table=True):
    """A ticket whose promises are still those from before a change of policies or calendars: they are to be
    reconsidered as of `at`. Whoever holds the ticket's lock does that first, and takes the row away.
    """

    ticket: int = Field(foreign_key="ticket.number", primary_key=True, sa_type=RowId)
    at: datetime = moment()
    cause: str = ""


class ClockStep(Row, table=True):
    """A reminder or escalation that has fired: its key makes it fire once, whoever checks and however often.

    `n` counts the firings of a step that repeats, from 1; a number left out was missed and told by the next one.
    `skipped`: its condition did not hold, so nothing was done.
    """

    __tablename__ = "clock_step"
    clock_id: int = Field(foreign_key="clock.id", primary_key=True, sa_type=RowId)
    step: str = Field(primary_key=True)
    n: int = Field(default=1, primary_key=True)
    due_at: datetime = moment()
    fired_at: datetime = moment()
    skipped: bool = False
