"""What follows from a change in the same transaction: rules, then SLA clocks, then the mails that tell people.

Rules come first because they may set the team and priority that a promise depends on; clocks see the net effect of the
whole change; notices come last so that a burst of changes is one mail.
"""

from __future__ import annotations

from tkt.desk import notices, rules
from tkt.desk.facts import ticket_facts
from tkt.desk.unit import SYSTEM, Change, Touched
from tkt.sla import clocks
from tkt.sla.clocks import Breach
from tkt.store.tables import Ticket


def react(change: Change) -> None:
    """Bring everything that depends on the touched tickets up to date."""
    _answer_with_rules(change)
    for touched in change.touched.values():
        _follow_with_clocks(change, touched)
    notices.send_notices(change)


def _answer_with_rules(change: Change) -> None:
    """Rules may touch further tickets: go on until nothing new has happened."""
    if change.undoes is not None:
        return  # taking a change back must not set off what the change had set off
    while waiting := [touched for touched in change.touched.values() if touched.happenings]:
        for touched in waiting:
            rules.answer(change, touched)


def _follow_with_clocks(change: Change, touched: Touched) -> None:
    story = clocks.Story(
        ticket=touched.ticket,
        at=change.at,
        facts=lambda: ticket_facts(change, touched.ticket),
        created=touched.created,
        machine=touched.machine,
        inbound=touched.inbound,
        replied=touched.replied,
        withdrawn=touched.withdrawn,
        undone=change.undoes is not None and change.cause == "undo",
        status_before=touched.status_before,
        status_kind_before=touched.status_kind_before,
        changed=touched.fields,
        cause=change.cause or change.actor.name,
    )
    _record(change, touched.ticket, clocks.follow(change.session, change.definitions, story))


def reconsider(change: Change, ticket: Ticket) -> None:
    """The clocks of a ticket nothing has happened to, after the desk's promises have changed."""
    found = clocks.reconsider(
        change.session,
        change.definitions,
        ticket,
        lambda: ticket_facts(change, ticket),
        change.at,
        change.cause,
    )
    _record(change, ticket, found)


def _record(change: Change, ticket: Ticket, breaches: list[Breach]) -> None:
    for breach in breaches:
        with change.because("SLA deadline", SYSTEM):
            change.record("sla", ticket=ticket, field=breach.metric, new="breached")
