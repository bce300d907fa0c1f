"""Telling a customer that their request has arrived: one confirmation per request, in answer to their message.

Nobody without an address is told, none of our own addresses, and no machine (`tkt.desk.tickets.create` asks for none
then). How many there may be is left to `automatic`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkt.desk import automatic, outbox, people
from tkt.desk.message_ids import CONFIRMATION
from tkt.desk.people import Requester
from tkt.desk.unit import Change
from tkt.store.tables import Ticket

if TYPE_CHECKING:
    from tkt.desk.conversation import Message


def confirm(change: Change, ticket: Ticket, message: Message | None) -> None:
    """Tell the customer that their request has arrived and which number it has, in answer to their message."""
    from tkt.desk.templates import words

    customer = people.requester_of(change, ticket)
    to = _confirmed_to(change, customer, message) if customer else ""
    wanted = change.definitions.setting("desk.confirm", "true") != "false"
    if customer is None or not to or not wanted or not outbox.can_send(change):
        return
    if reason := _refusal(change, ticket, to):
        change.record("skipped", ticket=ticket, field="confirmation", new=reason)
        return
    said = words(change, ticket, "confirmation")
    outbox.put(
        change,
        "confirmation",
        ticket,
        id_kind=CONFIRMATION,
        to=[to],
        subject=said.subject,
        text=said.text,
        html=said.html,
        auto="auto-replied",
        thread=outbox.Thread(message.message_id, (message.message_id,)) if message and message.message_id else None,
    )


def _confirmed_to(change: Change, customer: Requester, message: Message | None) -> str:
    """Where the writer wants answers, else their own address; never one of ours."""
    wanted = (message.reply_to if message else "", message.address if message else "", customer.address)
    own = people.own_addresses(change)
    return next((one for one in wanted if one and one.lower() not in own), "")


def _refusal(change: Change, ticket: Ticket, to: str) -> str:
    if reason := automatic.refusal(change, ticket, to):
        return reason
    return automatic.REPETITION if automatic.repeats_itself(change, ticket, to) else ""
