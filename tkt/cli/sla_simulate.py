"""`tkt sla simulate`: what other policies would have made of the real history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tkt.cli import context, output
from tkt.cli.progress import bar
from tkt.cli.shielding import unshielded

if TYPE_CHECKING:
    from tkt.sla.replaying.eras import Era
    from tkt.sla.replaying.simulate import Period


def simulate(
    file: str = typer.Argument(..., metavar="NEW.toml", help="A desk.toml with the other policies and calendars."),
    query: list[str] = typer.Argument(None, metavar="[QUERY]…", help="Only tickets that match."),
    start: str = typer.Option("", "--from", metavar="TIME", help="A date, or how long ago (7d). Default: 30d."),
    end: str = typer.Option("", "--to", metavar="TIME", help="Up to, not including, this moment. Default: now."),
    json: bool = typer.Option(False, "--json", help="One JSON document, with every ticket that flips."),
) -> int:
    """What other policies would have kept and broken. The real history, replayed; changes nothing.

    Example: tkt sla simulate new.toml --from 90d
    """
    from tkt.sla.replaying import simulate_text
    from tkt.sla.replaying.simulate_run import run
    from tkt.store.read_desk import setting

    context.stay()
    words = unshielded(query)
    with context.reader() as reader:
        zone = setting(reader, "desk.timezone", "UTC")
    era = _era(file)
    period = _period(start, end, zone)
    numbers = _numbers(words, period)
    with bar("replaying") as progress:
        outcome = run(context.location(), numbers, era, period, progress)
    found = simulate_text.Simulated(outcome, file, period, words, zone)
    if json:
        output.as_json(simulate_text.document(found))
        return 0
    for line in simulate_text.lines(found, output.width()):
        output.line(line)
    return 0


def _era(file: str) -> Era:
    """The file's definitions, checked like any desk.toml."""
    from tkt.cli.configuring import checked_text
    from tkt.config.schema import read
    from tkt.config.simulated import era_of
    from tkt.store.engine import Store

    config = read(checked_text(file))
    store = Store(context.location())
    try:
        with store.reading() as session:
            return era_of(session, config)
    finally:
        store.close()


def _period(start: str, end: str, zone: str) -> Period:
    from tkt.cli.moments import past_period
    from tkt.sla.replaying.simulate import Period
    from tkt.times import utcnow

    return Period(*past_period(start, end, zone), utcnow())


def _numbers(query: str, period: Period) -> list[int]:
    """The tickets on which something may have been decided in the period: neither made after it, nor finished and left
    alone before it."""
    from tkt.query.compile import compile_query
    from tkt.query.language import parse
    from tkt.times import to_micros

    with context.reader() as reader:
        where = compile_query(parse(query), reader.vocabulary(to_micros(period.now)), reader.dialect)
        sql = f"""SELECT t.number FROM ticket t WHERE {where.sql} AND t.created_at < ?
            AND (t.updated_at >= ? OR t.status_kind IN ('open', 'waiting')) ORDER BY t.number"""
        params = (*where.params, to_micros(period.end), to_micros(period.start))
        return [row[0] for row in reader.rows(sql, params)]
