"""People: agents, teams, companies, customers and their addresses."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field

from tkt.store.tables.row import Row, document, key, moment, ref
from tkt.store.types import RowId


class Agent(Row, table=True):
    """Somebody who works at the desk. Retired agents stay, because history names them.

    `muted` are the kinds of notifications that this agent does not want: mention, assigned, reply, sla. During the
    `quiet` hours ("22:00-07:00", of `quiet_zone` or else of the desk's zone) those that could be muted wait.
    """

    id: int | None = key()
    name: str = Field(unique=True)
    email: str | None = Field(default=None, index=True)
    role: str = "agent"
    skills: list[str] = document(list)
    muted: list[str] = document(list)
    quiet: str = ""
    quiet_zone: str = ""
    active: bool = True
    assigned_at: datetime | None = moment(nullable=True)


class Team(Row, table=True):
    id: int | None = key()
    name: str = Field(unique=True)
    calendar: str = ""
    assign: str = "manual"
    position: int = 0
    active: bool = True


class TeamMember(Row, table=True):
    __tablename__ = "team_member"
    team_id: int = Field(foreign_key="team.id", primary_key=True, sa_type=RowId)
    agent_id: int = Field(foreign_key="agent.id", primary_key=True, sa_type=RowId, index=True)


class Company(Row, table=True):
    """Customers who belong together. `sla` names the policy for them, whatever the others match, or is empty."""

    id: int | None = key()
    name: str = Field(unique=True)
    tier: str = ""
    sla: str = ""


class Person(Row, table=True):
    """A customer; `language` is what their own mails were written in ("en", "de", "zh") or empty; `tier` and `sla` go
    before their company's.
    """

    id: int | None = key()
    name: str = ""
    tier: str = ""
    sla: str = ""
    language: str = ""
    company_id: int | None = ref("company.id", nullable=True, index=True)
    created_at: datetime = moment()


class Address(Row, table=True):
    """A customer's mail address, lower case. One person may have several; one address belongs to one person."""

    address: str = Field(primary_key=True)
    person_id: int = ref("person.id", index=True)


class AddressState(Row, table=True):
    """How we stand with an address outside, whoever has it: what the desk sent it by itself, whether it can be reached.

    `automatic_count` mails left for it by themselves since `automatic_since`; the row of the empty address counts
    those to everybody. `bounced_at` is set while mail to it comes back for good, `bounced` says why; `blocked_at` while
    what it sends is taken for spam because `blocked_by` said so.
    """

    __tablename__ = "address_state"
    address: str = Field(primary_key=True)
    automatic_since: datetime | None = moment(nullable=True)
    automatic_count: int = 0
    bounced_at: datetime | None = moment(nullable=True)
    bounced: str = ""
    blocked_at: datetime | None = moment(nullable=True)
    blocked_by: str = ""
