"""Customers and companies, as far as a promise depends on them: tier, company, a policy of their own. For supervisors.

A change is one transaction, recorded in the log ("customer ann@example.com tier"), that marks the unfinished tickets
of those it concerns; they are reconsidered right after it, as of that moment (`tkt.desk.reconsidering`).

Leaves to others: finding and making the customer behind an address (`tkt.desk.people`), lists
(`tkt.store.read_people`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import col, select

from tkt.desk import reconsidering, values
from tkt.desk.addresses import normal_address
from tkt.desk.unit import MARKED, Change, Desk
from tkt.errors import Conflict, NotFound, UsageError
from tkt.sla.policies import OWN
from tkt.store.definitions import raise_generation
from tkt.store.rows import execute, rows
from tkt.store.tables import Address, Company, Person, Ticket

CUSTOMER_KEYS = ("name", "tier", "company", "sla")
COMPANY_KEYS = ("tier", "sla")


def set_customer(desk: Desk, address: str, wanted: Mapping[str, str]) -> list[str]:
    """Change a customer by one of their addresses; the keys that changed. "" or "none" empties a value.

    Raises UsageError, NotFound (customer, company, policy), NotAllowed.
    """
    with desk.change() as change:
        change.require("supervisor")
        found = change.session.get(Address, normal_address(address))
        if found is None:
            raise NotFound(f"no customer has the address '{address}'; 'tkt customer list' shows them")
        person = change.session.get_one(Person, found.person_id)
        changed = _set(change, f"customer {found.address}", person, wanted, CUSTOMER_KEYS, "SELECT ?", person.id)
    reconsidering.settle(desk)
    return changed


def set_company(desk: Desk, name: str, wanted: Mapping[str, str]) -> list[str]:
    """The same for a company."""
    with desk.change() as change:
        change.require("supervisor")
        company = _company(change, name)
        of_company = "SELECT id FROM person WHERE company_id = ?"
        changed = _set(change, f"company {company.name}", company, wanted, COMPANY_KEYS, of_company, company.id)
    reconsidering.settle(desk)
    return changed


def add_company(desk: Desk, name: str, wanted: Mapping[str, str]) -> None:
    """Make a company. Raises UsageError, NotFound (policy), Conflict (there already), NotAllowed."""
    with desk.change() as change:
        change.require("supervisor")
        name = values.plain(name)
        if not name or name == "none":
            raise UsageError("a company needs a name")
        if change.session.exec(select(Company).where(Company.name == name)).first() is not None:
            raise Conflict(f"there is a company '{name}' already; 'tkt company set' changes it")
        company = Company(name=name)
        change.session.add(company)
        change.session.flush()
        change.record("customer", field=f"company {name}", new="added")
        nobody = "SELECT id FROM person WHERE company_id = ?"
        _set(change, f"company {name}", company, wanted, COMPANY_KEYS, nobody, company.id)


def _set(
    change: Change,
    subject: str,
    row: Person | Company,
    wanted: Mapping[str, str],
    keys: tuple[str, ...],
    people: str,
    key: int | None,
) -> list[str]:
    """`people` is a SELECT of the ids of the customers whom it concerns, with `key` for its parameter."""
    checked = {name: _checked(change, name, value, keys) for name, value in wanted.items()}
    before = {name: _shown(change, row, name) for name in checked}
    changed = [name for name, value in checked.items() if before[name] != value]
    if not changed:
        return []
    _catch_up(change, people, key)
    for name in changed:
        _write(change, row, name, checked[name])
        change.record("customer", field=f"{subject} {name}", old=before[name], new=checked[name])
    change.session.flush()
    if checked.get("sla"):
        execute(change.session, _OWN, (OWN,))
        raise_generation(change.session)
    reconsidering.mark_of(change, people, key, f"{subject}: {', '.join(changed)}")
    return changed


def _catch_up(change: Change, people: str, key: int | None) -> None:
    """What an earlier change has marked is judged by what these customers are until now."""
    if not change.definitions.setting(MARKED):
        return
    numbers = [row[0] for row in rows(change.session, _MARKED_OF.format(people), (key,))]
    tickets = select(Ticket).where(col(Ticket.number).in_(numbers)).order_by(col(Ticket.number))
    reconsidering.catch_up(change, change.session.exec(tickets.with_for_update()).all())


def _checked(change: Change, name: str, value: str, keys: tuple[str, ...]) -> str:
    if name not in keys:
        raise UsageError(f"'{name}' can't be set here{values.nearest(name, keys)}; known: {', '.join(keys)}")
    value = values.plain(value)
    value = "" if value == "none" and name != "name" else value
    if name == "sla" and value and change.definitions.named("sla", value) is None:
        known = [one.name for one in change.definitions.of("sla")]
        raise NotFound(f"there is no policy '{value}'{values.nearest(value, known)}")
    if name == "company" and value:
        return _company(change, value).name
    if name == "name" and not value:
        raise UsageError("a name can't be empty")
    return value


def _shown(change: Change, row: Any, name: str) -> str:
    if name == "company":
        return change.session.get_one(Company, row.company_id).name if row.company_id else ""
    return str(getattr(row, name))


def _write(change: Change, row: Any, name: str, value: str) -> None:
    if name == "company":
        row.company_id = _company(change, value).id if value else None
    else:
        setattr(row, name, value)


def _company(change: Change, name: str) -> Company:
    found = change.session.exec(select(Company).where(Company.name == name)).first()
    if found is None:
        known = list(change.session.exec(select(Company.name)))
        raise NotFound(f"there is no company '{name}'{values.nearest(name, known)}; 'tkt company add' makes one")
    return found


_OWN = "INSERT INTO setting (key, value) VALUES (?, 'true') ON CONFLICT (key) DO NOTHING"
_MARKED_OF = """
SELECT r.ticket FROM reconsideration r JOIN ticket t ON t.number = r.ticket WHERE t.requester_id IN ({})
"""
