"""`tkt sla`: the check for cron, the report for a manager, and why a due time is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tkt.cli import context, output
from tkt.cli.shielding import unshielded
from tkt.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from tkt.desk.sla_check import Fired
    from tkt.sla.report import Report
    from tkt.store.read import Reader
    from tkt.store.read_clauses import Where

app = typer.Typer(help="Promises: check, report, explain.")
COMMANDS = {"sla": app}

AS_JSON = typer.Option(False, "--json", help="One JSON document.")


@app.command()
def check(json: bool = AS_JSON) -> int:
    """Mark breaches and fire reminders and escalations that are due, for cron.

    Example: tkt sla check
    """
    from tkt.desk import sla_check

    fired = sla_check.check(context.system_desk())
    if json:
        output.as_json([_fired_document(one) for one in fired])
        return 0
    for one in fired:
        output.line(_fired_line(one))
    return 0


@app.command()
def explain(number: str = typer.Argument(..., metavar="N"), json: bool = AS_JSON) -> int:
    """Why a ticket is due when it is, checkable with a pencil.

    Example: tkt sla explain 42
    """
    from tkt.sla.explain import document
    from tkt.sla.explain import explain as explained

    with context.reader() as reader:
        for index, one in enumerate(context.numbers([number])):
            found = explained(reader, one)
            if json:
                output.as_json(document(found))
                continue
            from tkt.sla.explain_text import lines

            for line in (*([""] if index else []), *lines(found)):
                output.line(line)
    return 0


@app.command()
def report(
    query: list[str] = typer.Argument(None, metavar="[QUERY]…", help="Only tickets that match."),
    start: str = typer.Option("", "--from", metavar="TIME", help="A date, or how long ago (7d). Default: 30d."),
    end: str = typer.Option("", "--to", metavar="TIME", help="Up to, not including, this moment. Default: now."),
    by: str = typer.Option("team,priority,policy", "--by", metavar="A,B", help="team, priority, policy."),
    json: bool = AS_JSON,
    csv: bool = typer.Option(False, "--csv", help="The attainment lines as CSV."),
) -> int:
    """How well promises were kept.

    Example: tkt sla report team:network --from 2026-10-01 --to 2026-11-01
    """
    if json and csv:
        raise UsageError("choose one of --json and --csv")
    with context.reader() as reader:
        _print(reader, _report(reader, unshielded(query), start, end, by), json, csv)
    return 0


def _report(reader: Reader, query: str, start: str, end: str, by: str) -> Report:
    from tkt.sla.report import report as reported
    from tkt.store.read_desk import setting
    from tkt.times import utcnow

    now, zone = utcnow(), setting(reader, "desk.timezone", "UTC")
    period = [_moment(text, now, zone) if text else None for text in (start, end)]
    dimensions = [name.strip() for name in by.split(",") if name.strip()]
    where = _where(reader, query, now)
    return reported(reader, where, period[0], period[1], dimensions, query=query, now=now)


def _print(reader: Reader, found: Report, json: bool, csv: bool) -> None:
    from tkt.sla import report as reports
    from tkt.store.read_desk import setting

    if json:
        output.as_json(reports.document(found))
    elif csv:
        output.as_separated(*reports.rows(found))
    else:
        from tkt.sla.report_text import lines

        for line in lines(found, output.width(), setting(reader, "desk.timezone", "UTC")):
            output.line(line)


def _moment(text: str, now: datetime, zone: str) -> datetime:
    """A moment; a duration is meant into the past, because that is where a report looks."""
    from datetime import timedelta

    from tkt.times import parse_duration, parse_when

    try:
        return now - timedelta(seconds=parse_duration(text))
    except UsageError:
        return parse_when(text, now, zone)


def _where(reader: Reader, query: str, now: datetime) -> Where:
    from tkt.query.compile import compile_query
    from tkt.query.language import parse
    from tkt.times import to_micros

    return compile_query(parse(query), reader.vocabulary(to_micros(now)), reader.dialect)


def _fired_document(one: Fired) -> dict[str, Any]:
    from tkt.times import rfc3339

    return one._asdict() | {"due_at": rfc3339(one.due_at), "actions": list(one.actions)}


def _fired_line(one: Fired) -> str:
    from tkt.safe_text import safe_line
    from tkt.times import format_duration, rfc3339

    what = "breached" if one.what == "breached" else f"step {one.what}: {', '.join(one.actions)}"
    late = f" ({format_duration(one.late_seconds)} late)" if one.is_late else ""
    return safe_line(f"#{one.ticket} {one.metric} ({one.policy}) {what}, due {rfc3339(one.due_at)}{late}")
