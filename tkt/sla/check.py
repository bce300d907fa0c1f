"""Finding the clocks that are due, and taking what is due on one of them, exactly once.

`due` is one indexed query: it costs what is due, not what is open. `claim` is called in a transaction that
holds the ticket's lock; it marks a breach at its deadline and writes a ledger row for each reminder or
escalation whose moment has come. A row that is there already belongs to another scheduler or an earlier run,
so no step fires twice; what was missed while nobody ran fires once, in the order of its moments.

Leaves to others: carrying the steps' actions out (`tkt.desk.sla_check`).
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from tkt.sla.ledger import OpenClock, load_one
from tkt.sla.policy import Step
from tkt.sla.steps import moments
from tkt.store.definitions import Definitions
from tkt.store.tables import Clock, ClockStep


class Due(NamedTuple):
    """A clock to look at, and its ticket."""

    clock: int
    ticket: int


class Finding(NamedTuple):
    """One thing that has come due on a clock: its breach (`step` is None) or a step; `at` is when it should
    have been.
    """

    metric: str
    policy: str
    at: datetime
    step: Step | None


def due(session: Session, now: datetime, limit: int | None = None) -> list[Due]:
    """The clocks with something to do at `now`, longest overdue first."""
    query = (
        select(Clock.id, Clock.ticket)
        .where(col(Clock.next_check_at) <= now)
        .order_by(col(Clock.next_check_at), col(Clock.id))
        .limit(limit)
    )
    return [Due(clock, ticket) for clock, ticket in session.exec(query) if clock is not None]


def claim(session: Session, definitions: Definitions, clock_id: int, now: datetime) -> list[Finding]:
    """Mark what has come due on this clock and give it, earliest first; nothing when somebody else was
    faster.
    """
    opened = load_one(session, definitions, clock_id)
    if opened is None or opened.clock.next_check_at is None or opened.clock.next_check_at > now:
        return []
    findings = [_finding(opened, opened.clock.due_at or now, None)] if opened.breach_if_due(now) else []
    fired = set(session.exec(select(ClockStep.step).where(ClockStep.clock_id == clock_id)))
    for moment, step in moments(opened.clock, opened.calendar, opened.policy):
        if moment <= now and step.key not in fired:
            fired.add(step.key)
            if _is_mine(session, clock_id, step, moment, now):
                findings.append(_finding(opened, moment, step))
    opened.plan_check(fired)
    session.flush()
    return sorted(findings, key=lambda one: one.at)


def _finding(opened: OpenClock, at: datetime, step: Step | None) -> Finding:
    return Finding(opened.metric, opened.policy.name, at, step)


def _is_mine(session: Session, clock_id: int, step: Step, moment: datetime, now: datetime) -> bool:
    """Write the step's ledger row; whether it was not there."""
    connection = session.connection()
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = dialect.insert(ClockStep).values(clock_id=clock_id, step=step.key, due_at=moment, fired_at=now)
    written = row.on_conflict_do_nothing().returning(col(ClockStep.step))
    return connection.execute(written).first() is not None
