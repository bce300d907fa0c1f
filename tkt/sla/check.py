"""Finding the tickets with something due, and taking what is due on one of them, exactly once.

`due` is one indexed query: it costs what is due, not what is open. `claim` is called in a transaction that holds the
ticket's lock; it marks breaches at their deadlines and writes a ledger row for each reminder or escalation whose moment
has come. A row that is there already belongs to another scheduler or an earlier run, so no step fires twice; what was
missed while nobody ran fires once, in the order of its moments.

Leaves to others: carrying the steps' actions out (`tkt.desk.sla_check`).
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from tkt.sla.ledger import OpenClock, load
from tkt.sla.policy import Step
from tkt.sla.steps import moments
from tkt.store.definitions import Definitions
from tkt.store.tables import Clock, ClockStep
from tkt.store.upsert import insert


class Finding(NamedTuple):
    """One thing that has come due on a clock: its breach (`step` is None) or a step; `at` is when it should
    have been.
    """

    metric: str
    policy: str
    at: datetime
    step: Step | None


def due(session: Session, now: datetime, limit: int | None = None) -> list[int]:
    """The tickets with something to do at `now` (of at most `limit` clocks), longest overdue first."""
    query = (
        select(Clock.ticket)
        .where(col(Clock.next_check_at) <= now)
        .order_by(col(Clock.next_check_at), col(Clock.id))
        .limit(limit)
    )
    return list(dict.fromkeys(session.exec(query)))


def claim(session: Session, definitions: Definitions, ticket: int, now: datetime) -> list[Finding]:
    """Mark what has come due on the ticket's clocks; it is given earliest first. Nothing when somebody was faster."""
    found: list[Finding] = []
    for opened in load(session, definitions, ticket):
        if opened.clock.next_check_at is not None and opened.clock.next_check_at <= now:
            found += _claim(session, opened, now)
    session.flush()
    return sorted(found, key=lambda one: one.at)


def _claim(session: Session, opened: OpenClock, now: datetime) -> list[Finding]:
    clock_id = opened.clock.id or 0
    findings = [_finding(opened, opened.clock.due_at or now, None)] if opened.breach_if_due(now) else []
    fired = set(session.exec(select(ClockStep.step).where(ClockStep.clock_id == clock_id)))
    for moment, step in moments(opened.clock, opened.calendar, opened.policy):
        if moment <= now and step.key not in fired:
            fired.add(step.key)
            if _is_mine(session, clock_id, step, moment, now):
                findings.append(_finding(opened, moment, step))
    opened.plan_check(fired)
    return findings


def _finding(opened: OpenClock, at: datetime, step: Step | None) -> Finding:
    return Finding(opened.metric, opened.policy.name, at, step)


def _is_mine(session: Session, clock_id: int, step: Step, moment: datetime, now: datetime) -> bool:
    """Write the step's ledger row; whether it was not there."""
    row = insert(session, ClockStep).values(clock_id=clock_id, step=step.key, due_at=moment, fired_at=now)
    written = row.on_conflict_do_nothing().returning(col(ClockStep.step))
    return session.connection().execute(written).first() is not None
