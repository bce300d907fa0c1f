"""Commands that make one ticket of two, and two of one: merge, split."""

from __future__ import annotations

import typer

from tkt.cli import context, output
from tkt.cli.changing import NUMBERS, each
from tkt.errors import UsageError


def merge(
    words: list[str] = NUMBERS,
    into: str = typer.Option(..., "--into", metavar="M", help="The ticket in which they end."),
) -> int:
    """Let tickets end in another one, with all that was said on them.

    Example: tkt merge 13 14 --into 12
    """
    from tkt.desk import merging

    target, desk = context.number_of(into), context.desk()
    return each(words, lambda number: f"#{number} merged into #{merging.merge(desk, number, target)}")


def split(
    number: str = typer.Argument(..., metavar="N", help="The ticket's number."),
    entry: str = typer.Argument(..., metavar="ENTRY", help="The message's id, as 'tkt show N' has it."),
) -> int:
    """Give a message a ticket of its own, and print that one's number.

    Example: tkt split 12 57
    """
    from tkt.desk import splitting

    if not (entry.isascii() and entry.isdigit()) or len(entry) > 18:
        raise UsageError(f"'{entry}' is no message's id; 'tkt show {number}' has them")
    made = splitting.split(context.desk(), context.one_number(number), int(entry))
    output.line(f"#{made.number} {made.subject}" if output.on_terminal() else str(made.number))
    return 0


COMMANDS = {"merge": merge, "split": split}
