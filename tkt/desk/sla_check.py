"""The SLA check: what has come due is marked, told and acted upon; for cron and for the scheduler.

Each ticket with something due is one transaction, so a crash loses nothing and repeats nothing. It costs what is due.
The history holds an event for each breach and each step, and whatever a step changed has that step as its cause.
Several checks may run at once, on one store and on several hosts.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tkt.automation.actions import parse_action
from tkt.desk.actions import perform
from tkt.desk.unit import SYSTEM, Change, Desk
from tkt.errors import TktError, TryAgain
from tkt.sla.check import Finding, claim, due
from tkt.store.tables import Ticket
from tkt.times import format_duration

LATE_SECONDS = 15 * 60
"""From when on a step says that it is late: more than any usual pace of checks."""


class Fired(NamedTuple):
    """One thing the check did: `what` is "breached" or a step's distance ("-10m"), `actions` what the step
    does.

    `due_at` is when it should have happened, `late_seconds` how much later it did.
    """

    ticket: int
    metric: str
    policy: str
    what: str
    due_at: datetime
    late_seconds: int
    actions: tuple[str, ...]

    @property
    def is_late(self) -> bool:
        """Whether that is later than the pace of the checks explains."""
        return self.late_seconds >= LATE_SECONDS


def check(desk: Desk, limit: int | None = None) -> list[Fired]:
    """Do everything that is due (of at most `limit` clocks); what was done, in the order it was.

    Raises StoreBusy, StoreUnreachable: what was done until then is kept.
    """
    with desk.look() as change:
        waiting = due(change.session, change.at, limit)
    return [fired for number in waiting for fired in _attend_to(desk, number)]


def _attend_to(desk: Desk, number: int) -> list[Fired]:
    """One ticket's due matters, in one transaction, under its lock."""
    with desk.change("SLA deadline", actor=SYSTEM) as change:
        ticket = change.ticket(number)
        findings = claim(change.session, change.definitions, number, change.at)
        return [_act_on(change, ticket, finding) for finding in findings]


def _act_on(change: Change, ticket: Ticket, finding: Finding) -> Fired:
    late = int((change.at - finding.at).total_seconds())
    assert ticket.number is not None
    if finding.step is None:
        ticket.breached = True
        change.record("sla", ticket=ticket, field=finding.metric, new="breached")
        return Fired(ticket.number, finding.metric, finding.policy, "breached", finding.at, late, ())
    with change.because(_in_words(finding, late), SYSTEM):
        change.record("sla", ticket=ticket, field=finding.metric, new=f"step {finding.step.key}")
        for action in finding.step.actions:
            _perform(change, ticket, action)
    what, actions = finding.step.key, finding.step.actions
    return Fired(ticket.number, finding.metric, finding.policy, what, finding.at, late, actions)


def _perform(change: Change, ticket: Ticket, text: str) -> None:
    """One action of a step. One that can't be done any more (a team that is gone) is recorded and stops
    nothing.
    """
    try:
        perform(change.desk, ticket.number or 0, parse_action(text))
    except TryAgain:
        raise
    except TktError as error:
        change.record("skipped", ticket=ticket, field=text, new=str(error))


def _in_words(finding: Finding, late: int) -> str:
    """The cause of what a step does: "SLA vip, resolution +2h (3h late)"."""
    key = finding.step.key if finding.step else ""
    lateness = f" ({format_duration(late)} late)" if late >= LATE_SECONDS else ""
    return f"SLA {finding.policy}, {finding.metric} {key}{lateness}"
