"""Telling the people of the desk what concerns them: who hears of what, and the words.

    mention     a note names you, or your team; from then on you follow the ticket
    assigned    somebody else, or a rule, gives you a ticket
    reply       on a ticket that is yours or that you follow: a customer's message, a colleague's note or answer. While
                a ticket is nobody's, its team, and further teams that it concerns, hear of a customer's message
    sla         a reminder of an SLA step
An agent may mute each of these kinds (`Agent.muted`), and have quiet hours during which they wait (`tkt.desk.quiet`).
What a rule or a macro tells by `notify:`, and what an SLA step tells a supervisor or as `urgent`, is never muted and
never waits: somebody decided that it has to be known.

Notices are collected while a change runs and leave as one mail per person and ticket, each thing that was said once in
it. Nobody is told of what they did themselves; retired agents, and those without an address, are told nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.desk import automatic, followers, mentions, outbox
from tkt.desk.notice_text import said
from tkt.desk.quiet import end_of_quiet
from tkt.desk.unit import SYSTEM, Change
from tkt.store.rows import rows
from tkt.store.tables import Entry, Ticket

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

MENTION, ASSIGNED, REPLY, SLA = KINDS = ("mention", "assigned", "reply", "sla")
"""What an agent may mute."""

RULE, URGENT = "rule", "urgent"
"""What somebody decided that it has to be known: never muted, never put off. URGENT is an SLA step's."""


class Colleague(NamedTuple):
    """An active agent as notices see them."""

    id: int
    name: str
    email: str
    muted: frozenset[str]
    quiet: str
    quiet_zone: str


# --- who is told ------------------------------------------------------------------------------------------------------


def notify(change: Change, ticket: Ticket, to: Iterable[str], why: str, kind: str = RULE) -> None:
    """Tell people of a ticket: "assignee", "team" (and further ones that it concerns), "supervisor", an agent's or a
    team's name, or an address. What SLA steps tell an address is not limited: it is collected, and no answer of a
    machine sets off another step.
    """
    for whom in to:
        if "@" in whom and whom not in change.definitions.agents:
            if kind in (SLA, URGENT) or not automatic.holds_back_notice(change, ticket, whom.lower()):
                _add(change, ticket, whom.lower(), why, why)
        else:
            _tell(change, ticket, _named(change, ticket, whom), RULE if whom == "supervisor" else kind, why)


def tell_of_message(change: Change, ticket: Ticket, entry: Entry) -> None:
    """A customer has written: whose ticket it is hears of it, who follows it, and the teams while it is nobody's."""
    _tell(change, ticket, _listening(change, ticket, teams=True), REPLY, said(entry, "wrote"), entry.id)


def tell_of_answer(change: Change, ticket: Ticket, entry: Entry) -> None:
    """A colleague has answered the customer. What rules say by themselves is no news."""
    if change.actor != SYSTEM:
        words = said(entry, "answered the customer")
        _tell(change, ticket, _listening(change, ticket), REPLY, words, entry.id)


def tell_of_note(change: Change, ticket: Ticket, entry: Entry, text: str) -> None:
    """Somebody has written a note: those whom its `text` mentions hear of it and follow the ticket from now on; so do
    those whose ticket it is and who follow it already, unless a rule wrote it.
    """
    listening = _listening(change, ticket) if change.actor != SYSTEM else []
    _tell_mentioned(change, ticket, entry, text)
    _tell(change, ticket, listening, REPLY, said(entry, "wrote a note"), entry.id)


def tell_of_assignment(change: Change, ticket: Ticket) -> None:
    """Somebody else, or a rule, gave this agent the ticket."""
    if ticket.assignee_id and ticket.assignee_id != change.actor.agent_id:
        by = f"{change.actor.name} assigned this ticket to you"
        notify(change, ticket, ["assignee"], f"{by} ({change.cause})." if change.cause else f"{by}.", ASSIGNED)


def _tell_mentioned(change: Change, ticket: Ticket, entry: Entry, text: str) -> None:
    if "@" not in text:
        return
    found = mentions.find(text, change.definitions.agents, change.definitions.teams)
    for name in found.agents:
        if name != change.actor.name:
            change.record("mention", ticket=ticket, field="agent", new=name)
            followers.watch(change, ticket, name)
            _tell(change, ticket, _agent(change, name), MENTION, said(entry, "mentioned you"), entry.id)
    for name in found.teams:
        change.record("mention", ticket=ticket, field="team", new=name)
        members = _team(change, change.definitions.teams[name])
        _tell(change, ticket, members, MENTION, said(entry, f"mentioned the team {name}"), entry.id)


def _tell(
    change: Change, ticket: Ticket, people: Iterable[Colleague], kind: str, why: str, about: Hashable = None
) -> None:
    """Collect a reason for each of them who wants to know and did not do it themselves."""
    doers = (change.actor.agent_id, change.initiator.agent_id)
    for one in people:
        if one.email and one.id not in doers and kind not in one.muted:
            _add(change, ticket, one.email, about or why, why, _not_before(change, one, kind))


def _not_before(change: Change, one: Colleague, kind: str) -> datetime:
    """When somebody may be told: now, or when their quiet hours are over."""
    if kind not in KINDS or not one.quiet:
        return change.at
    zone = one.quiet_zone or change.definitions.setting("desk.timezone", "UTC")
    return end_of_quiet(one.quiet, zone, change.at) or change.at


def _add(
    change: Change, ticket: Ticket, address: str, about: Hashable, why: str, not_before: datetime | None = None
) -> None:
    """One reason for one thing: the first. Somebody who is mentioned need not hear that there is a note. The mail
    leaves when the first of its reasons may.
    """
    assert ticket.number is not None
    key, moment = (ticket.number, address), not_before or change.at
    change.notices.setdefault(key, {}).setdefault(about, why)
    change.not_before[key] = min(change.not_before.get(key, moment), moment)


# --- people -----------------------------------------------------------------------------------------------------------


def _named(change: Change, ticket: Ticket, whom: str) -> Sequence[Colleague]:
    if whom == "assignee":
        return _colleagues(change, "a.id = ?", ticket.assignee_id)
    if whom == "supervisor":
        return _supervisors(change, ticket)
    if whom == "team":
        return _colleagues(change, f"{_MEMBER} OR {_MEMBER_OF_FURTHER}", ticket.team_id, ticket.number)
    if whom in change.definitions.teams:
        return _team(change, change.definitions.teams[whom])
    return _agent(change, whom)


def _agent(change: Change, name: str) -> list[Colleague]:
    return _colleagues(change, "a.name = ?", name)


def _team(change: Change, team: int | None) -> list[Colleague]:
    return _colleagues(change, _MEMBER, team)


def _supervisors(change: Change, ticket: Ticket) -> Sequence[Colleague]:
    """The supervisors in the ticket's team, else all of the desk, else its admins."""
    return (
        _colleagues(change, f"a.role = 'supervisor' AND {_MEMBER}", ticket.team_id)
        or _colleagues(change, "a.role = 'supervisor'")
        or _colleagues(change, "a.role = 'admin'")
    )


def _listening(change: Change, ticket: Ticket, *, teams: bool = False) -> list[Colleague]:
    """Whose ticket it is, and who follows it; with `teams`, while it is nobody's, the teams too. One query."""
    if not outbox.can_send(change):
        return []
    concerned = "a.id = ? OR a.id IN (SELECT w.agent_id FROM watcher w WHERE w.ticket = ?)"
    if not teams or ticket.assignee_id:
        return _colleagues(change, concerned, ticket.assignee_id, ticket.number)
    return _colleagues(
        change, f"{concerned} OR {_MEMBER} OR {_MEMBER_OF_FURTHER}", None, ticket.number, ticket.team_id, ticket.number
    )


def _colleagues(change: Change, condition: str, *params: Any) -> list[Colleague]:
    found = rows(change.session, f"{_COLLEAGUES} AND ({condition}) ORDER BY a.name", params)
    return [
        Colleague(key, name, email, frozenset(json.loads(muted)), *quiet) for key, name, email, muted, *quiet in found
    ]


_COLLEAGUES = """
SELECT a.id, a.name, lower(coalesce(a.email, '')), CAST(a.muted AS TEXT), a.quiet, a.quiet_zone
FROM agent a WHERE a.active
"""
_MEMBER = "a.id IN (SELECT m.agent_id FROM team_member m WHERE m.team_id = ?)"
_MEMBER_OF_FURTHER = """
a.id IN (SELECT m.agent_id FROM team_member m JOIN ticket_team f ON f.team_id = m.team_id WHERE f.ticket = ?)
"""


# --- the mails --------------------------------------------------------------------------------------------------------


def send_notices(change: Change) -> None:
    """Put what has been collected into the outbox: one mail per person and ticket."""
    if not outbox.can_send(change):
        change.notices.clear()  # a desk that can't send mail tells nobody by mail
    for (number, address), reasons in change.notices.items():
        not_before = change.not_before[number, address]
        outbox.put_notification(change, change.ticket(number), address, list(reasons.values()), not_before)


def fill_in(change: Change, ticket: Ticket, template: str) -> str:
    """A text of desk.toml with the ticket's facts filled in."""
    from tkt.desk.templates import render_text

    return render_text(change, ticket, template)
