"""Promises after a change of policies, calendars, teams or customers: every ticket concerned is reconsidered, once.

Promises
- The change commits at once, with a row of `reconsideration` for each ticket concerned (`mark_all`, `mark_of`). The
  rows are worked off afterwards, some hundred a transaction (`settle`): killed in the middle, the next `config apply`,
  `sla check` or round of the scheduler goes on, and several processes share them.
- A ticket is held to its new terms as of the moment of the change, however late its turn comes; and before anything
  else happens to it: `Change.ticket` calls `catch_up` when it has the lock. So the check breaches nothing by old terms,
  and the ledger is the one that the change would have made in one go.
- A further change first settles what is left of the one before (`settled`, then `none_left` in its transaction).

While nothing is marked this costs nothing: the setting `sla.reconsider`, which every process holds with its
definitions, says so.

Leaves to others: what new terms mean for a clock (`tkt.sla.clocks`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tkt.desk import reactions
from tkt.desk.unit import MARKED, SYSTEM, Change, Desk
from tkt.errors import TryAgain
from tkt.store.definitions import load_definitions, raise_generation
from tkt.store.rows import execute, rows
from tkt.store.tables import Ticket
from tkt.times import from_micros, to_micros

BATCH = 200
"""Tickets a transaction: other writers wait no longer than that takes."""

PAUSE_SECONDS = 0.05
"""Between two looks at tickets that other processes have in hand."""

Progress = Callable[[int, int], None]
"""Called with how many of how many tickets are done."""


def mark_all(change: Change, cause: str) -> None:
    """Let every unfinished ticket be reconsidered as of this change."""
    _mark(change, cause, "", ())


def mark_of(change: Change, people: str, key: int | None, cause: str) -> None:
    """Let unfinished tickets of some customers be reconsidered as of this change; `people` is a SELECT of their ids,
    with `key` for its parameter.
    """
    _mark(change, cause, f" AND requester_id IN ({people})", (key,))


def _mark(change: Change, cause: str, where: str, params: tuple[int | None, ...]) -> None:
    change.session.flush()
    execute(change.session, _MARK.format(where), (to_micros(change.at), cause, *params))
    execute(change.session, _SET, (MARKED,))
    raise_generation(change.session)
    change.definitions = load_definitions(change.session, None)


def none_left(change: Change) -> bool:
    """Whether nothing is marked any more; asked in the transaction of a further change."""
    return not rows(change.session, "SELECT 1 FROM reconsideration LIMIT 1")


def catch_up(change: Change, tickets: Sequence[Ticket]) -> int:
    """Hold tickets whose locks this change has to the terms they should have had since; how many were marked."""
    held = {ticket.number: ticket for ticket in tickets}
    if not held:
        return 0
    found = rows(change.session, _TAKE.format(", ".join("?" * len(held))), list(held))
    marked = [reactions.Marked(held[number], from_micros(at), cause) for number, at, cause in sorted(found)]
    if marked:
        reactions.reconsider(change, marked)
    return len(marked)


def settle(desk: Desk, progress: Progress | None = None) -> int:
    """Reconsider every ticket that is marked; how many this process did.

    Raises StoreBusy, StoreUnreachable, KeyboardInterrupt: what was done until then is kept, the rest stays marked.
    """
    with desk.look() as change:
        total = _left(change) if change.definitions.setting(MARKED) else 0
    done = 0
    while (count := batch(desk)) is not None:
        done += count
        if progress is not None:
            with desk.look() as change:
                left = _left(change)
            progress(total - min(left, total), total)
        if count == 0:
            time.sleep(PAUSE_SECONDS)
    return done


def batch(desk: Desk) -> int | None:
    """Reconsider some of the tickets that are marked, in one transaction; how many, None when nothing is marked.

    0 means that other processes have the rest in hand.
    """
    with desk.look() as change:
        if not change.definitions.setting(MARKED):
            return None
    with desk.change(actor=SYSTEM) as change:
        if none_left(change):
            _unmark(change)
            return None
        lock = "FOR UPDATE OF t SKIP LOCKED" if desk.store.dialect == "postgresql" else ""
        found = rows(change.session, _SOME.format(lock), (BATCH,))
        return len(change.free_tickets([row[0] for row in found]))  # having the locks, it catches up


def _unmark(change: Change) -> None:
    """Say that nothing is marked, unless somebody has just marked something: both hold the generation's row."""
    raise_generation(change.session)
    if none_left(change):
        execute(change.session, "DELETE FROM setting WHERE key = ?", (MARKED,))


def _left(change: Change) -> int:
    return int(rows(change.session, "SELECT count(*) FROM reconsideration")[0][0])


def settled(desk: Desk, progress: Progress | None = None) -> None:
    """Settle what an earlier change has left; raises TryAgain where others keep marking tickets all the time."""
    for _ in range(3):
        settle(desk, progress)
        with desk.look() as change:
            if none_left(change):
                return
    raise TryAgain("the promises are being reconsidered after another change; try again in a moment")


_MARK = """
INSERT INTO reconsideration (ticket, at, cause)
SELECT number, CAST(? AS BIGINT), CAST(? AS TEXT) FROM ticket WHERE status_kind IN ('open', 'waiting'){}
ON CONFLICT (ticket) DO NOTHING
"""
_SET = "INSERT INTO setting (key, value) VALUES (?, 'true') ON CONFLICT (key) DO NOTHING"
_TAKE = "DELETE FROM reconsideration WHERE ticket IN ({}) RETURNING ticket, at, cause"
_SOME = """
SELECT r.ticket FROM reconsideration r JOIN ticket t ON t.number = r.ticket ORDER BY r.ticket LIMIT ? {}
"""
