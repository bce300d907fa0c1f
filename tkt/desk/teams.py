"""Further teams that a ticket concerns, besides its own: one mail went to the mailboxes of both.

A further team finds the ticket (`team:NAME`, in rules and promises too) and is told of it as its own team is; who gets
it and which mailbox answers stay with the ticket's own. Each comes and goes with an event, so undo knows it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tkt.desk import values
from tkt.desk.unit import Change
from tkt.store.rows import execute, rows
from tkt.store.tables import Ticket


def link_team(change: Change, ticket: Ticket, name: str) -> bool:
    """Let the ticket concern this active team too. False if it does so already or is the ticket's own."""
    team = change.definitions.teams[name]
    if team == ticket.team_id or not rows(change.session, _LINK, (ticket.number, team)):
        return False
    _changed(change, ticket, None, name)
    return True


def unlink_team(change: Change, ticket: Ticket, name: str) -> bool:
    """The reverse; False if the ticket did not concern it."""
    team = next(key for key, known in change.definitions.team_names.items() if known == name)
    if execute(change.session, _UNLINK, (ticket.number, team)).rowcount != 1:
        return False
    _changed(change, ticket, name, None)
    return True


def further_teams(change: Change, ticket: Ticket) -> list[str]:
    """Their names, sorted, without the ticket's own team."""
    found = rows(change.session, "SELECT team_id FROM ticket_team WHERE ticket = ?", (ticket.number,))
    return sorted(change.definitions.team_names[row[0]] for row in found if row[0] != ticket.team_id)


def set_teams(change: Change, ticket: Ticket, names: Iterable[str]) -> list[str]:
    """Make these the further teams; ["teams"] if that changed anything."""
    wanted = {values.team(change.definitions, name) for name in names}
    held = set(further_teams(change, ticket))
    gone = [unlink_team(change, ticket, name) for name in sorted(held - wanted)]
    came = [link_team(change, ticket, name) for name in sorted(wanted - held)]
    return ["teams"] if any(gone + came) else []


def turn(change: Change, ticket: Ticket, before: str | None, after: str | None) -> None:
    """Undo's door: the team that came (`after`) goes, the one that went (`before`) comes back if it is still there."""
    if after:
        unlink_team(change, ticket, after)
    elif before in change.definitions.teams:
        link_team(change, ticket, before)


def _changed(change: Change, ticket: Ticket, old: str | None, new: str | None) -> None:
    touched = change.touch(ticket)
    touched.fields["teams"] = (old, new)
    change.happened(ticket, "changed")
    change.record("set", ticket=ticket, field="teams", old=old, new=new)


_LINK = "INSERT INTO ticket_team (ticket, team_id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING team_id"
_UNLINK = "DELETE FROM ticket_team WHERE ticket = ? AND team_id = ?"
