"""Who is told of what: customers get confirmations, the team gets notifications.

Notices are collected while a change runs and leave as one mail per person and ticket. Nobody is told of what they did
themselves, and nobody without an address. Confirmations are limited per address, so that two machines that answer each
other soon fall silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlmodel import col, select

from tkt.desk import outbox, people
from tkt.desk.message_ids import CONFIRMATION, NOTIFICATION
from tkt.desk.people import Requester
from tkt.desk.unit import Change
from tkt.safe_text import safe_block, safe_line
from tkt.store.rows import rows
from tkt.store.tables import Agent, Entry, Team, TeamMember, Ticket
from tkt.times import to_micros

if TYPE_CHECKING:
    from tkt.desk.conversation import Message

CONFIRMATIONS = 5
CONFIRMATION_WINDOW = timedelta(hours=1)
"""At most so many confirmations to one address in one window (RFC 3834 section 2 asks for some such limit)."""

EXCERPT = 2000
"""Characters of a message that a notification to staff shows."""


def confirm(change: Change, ticket: Ticket, message: Message | None) -> None:
    """Tell the customer that their request has arrived and which number it has, in answer to their message."""
    from tkt.desk.templates import render

    customer = people.requester_of(change, ticket)
    to = _confirmed_to(change, customer, message) if customer else ""
    wanted = change.definitions.setting("desk.confirm", "true") != "false"
    if customer is None or not to or not wanted or not outbox.can_send(change):
        return
    if not _may_confirm(change, customer.address):
        change.record("skipped", ticket=ticket, field="confirmation", new="too many to this address")
        return
    language = ticket.language or change.definitions.setting("desk.language", "en")
    subject, text = render(change, ticket, "confirmation", language)
    outbox.put(
        change,
        "confirmation",
        ticket,
        id_kind=CONFIRMATION,
        to=[to],
        subject=subject,
        text=text,
        auto="auto-replied",
        thread=outbox.Thread(message.message_id, (message.message_id,)) if message and message.message_id else None,
    )


def _confirmed_to(change: Change, customer: Requester, message: Message | None) -> str:
    """Where the writer wants answers, else their own address; never one of ours."""
    wanted = (message.reply_to if message else "", message.address if message else "", customer.address)
    own = people.own_addresses(change)
    return next((one for one in wanted if one and one.lower() not in own), "")


def notify(change: Change, ticket: Ticket, to: Iterable[str], why: str) -> None:
    """Tell people of a ticket: "assignee", "team", "supervisor", an agent's or a team's name, or an address."""
    assert ticket.number is not None
    for whom in to:
        for address in _addresses(change, ticket, whom):
            reasons = change.notices.setdefault((ticket.number, address), [])
            if why not in reasons:
                reasons.append(why)


def tell_of_message(change: Change, ticket: Ticket, entry: Entry) -> None:
    """A customer has written: the assignee hears of it, or the team while nobody has the ticket."""
    whom = "assignee" if ticket.assignee_id else "team"
    notify(change, ticket, [whom], f"{safe_line(entry.author, 80)} wrote:\n\n{safe_block(entry.text, EXCERPT)}")


def tell_of_assignment(change: Change, ticket: Ticket) -> None:
    """Somebody else gave this agent the ticket."""
    if ticket.assignee_id and ticket.assignee_id != change.actor.agent_id:
        notify(change, ticket, ["assignee"], f"{change.actor.name} assigned this ticket to you.")


def send_notices(change: Change) -> None:
    """Put what has been collected into the outbox: one mail per person and ticket."""
    if not outbox.can_send(change):
        change.notices.clear()  # a desk that can't send mail tells nobody by mail
    for (number, address), reasons in change.notices.items():
        ticket = change.ticket(number)
        outbox.put(
            change,
            "notification",
            ticket,
            id_kind=NOTIFICATION,
            to=[address],
            subject=outbox.tagged_subject(ticket),
            text="\n\n".join([*reasons, f"-- \n#{number}: tkt show {number}"]),
            auto="auto-generated",
        )


def fill_in(change: Change, ticket: Ticket, template: str) -> str:
    """A text of desk.toml with the ticket's facts filled in."""
    from tkt.desk.templates import render_text

    return render_text(change, ticket, template)


def _may_confirm(change: Change, address: str) -> bool:
    """Count this confirmation to the address; whether it is within the limit of its window."""
    now, begun = to_micros(change.at), to_micros(change.at - CONFIRMATION_WINDOW)
    found = rows(change.session, _COUNT_AUTOMATIC, (address, now, begun, begun, now))
    return bool(found[0][0] <= CONFIRMATIONS)


_COUNT_AUTOMATIC = """
INSERT INTO address_state (address, automatic_since, automatic_count, bounced, blocked_by) VALUES (?, ?, 1, '', '')
ON CONFLICT (address) DO UPDATE SET
    automatic_count = CASE WHEN coalesce(address_state.automatic_since, 0) < ? THEN 1
        ELSE address_state.automatic_count + 1 END,
    automatic_since = CASE WHEN coalesce(address_state.automatic_since, 0) < ? THEN ?
        ELSE address_state.automatic_since END
RETURNING automatic_count
"""


def _addresses(change: Change, ticket: Ticket, whom: str) -> list[str]:
    if "@" in whom and whom not in change.definitions.agents:
        return [whom.lower()]
    doers = (change.actor.agent_id, change.initiator.agent_id)
    return [one.email for one in _agents(change, ticket, whom) if one.email and one.id not in doers]


def _agents(change: Change, ticket: Ticket, whom: str) -> Sequence[Agent]:
    active = select(Agent).where(Agent.active).order_by(Agent.name)
    if whom == "assignee":
        return change.session.exec(active.where(Agent.id == ticket.assignee_id)).all()
    if whom == "supervisor":
        return _supervisors(change, ticket)
    if whom == "team" or whom in change.definitions.teams:
        team = ticket.team_id if whom == "team" else change.definitions.teams[whom]
        members = select(TeamMember.agent_id).where(TeamMember.team_id == team)
        return change.session.exec(active.where(col(Agent.id).in_(members))).all()
    return change.session.exec(active.where(Agent.name == whom)).all()


def _supervisors(change: Change, ticket: Ticket) -> Sequence[Agent]:
    """The supervisors in the ticket's team, else all of the desk, else its admins."""
    active = select(Agent).where(Agent.active).order_by(Agent.name)
    leading = active.where(Agent.role == "supervisor")
    members = select(TeamMember.agent_id).join(Team).where(TeamMember.team_id == ticket.team_id)
    for query in (leading.where(col(Agent.id).in_(members)), leading, active.where(Agent.role == "admin")):
        found = change.session.exec(query).all()
        if found:
            return found
    return []
