"""Who gets a ticket, by its team's way of assigning (desk.toml `assign`).

- round-robin: the member whose last ticket by this way is longest ago.
- least-loaded: the member with the fewest open tickets; among equals, round-robin.
- skill: the members with most of the ticket's tags, category and type among their skills; among equals, least-loaded.
- manual: nobody unless asked; "assign auto" then takes the least loaded.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, func, select

from tkt.store.definitions import Definitions
from tkt.store.tables import Agent, Team, TeamMember, Ticket, TicketTag

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def choose(session: Session, definitions: Definitions, ticket: Ticket, at: datetime) -> str | None:
    """The agent's name, who is noted as the last one chosen; None when there is no team or no active member."""
    team = session.get(Team, ticket.team_id) if ticket.team_id else None
    members = _members(session, team) if team else []
    if team is None or not members:
        return None
    loads = {} if team.assign == "round-robin" else _loads(session, members)
    wanted = _wanted(session, ticket) if team.assign == "skill" else set()
    chosen = min(members, key=lambda one: _order(one, loads, wanted))
    chosen.assigned_at = max(at, _after_all(members))
    return chosen.name


def _after_all(members: list[Agent]) -> datetime:
    """A moment after every earlier choice: a change that began first may be the one that chooses last."""
    return max(one.assigned_at or LONG_AGO for one in members) + timedelta(microseconds=1)


def _order(agent: Agent, loads: dict[int, int], wanted: set[str]) -> tuple[int, int, datetime, str]:
    skilled = -len(wanted.intersection(agent.skills))
    return skilled, loads.get(agent.id or 0, 0), agent.assigned_at or LONG_AGO, agent.name


def _members(session: Session, team: Team) -> list[Agent]:
    """The active members who may work on tickets, locked so that two choices at once see each other's.

    The lock lets others go on naming these agents in what they write (foreign keys), else two changes could wait for
    each other.
    """
    query = (
        select(Agent)
        .join(TeamMember, col(TeamMember.agent_id) == Agent.id)
        .where(TeamMember.team_id == team.id, Agent.active, Agent.role != "viewer")
        .order_by(Agent.name)
        .with_for_update(of=Agent, key_share=True)
        .execution_options(populate_existing=True)
    )
    return list(session.exec(query))


def _loads(session: Session, members: list[Agent]) -> dict[int, int]:
    query = (
        select(Ticket.assignee_id, func.count())
        .where(col(Ticket.assignee_id).in_([one.id for one in members]), Ticket.status_kind == "open")
        .group_by(col(Ticket.assignee_id))
    )
    return {agent: count for agent, count in session.exec(query) if agent}


def _wanted(session: Session, ticket: Ticket) -> set[str]:
    tags = session.exec(select(TicketTag.tag).where(TicketTag.ticket == ticket.number))
    return {*tags, *ticket.category.split("/"), ticket.type} - {""}
