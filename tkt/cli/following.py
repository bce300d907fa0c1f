"""Commands for who takes part in tickets: follow, unfollow.

An agent who follows is told of what happens on the ticket; an address outside gets its replies. Each number is a
transaction, as in `changing`.
"""

from __future__ import annotations

import typer

from tkt.cli import context
from tkt.cli.changing import NUMBERS, each

AGENT = typer.Option([], "--agent", metavar="NAME", help="Another agent; may be repeated.")
CC = typer.Option([], "--cc", metavar="ADDR", help="Somebody outside, who gets the replies; may be repeated.")


def follow(words: list[str] = NUMBERS, agent: list[str] = AGENT, cc: list[str] = CC) -> int:
    """Follow tickets: hear of what is said on them. Without an option, you.

    Example: tkt follow 12 --cc bo@example.com
    """
    from tkt.desk import followers

    desk = context.desk()
    return each(words, lambda number: _said(number, "followed by", followers.follow(desk, number, agent, cc)))


def unfollow(words: list[str] = NUMBERS, agent: list[str] = AGENT, cc: list[str] = CC) -> int:
    """Follow tickets no longer. Without an option, you.

    Example: tkt unfollow 12 --cc bo@example.com
    """
    from tkt.desk import followers

    desk = context.desk()
    return each(words, lambda number: _said(number, "not followed by", followers.unfollow(desk, number, agent, cc)))


def _said(number: int, words: str, who: list[str]) -> str:
    return f"#{number} {words} {', '.join(who)}" if who else f"#{number} unchanged"


COMMANDS = {"follow": follow, "unfollow": unfollow}
