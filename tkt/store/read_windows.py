"""Going through the tickets by number in windows that grow: for conditions on common words.

To ask the full-text index about one ticket costs up to a tenth of a millisecond in a large desk; to ask it
about a window of a thousand tickets costs hardly more. The first windows are small, so that what is found at
once comes at once; each is larger than the last, so that what is never found costs no more than going
through everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tkt.store.read import Reader
    from tkt.store.read_clauses import Where

FIRST_WINDOW = 1_000
GROWTH = 4


def newest(reader: Reader, where: Where, limit: int | None, below: int | None = None) -> list[int]:
    """The matching tickets whose numbers are smaller than `below`, newest first."""
    return _walk(reader, where, limit, 1, _end(reader) if below is None else below, True)


def oldest(reader: Reader, where: Where, limit: int | None, above: int = 0, below: int | None = None) -> list[int]:
    """The matching tickets whose numbers lie between the two (exclusive), oldest first."""
    return _walk(reader, where, limit, above + 1, _end(reader) if below is None else below, False)


def by_number(
    reader: Reader, where: Where, falling: bool, limit: int | None, after: tuple[Any, ...] | None,
    backwards: bool,
) -> list[int]:  # fmt: skip
    """What `page_numbers` gives for the order by number alone."""
    number = after[0] if after else None
    if falling != backwards:
        found = newest(reader, where, limit, below=number)
    else:
        found = oldest(reader, where, limit, above=number or 0)
    return found[::-1] if backwards else found


def count_by_windows(reader: Reader, where: Where, cap: int | None) -> int:
    """How many tickets match, at most `cap`."""
    total = 0
    for low, high in _windows(1, _end(reader), True):
        sql, params = where.bounded(low, high)
        total += reader.rows(f"SELECT count(*) FROM ticket t WHERE {sql}", params)[0][0]
        if cap is not None and total >= cap:
            return cap
    return total


def _walk(reader: Reader, where: Where, limit: int | None, low: int, high: int, falling: bool) -> list[int]:
    if where.few:
        rows = reader.rows(f"SELECT t.number FROM ticket t WHERE {where.sql}", where.params)
        numbers = sorted((row[0] for row in rows if low <= row[0] < high), reverse=falling)
        return numbers[:limit]
    found: list[int] = []
    for first, end in _windows(low, high, falling) if where.in_windows else [(low, high)]:
        sql, params = where.bounded(first, end)
        sql = f"SELECT t.number FROM ticket t WHERE {sql} ORDER BY t.number{' DESC' if falling else ''}"
        if limit is not None:
            sql, params = f"{sql} LIMIT ?", (*params, limit - len(found))
        found += [row[0] for row in reader.rows(sql, params)]
        if limit is not None and len(found) >= limit:
            break
    return found


def _windows(low: int, high: int, falling: bool) -> Iterator[tuple[int, int]]:
    """Pieces (first, end) of low to below high, each `GROWTH` times as large as the one before."""
    size = FIRST_WINDOW
    while low < high:
        if falling:
            yield max(low, high - size), high
            high -= size
        else:
            yield low, min(high, low + size)
            low += size
        size *= GROWTH


def _end(reader: Reader) -> int:
    """The number after the newest ticket's."""
    row = reader.row("SELECT max(number) FROM ticket")
    return 1 if row is None or row[0] is None else int(row[0]) + 1
