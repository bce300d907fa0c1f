"""What a customer was at each moment, as far as a policy may ask: their own and their company's tier and policy.

Every change of a customer or company is in the log, with its old and new value; what they were before is what they are
now with the changes taken back. Each change of what concerns a customer lets their unfinished tickets be reconsidered
(`tkt.desk.customers`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from sqlmodel import Session

from tkt.store.rows import rows

KEYS = ("name", "tier", "company", "sla")


class Customer(NamedTuple):
    """The requester of a ticket at one moment: `tier` and `sla` are their own, `company_…` their company's."""

    name: str = ""
    addresses: tuple[str, ...] = ()
    company: str = ""
    tier: str = ""
    sla: str = ""
    company_tier: str = ""
    company_sla: str = ""


class Moment(NamedTuple):
    """One change of one customer or company: `values` holds the old and the new value of each key."""

    event: int
    at: int
    subject: str
    values: Mapping[str, tuple[str, str]]

    @property
    def cause(self) -> str:
        """What the tickets that were reconsidered have as the reason."""
        return f"{self.subject}: {', '.join(self.values)}"


class Turn(NamedTuple):
    """From this event on (`at` in microseconds UTC) the customer was like that, because of `cause`."""

    event: int
    at: int
    cause: str
    customer: Customer


class Customers:
    """All changes of customers and companies, by subject ("customer ann@example.com", "company Acme")."""

    def __init__(self, moments: Iterable[Moment], companies: Mapping[str, tuple[str, str]]) -> None:
        self._moments: dict[str, list[Moment]] = {}
        for one in moments:
            self._moments.setdefault(one.subject, []).append(one)
        self._companies = companies
        """Tier and policy of each company now."""

    def past(self, now: Customer) -> tuple[Customer, Sequence[Turn]]:
        """What a customer was at first, and what became of them."""
        if not self._moments:
            return now, ()
        own = sorted(one for address in now.addresses for one in self._moments.get(f"customer {address}", ()))
        values = {"name": now.name, "tier": now.tier, "company": now.company, "sla": now.sla}
        for moment in reversed(own):
            values.update({key: old for key, (old, _) in moment.values.items()})
        employers = {values["company"], *(one.values["company"][1] for one in own if "company" in one.values)}
        firms = {name: self._first(name) for name in employers}
        others = [one for name in employers for one in self._moments.get(f"company {name}", ())]
        first = _customer(now, values, firms)
        return first, list(_turns(now, values, firms, sorted([*own, *others])))

    def _first(self, company: str) -> dict[str, str]:
        """What a company was before its first change."""
        tier, sla = self._companies.get(company, ("", ""))
        values = {"tier": tier, "sla": sla}
        for moment in reversed(self._moments.get(f"company {company}", [])):
            values.update({key: old for key, (old, _) in moment.values.items()})
        return values


def read_customers(session: Session) -> Customers:
    """All of them, from the log."""
    companies = {name: (tier, sla) for name, tier, sla in rows(session, "SELECT name, tier, sla FROM company")}
    return Customers(_read(session), companies)


def _read(session: Session) -> Iterator[Moment]:
    found = [
        (identifier, at, change, *str(field).rpartition(" ")[::2], old, new)
        for identifier, at, change, field, old, new in rows(session, _CHANGES)
    ]
    for (_, subject), some in groupby(found, key=lambda row: (row[2], row[3])):
        events = [row for row in some if row[4] in KEYS and row[5] is not None]
        if events:
            values = {row[4]: (str(json.loads(row[5])), str(json.loads(row[6]))) for row in events}
            yield Moment(events[0][0], events[0][1], subject, values)


def _turns(
    now: Customer, values: dict[str, str], firms: dict[str, dict[str, str]], moments: Iterable[Moment]
) -> Iterator[Turn]:
    for moment in moments:
        kind, _, name = moment.subject.partition(" ")
        changed = values if kind == "customer" else firms[name]
        changed.update({key: new for key, (_, new) in moment.values.items()})
        if kind == "customer" or name == values["company"]:
            yield Turn(moment.event, moment.at, moment.cause, _customer(now, values, firms))


def _customer(now: Customer, values: Mapping[str, str], firms: Mapping[str, Mapping[str, str]]) -> Customer:
    firm = firms.get(values["company"], {"tier": "", "sla": ""})
    return Customer(
        values["name"], now.addresses, values["company"], values["tier"], values["sla"], firm["tier"], firm["sla"]
    )


_CHANGES = """
SELECT id, at, change, field, CAST(old AS TEXT), CAST(new AS TEXT) FROM event
WHERE ticket IS NULL AND verb = 'customer' ORDER BY id
"""
