"""What a desk sends by itself, and when it stops: confirmations, replies by rules, notices to people outside.

Two machines that answer each other must soon fall silent (RFC 3834 section 2), whatever marks a hostile or careless
relay has removed from their mails. So an automatic mail does not leave

- to an address that is out of reach (`standing`), or to more than PER_ADDRESS from one desk in WINDOW;
- when the desk has sent `desk.automatic_limit` of them in WINDOW, to everybody together; leading people are told once;
- in answer to words that their sender has written more than REPEATED times in a day, ticket numbers aside.

What a person writes is never counted or held back, nor are notifications to staff.

Counting takes no lock until the change is all but done: a decision is made on the counts as they were read, and
`settle` adds up what was admitted, the row of everybody last. On Postgres that row is thus held for the length of a
commit, in which writers stand in line anyway to write the event log. The price is that writers who decide at the same
moment may overshoot a limit by as many mails as there are writers.
"""

from __future__ import annotations

import re
from datetime import timedelta

from tkt.desk import outbox, people
from tkt.desk.standing import EVERYBODY, standing
from tkt.desk.unit import Change
from tkt.errors import Conflict
from tkt.store.rows import rows
from tkt.store.tables import Ticket
from tkt.times import to_micros

PER_ADDRESS = 5
WINDOW = timedelta(hours=1)

LIMIT = "500"
"""Of everybody together, in one window, where desk.toml has no `automatic_limit`."""

REPEATED = 3
REPETITION_WINDOW = timedelta(days=1)
LOOKED_AT = 20
"""How many of the latest tickets and messages are compared."""

COMPARED = 2000
"""Characters of a text that are compared."""

TOO_MANY = "too many to this address"
TOO_MANY_ALTOGETHER = "the desk has sent its automatic mails of this hour"
REPETITION = "the sender keeps repeating this message"

_VARYING = re.compile(r"#\d+|\s+")


def refusal(change: Change, ticket: Ticket, address: str) -> str:
    """Why no automatic mail about the ticket may leave to this address now; "" admits and counts one."""
    address = address.lower()
    held = standing(change, address)
    if held.out_of_reach:
        return f"mail to {address} does not arrive: {held.bounced}"
    admitted = change.automatic.setdefault(address, 0)
    if _sent(change, address) + admitted >= PER_ADDRESS:
        return TOO_MANY
    change.automatic[address] += 1
    change.automatic[EVERYBODY] = others = change.automatic.get(EVERYBODY, 0) + 1
    if _sent(change, EVERYBODY) + others > _limit(change):
        change.over_limit = ticket
        return TOO_MANY_ALTOGETHER
    return ""


def reply_recipients(change: Change, ticket: Ticket) -> tuple[list[str], list[str]]:
    """Who of those that a reply goes to (To, Cc) may get one that nobody wrote; who may not is recorded as skipped.

    Raises Conflict, with the reason, if nobody may.
    """
    to, cc = outbox.reply_recipients(change, ticket)
    if to and repeats_itself(change, ticket, to[0]):
        raise Conflict(REPETITION)
    reasons = {address: refusal(change, ticket, address) for address in (*to, *cc)}
    if reasons and all(reasons.values()):
        raise Conflict("; ".join(dict.fromkeys(reasons.values())))
    for address, reason in reasons.items():
        if reason:
            change.record("skipped", ticket=ticket, field=f"reply to {address}", new=reason)
    kept = [address for address, reason in reasons.items() if not reason]
    return kept[:1], kept[1:]


def repeats_itself(change: Change, ticket: Ticket, address: str) -> bool:
    """Whether the latest message on the ticket says what its sender has said REPEATED times before within a day, here
    or on their other tickets; ticket numbers make no difference. No query where the desk has sent them nothing by
    itself in that time.
    """
    since = to_micros(change.at - REPETITION_WINDOW)
    if (standing(change, address).automatic_since or 0) <= since or ticket.requester_id is None:
        return False
    found = rows(change.session, _SAID, (ticket.requester_id, ticket.number, LOOKED_AT, since, LOOKED_AT))
    said = [(author, _sense(subject + text)) for author, subject, text in found]
    return said.count(said[0]) > REPEATED if said else False


def settle(change: Change) -> Ticket | None:
    """Add what this change has admitted to the counts. The ticket whose mail was the first in this window that the
    limit for everybody held back, so that somebody is told, else None.
    """
    counted = {address: count for address, count in change.automatic.items() if count}
    change.automatic = {}
    if not counted:
        return None
    everybody = counted.pop(EVERYBODY)
    values = [*sorted(counted.items()), (EVERYBODY, everybody)]  # one order for all writers, the contended row last
    now, begun = to_micros(change.at), to_micros(change.at - WINDOW)
    params = [part for address, count in values for part in (address, now, count)]
    sql = _COUNT.replace("VALUES", "VALUES " + ", ".join([_VALUE] * len(values)))
    counts = dict(rows(change.session, sql, (*params, begun, begun)))
    first = counts[EVERYBODY] - everybody <= _limit(change) < counts[EVERYBODY]
    return change.over_limit if first else None


def limit_reached(change: Change) -> str:
    """The words for those who are told."""
    return (
        f"This desk has sent {_limit(change)} mails by itself within the hour; no more leave for now (automatic_limit)."
    )


def _sent(change: Change, address: str) -> int:
    """How many have left in the window that is open now."""
    held = standing(change, address)
    begun = to_micros(change.at - WINDOW)
    return held.automatic_count if held.automatic_since is not None and held.automatic_since > begun else 0


def _limit(change: Change) -> int:
    return int(change.definitions.setting("desk.automatic_limit", LIMIT))


def holds_back_notice(change: Change, ticket: Ticket, address: str) -> bool:
    """Whether a notice to this address must not leave: staff gets all of theirs, others are limited like customers."""
    known = (ticket.number or 0, address) in change.notices
    if known or address.lower() in people.own_addresses(change):
        return False
    if reason := refusal(change, ticket, address):
        change.record("skipped", ticket=ticket, field=f"notify {address}", new=reason)
    return bool(reason)


def _sense(text: str) -> str:
    return _VARYING.sub("", text[:COMPARED])


_SAID = """
SELECT e.author_address, t.subject, e.text FROM (
    SELECT number, subject FROM ticket WHERE requester_id = ? AND number <= ? ORDER BY number DESC LIMIT ?
) t JOIN entry e ON e.ticket = t.number
WHERE e.kind = 'inbound' AND e.at > ?
ORDER BY e.id DESC LIMIT ?
"""
_VALUE = "(?, ?, ?, '', '')"
_COUNT = """
INSERT INTO address_state (address, automatic_since, automatic_count, bounced, blocked_by) VALUES
ON CONFLICT (address) DO UPDATE SET
    automatic_count = CASE WHEN coalesce(address_state.automatic_since, 0) <= ? THEN excluded.automatic_count
        ELSE address_state.automatic_count + excluded.automatic_count END,
    automatic_since = CASE WHEN coalesce(address_state.automatic_since, 0) <= ? THEN excluded.automatic_since
        ELSE address_state.automatic_since END
RETURNING address, automatic_count
"""
