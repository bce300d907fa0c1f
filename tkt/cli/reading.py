"""Commands that only read: list, show, log, events. They never import the write side."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from tkt.cli import context, output
from tkt.cli.shielding import unshielded
from tkt.errors import UsageError
from tkt.safe_text import safe_line

if TYPE_CHECKING:
    from tkt.store.read import Reader
    from tkt.store.read_events import EventRow

AS_JSON = typer.Option(False, "--json", help="One JSON document.")


def list_(
    query: list[str] = typer.Argument(None, metavar="[QUERY]…", help="Default: kind:open, most urgent first."),
    sort: str = typer.Option("", "--sort", metavar="KEYS", help="due, -priority, created, updated, number, …"),
    limit: int = typer.Option(50, "-n", metavar="N", help="At most so many; 0 is all.", min=0, max=10**9),
    ids: bool = typer.Option(False, "--ids", help="Numbers alone, one a line."),
    json: bool = AS_JSON,
    jsonl: bool = typer.Option(False, "--jsonl", help="A JSON object a line."),
    csv: bool = typer.Option(False, "--csv"),
    tsv: bool = typer.Option(False, "--tsv"),
    columns: str = typer.Option("", "--columns", metavar="A,B", help="Which columns."),
) -> int:
    """List tickets.

    Example: tkt list team:network is:breached --sort -priority
    """
    from tkt.cli.listing import list_tickets

    return list_tickets(
        unshielded(query), sort, limit, ids=ids, json=json, jsonl=jsonl, csv=csv, tsv=tsv, columns=columns
    )


def show(
    number: str = typer.Argument(..., metavar="N", help="The ticket's number."),
    json: bool = AS_JSON,
    full: bool = typer.Option(False, "--full", help="Quotes, signatures and logos too, which a terminal gets folded."),
    raw: bool = typer.Option(False, "--raw", help="The mail that opened it, byte for byte as it came in."),
    save: str = typer.Option("", "--save", metavar="FOLDER", help="Write its attachments into this folder."),
) -> int:
    """Show a ticket with its conversation.

    Example: tkt show 12
    """
    from tkt.cli.showing import show_ticket

    return show_ticket(number, json=json, full=full, raw=raw, save=save)


def log(number: str = typer.Argument(..., metavar="N", help="The ticket's number."), json: bool = AS_JSON) -> int:
    """The history of a ticket: who, when, what, from, to.

    Example: tkt log 12
    """
    from tkt.store.read_events import history
    from tkt.store.read_tickets import ticket

    one = context.one_number(number)
    with context.reader() as reader:
        ticket(reader, one)
        rows = history(reader, one)
    if json:
        output.as_json([event_document(row) for row in rows])
    else:
        table = [[_local(row.at), row.actor, row.verb, row.field, *_from_to(row), row.cause] for row in rows]
        output.as_table(("when", "who", "what", "field", "from", "to", "cause"), table, stretch=5)
    return 0


def events(
    follow: bool = typer.Option(False, "--follow", "-f", help="Go on as they happen."),
    since: str = typer.Option(
        "", "--since", metavar="ID|TIME", help="After this event, or from this moment on (2h: two hours ago)."
    ),
    json: bool = typer.Option(False, "--json", help="A JSON object a line."),
) -> int:
    """The stream of everything that happens.

    Example: tkt events --follow --json
    """
    from tkt.store import read_events

    if follow:
        context.stay()
    with context.reader() as reader:
        seen = _seen_already(reader, since, follow)
        while True:
            rows = read_events.events_after(reader, seen)
            for row in rows:
                seen = row.id
                _print_event(row, json)
            sys.stdout.flush()
            if rows:
                continue
            if not follow:
                return 0
            reader.wait_for_change(5.0)


def event_document(row: EventRow) -> dict[str, Any]:
    """An event as JSON."""
    from tkt.times import from_micros, rfc3339

    document = row._asdict()
    document["at"] = rfc3339(from_micros(row.at))
    return document


def _print_event(row: EventRow, json: bool) -> None:
    if json:
        output.as_jsonl([event_document(row)])
        return
    old, new = _from_to(row)
    what = f"{row.field}: {old} → {new}" if row.field else ""
    about = f"#{row.ticket}" if row.ticket else ""
    cause = f"({row.cause})" if row.cause else ""
    parts = (str(row.id), _local(row.at), row.actor, row.verb, about, what, cause)
    output.line(safe_line(" ".join(part for part in parts if part)))


def _seen_already(reader: Reader, since: str, follow: bool) -> int:
    """The id after which to begin. Without --since that is the log's beginning, or its end when it is followed."""
    from tkt.store import read_events

    if not since:
        return read_events.last_event(reader) if follow else 0
    if since.isascii() and since.isdigit() and len(since) <= 18:
        return int(since)
    rows = read_events.events_since(reader, _moment_of(since), 1)
    return rows[0].id - 1 if rows else read_events.last_event(reader)


def _moment_of(since: str) -> int:
    """The moment that --since names, in microseconds: a duration lies behind us."""
    from datetime import timedelta

    from tkt.times import parse_duration, parse_when, to_micros, utcnow

    now = utcnow()
    try:
        return to_micros(now - timedelta(seconds=parse_duration(since)))
    except UsageError:
        return to_micros(parse_when(since, now))


def _from_to(row: EventRow) -> tuple[str, str]:
    return _word(row.old), _word(row.new)


def _word(value: Any) -> str:
    return "" if value is None else str(value)


def _local(micros: int) -> str:
    from tkt.cli.moments import local

    return local(micros)


COMMANDS = {"list": list_, "show": show, "log": log, "events": events}
SETTINGS: dict[str, dict[str, Any]] = {}
