"""Macros: several actions under one name, done by the person who calls it, in one transaction, taken back as one."""

from __future__ import annotations

from tkt.automation.actions import parse_action
from tkt.desk import values
from tkt.desk.actions import MACRO, carry_out
from tkt.desk.unit import Desk
from tkt.errors import NotFound


def run_macro(desk: Desk, number: int, name: str, version: int | None = None) -> list[str]:
    """Do what the macro names on one ticket; the actions, in words.

    Unlike a rule's, an action that can't be done stops the macro: nothing of it is stored, and the person hears why.
    Raises NotFound (macro, ticket, agent), UsageError, NotAllowed, Conflict.
    """
    with desk.change() as change:
        change.require("agent")
        macro = change.definitions.named("macro", name)
        if macro is None:
            known = [one.name for one in change.definitions.of("macro")]
            raise NotFound(f"there is no macro '{name}'{values.nearest(name, known)}")
        change.ticket(number, version)
        actions = [parse_action(text) for text in macro.body["do"]]
        for action in actions:
            carry_out(desk, change, number, action, MACRO)
        return [str(action) for action in actions]
