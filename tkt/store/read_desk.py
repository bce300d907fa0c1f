"""Small facts about the desk: its settings, counts for views, names for shell completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tkt.store.constants import PRIORITIES, STATUSES
from tkt.store.read_tickets import count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tkt.store.read import Reader
    from tkt.store.read_clauses import Where

MOST_COUNTED = 1_000
MOST_COMPLETED = 50


def view_counts(reader: Reader, views: Mapping[str, Where], cap: int = MOST_COUNTED) -> dict[str, int]:
    """How many tickets each view holds; `cap` means that many or more."""
    return {name: count(reader, where, cap) for name, where in views.items()}


def complete(reader: Reader, kind: str, prefix: str = "") -> list[str]:
    """Names that begin so, for shell completion. `kind`: team, agent, tag, status, priority, or a kind of
    definition (macro, view, mailbox, field, sla, rule, calendar).
    """
    params: list[str] = []
    if kind in ("team", "agent"):
        sql = f"SELECT name FROM {kind} WHERE active AND {_NAME_BEGINS} ORDER BY name"
    elif kind == "tag":
        sql = _TAGS
    else:
        sql = f"SELECT name FROM definition WHERE kind = ? AND active AND {_NAME_BEGINS} ORDER BY position"
        params = [kind]
    found = [row[0] for row in reader.rows(f"{sql} LIMIT {MOST_COMPLETED}", (*params, len(prefix), prefix))]
    return [word for word in _BUILT_IN.get(kind, ()) if word.startswith(prefix)] + found


def setting(reader: Reader, key: str, default: str = "") -> str:
    """One of the desk's settings ("desk.name", "desk.timezone")."""
    row = reader.row("SELECT value FROM setting WHERE key = ?", (key,))
    return default if row is None else str(row[0])


_BUILT_IN = {"status": tuple(STATUSES), "priority": tuple(reversed(PRIORITIES))}
_NAME_BEGINS = "substr(name, 1, ?) = ?"
# Jumps from each tag to the next in the index, instead of reading every tagging.
_TAGS = """
WITH RECURSIVE known(tag) AS (
    SELECT min(tag) FROM ticket_tag
    UNION ALL
    SELECT (SELECT min(x.tag) FROM ticket_tag x WHERE x.tag > known.tag)
    FROM known WHERE known.tag IS NOT NULL
)
SELECT tag FROM known WHERE tag IS NOT NULL AND substr(tag, 1, ?) = ?
"""
