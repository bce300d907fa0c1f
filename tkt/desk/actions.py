"""Carrying out the actions that rules, macros and SLA steps name, through the same verbs as people.

The caller has set the cause and the actor (`Change.because`). An action that can't be done on this ticket (nobody to
assign, a template that asks for what there is not) is recorded as such in the history and does not undo the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tkt.automation.actions import Action
from tkt.desk import conversation, notices, tickets, webhooks
from tkt.desk.unit import Change, Desk
from tkt.errors import TktError, TryAgain


class About(NamedTuple):
    """On whose behalf actions are carried out: the `event` that webhooks are told ("rule", "macro", "sla.step"), the
    kind of the `notice` that `notify:` is, and what webhooks learn of an SLA `step`.
    """

    event: str
    notice: str = notices.RULE
    step: Mapping[str, Any] | None = None


RULE = About("rule")
MACRO = About("macro")


def perform(desk: Desk, number: int, action: Action, about: About = RULE) -> None:
    """Carry out one action on one ticket, inside the change under way."""
    with desk.change() as change:
        try:
            carry_out(desk, change, number, action, about)
        except TryAgain:
            raise
        except TktError as error:
            change.record("skipped", ticket=change.ticket(number), field=str(action), new=str(error))


def carry_out(desk: Desk, change: Change, number: int, action: Action, about: About) -> None:
    """Do what the action says, and let its errors be heard."""
    match action.verb:
        case "set":
            tickets.set_fields(desk, number, {action.key: action.value})
        case "tag":
            tickets.tag(desk, number, **{"add" if action.key == "+" else "remove": [action.value]})
        case "assign":
            tickets.assign(desk, number, action.value)
        case "status":
            tickets.set_status(desk, number, action.value)
        case "notify":
            ticket = change.ticket(number)
            why = change.cause or f"{change.actor.name} asks you to look."
            notices.notify(change, ticket, [action.value], why, about.notice)
            change.record("notify", ticket=ticket, field=action.value)
        case "webhook":
            webhooks.call(change, change.ticket(number), action.value, about.event, about.step)
        case "note":
            conversation.note(desk, number, notices.fill_in(change, change.ticket(number), action.value))
        case "reply":
            conversation.reply(desk, number, notices.fill_in(change, change.ticket(number), action.value))
