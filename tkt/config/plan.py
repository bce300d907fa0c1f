"""What applying a configuration would change in the store, and what the reviewer should know about it.

Leaves to others: doing it (`tkt.config.apply`).
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session, col, func, select

from tkt.config.changes import Change, differences
from tkt.config.model import Config
from tkt.config.stored import stored
from tkt.errors import Conflict
from tkt.store.tables import Agent, Company, Person, Team, Ticket


def plan(session: Session, config: Config) -> list[Change]:
    """Every difference between the store and the configuration; none where the store says the same already.

    Raises Conflict where the desk would be left without an admin.
    """
    present = stored(session)
    if present.config.admins() and not config.admins():
        last = ", ".join(present.config.admins())
        raise Conflict(f"this would leave the desk without an admin: keep {last} or name another agent as admin")
    return differences(present.config, config, present.retired)


def warnings(session: Session, changes: list[Change], actor: str) -> list[str]:
    """What is allowed but may surprise, in sentences: retiring oneself, or who has unfinished tickets."""
    return [words for change in changes for words in _warnings(session, change, actor)]


def _warnings(session: Session, change: Change, actor: str) -> Iterator[str]:
    if change.kind == "agent" and change.name == actor:
        if change.action == "retire":
            yield f"{actor} is you: after this you can't act on the desk any more"
        elif change.field == "role" and change.old == "admin":
            yield f"{actor} is you: after this you are no admin any more"
    if change.action == "retire" and (count := _unfinished(session, change)):
        yield f"{change.subject} still has {count} unfinished ticket{'s' if count > 1 else ''}"
    if change.kind == "sla" and change.action == "retire" and (count := _holders(session, change.name)):
        yield f"{change.subject} is the policy of their own of {count} customers or companies: others will match them"


def _holders(session: Session, policy: str) -> int:
    """How many customers and companies have this policy for themselves."""
    counts = (select(func.count()).select_from(table).where(table.sla == policy) for table in (Person, Company))
    return sum(session.exec(count).one() for count in counts)


def _unfinished(session: Session, change: Change) -> int:
    """How many open and waiting tickets a retired agent, team or status still has."""
    count = select(func.count()).select_from(Ticket).where(col(Ticket.status_kind).in_(("open", "waiting")))
    if change.kind == "agent":
        count = count.join(Agent, col(Ticket.assignee_id) == col(Agent.id)).where(Agent.name == change.name)
    elif change.kind == "team":
        count = count.join(Team, col(Ticket.team_id) == col(Team.id)).where(Team.name == change.name)
    elif change.kind == "status":
        count = count.where(Ticket.status == change.name)
    else:
        return 0
    return session.exec(count).one()
