"""`tkt webhook`: calls that were not taken, and why; making them now, trying one again, letting one be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tkt.cli import context, output
from tkt.cli.outgoing import each, plain
from tkt.errors import TktError, TryAgain, WebhookUnusable, worst
from tkt.safe_text import safe_line

if TYPE_CHECKING:
    from tkt.channels.webhooks.deliver import Delivery

app = typer.Typer(help="Calls of webhooks: list, send, retry, drop.")
COMMANDS = {"webhook": app}

COLUMNS = ("call", "webhook", "ticket", "state", "tries", "next", "why")
AS_JSON = typer.Option(False, "--json", help="Print one JSON document.")
CALLS = typer.Argument(..., metavar="ID…", help="The calls' numbers, as 'tkt webhook list' shows them.")


@app.command("list")
def webhook_list(as_json: bool = AS_JSON) -> int:
    """Calls that wait or failed, and why.

    Example: tkt webhook list
    """
    from tkt.channels.webhooks.calls import open_calls

    found = [plain(one) for one in open_calls(context.system_desk(acts=False))]
    if as_json:
        output.as_json(found)
    elif found:
        keys = ("id", "webhook", "ticket", "state", "attempts", "next_at", "error")
        output.as_table(COLUMNS, [[safe_line(str(one[key])) for key in keys] for one in found], stretch=6)
    return 0


@app.command()
def send(as_json: bool = AS_JSON) -> int:
    """Make all calls that wait now, whenever their turn is.

    Example: tkt webhook send
    """
    from tkt.channels.webhooks.deliver import make_calls

    done = list(make_calls(context.system_desk(), now_all=True))
    if as_json:
        output.as_json([one._asdict() for one in done])
    for one in () if as_json else done:
        output.line(safe_line(str(one)))
    return worst([_trouble(one) for one in done if one.state != "sent"])


@app.command()
def retry(identifiers: list[int] = CALLS) -> int:
    """Let calls that failed, or wait, be made with the next round.

    Example: tkt webhook retry 3
    """
    from tkt.channels.webhooks.calls import retry as try_again

    desk = context.system_desk()
    return each(identifiers, lambda one: f"call {one} of {try_again(desk, one)} is made with the next round")


@app.command()
def drop(identifiers: list[int] = CALLS) -> int:
    """Let calls be that failed or wait: they are tried no more.

    Example: tkt webhook drop 3
    """
    from tkt.channels.webhooks.calls import drop as let_be

    desk = context.system_desk()
    return each(identifiers, lambda one: f"call {one} of {let_be(desk, one)} is tried no more")


def _trouble(one: Delivery) -> TktError:
    """What a receiver did wrong, as an error with its exit status: may it pass, or has somebody to mend it?"""
    return TryAgain(one.error) if one.state == "waiting" else WebhookUnusable(one.error)
