"""The SLA check: what has come due is marked, told and acted upon; for cron and for the scheduler.

Each ticket with something due is one transaction, or shares one with others where people are told and nothing else is
done, so a crash loses nothing and repeats nothing. It costs what is due.
The history holds an event for each breach and each step, and whatever a step changed has that step as its cause.
Several checks may run at once, on one store and on several hosts.

A step with a condition asks it when its moment is attended to: where the ticket does not fit, that time of the step
passes without anything being done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tkt.automation.actions import parse_action
from tkt.desk import notices
from tkt.desk.actions import About, perform
from tkt.desk.facts import ticket_facts, vocabulary
from tkt.desk.unit import SYSTEM, Change, Desk
from tkt.errors import TktError, TryAgain
from tkt.query.evaluate import matches
from tkt.query.language import parse
from tkt.sla.check import Finding, claim, claim_many, due, pass_over
from tkt.sla.policy import Step
from tkt.sla.steps import time_in_words
from tkt.store.rows import rewrite
from tkt.store.tables import Ticket
from tkt.times import format_duration, rfc3339

TOGETHER = 100
"""Tickets at most in one transaction."""

LATE_SECONDS = 15 * 60
"""From when on a step says that it is late: more than any usual pace of checks."""


class Fired(NamedTuple):
    """One thing the check did: `what` is "breached" or a step's distance ("-10m", "+0m every 2h"), `actions` what the
    step does.

    `due_at` is when it should have happened, `late_seconds` how much later it did. A step that repeats came for the
    `n`th time, and `missed` times before that left out.
    """

    ticket: int
    metric: str
    policy: str
    what: str
    due_at: datetime
    late_seconds: int
    actions: tuple[str, ...]
    n: int = 1
    missed: int = 0

    @property
    def is_late(self) -> bool:
        """Whether that is later than the pace of the checks explains."""
        return self.late_seconds >= LATE_SECONDS


def check(desk: Desk, limit: int | None = None) -> list[Fired]:
    """Do everything that is due (of at most `limit` clocks); what was done, in the order it was.

    Raises StoreBusy, StoreUnreachable: what was done until then is kept.
    """
    return attend_to(desk, waiting(desk, limit))


def waiting(desk: Desk, limit: int | None = None) -> list[int]:
    """The tickets with something due (of at most `limit` clocks), longest overdue first; only reads."""
    with desk.look() as change:
        return due(change.session, change.at, limit)


def attend_to(desk: Desk, numbers: Sequence[int]) -> list[Fired]:
    """Do what is due on these tickets. One on which it can't be done keeps nobody waiting: its error is raised at the
    end.
    """
    fired: list[Fired] = []
    errors: list[TktError] = []
    for start in range(0, len(numbers), TOGETHER):
        some = numbers[start : start + TOGETHER]
        done = _attend_to_quiet(desk, some)
        for number in some:
            try:
                fired += done[number] if number in done else _attend_to_one(desk, number)
            except TryAgain:
                raise
            except TktError as error:
                errors.append(TktError(f"#{number}: {error}"))
    if errors:
        raise errors[0]
    return fired


def _attend_to_quiet(desk: Desk, numbers: Sequence[int]) -> dict[int, list[Fired]]:
    """What is due on those of these tickets on which steps do nothing but tell people: in one transaction, which is
    what makes a storm cheap. The others, and all where it can't be done, are left to be attended to one by one.
    """
    if len(numbers) < 2:
        return {}
    try:
        with desk.change("SLA deadline", actor=SYSTEM) as change:
            tickets = {ticket.number or 0: ticket for ticket in change.free_tickets(numbers)}
            found = claim_many(change.session, change.definitions, tickets, change.at, _only_tells)
            done = {number: _act_apart(change, tickets[number], found[number]) for number in numbers if number in found}
            rewrite(change.session, list(change.session.dirty))
            return done
    except TryAgain:
        raise
    except TktError:
        return {}


def _only_tells(step: Step) -> bool:
    return all(action.startswith("notify:") for action in step.actions)


def _act_apart(change: Change, ticket: Ticket, findings: Sequence[Finding]) -> list[Fired]:
    """In the history of each ticket it is a change of its own."""
    with change.apart():
        return [fired for finding in findings for fired in _act_on(change, ticket, finding)]


def _attend_to_one(desk: Desk, number: int) -> list[Fired]:
    """One ticket's due matters, in one transaction, under its lock."""
    with desk.change("SLA deadline", actor=SYSTEM) as change:
        ticket = change.ticket(number)
        findings = claim(change.session, change.definitions, number, change.at)
        return [fired for finding in findings for fired in _act_on(change, ticket, finding)]


def _act_on(change: Change, ticket: Ticket, finding: Finding) -> Iterator[Fired]:
    """Do what has come due: nothing where a step's condition does not hold."""
    late = int((change.at - finding.at).total_seconds())
    assert ticket.number is not None
    step = finding.step
    if step is None:
        ticket.breached = True
        change.record("sla", ticket=ticket, field=finding.metric, new="breached")
        yield Fired(ticket.number, finding.metric, finding.policy, "breached", finding.at, late, ())
        return
    if not _holds(change, ticket, step):
        pass_over(change.session, finding)
        return
    which = time_in_words(step.key, finding.n, finding.missed)
    with change.because(_in_words(finding, which, late), SYSTEM):
        change.record("sla", ticket=ticket, field=finding.metric, new=f"step {which}")
        for action in step.actions:
            _perform(change, ticket, action, _about(finding, step, late))
    yield Fired(
        *(ticket.number, finding.metric, finding.policy, step.key, finding.at, late),
        actions=step.actions, n=finding.n, missed=finding.missed,
    )  # fmt: skip


def _holds(change: Change, ticket: Ticket, step: Step) -> bool:
    """Whether the ticket fits the step's condition now."""
    if not step.when.strip():
        return True
    cache, key = change.definitions.cache, ("step when", step.when)
    if key not in cache:
        cache[key] = parse(step.when)
    return matches(cache[key], ticket_facts(change, ticket), vocabulary(change))


def _about(finding: Finding, step: Step, late: int) -> About:
    """What the step's actions need to know of it."""
    facts: dict[str, Any] = {
        "metric": finding.metric,
        "policy": finding.policy,
        "step": step.key,
        "n": finding.n,
        "missed": finding.missed,
        "due_at": rfc3339(finding.at),
        "late_seconds": late,
    }
    return About("sla.step", notices.URGENT if step.urgent else notices.SLA, facts)


def _perform(change: Change, ticket: Ticket, text: str, about: About) -> None:
    """One action of a step. One that can't be done any more (a team that is gone) is recorded and stops
    nothing.
    """
    try:
        perform(change.desk, ticket.number or 0, parse_action(text), about)
    except TryAgain:
        raise
    except TktError as error:
        change.record("skipped", ticket=ticket, field=text, new=str(error))


def _in_words(finding: Finding, which: str, late: int) -> str:
    """The cause of what a step does: "SLA vip, resolution +2h (3h late)"."""
    lateness = f" ({format_duration(late)} late)" if late >= LATE_SECONDS else ""
    return f"SLA {finding.policy}, {finding.metric} {which}{lateness}"
