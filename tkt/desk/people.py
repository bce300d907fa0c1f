"""Customers: the person behind an address, found or made; and who of our own an address is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tkt.desk.addresses import is_address, normal_address, same_address, without_detail
from tkt.desk.storable import storable
from tkt.desk.unit import Change
from tkt.store.rows import execute, rows
from tkt.store.tables import Ticket
from tkt.times import to_micros

__all__ = [
    "OwnAddresses",
    "Requester",
    "addresses_of",
    "customer",
    "is_address",
    "normal_address",
    "own_addresses",
    "requester_of",
]


class Requester(NamedTuple):
    """A customer as a ticket shows them; `tier` and `sla`, the policy for them alone, are their own, else their
    company's.
    """

    person_id: int
    name: str
    addresses: tuple[str, ...]
    tier: str
    company: str
    sla: str = ""

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
SELECT p.name, coalesce(nullif(p.tier, ''), c.tier, ''), coalesce(c.name, ''), coalesce(nullif(p.sla, ''), c.sla, '')
FROM person p LEFT JOIN company c ON c.id = p.company_id WHERE p.id = ?
"""
_PEOPLE = """
SELECT p.id, p.name, coalesce(nullif(p.tier, ''), c.tier, ''), coalesce(c.name, ''),
       coalesce(nullif(p.sla, ''), c.sla, '')
FROM person p LEFT JOIN company c ON c.id = p.company_id WHERE p.id IN ({})
"""
_ADDRESSES_OF = "SELECT person_id, address FROM address WHERE person_id IN ({}) ORDER BY address"
_ADDRESSES = "SELECT address FROM address WHERE person_id = ? ORDER BY address"


def requester_of(change: Change, ticket: Ticket) -> Requester | None:
    """The ticket's customer, or None."""
    if ticket.requester_id is None:
        return None
    key = ("requester", ticket.requester_id)
    if key not in change.memory:
        name, tier, company, sla = rows(change.session, _PERSON, (ticket.requester_id,))[0]
        addresses = tuple(row[0] for row in rows(change.session, _ADDRESSES, (ticket.requester_id,)))
        change.memory[key] = Requester(ticket.requester_id, name, addresses, tier, company, sla)
    found: Requester = change.memory[key]
    return found


def gather_requesters(change: Change, person_ids: Iterable[int]) -> None:
    """Read these customers in two statements: `requester_of` then asks the store for none of them."""
    missing = list({one for one in person_ids if ("requester", one) not in change.memory})
    if not missing:
        return
    marks = ", ".join("?" * len(missing))
    addresses: dict[int, list[str]] = {one: [] for one in missing}
    for person_id, address in rows(change.session, _ADDRESSES_OF.format(marks), missing):
        addresses[person_id].append(address)
    for person_id, name, tier, company, sla in rows(change.session, _PEOPLE.format(marks), missing):
        found = Requester(person_id, name, tuple(addresses[person_id]), tier, company, sla)
        change.memory["requester", person_id] = found


def addresses_of(change: Change, ticket: Ticket) -> tuple[str, ...]:
    """All addresses of the ticket's customer."""
    requester = requester_of(change, ticket)
    return requester.addresses if requester else ()


class OwnAddresses:
    """Our own addresses, for asking whether one is among them: a "+detail" behind it (a ticket's token, a bounce's, or
    whatever somebody wrote) makes it nobody else's."""

    def __init__(self, agents: Iterable[str], mailboxes: Iterable[str]) -> None:
        self._mailboxes = frozenset(map(same_address, mailboxes))
        self._all = self._mailboxes.union(map(same_address, agents))

    def __contains__(self, address: str) -> bool:
        return _among(self._all, address)

    def of_mailbox(self, address: str) -> bool:
        """Whether it is one of our mailboxes' addresses, or where bounces go."""
        return _among(self._mailboxes, address)


def _among(known: frozenset[str], address: str) -> bool:
    address = same_address(address)
    return address in known or ("+" in address and without_detail(address) in known)


def own_addresses(change: Change) -> OwnAddresses:
    """The addresses that never become customers or followers: our mailboxes', where bounces go, our active agents'."""
    definitions = change.definitions
    if "own_addresses" not in definitions.cache:
        agents = rows(change.session, "SELECT email FROM agent WHERE active AND coalesce(email, '') <> ''")
        bodies = [box.body for box in definitions.of("mailbox")]
        mailboxes = (str(body[key]) for body in bodies for key in ("address", "return_path") if body.get(key))
        definitions.cache["own_addresses"] = OwnAddresses((row[0] for row in agents), mailboxes)
    found: OwnAddresses = definitions.cache["own_addresses"]
    return found
