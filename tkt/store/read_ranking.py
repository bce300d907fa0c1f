"""Full-text results, best first, at a bounded price.

Ranked are all matches of a query that names few candidates, else the newest `CANDIDATES`; what is older
follows by number, newest first, so nothing is lost. A word that few documents hold weighs by bm25 (SQLite) or
ts_rank (Postgres), twice in the subject; a word that very many hold says little, so it counts in the subject
alone. What weighs the same is sorted newest first. So a common word among a million documents costs
milliseconds, not a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tkt.store.constants import DOC_SHIFT
from tkt.store.match import match_text
from tkt.store.read import FEW
from tkt.store.read_windows import newest, oldest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tkt.store.read import Reader
    from tkt.store.read_clauses import Phrases, Where

CANDIDATES = 200
_POSITION = (1 << DOC_SHIFT) - 1
_SUBJECT = 2.0
_COMMON_IN_SUBJECT = 0.1


def ranked_page(
    reader: Reader, where: Where, ranking: tuple[Phrases, ...], limit: int | None,
    after: tuple[Any, ...] | None, backwards: bool,
) -> list[int]:  # fmt: skip
    """What `page_numbers` gives for an order by rank; `after` holds a number."""
    ranked = _ranked(reader, where, ranking)
    number = after[0] if after else None
    if backwards:
        return _page_before(reader, where, ranked, limit, number)
    if number is not None and number not in ranked:
        return newest(reader, where, limit, below=number)
    found = ranked[ranked.index(number) + 1 if number is not None else 0 :][:limit]
    if _is_all(where, ranked) or (limit is not None and len(found) >= limit):
        return found
    return found + newest(reader, where, None if limit is None else limit - len(found), below=min(ranked))


def _page_before(reader: Reader, where: Where, ranked: list[int], limit: int | None, number: int | None) -> list[int]:
    whole = ranked
    if number in ranked:
        whole = ranked[: ranked.index(number)]
    elif not _is_all(where, ranked):
        whole = ranked + oldest(reader, where, limit, above=number or 0, below=min(ranked))[::-1]
    return whole if limit is None else whole[max(0, len(whole) - limit) :]


def _is_all(where: Where, ranked: list[int]) -> bool:
    return where.few or len(ranked) < CANDIDATES


def _ranked(reader: Reader, where: Where, ranking: tuple[Phrases, ...]) -> list[int]:
    """The matching tickets that are ranked, best first."""
    numbers = newest(reader, where, None if where.few else CANDIDATES)
    weights = dict.fromkeys(numbers, 0.0)
    for phrases in ranking:
        for number, weight in _weights(reader, match_text(phrases, reader.dialect), numbers).items():
            if number in weights:
                weights[number] += weight
    return sorted(numbers, key=lambda number: (-weights[number], -number))


def _weights(reader: Reader, match: str, numbers: Sequence[int]) -> dict[int, float]:
    """How much each ticket has to do with one searched word: its best document counts."""
    matches, _ = _CLAUSES[reader.dialect]
    counted = f"SELECT count(*) FROM (SELECT 1 FROM search WHERE {matches} LIMIT {FEW + 1}) AS found"
    if reader.rows(counted, (match,))[0][0] > FEW:
        return _in_subject(reader, match, numbers)
    found: dict[int, float] = {}
    sql = _WEIGHTS[reader.dialect]
    for document, weight in reader.rows(sql, (match,) * sql.count("?")):
        number, position = document >> DOC_SHIFT, document & _POSITION
        found[number] = max(found.get(number, 0.0), weight if position else weight * _SUBJECT)
    return found


def _in_subject(reader: Reader, match: str, numbers: Sequence[int]) -> dict[int, float]:
    """Looks through the newest documents only, which is where the candidates are."""
    if not numbers:
        return {}
    matches, doc = _CLAUSES[reader.dialect]
    sql = f"SELECT {doc} FROM search WHERE {matches} AND {doc} >= ? ORDER BY {doc} DESC LIMIT {FEW}"
    rows = reader.rows(sql, (match, min(numbers) << DOC_SHIFT))
    return {row[0] >> DOC_SHIFT: _COMMON_IN_SUBJECT for row in rows if row[0] & _POSITION == 0}


_CLAUSES = {
    "sqlite": ("search MATCH ?", "search.rowid"),
    "postgresql": ("search.terms @@ CAST(? AS tsquery)", "search.doc"),
}
_WEIGHTS = {
    "sqlite": "SELECT rowid, -bm25(search) FROM search WHERE search MATCH ?",
    "postgresql": "SELECT doc, ts_rank(terms, CAST(? AS tsquery), 1) FROM search WHERE terms @@ CAST(? AS tsquery)",
}
