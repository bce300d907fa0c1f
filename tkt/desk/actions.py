"""Carrying out the actions that rules, macros and SLA steps name, through the same verbs as people.

The caller has set the cause and the actor (`Change.because`). An action that can't be done on this ticket (nobody to
assign, a template that asks for what there is not) is recorded as such in the history and does not undo the rest.
"""

from __future__ import annotations

from tkt.automation.actions import Action
from tkt.desk import conversation, notices, tickets
from tkt.desk.unit import Change, Desk
from tkt.errors import TktError, TryAgain


def perform(desk: Desk, number: int, action: Action) -> None:
    """Carry out one action on one ticket, inside the change under way."""
    with desk.change() as change:
        try:
            carry_out(desk, change, number, action)
        except TryAgain:
            raise
        except TktError as error:
            change.record("skipped", ticket=change.ticket(number), field=str(action), new=str(error))


def carry_out(desk: Desk, change: Change, number: int, action: Action) -> None:
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
            notices.notify(
                change, change.ticket(number), [action.value], change.cause or f"{change.actor.name} asks you to look."
            )
            change.record("notify", ticket=change.ticket(number), field=action.value)
        case "note":
            conversation.note(desk, number, notices.fill_in(change, change.ticket(number), action.value))
        case "reply":
            conversation.reply(desk, number, notices.fill_in(change, change.ticket(number), action.value))
