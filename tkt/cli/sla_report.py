"""`tkt sla report`: how well promises were kept, and why some were not; on a terminal, as a file, as a mail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tkt.cli import context, output
from tkt.cli.shielding import unshielded
from tkt.errors import UsageError
from tkt.safe_text import safe_line

if TYPE_CHECKING:
    from datetime import datetime

    from tkt.sla.reports.report import Report
    from tkt.store.read import Reader
    from tkt.store.read_clauses import Where

MAIL_WIDTH = 78
"""Columns of the text in a mail (RFC 5322 section 2.1.1)."""


def report(
    query: list[str] = typer.Argument(None, metavar="[QUERY]…", help="Only tickets that match."),
    start: str = typer.Option("", "--from", metavar="TIME", help="A date, or how long ago (7d). Default: 30d."),
    end: str = typer.Option("", "--to", metavar="TIME", help="Up to, not including, this moment. Default: now."),
    by: str = typer.Option(
        "team,priority,policy", "--by", metavar="A,B",
        help="team, priority, policy, agent, category, channel, customer.tier, hour, weekday.",
    ),
    limit: int = typer.Option(20, "-n", metavar="N", min=0, help="So many of the worst breaches; 0 means all."),
    json: bool = typer.Option(False, "--json", help="One JSON document."),
    csv: bool = typer.Option(False, "--csv", help="The attainment lines as CSV."),
    html: bool = typer.Option(False, "--html", help="One HTML page without scripts."),
    mail: list[str] = typer.Option(None, "--mail", metavar="ADDRESS", help="Send it there by mail. May be repeated."),
) -> int:  # fmt: skip
    """How well promises were kept, and why some were not.

    Example: tkt sla report team:network --from 2026-10-01 --to 2026-11-01
    """
    if sum((json, csv, html, bool(mail))) > 1:
        raise UsageError("choose one of --json, --csv, --html and --mail")
    with context.reader() as reader:
        found = _report(reader, unshielded(query), (start, end), by, limit)
    if mail:
        return _send(found, mail)
    _print(found, json, csv, html)
    if len(found.breaches) < found.breached and not csv:
        output.words(f"{len(found.breaches):,} of {found.breached:,} broken promises; -n 0 lists all")
    return 0


def _report(reader: Reader, query: str, ends: tuple[str, str], by: str, limit: int) -> Report:
    from tkt.cli.moments import in_the_past
    from tkt.sla.reports.report import report as reported
    from tkt.store.read_desk import setting
    from tkt.times import utcnow

    now, zone = utcnow(), setting(reader, "desk.timezone", "UTC")
    start, end = (in_the_past(text, now, zone) if text else None for text in ends)
    dimensions = [name.strip() for name in by.split(",") if name.strip()]
    where = _where(reader, query, now)
    with _progress() as progress:
        return reported(reader, where, start, end, dimensions, query=query, worst=limit, now=now, progress=progress)


def _print(found: Report, json: bool, csv: bool, html: bool) -> None:
    from tkt.sla.reports import document as report_document

    if json:
        output.as_json(report_document.document(found))
    elif csv:
        output.as_separated(*report_document.rows(found))
    elif html:
        from tkt.sla.reports.html import page

        output.line(page(found))
    else:
        from tkt.sla.reports.text import lines

        for line in lines(found, output.width()):
            output.line(line)


def _send(found: Report, addresses: list[str]) -> int:
    from tkt.desk.mailing import mail_report
    from tkt.sla.reports.html import page
    from tkt.sla.reports.text import lines
    from tkt.sla.reports.words import headline

    words = headline(found), "\n".join(lines(found, MAIL_WIDTH)), page(found)
    to = mail_report(context.desk(), addresses, *words)
    if sys.stderr.isatty():  # cron would mail it
        output.words(safe_line(f"the report leaves with the next round to {', '.join(to)}", 400))
    return 0


@contextmanager
def _progress() -> Iterator[Callable[[float], None] | None]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("counting", total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _where(reader: Reader, query: str, now: datetime) -> Where:
    from tkt.query.compile import compile_query
    from tkt.query.language import parse
    from tkt.times import to_micros

    return compile_query(parse(query), reader.vocabulary(to_micros(now)), reader.dialect, reader.few)
