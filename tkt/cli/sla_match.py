"""`tkt sla match`: which policy holds for a ticket, dry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from tkt.cli import context, output

if TYPE_CHECKING:
    from tkt.store.read import Reader

AS_JSON = typer.Option(False, "--json", help="One JSON document.")

Answer = TypeVar("Answer")


def match(number: str = typer.Argument(..., metavar="N", help="The ticket's number."), json: bool = AS_JSON) -> int:
    """Which policy holds for a ticket now, and why no other. Changes nothing.

    Example: tkt sla match 42
    """
    from tkt.sla.match import document, lines
    from tkt.sla.match import match as matched

    return tell(number, matched, document if json else lines)


def tell(
    number: str,
    ask: Callable[[Reader, int], Answer],
    form: Callable[[Answer], dict[str, Any]] | Callable[[Answer], Iterable[str]],
) -> int:
    """Print the answer for the ticket, or for each whose number stands on standard input: a document, or lines."""
    with context.reader() as reader:
        for index, one in enumerate(context.numbers([number])):
            told = form(ask(reader, one))
            if isinstance(told, dict):
                output.as_json(told)
                continue
            for line in (*([""] if index else []), *told):
                output.line(line)
    return 0
