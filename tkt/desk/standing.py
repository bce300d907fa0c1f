"""How we stand with an address outside: whether mail to it arrives, and what the desk sent it by itself.

An address is out of reach once a mail of ours to it came back for good, or once its owner reported one as unwanted. The
desk then sends it nothing by itself, and agents are warned before they write to it. A mail from the address, or a later
delivery to it, takes that back. Facts are read once per change and address, in one query. How much the desk may send by
itself is left to `automatic`, what becomes of mail from a blocked address to `tkt.channels.mail`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from tkt.desk import people
from tkt.desk.unit import Change
from tkt.store.rows import execute, rows
from tkt.store.tables import Ticket
from tkt.times import from_micros, to_micros

EVERYBODY = ""
"""The row that counts automatic mail to all addresses together."""

LONG = timedelta(days=1)

REASON_LIMIT = 500
"""Characters of what another server said that are kept."""


class Standing(NamedTuple):
    """One address. `automatic_since` is the start of the window in which `automatic_count` mails left by themselves, in
    microseconds; `bounced` says why mail to it does not arrive, `blocked_by` who took it for a sender of spam.
    """

    automatic_since: int | None = None
    automatic_count: int = 0
    bounced_at: datetime | None = None
    bounced: str = ""
    blocked_by: str = ""

    @property
    def out_of_reach(self) -> bool:
        return self.bounced_at is not None

    @property
    def blocked(self) -> bool:
        return bool(self.blocked_by)


def standing(change: Change, address: str) -> Standing:
    """How we stand with the address as it was when this change first asked."""
    return _read(change, [address])[0]


def blocked_by(change: Change, address: str) -> str:
    """Who took what the address, or everybody at its domain, sends for spam; "" if nobody did."""
    whole_domain = f"@{address.rpartition('@')[2]}"
    return next((one.blocked_by for one in _read(change, [address, whole_domain]) if one.blocked), "")


def unreachable(change: Change, ticket: Ticket, address: str, why: str) -> None:
    """Mail to the address does not arrive, or is not wanted: remember it, and record it on the ticket."""
    address, why = address.lower(), why[:REASON_LIMIT]
    execute(change.session, _MARK, (address, to_micros(change.at), why))
    change.memory["standing"][address] = standing(change, address)._replace(bounced_at=change.at, bounced=why)
    change.record("unreachable", ticket=ticket, field=address, new=why)


def reached(change: Change, ticket: Ticket, addresses: Iterable[str], written_at: datetime | None = None) -> None:
    """Somebody wrote from these addresses, or a mail to them, written then, was taken: they can be reached again.

    A mail that is older than the bounce proves nothing.
    """
    wanted = sorted({address.lower() for address in addresses} - {EVERYBODY})
    for address, held in zip(wanted, _read(change, wanted), strict=True):
        if held.bounced_at is not None and (written_at is None or held.bounced_at <= written_at):
            execute(change.session, _CLEAR, (address,))
            change.memory["standing"][address] = held._replace(bounced_at=None, bounced="")
            change.record("reachable", ticket=ticket, field=address, old=held.bounced)


def heard_from(change: Change, ticket: Ticket, address: str, sent_at: datetime | None = None) -> None:
    """A customer has written: whatever came back from them before is past, also what the ticket says of it.

    A mail that was sent long before says nothing of today (an imported one); clocks may differ by less than LONG.
    """
    held = standing(change, address)
    if held.bounced_at is not None and sent_at is not None and sent_at < held.bounced_at - LONG:
        return
    was_out_of_reach = held.out_of_reach
    reached(change, ticket, [address])
    if ticket.undelivered and (was_out_of_reach or address.lower() in people.addresses_of(change, ticket)):
        change.set(ticket, "reachable", undelivered=False)


def arrived(change: Change, ticket: Ticket, mail: int) -> None:
    """A mail that an agent wrote (its outbox id) was taken for everybody: nothing on the ticket is undelivered any
    more, unless a later mail failed."""
    if ticket.undelivered and not rows(change.session, _FAILED_LATER, (ticket.number, mail)):
        change.set(ticket, "reachable", undelivered=False)


def out_of_reach(change: Change, addresses: Iterable[str]) -> dict[str, str]:
    """Which of these addresses can't be reached, and why."""
    wanted = list(dict.fromkeys(address.lower() for address in addresses))
    held = zip(wanted, _read(change, wanted), strict=True)
    return {address: one.bounced for address, one in held if one.out_of_reach}


def _read(change: Change, addresses: Sequence[str]) -> list[Standing]:
    """How we stand with each; what is not known yet is asked for at once, everybody's row with the first."""
    addresses = [address.lower() for address in addresses]
    held = change.memory.setdefault("standing", {})
    unknown = [address for address in {*addresses, EVERYBODY} if address not in held]
    if unknown and addresses:
        held.update(dict.fromkeys(unknown, Standing()))
        for address, since, count, bounced_at, *words in rows(
            change.session, _ASK % ", ".join("?" * len(unknown)), unknown
        ):
            held[address] = Standing(since, count, from_micros(bounced_at) if bounced_at is not None else None, *words)
    return [held[address] for address in addresses]


_ASK = """
SELECT address, automatic_since, automatic_count, bounced_at, bounced, CASE WHEN blocked_at IS NULL THEN ''
    ELSE coalesce(nullif(blocked_by, ''), 'somebody') END
FROM address_state WHERE address IN (%s)
"""
_MARK = """
INSERT INTO address_state (address, automatic_count, bounced_at, bounced, blocked_by) VALUES (?, 0, ?, ?, '')
ON CONFLICT (address) DO UPDATE SET bounced_at = excluded.bounced_at, bounced = excluded.bounced
"""
_FAILED_LATER = """
SELECT 1 FROM outbox WHERE ticket = ? AND id > ? AND state = 'failed' AND kind <> 'notification' LIMIT 1
"""
_CLEAR = "UPDATE address_state SET bounced_at = NULL, bounced = '' WHERE address = ?"
