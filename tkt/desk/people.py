"""Customers: the person behind an address, found or made; and who of our own an address is."""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import col, select

from tkt.desk.storable import storable
from tkt.desk.unit import Change
from tkt.errors import UsageError
from tkt.store.rows import execute, rows
from tkt.store.tables import Agent, Follower, Ticket
from tkt.times import to_micros


class Requester(NamedTuple):
    """A customer as a ticket shows them; `tier` is their own, else their company's."""

    person_id: int
    name: str
    addresses: tuple[str, ...]
    tier: str
    company: str

    @property
    def address(self) -> str:
        """The address to write to when no message says which."""
        return self.addresses[0] if self.addresses else ""


def customer(change: Change, name: str, address: str, language: str = "") -> int:
    """The id of the person this address belongs to; made when nobody has it yet. UsageError if it is no address."""
    address, name = normal_address(address), storable(name)
    key = ("customer", address)
    if key not in change.memory:
        change.memory[key] = _find(change, address, language) or _make(change, name, address, language)
    found: int = change.memory[key]
    return found


def _find(change: Change, address: str, language: str) -> int | None:
    """Who has the address; what they write in is kept when it was not known."""
    found = rows(change.session, _OWNER, (address,))
    if not found:
        return None
    person_id, known = found[0]
    if language and not known:
        execute(change.session, "UPDATE person SET language = ? WHERE id = ?", (language, person_id))
    return int(person_id)


def _make(change: Change, name: str, address: str, language: str) -> int:
    facts = (name or address.partition("@")[0], language, to_micros(change.at))
    person_id = int(rows(change.session, _NEW_PERSON, facts)[0][0])
    if _claim(change, address, person_id):
        return person_id
    # Another process has just made this customer: its row wins, ours goes.
    execute(change.session, "DELETE FROM person WHERE id = ?", (person_id,))
    return int(rows(change.session, _OWNER, (address,))[0][0])


def _claim(change: Change, address: str, person_id: int) -> bool:
    """Whether the address is now this person's: False when somebody else has it."""
    return bool(rows(change.session, _CLAIM, (address, person_id)))


_OWNER = "SELECT p.id, p.language FROM address d JOIN person p ON p.id = d.person_id WHERE d.address = ?"
_NEW_PERSON = "INSERT INTO person (name, tier, language, created_at) VALUES (?, '', ?, ?) RETURNING id"
_CLAIM = """
INSERT INTO address (address, person_id) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING address
"""
_PERSON = """
SELECT p.name, coalesce(nullif(p.tier, ''), c.tier, ''), coalesce(c.name, '')
FROM person p LEFT JOIN company c ON c.id = p.company_id WHERE p.id = ?
"""
_ADDRESSES = "SELECT address FROM address WHERE person_id = ? ORDER BY address"


def is_address(address: str) -> bool:
    """Whether a mail could be sent there: local part, @, domain, no separators (RFC 5321 section 4.1.2)."""
    local, _, domain = address.strip().strip("<>").rpartition("@")
    written = address.strip()
    return bool(local and domain) and written.isprintable() and not any(mark in written for mark in " <>,;")


def normal_address(address: str) -> str:
    """The address as it is stored and compared: trimmed, lower case. UsageError if it is none."""
    address = address.strip().strip("<>").lower()
    if not is_address(address):
        raise UsageError(f"'{address}' is no mail address")
    return address


def requester_of(change: Change, ticket: Ticket) -> Requester | None:
    """The ticket's customer, or None."""
    if ticket.requester_id is None:
        return None
    key = ("requester", ticket.requester_id)
    if key not in change.memory:
        name, tier, company = rows(change.session, _PERSON, (ticket.requester_id,))[0]
        addresses = tuple(row[0] for row in rows(change.session, _ADDRESSES, (ticket.requester_id,)))
        change.memory[key] = Requester(ticket.requester_id, name, addresses, tier, company)
    found: Requester = change.memory[key]
    return found


def addresses_of(change: Change, ticket: Ticket) -> tuple[str, ...]:
    """All addresses of the ticket's customer."""
    requester = requester_of(change, ticket)
    return requester.addresses if requester else ()


def own_addresses(change: Change) -> set[str]:
    """The addresses that never become customers: our mailboxes' and our agents'."""
    definitions = change.definitions
    if "own_addresses" not in definitions.cache:
        agents = change.session.exec(select(Agent.email).where(col(Agent.email).is_not(None)))
        mailboxes = (str(box.body.get("address", "")) for box in definitions.of("mailbox"))
        definitions.cache["own_addresses"] = {address.lower() for address in (*agents, *mailboxes) if address}
    found: set[str] = definitions.cache["own_addresses"]
    return found


def follow(change: Change, ticket: Ticket, name: str, address: str) -> None:
    """Let somebody take part in a ticket: they get its replies, and their answers find it."""
    assert ticket.number is not None
    address = normal_address(address)
    held = change.session.get(Follower, (ticket.number, address))
    if held is not None or address in own_addresses(change):
        return
    change.session.add(Follower(ticket=ticket.number, address=address, name=name))
    change.session.flush()
    change.record("follow", ticket=ticket, field="follower", new=address)


def turn_follower(change: Change, ticket: Ticket, before: str | None, after: str | None) -> None:
    """Undo's door to followers: the one who came (`after`) goes, the one who went (`before`) comes back."""
    row = change.session.get(Follower, (ticket.number, after or before))
    if after and row is not None:
        change.session.delete(row)
        change.record("follow", ticket=ticket, field="follower", old=after)
    elif before and row is None:
        change.session.add(Follower(ticket=ticket.number or 0, address=before))
        change.record("follow", ticket=ticket, field="follower", new=before)
    change.session.flush()


def followers(change: Change, ticket: Ticket) -> list[Follower]:
    return list(
        change.session.exec(select(Follower).where(Follower.ticket == ticket.number).order_by(Follower.address))
    )
