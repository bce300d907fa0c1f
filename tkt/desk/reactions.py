"""What follows from a change in the same transaction: rules, then SLA clocks, then the mails that tell people.

Rules come first because they may set the team and priority that a promise depends on; clocks see the net effect of the
whole change; notices come last so that a burst of changes is one mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from tkt.desk import automatic, notices, rules, webhooks
from tkt.desk.facts import gather, ticket_facts
from tkt.desk.unit import SYSTEM, Change, Touched
from tkt.sla import clocks
from tkt.sla.book import Shelf
from tkt.sla.clocks import Breach
from tkt.sla.ticket_state import CAME, WENT
from tkt.store.tables import Ticket


def react(change: Change) -> None:
    """Bring everything that depends on the touched tickets up to date."""
    _answer_with_rules(change)
    causes = _causes(change)
    for number, touched in change.touched.items():
        _follow_with_clocks(change, touched, causes.get(number) or change.cause or change.actor.name)
    if (held_back := automatic.settle(change)) is not None:
        notices.notify(change, held_back, ["supervisor"], automatic.limit_reached(change))
    notices.send_notices(change)
    webhooks.write_calls(change)


def _answer_with_rules(change: Change) -> None:
    """Rules may touch further tickets: go on until nothing new has happened."""
    if change.undoes is not None:
        return  # taking a change back must not set off what the change had set off
    while waiting := [touched for touched in change.touched.values() if touched.happenings]:
        for touched in waiting:
            rules.answer(change, touched)


def _causes(change: Change) -> dict[int, str]:
    """Who or what was behind what happened to each ticket, as its first event but a noted breach says: so the history
    alone tells it."""
    causes: dict[int, str] = {}
    for event in change.events:
        if event["new"] != "breached" or event["verb"] != "sla":
            causes.setdefault(event["ticket"], event["cause"] or event["actor"])
    return causes


def _follow_with_clocks(change: Change, touched: Touched, cause: str) -> None:
    story = clocks.Story(
        ticket=touched.ticket,
        at=change.at,
        facts=lambda: ticket_facts(change, touched.ticket),
        created=touched.created,
        machine=touched.machine,
        inbound=touched.inbound,
        replied=touched.replied,
        withdrawn=touched.withdrawn,
        spam=touched.spam,
        undone=change.undoes is not None and change.cause == "undo",
        moved=_moved(change, touched),
        status_before=touched.status_before,
        status_kind_before=touched.status_kind_before,
        changed=touched.fields,
        cause=cause,
    )
    _record(change, touched.ticket, clocks.follow(change.session, change.definitions, story))


def _moved(change: Change, touched: Touched) -> str:
    """See `clocks.moved_in`."""
    if not any(name.startswith((CAME, WENT)) for name in touched.fields):
        return ""
    of_ticket = (event for event in change.events if event["ticket"] == touched.ticket.number)
    return clocks.moved_in((event["field"], event["old"], event["new"]) for event in of_ticket)


class Marked(NamedTuple):
    """A ticket nothing has happened to since the desk's promises changed, at that moment, for that cause."""

    ticket: Ticket
    at: datetime
    cause: str


def reconsider(change: Change, tickets: Sequence[Marked]) -> None:
    """Hold these tickets' clocks to the promises in force."""
    shelf = Shelf(change.session, change.definitions, [one.ticket.number or 0 for one in tickets])
    gather(change, [one.ticket for one in tickets])
    for ticket, at, cause in tickets:
        book = shelf.book(ticket.number or 0)
        found = clocks.reconsider_in(book, change.definitions, ticket, partial(ticket_facts, change, ticket), at, cause)
        _record(change, ticket, found, cause)
        change.facts.pop(ticket.number or 0, None)  # its deadline may be another now
    shelf.write()


def _record(change: Change, ticket: Ticket, breaches: list[Breach], cause: str = "SLA deadline") -> None:
    for breach in breaches:
        with change.because(cause, SYSTEM):
            change.record("sla", ticket=ticket, field=breach.metric, new="breached")
