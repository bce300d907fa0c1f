"""`tkt sla match`: which policy holds for a ticket, dry."""

from __future__ import annotations

import typer

from tkt.cli import context, output

AS_JSON = typer.Option(False, "--json", help="One JSON document.")


def match(number: str = typer.Argument(..., metavar="N"), json: bool = AS_JSON) -> int:
    """Which policy holds for a ticket now, and why not the ones before it. Changes nothing.

    Example: tkt sla match 42
    """
    from tkt.sla.match import document, lines
    from tkt.sla.match import match as matched

    with context.reader() as reader:
        for index, one in enumerate(context.numbers([number])):
            found = matched(reader, one)
            if json:
                output.as_json(document(found))
                continue
            for line in (*([""] if index else []), *lines(found)):
                output.line(line)
    return 0
