"""`tkt sla rebuild --check`: is the ledger what the history makes of it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tkt.cli import context, output
from tkt.cli.progress import bar
from tkt.cli.shielding import unshielded
from tkt.errors import UsageError

if TYPE_CHECKING:
    from tkt.sla.replaying.rebuild import Checked, Difference

DIFFERENT = 1
"""The exit status where something differs or can't be recomputed."""


def rebuild(
    query: list[str] = typer.Argument(None, metavar="[QUERY]…", help="Only tickets that match."),
    check: bool = typer.Option(False, "--check", help="Compare; nothing is written."),
    json: bool = typer.Option(False, "--json", help="One JSON document."),
) -> int:
    """Recompute all clocks, say where the ledger differs.

    Example: tkt sla rebuild --check
    """
    from tkt.sla.replaying import rebuild as rebuilding
    from tkt.store.engine import Store

    if not check:
        raise UsageError("say --check: what was promised, kept or broken is compared, never rewritten")
    numbers = matching(unshielded(query))
    store = Store(context.location())
    try:
        with bar("recomputing") as progress:
            found = rebuilding.check(store, numbers, progress)
    finally:
        store.close()
    if json:
        output.as_json(rebuilding.document(found))
    else:
        _print(found)
    return DIFFERENT if found.differences or found.unknown else 0


def matching(query: str) -> list[int]:
    """The numbers of the tickets that a query finds, in their order."""
    from tkt.query.compile import compile_query
    from tkt.query.language import parse
    from tkt.times import to_micros, utcnow

    with context.reader() as reader:
        where = compile_query(parse(query), reader.vocabulary(to_micros(utcnow())), reader.dialect)
        sql = f"SELECT t.number FROM ticket t WHERE {where.sql} ORDER BY t.number"
        return [row[0] for row in reader.rows(sql, where.params)]


def _print(found: Checked) -> None:
    from tkt.safe_text import safe_line

    for one in found.differences:
        output.line(_line(one))
    for unknown in found.unknown:
        output.line(f"#{unknown.ticket} can't be recomputed: {safe_line(unknown.reason)}")
    differ, unclear = len({one.ticket for one in found.differences}), len(found.unknown)
    verdict = f"{differ:,} of them differ" if differ else "no difference"
    unclear_words = f"; {unclear:,} can't be recomputed" if unclear else ""
    output.words(f"{found.clocks:,} clocks of {found.tickets:,} tickets: {verdict}{unclear_words}")


def _line(one: Difference) -> str:
    from tkt.safe_text import safe_line

    clock = f" {one.metric}" + (f" (cycle {one.cycle})" if one.cycle > 1 else "") if one.metric else ""
    return safe_line(
        f"#{one.ticket}{clock} {one.field}: stored {_value(one.stored)}, recomputed {_value(one.recomputed)}"
    )


def _value(value: object) -> str:
    return "nothing" if value in (None, "") else str(value)
