"""Sending a report by mail: what is about no ticket and goes to people, not to customers.

Whoever may read the desk could copy a report anyway; so agents may send one to agents of the desk. Outside, where it
leaves the desk in the desk's name, only supervisors may. Each one that leaves is in the event log.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import col, select

from tkt.desk import outbox
from tkt.desk.addresses import normal_address
from tkt.desk.outbox import Words
from tkt.desk.unit import Change, Desk
from tkt.errors import NotAllowed
from tkt.store.tables import Agent


def mail_report(desk: Desk, addresses: Sequence[str], subject: str, text: str, html: str) -> list[str]:
    """Put a report into the outbox, one mail to all of these addresses; which they are, each once.

    Raises UsageError (no mail address), NotAllowed, TktError (no mailbox can send).
    """
    to = list(dict.fromkeys(normal_address(address) for address in addresses))
    with desk.change() as change:
        change.require("agent")
        outside = _outside(change, to)
        if outside and not _leads(change):
            raise NotAllowed(
                f"a report goes outside only by a supervisor, and {', '.join(outside)} is no address of an agent"
            )
        outbox.put_report(change, to, Words(subject, text, html))
        change.record("report", new={"to": to, "subject": subject})
    return to


def _leads(change: Change) -> bool:
    try:
        change.require("supervisor")
    except NotAllowed:
        return False
    return True


def _outside(change: Change, to: Sequence[str]) -> list[str]:
    """Those of the addresses that belong to no active agent."""
    known = change.session.exec(select(Agent.email).where(Agent.active, col(Agent.email).is_not(None)))
    agents = {normal_address(email) for email in known if email}
    return [address for address in to if address not in agents]
