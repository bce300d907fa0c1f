"""Two tickets about one thing become one: the source ends in the target.

The messages move, they are not only shown there: whatever reads a conversation (lists, search, `--json`, templates,
who is answered, References of the next mail) then needs to know nothing of merging, and costs nothing more. The source
keeps its number, its history and what was taken back on it; it is closed for good, and its number leads to the target,
also for mail. Nobody is lost: the source's requester and followers get the target's replies, its assignee and watchers
watch it, its teams are concerned, its tags, children and (where the target has none) its parent are the target's.
What the target is stays as it is: subject, status, priority, fields, assignee, requester.

Promises: those of the source are void. The target's first response and resolution go on as they are; its next response
is for the oldest message that waits on either. A message that waits opens a target that waits or is done, as if it had
come in there.

Where the target was merged itself, the ticket that it went into is meant. Undo takes a merge back: the messages return,
what was said on the target since stays there. Tickets are locked in the order of their numbers, so two merges that
cross make no ring: the later one is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterator

from tkt.desk import followers, moving, notices, people, statuses, tickets, waiting
from tkt.desk.conversation import THIRD_PARTY
from tkt.desk.fields import exact
from tkt.desk.teams import further_teams, link_team
from tkt.desk.unit import Change, Desk
from tkt.desk.values import SPAM
from tkt.errors import Conflict, NotFound
from tkt.store.rows import rows
from tkt.store.tables import Ticket, TicketTag

VERB = "merge"

ANCESTORS = 50
"""How far up parents are followed."""


def merge(desk: Desk, number: int, into: int, version: int | None = None) -> int:
    """Let this ticket end in another one; the number of that one. Raises NotFound, NotAllowed, Conflict (it is that
    ticket, it was merged already, one of them is spam).
    """
    with desk.change() as change:
        change.require("agent")
        source, target = _locked(change, number, into, version)
        _refuse(change, source, target)
        waits_since = waiting.waiting_since(change, source)
        statuses.move(change, source, "closed")
        change.set(source, VERB, snooze=None, merged=target.number)
        standing = [one for one in moving.messages(change, source) if one.withdrawn_at is None]
        moving.move(change, source, target, standing, VERB)
        _bring_people(change, source, target)
        _bring_marks(change, desk, source, target)
        _adopt(change, source, target)
        if waits_since is not None:
            oldest = waiting.earlier(waits_since, target.unanswered_since)
            change.set(target, VERB, unanswered=exact(oldest), snooze=None)
            if target.status_kind != "open" and target.status != THIRD_PARTY:
                statuses.move(change, target, "open")
        target.unread, source.unread = target.unread or source.unread, False
        _tell(change, source, target)
        return target.number or 0


def _locked(change: Change, number: int, into: int, version: int | None) -> tuple[Ticket, Ticket]:
    """Both tickets, and the source's children, locked."""
    end = _end(change, into)
    children = [row[0] for row in rows(change.session, _CHILDREN, (number,))]
    for one in sorted({number, end, *children}):
        change.ticket(one, version if one == number else None)
    return change.ticket(number), change.ticket(end)


def _end(change: Change, number: int) -> int:
    """Where a number leads."""
    while found := rows(change.session, "SELECT merged_into FROM ticket WHERE number = ?", (number,)):
        if found[0][0] is None:
            return number
        number = found[0][0]
    raise NotFound(f"there is no ticket #{number}")


def _refuse(change: Change, source: Ticket, target: Ticket) -> None:
    if source is target:
        raise Conflict(f"#{source.number} can't be merged into itself, nor into what was merged into it")
    for ticket in (source, target):
        if ticket.merged_into is not None:
            raise Conflict(f"#{ticket.number} was merged into #{ticket.merged_into} already")
        if change.session.get(TicketTag, (ticket.number, SPAM)):
            raise Conflict(f"#{ticket.number} is spam; if it is none, 'tkt ham {ticket.number}' first")


# --- what the target gets ---------------------------------------------------------------------------------------------


def _bring_people(change: Change, source: Ticket, target: Ticket) -> None:
    """Whoever took part in the source takes part in the target."""
    there = people.addresses_of(change, target)
    for name, address in _outsiders(change, source):
        if address not in there:
            followers.let_in(change, target, name, address)
    names = change.definitions.agent_names
    watching = [row[0] for row in rows(change.session, _WATCHERS, (source.number,))]
    for agent in dict.fromkeys((source.assignee_id, *watching)):
        if agent and agent != target.assignee_id and names[agent] in change.definitions.agents:
            followers.watch(change, target, names[agent])


def _outsiders(change: Change, source: Ticket) -> Iterator[tuple[str, str]]:
    requester = people.requester_of(change, source)
    if requester is not None and requester.address:
        yield requester.name, requester.address
    for one in followers.followers(change, source):
        yield one.name, one.address


def _bring_marks(change: Change, desk: Desk, source: Ticket, target: Ticket) -> None:
    """Tags, teams, and that a mail came back."""
    assert target.number is not None
    own = change.definitions.team_names.get(source.team_id or 0)
    for name in dict.fromkeys([*([own] if own else []), *further_teams(change, source)]):
        if name in change.definitions.teams:
            link_team(change, target, name)
    tickets.tag(desk, target.number, [row[0] for row in rows(change.session, _TAGS, (source.number,))])
    if source.undelivered:
        change.set(target, VERB, undelivered=True)
        change.set(source, VERB, undelivered=False)


def _adopt(change: Change, source: Ticket, target: Ticket) -> None:
    """The source's children become the target's, and its parent is the target's too where that has none. Nobody becomes
    their own ancestor.
    """
    for (child,) in rows(change.session, _CHILDREN, (source.number,)):
        if child != target.number:
            parent = source.parent if child in _ancestors(change, target.number) else target.number
            change.set(change.ticket(child), VERB, parent=parent)
            change.session.flush()
    if target.parent in (None, source.number):
        below = target.number in (source.parent, *_ancestors(change, source.parent))
        change.set(target, VERB, parent=None if below else source.parent)


def _ancestors(change: Change, number: int | None) -> set[int]:
    """The ticket's parent, that one's parent, and so on."""
    found: set[int] = set()
    for _ in range(ANCESTORS):
        above = rows(change.session, "SELECT parent FROM ticket WHERE number = ?", (number,))
        if not above or above[0][0] is None or above[0][0] in found:
            break
        number = above[0][0]
        found.add(number)
    return found


def _tell(change: Change, source: Ticket, target: Ticket) -> None:
    """Whose tickets they are hears of it."""
    names = change.definitions.agent_names
    whom = dict.fromkeys(names[one] for one in (target.assignee_id, source.assignee_id) if one)
    words = f"{change.actor.name} merged #{source.number} into this ticket."
    notices.notify(change, target, whom, words, notices.REPLY)


_CHILDREN = "SELECT number FROM ticket WHERE parent = ? ORDER BY number"
_WATCHERS = "SELECT agent_id FROM watcher WHERE ticket = ? ORDER BY agent_id"
_TAGS = "SELECT tag FROM ticket_tag WHERE ticket = ? ORDER BY tag"
