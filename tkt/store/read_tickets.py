"""Tickets as rows: pages of a list in an order, by number, counted.

Paging is by key, never by offset: a page costs the same wherever it lies. Times are microseconds UTC. The
JSON of a ticket is in `read_documents`, its conversation in `read_entries`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tkt.errors import NotFound
from tkt.store.constants import KINDS, NEVER, PRIORITY_NAMES
from tkt.store.read_clauses import BY_DUE, EVERYTHING, Sort, Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tkt.store.read import Reader

MOST_AT_ONCE = 500
"""Numbers named in one statement."""


class TicketRow(NamedTuple):
    """One ticket of a list. Moments are microseconds UTC or None; what names nobody is an empty string."""

    number: int
    subject: str
    status: str
    status_kind: str
    priority: str
    type: str
    category: str
    team: str
    assignee: str
    requester_name: str
    requester_email: str
    company: str
    tier: str
    channel: str
    created_at: int
    updated_at: int
    first_response_at: int | None
    resolved_at: int | None
    closed_at: int | None
    due_at: int | None
    snoozed_until: int | None
    unread: bool
    undelivered: bool
    breached: bool
    attachments: int
    version: int
    parent: int | None
    merged_into: int | None
    unanswered_since: int | None


_SELECT = """
SELECT t.number, t.subject, t.status, t.status_kind, t.priority, t.type, t.category, coalesce(m.name, ''),
       coalesce(a.name, ''), coalesce(p.name, ''),
       coalesce((SELECT min(d.address) FROM address d WHERE d.person_id = t.requester_id), ''),
       coalesce(c.name, ''), coalesce(nullif(p.tier, ''), c.tier, ''), t.channel, t.created_at, t.updated_at,
       t.first_response_at, t.resolved_at, t.closed_at, t.due_at, t.snoozed_until, t.unread, t.undelivered,
       t.breached, t.attachments, t.version, t.parent, t.merged_into, t.unanswered_since
FROM ticket t LEFT JOIN team m ON m.id = t.team_id LEFT JOIN agent a ON a.id = t.assignee_id
LEFT JOIN person p ON p.id = t.requester_id LEFT JOIN company c ON c.id = p.company_id
"""


def page(
    reader: Reader, where: Where = EVERYTHING, sort: Sort = BY_DUE, limit: int | None = 50,
    after: tuple[Any, ...] | None = None, backwards: bool = False,
) -> list[TicketRow]:  # fmt: skip
    """At most `limit` tickets (None: all) that follow `after` in the order `sort`, or come before it if
    `backwards`.

    `after` is a `sort.key(row)`. Rows are always given in the order of `sort`, also when read backwards.
    """
    return by_numbers(reader, page_numbers(reader, where, sort, limit, after, backwards))


def page_numbers(
    reader: Reader, where: Where = EVERYTHING, sort: Sort = BY_DUE, limit: int | None = None,
    after: tuple[Any, ...] | None = None, backwards: bool = False,
) -> list[int]:  # fmt: skip
    """The numbers of a `page`, in its order."""
    if sort.ranking:
        from tkt.store.read_ranking import ranked_page

        return ranked_page(reader, where, sort.ranking, limit, after, backwards)
    if where.in_windows and len(sort.columns) == 1:
        from tkt.store.read_windows import by_number

        return by_number(reader, where, sort.columns[0][1], limit, after, backwards)
    sql, params = page_sql(where, sort, limit, after, backwards, reader.dialect)
    numbers = [row[-1] for row in reader.rows(sql, params)]
    return numbers[::-1] if backwards else numbers


def by_numbers(reader: Reader, numbers: Sequence[int]) -> list[TicketRow]:
    """These tickets, in this order; numbers that don't exist are left out."""
    found: dict[int, TicketRow] = {}
    for some in in_portions(numbers):
        sql = f"{_SELECT}WHERE t.number IN ({marks(some)})"
        found.update((row[0], _ticket_row(row)) for row in reader.rows(sql, some))
    return [found[number] for number in numbers if number in found]


def ticket(reader: Reader, number: int) -> TicketRow:
    """One ticket. Raises NotFound."""
    found = by_numbers(reader, [number])
    if not found:
        raise NotFound(f"there is no ticket #{number}")
    return found[0]


def count(reader: Reader, where: Where = EVERYTHING, cap: int | None = None) -> int:
    """How many tickets match; counting stops at `cap`, so that a header never costs a walk over the whole desk."""
    if where.in_windows:
        from tkt.store.read_windows import count_by_windows

        return count_by_windows(reader, where, cap)
    where = where.windowed or where
    limit = "" if cap is None else " LIMIT ?"
    params = where.params if cap is None else (*where.params, cap)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM ticket t WHERE {where.sql}{limit}) AS found"
    return int(reader.rows(sql, params)[0][0])


def tags_of(reader: Reader, numbers: Sequence[int]) -> dict[int, list[str]]:
    """The tags of these tickets, sorted; tickets without one are left out."""
    found: dict[int, list[str]] = {}
    for some in in_portions(numbers):
        sql = f"SELECT ticket, tag FROM ticket_tag WHERE ticket IN ({marks(some)}) ORDER BY ticket, tag"
        for number, tag in reader.rows(sql, some):
            found.setdefault(number, []).append(tag)
    return found


def teams_of(reader: Reader, numbers: Sequence[int]) -> dict[int, list[str]]:
    """The further teams of these tickets, besides their own, sorted; tickets without one are left out."""
    found: dict[int, list[str]] = {}
    for some in in_portions(numbers):
        for number, team in reader.rows(_FURTHER_TEAMS % marks(some), some):
            found.setdefault(number, []).append(team)
    return found


_FURTHER_TEAMS = """
SELECT x.ticket, m.name FROM ticket_team x JOIN team m ON m.id = x.team_id JOIN ticket t ON t.number = x.ticket
WHERE x.ticket IN (%s) AND (t.team_id IS NULL OR t.team_id <> x.team_id) ORDER BY x.ticket, m.name
"""


def page_sql(
    where: Where, sort: Sort, limit: int | None, after: tuple[Any, ...] | None = None, backwards: bool = False,
    dialect: str = "sqlite",
) -> tuple[str, list[Any]]:  # fmt: skip
    """The statement behind `page_numbers`; the number is its last column."""
    follows, values = _follows(sort, after, backwards)
    names = ", ".join(f"t.{name} AS {name}" for name, _ in sort.columns)
    order = " ORDER BY " + ", ".join(f"{name}{' DESC' if down != backwards else ''}" for name, down in sort.columns)
    branches = [f"SELECT {names} FROM ticket t WHERE {kind}{where.sql}{follows}" for kind in _branches(where, sort)]
    params = [*where.params, *values]
    if limit is None:
        return " UNION ALL ".join(branches) + order, params * len(branches)
    if dialect == "postgresql" and len(branches) > 1:
        # It would sort whole branches where each has no limit of its own; SQLite merges them as they come.
        branches, params = [f"({branch}{order} LIMIT ?)" for branch in branches], [*params, limit]
    return " UNION ALL ".join(branches) + f"{order} LIMIT ?", [*params * len(branches), limit]


def _branches(where: Where, sort: Sort) -> list[str]:
    """One condition for each index range to walk: the engines merge ranges that are sorted, instead of sorting all."""
    if where.few or sort.columns[0][0] not in ("due_at", "updated_at", "priority"):
        return [""]
    return [f"t.status_kind = '{kind}' AND " for kind in KINDS if kind in where.kinds] or ["1 = 0 AND "]


def _follows(sort: Sort, after: tuple[Any, ...] | None, backwards: bool) -> tuple[str, list[Any]]:
    """The condition that a row comes after the key. One direction: a row comparison, which an index can start at."""
    if after is None:
        return "", []
    directions = {down != backwards for _, down in sort.columns}
    if len(directions) == 1:
        names = ", ".join(f"t.{name}" for name, _ in sort.columns)
        return f" AND ({names}) {'<' if True in directions else '>'} ({marks(after)})", [*after]
    return _follows_mixed(sort, after, backwards)


def _follows_mixed(sort: Sort, after: tuple[Any, ...], backwards: bool) -> tuple[str, list[Any]]:
    steps: list[str] = []
    params: list[Any] = []
    for index, (name, down) in enumerate(sort.columns):
        same = "".join(f"t.{other} = ? AND " for other, _ in sort.columns[:index])
        steps.append(f"({same}t.{name} {'<' if down != backwards else '>'} ?)")
        params += after[: index + 1]
    first, down = sort.columns[0]
    start = f" AND t.{first} {'<=' if down != backwards else '>='} ?"  # lets an index start there
    return f"{start} AND ({' OR '.join(steps)})", [after[0], *params]


def _ticket_row(row: tuple[Any, ...]) -> TicketRow:
    values = list(row)
    values[4] = PRIORITY_NAMES[values[4]]
    values[19] = None if values[19] == NEVER else values[19]
    values[21:24] = map(bool, values[21:24])
    return TicketRow(*values)


def in_portions(numbers: Sequence[int]) -> Iterable[Sequence[int]]:
    return (numbers[start : start + MOST_AT_ONCE] for start in range(0, len(numbers), MOST_AT_ONCE))


def marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))
