"""Customers: the person behind an address, found or made; and who of our own an address is."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select

from tkt.desk.storable import storable
from tkt.desk.unit import Change
from tkt.errors import UsageError
from tkt.store.tables import Address, Agent, Company, Follower, Person, Ticket


class Requester(NamedTuple):
    """A customer as a ticket shows them."""

    person_id: int
    name: str
    address: str
    tier: str
    company: str


def customer(change: Change, name: str, address: str, language: str = "") -> Person:
    """The person this address belongs to; made when nobody has it yet. UsageError if it is no address."""
    address, name = normal_address(address), storable(name)
    held = change.session.get(Address, address)
    if held is not None:
        person = change.session.get_one(Person, held.person_id)
        person.name = person.name or name
        person.language = person.language or language
        return person
    return _new_customer(change, name, address, language)


def _new_customer(change: Change, name: str, address: str, language: str) -> Person:
    person = Person(name=name or address.partition("@")[0], language=language, created_at=change.at)
    change.session.add(person)
    change.session.flush()
    assert person.id is not None
    if _claim(change, address, person.id):
        return person
    # Another process has just made this customer: its row wins, ours goes.
    change.session.delete(person)
    change.session.flush()
    owner = change.session.exec(select(Address.person_id).where(Address.address == address)).one()
    return change.session.get_one(Person, owner)


def _claim(change: Change, address: str, person_id: int) -> bool:
    """Whether the address is now this person's: False when somebody else has it."""
    dialect = postgresql if change.desk.store.dialect == "postgresql" else sqlite
    claim = dialect.insert(Address).values(address=address, person_id=person_id, acknowledged_count=0)
    result = change.session.connection().execute(claim.on_conflict_do_nothing().returning(col(Address.address)))
    return result.first() is not None


def is_address(address: str) -> bool:
    """Whether a mail could be sent there: local part, @, domain, no separators (RFC 5321 section 4.1.2)."""
    local, _, domain = address.strip().strip("<>").rpartition("@")
    return bool(local and domain) and not any(mark in address.strip() for mark in " \t\r\n\0<>,;")


def normal_address(address: str) -> str:
    """The address as it is stored and compared: trimmed, lower case. UsageError if it is none."""
    address = address.strip().strip("<>").lower()
    if not is_address(address):
        raise UsageError(f"'{address}' is no mail address")
    return address


def requester_of(change: Change, ticket: Ticket) -> Requester | None:
    """The ticket's customer with the address they write from, or None."""
    if ticket.requester_id is None:
        return None
    person = change.session.get_one(Person, ticket.requester_id)
    addresses = addresses_of(change, ticket.requester_id)
    company = change.session.get(Company, person.company_id) if person.company_id else None
    tier = person.tier or (company.tier if company else "")
    return Requester(
        ticket.requester_id,
        person.name,
        addresses[0] if addresses else "",
        tier,
        company.name if company else "",
    )


def addresses_of(change: Change, person_id: int) -> list[str]:
    return list(
        change.session.exec(select(Address.address).where(Address.person_id == person_id).order_by(Address.address))
    )


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
