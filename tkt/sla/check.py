"""Finding the tickets with something due, and taking what is due on them, exactly once.

`due` is one indexed query: it costs what is due, not what is open. `claim` and `claim_many` are called in a transaction
that holds the tickets' locks; they mark breaches at their deadlines and write a ledger row for each reminder or
escalation whose moment has come. A row that is there already belongs to another scheduler or an earlier run, so no step
fires twice; what was missed while nobody ran fires once, in the order of its moments, a step that repeats once for all
its missed times.

Leaves to others: carrying the steps' actions out (`tkt.desk.sla_check`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session

from tkt.sla.ledger import OpenClock, load, load_many
from tkt.sla.policy import Step
from tkt.sla.steps import Firing
from tkt.sla.steps import due as due_steps
from tkt.store.definitions import Definitions
from tkt.store.rows import keep_all, rewrite, rows
from tkt.store.tables import Clock, ClockStep
from tkt.times import from_micros, to_micros


class Finding(NamedTuple):
    """One thing that has come due on a clock: its breach (`step` is None) or a step, for the `n`th time, `missed` times
    before that left out; `at` is when it should have been.
    """

    clock_id: int
    metric: str
    policy: str
    at: datetime
    step: Step | None
    n: int = 1
    missed: int = 0


def due(session: Session, now: datetime, limit: int | None = None) -> list[int]:
    """The tickets with something to do at `now` (of at most `limit` clocks), longest overdue first."""
    cut = f" LIMIT {limit:d}" if limit is not None else ""
    return list(dict.fromkeys(row[0] for row in rows(session, _DUE + cut, (to_micros(now),))))


def claim(session: Session, definitions: Definitions, ticket: int, now: datetime) -> list[Finding]:
    """Mark what has come due on the ticket's clocks; it is given earliest first. Nothing when somebody was faster."""
    due_clocks = _due(load(session, definitions, ticket), now)
    found = _claim(session, due_clocks, now) if due_clocks else []
    session.flush()
    return found


def claim_many(
    session: Session, definitions: Definitions, tickets: Collection[int], now: datetime, quiet: Callable[[Step], bool]
) -> dict[int, list[Finding]]:
    """The same on many tickets in a few statements, by ticket; only on those where all steps that may be due are
    `quiet`.
    """
    loaded = load_many(session, definitions, tickets)
    waiting = {ticket: _due(clocks, now) for ticket, clocks in loaded.items()}
    taken = {
        ticket: clocks
        for ticket, clocks in waiting.items()
        if all(quiet(step) for opened in clocks for step in opened.policy.steps_of(opened.metric))
    }
    findings = _claim(session, [opened for clocks in taken.values() for opened in clocks], now)
    rewrite(session, [one.clock for clocks in taken.values() for one in clocks if isinstance(one.clock, Clock)])
    by_ticket: dict[int, list[Finding]] = {ticket: [] for ticket in taken}
    ticket_of = {opened.clock.id: ticket for ticket, clocks in taken.items() for opened in clocks}
    for one in findings:
        by_ticket[ticket_of[one.clock_id]].append(one)
    return by_ticket


def _due(clocks: list[OpenClock], now: datetime) -> list[OpenClock]:
    return [one for one in clocks if one.clock.next_check_at is not None and one.clock.next_check_at <= now]


def _claim(session: Session, clocks: list[OpenClock], now: datetime) -> list[Finding]:
    """Mark what has come due on these clocks, whose tickets are locked: nobody else writes their steps."""
    found: list[Finding] = []
    written: list[dict[str, object]] = []
    known = _fired(session, [one.clock.id or 0 for one in clocks])
    for opened in clocks:
        clock_id, policy = opened.clock.id or 0, opened.policy
        if opened.breach_if_due(now):
            found.append(Finding(clock_id, opened.metric, policy.name, opened.clock.due_at or now, None))
        fired = known.get(clock_id, {})
        for one in due_steps(opened.clock, opened.calendar, policy, fired, now):
            fired.setdefault(one.step.key, {})[one.n] = one.at
            found.append(Finding(clock_id, opened.metric, policy.name, one.at, one.step, one.n, one.missed))
            written.append(_row(clock_id, one, now))
        opened.plan_check(fired)
    keep_all(session, ClockStep, written)
    return sorted(found, key=lambda one: one.at)


def pass_over(session: Session, finding: Finding) -> None:
    """Note in the ledger that the step did nothing, because its condition did not hold."""
    assert finding.step
    row = session.get_one(ClockStep, (finding.clock_id, finding.step.key, finding.n))
    row.skipped = True


def _fired(session: Session, clock_ids: Collection[int]) -> dict[int, dict[str, dict[int, datetime]]]:
    """What the ledger says has fired: by clock, by step and number, when it was due."""
    known: dict[int, dict[str, dict[int, datetime]]] = {}
    marks = ", ".join("?" * len(clock_ids))
    for clock_id, step, n, at in rows(session, _FIRED.format(marks), tuple(clock_ids)) if clock_ids else ():
        known.setdefault(clock_id, {}).setdefault(step, {})[n] = from_micros(at)
    return known


def _row(clock_id: int, one: Firing, now: datetime) -> dict[str, object]:
    """The ledger row of a step's firing."""
    return {
        "clock_id": clock_id,
        "step": one.step.key,
        "n": one.n,
        "due_at": one.at,
        "fired_at": now,
        "skipped": False,
    }


_DUE = "SELECT ticket FROM clock WHERE next_check_at <= ? ORDER BY next_check_at, id"
_FIRED = "SELECT clock_id, step, n, due_at FROM clock_step WHERE clock_id IN ({})"
