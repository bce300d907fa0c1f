"""Who takes part in a ticket besides its requester and its assignee.

Followers are people outside, by address: they get the replies, and their answers find the ticket. Whoever writes, or is
copied in by somebody who takes part, becomes one; an agent may add and drop them. Watchers are agents: they are told of
what happens on a ticket that need not be theirs. Both come and go with an event, so undo knows them; neither makes a
new version of the ticket, because nobody's work on it depends on them.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from tkt.desk import people, values
from tkt.desk.storable import storable
from tkt.desk.unit import Change, Desk
from tkt.errors import NotFound, UsageError
from tkt.store.rows import execute, rows
from tkt.store.tables import Entry, Event, Follower, Ticket


def follow(desk: Desk, number: int, agents: Sequence[str] = (), addresses: Sequence[str] = ()) -> list[str]:
    """Let agents (by name, or "me") watch a ticket and addresses outside get its replies; without either, the acting
    agent. Who was not there already. For another agent it takes a supervisor.

    Raises NotFound, NotAllowed, UsageError (no address, one of our own, the requester's).
    """
    with desk.change() as change:
        ticket = change.ticket(number)
        named = _named(change, agents, addresses)
        wanted = [_outsider(change, ticket, address) for address in addresses]
        came = [name for name in named if watch(change, ticket, name)]
        return came + [address for address in wanted if let_in(change, ticket, "", address)]


def unfollow(desk: Desk, number: int, agents: Sequence[str] = (), addresses: Sequence[str] = ()) -> list[str]:
    """The reverse of `follow`, with the same errors: who was there. A dropped address gets no more replies; a later
    mail of theirs, or one that copies them in, lets them take part again.
    """
    with desk.change() as change:
        ticket = change.ticket(number)
        named = _named(change, agents, addresses)
        dropped = [_outsider(change, ticket, address) for address in addresses]
        gone = [name for name in named if _unwatch(change, ticket, name)]
        return gone + [address for address in dropped if _let_go(change, ticket, address)]


def _named(change: Change, agents: Sequence[str], addresses: Sequence[str]) -> list[str]:
    """The agents that are meant, who must be there; whoever acts may speak for them. A viewer for themselves."""
    if addresses:
        change.require("agent")
    me = change.actor.name
    named = [values.myself(change) if name == "me" else _known(change, name) for name in agents]
    if not agents and not addresses:
        named = [values.myself(change)]
    if any(name != me for name in named):
        change.require("supervisor")
    return list(dict.fromkeys(named))


def _known(change: Change, name: str) -> str:
    """Viewers too: to follow is to read."""
    known = change.definitions.agents
    if name not in known:
        raise NotFound(f"there is no agent '{name}'{values.nearest(name, known)}")
    return name


def _outsider(change: Change, ticket: Ticket, address: str) -> str:
    """The address in its normal form. Raises UsageError for one that needs not follow."""
    address = people.normal_address(address)
    if address in people.own_addresses(change):
        raise UsageError(f"{address} is an address of this desk; agents follow by their names")
    if address in people.addresses_of(change, ticket):
        raise UsageError(f"{address} is the requester of #{ticket.number}, whom every reply goes to")
    return address


# --- outside ----------------------------------------------------------------------------------------------------------


def let_in(change: Change, ticket: Ticket, name: str, address: str) -> bool:
    """Let somebody outside take part in a ticket: they get its replies, and their answers find it. Whether they are
    new there; our own addresses never are. Raises UsageError when it is no address.
    """
    address = people.normal_address(address)
    if address in people.own_addresses(change):
        return False
    if not rows(change.session, _LET_IN, (ticket.number, address, storable(name))):
        return False
    change.record("follow", ticket=ticket, field="follower", new=address)
    return True


def _let_go(change: Change, ticket: Ticket, address: str) -> bool:
    if execute(change.session, _LET_GO, (ticket.number, address)).rowcount != 1:
        return False
    change.record("follow", ticket=ticket, field="follower", old=address)
    return True


def follows(change: Change, ticket: Ticket, address: str) -> bool:
    """Whether this address outside takes part."""
    return bool(rows(change.session, _FOLLOWS, (ticket.number, address)))


_LET_IN = "INSERT INTO follower (ticket, address, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING RETURNING address"
_LET_GO = "DELETE FROM follower WHERE ticket = ? AND address = ?"
_FOLLOWS = "SELECT 1 FROM follower WHERE ticket = ? AND address = ?"


def followers(change: Change, ticket: Ticket) -> list[Follower]:
    """Who outside takes part, by address."""
    return list(
        change.session.exec(select(Follower).where(Follower.ticket == ticket.number).order_by(Follower.address))
    )


# --- agents -----------------------------------------------------------------------------------------------------------


def watch(change: Change, ticket: Ticket, name: str) -> bool:
    """Let an agent follow a ticket; whether they did not already."""
    agent = change.definitions.agents[name]
    if not rows(change.session, _WATCH, (ticket.number, agent)):
        return False
    change.record("follow", ticket=ticket, field="watcher", new=name)
    return True


def _unwatch(change: Change, ticket: Ticket, name: str) -> bool:
    agent = next(key for key, known in change.definitions.agent_names.items() if known == name)
    if execute(change.session, _UNWATCH, (ticket.number, agent)).rowcount != 1:
        return False
    change.record("follow", ticket=ticket, field="watcher", old=name)
    return True


_WATCH = "INSERT INTO watcher (ticket, agent_id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING agent_id"
_UNWATCH = "DELETE FROM watcher WHERE ticket = ? AND agent_id = ?"


# --- undo -------------------------------------------------------------------------------------------------------------


def turn(change: Change, ticket: Ticket, event: Event) -> bool:
    """Undo's door: the one who came goes, the one who went comes back, unless they have left the desk since; whether
    that was so. An address that has written on the ticket since then stays: it is answered there.
    """
    before, after = event.old, event.new
    if event.field == "watcher" and after:
        return _unwatch(change, ticket, after)
    if event.field == "watcher":
        return before in change.definitions.agents and watch(change, ticket, before)
    if after:
        return not _has_written(change, ticket, after, event) and _let_go(change, ticket, after)
    return let_in(change, ticket, "", before)


def _has_written(change: Change, ticket: Ticket, address: str, since: Event) -> bool:
    wrote = select(Event.id).join(Entry, col(Entry.id) == col(Event.entry)).where(Entry.ticket == ticket.number)
    here = wrote.where(Event.ticket == ticket.number, Event.verb == "inbound", col(Event.id) > since.id)
    return change.session.exec(here.where(Entry.author_address == address).limit(1)).first() is not None
