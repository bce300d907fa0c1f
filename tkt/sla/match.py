"""Which policy holds for a ticket as it stands now, why not the ones before it, and what it promises.

Read side only (plain SQL); changes nothing. `tkt sla match N` prints it, `tkt sla explain N` begins with it.
`document` makes JSON of it, `lines` text; durations are open seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.query.compile import compile_query
from tkt.query.language import parse
from tkt.query.reasons import misses
from tkt.query.terms import COUNTS
from tkt.safe_text import safe_line
from tkt.sla.calendar import Calendar
from tkt.sla.open_time import format_open_time
from tkt.sla.policy import Policy, read_policy
from tkt.store.constants import ALWAYS, METRICS, PRIORITIES
from tkt.store.read_people import watchers_of
from tkt.store.read_tickets import TicketRow, tags_of, ticket
from tkt.times import from_micros, rfc3339, to_micros, utcnow

if TYPE_CHECKING:
    from tkt.query.tree import Node
    from tkt.store.read import Reader


class Reason(NamedTuple):
    """A part of a policy's query that fails, and what the ticket has there."""

    term: str
    value: str


class Asked(NamedTuple):
    """A policy that was asked: the first that `fits` is the one that holds; `reasons` are why another does not.

    `own` is set where none was asked, because the customer or their company has this policy for themselves: "customer",
    "company".
    """

    name: str
    version: int
    match: str
    fits: bool
    reasons: tuple[Reason, ...]
    own: str = ""


class Matched(NamedTuple):
    """The policies asked up to the first that fits, and its terms for the ticket.

    `calendar_of` says whose calendar it is: "policy", "team" or "always". `targets` holds what the policy promises by
    priority ("default" for those without a table of their own) and metric. Without a policy, calendar and targets are
    empty.
    """

    ticket: TicketRow
    at: datetime
    policies: tuple[Asked, ...]
    calendar: str
    calendar_of: str
    zone: str
    targets: Mapping[str, Mapping[str, int]]

    @property
    def chosen(self) -> str:
        """The policy that holds; empty when nothing is promised."""
        return chosen(self.policies)

    @property
    def promised(self) -> Mapping[str, int]:
        """What is promised at the ticket's own priority, by metric."""
        return self.targets.get(self.ticket.priority, self.targets.get("default", {}))


def chosen(policies: tuple[Asked, ...]) -> str:
    """The name of the policy that fits; empty when none does."""
    return next((one.name for one in policies if one.fits), "")


def match(reader: Reader, number: int, now: datetime | None = None) -> Matched:
    """Which policy holds for the ticket. Raises NotFound."""
    now = now or utcnow()
    row = ticket(reader, number)
    policies = asked(reader, row, now)
    if not chosen(policies):
        return Matched(row, now, policies, "", "", "", {})
    body = reader.rows("SELECT CAST(body AS TEXT) FROM definition WHERE kind = 'sla' AND name = ? AND active", (
        chosen(policies),
    ))[0][0]  # fmt: skip
    policy = read_policy(0, chosen(policies), json.loads(body))
    return Matched(row, now, policies, *_calendar(reader, row, policy), _ordered(policy))


def asked(reader: Reader, row: TicketRow, now: datetime) -> tuple[Asked, ...]:
    """The customer's or company's own policy, else the policies in the file's order, up to the first that fits."""
    if own := reader.rows(_OWN, (row.number,)):
        name, version, body, whose = own[0]
        return (Asked(name, version, read_policy(0, name, json.loads(body)).match, True, (), whose),)
    vocabulary = reader.vocabulary(to_micros(now))._replace(owned=True)

    def holds(tree: Node) -> bool:
        where = compile_query(tree, vocabulary, reader.dialect)
        sql = f"SELECT 1 FROM ticket t WHERE t.number = ? AND ({where.sql})"
        return bool(reader.rows(sql, (row.number, *where.params)))

    found: list[Asked] = []
    for name, version, body in reader.rows(_POLICIES):
        query = read_policy(0, name, json.loads(body)).match
        tree = parse(query)
        fits = holds(tree)
        missed = () if fits else misses(tree, holds)
        reasons = tuple(Reason(one.words, _values(reader, row, one.keys, to_micros(now))) for one in missed)
        found.append(Asked(name, version, query, fits, reasons))
        if fits:
            break
    return tuple(found)


def document(found: Matched) -> dict[str, Any]:
    """The answer as JSON values."""
    return {
        "number": found.ticket.number,
        "at": rfc3339(found.at),
        "policy": found.chosen or None,
        "policies": asked_document(found.policies),
        "calendar": found.calendar or None,
        "calendar_of": found.calendar_of or None,
        "priority": found.ticket.priority,
        "promised": dict(found.promised),
        "targets": {priority: dict(targets) for priority, targets in found.targets.items()},
    }


def asked_document(policies: tuple[Asked, ...]) -> list[dict[str, Any]]:
    """The policies asked, as JSON values."""
    return [one._asdict() | {"reasons": [reason._asdict() for reason in one.reasons]} for one in policies]


def lines(found: Matched) -> Iterator[str]:
    """The answer as text."""
    row = found.ticket
    yield f"#{row.number} {safe_line(row.subject)}"
    facts = (row.status, row.priority, row.team or "no team", row.category or "no category")
    yield safe_line(", ".join(facts))
    yield ""
    yield from asked_lines(found.policies)
    if found.chosen:
        whose = {"policy": "the policy's", "team": "the team's", "always": "neither policy nor team names one"}
        yield f"Calendar: {safe_line(found.calendar)} ({found.zone}; {whose[found.calendar_of]})"
        yield from _targets(found)


def asked_lines(policies: tuple[Asked, ...]) -> Iterator[str]:
    """The policies asked, as text: the one that holds, then each with its query and what of it fails."""
    name = chosen(policies)
    yield f"Policy: {safe_line(name)}" if name else "Policy: none; nothing is promised."
    for one in policies:
        if one.own:
            yield f"  {safe_line(one.name)}: the {one.own}'s own policy, which goes before those of the file"
            continue
        verdict = "matches, and is the first that does" if one.fits else "does not match"
        yield f"  {safe_line(one.name)}: {verdict}: {safe_line(one.match) or '(everything)'}"
        for reason in one.reasons:
            yield f"    {safe_line(reason.term)} fails: {safe_line(reason.value)}"


def _targets(found: Matched) -> Iterator[str]:
    own = found.ticket.priority if found.ticket.priority in found.targets else "default"
    yield "Promises (open time):"
    for priority, targets in found.targets.items():
        told = ", ".join(f"{metric} {format_open_time(seconds)}" for metric, seconds in targets.items())
        yield f"  {priority}: {told or 'nothing'}{'   <- this ticket' if priority == own else ''}"


# --- terms ------------------------------------------------------------------------------------------------


def _ordered(policy: Policy) -> dict[str, dict[str, int]]:
    """Targets with the most urgent priority first and the default last, metrics in their usual order."""
    order = [*sorted(PRIORITIES, key=lambda name: -PRIORITIES[name]), "default"]
    return {
        priority: {metric: policy.targets[priority][metric] for metric in METRICS if metric in policy.targets[priority]}
        for priority in order
        if priority in policy.targets
    }


def _calendar(reader: Reader, row: TicketRow, policy: Policy) -> tuple[str, str, str]:
    """Name, whose it is, and its zone."""
    team = reader.row("SELECT calendar FROM team WHERE name = ?", (row.team,))
    name = policy.calendar or (team[0] if team else "") or ALWAYS
    whose = "policy" if policy.calendar else "team" if team and team[0] else "always"
    if name == ALWAYS:
        return name, whose, "UTC"
    body = reader.row(_CALENDAR, (name,))
    return name, whose, str(Calendar.from_definition(name, json.loads(body[0])).zone) if body else ""


# --- what the ticket has ----------------------------------------------------------------------------------


def _values(reader: Reader, row: TicketRow, keys: tuple[str, ...], now: int) -> str:
    """What the ticket has where the query asks, in words."""
    if not keys:
        return "no message and not the subject has these words"
    return "; ".join(f"{key} is {_value(reader, row, key, now)}" for key in keys)


def _value(reader: Reader, row: TicketRow, key: str, now: int) -> str:
    if key.startswith("field."):
        sql = "SELECT value FROM ticket_field WHERE ticket = ? AND name = ?"
        found = reader.row(sql, (row.number, key.removeprefix("field.")))
        return str(found[0]) if found else "empty"
    if key == "is":
        return ", ".join(_marks(row, now)) or "none of its marks"
    if key in COUNTS:
        return str((reader.row(f"SELECT {key}_count FROM ticket WHERE number = ?", (row.number,)) or (0,))[0])
    if key in _MANY:
        return ", ".join(_MANY[key](reader, row)) or "none"
    if key in _MOMENTS:
        moment: int | None = getattr(row, _MOMENTS[key])
        return "none" if moment is None else rfc3339(from_micros(moment))
    return str(getattr(row, _COLUMNS.get(key, key)) or "none")


def _marks(row: TicketRow, now: int) -> list[str]:
    """The words of `is:` that the ticket has."""
    marks = {
        "breached": row.breached,
        "unread": row.unread,
        "snoozed": (row.snoozed_until or 0) > now,
        "unassigned": not row.assignee,
        "overdue": row.due_at is not None and row.due_at < now and row.status_kind in ("open", "waiting"),
        "undelivered": row.undelivered,
    }
    return [name for name, has in marks.items() if has]


_MANY: dict[str, Callable[[Reader, TicketRow], list[str]]] = {
    "tag": lambda reader, row: tags_of(reader, [row.number]).get(row.number, []),
    "watcher": lambda reader, row: watchers_of(reader, row.number),
    "from": lambda _, row: [one for one in (row.requester_name, row.requester_email) if one],
    "has": lambda _, row: [f"{row.attachments} attachments"] if row.attachments else [],
}
_MOMENTS = {"created": "created_at", "updated": "updated_at", "due": "due_at", "resolved": "resolved_at"}
_COLUMNS = {"kind": "status_kind", "customer.tier": "tier"}

_POLICIES = """
SELECT name, version, CAST(body AS TEXT) FROM definition WHERE kind = 'sla' AND active ORDER BY position, id
"""
_OWN = """
SELECT d.name, d.version, CAST(d.body AS TEXT), CASE WHEN p.sla <> '' THEN 'customer' ELSE 'company' END
FROM ticket t JOIN person p ON p.id = t.requester_id LEFT JOIN company c ON c.id = p.company_id
JOIN definition d ON d.kind = 'sla' AND d.active AND d.name = coalesce(nullif(p.sla, ''), c.sla, '')
WHERE t.number = ?
"""
_CALENDAR = """
SELECT CAST(body AS TEXT) FROM definition WHERE kind = 'calendar' AND name = ? ORDER BY version DESC LIMIT 1
"""
