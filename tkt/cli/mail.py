"""`tkt mail`: pull what waits in the mailboxes, send what waits in the outbox, take a message from a pipe, look
after both.

These run in nobody's name, as cron, a mail server or the scheduler would. What a mail server did wrong is said on
standard error; the exit status is then 75 where trying again may help, else 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from tkt.cli import context, outgoing, output, probing
from tkt.cli.outgoing import AS_JSON, plain
from tkt.errors import MailboxUnusable, MailServerAway, TktError, TryAgain, UsageError, worst
from tkt.safe_text import safe_line

if TYPE_CHECKING:
    from tkt.channels.mail.receiving.intake import Outcome
    from tkt.channels.mail.receiving.pulling import PullResult

app = typer.Typer(help="Mail in and out: pull, send, test, status, quarantine …")
quarantine_app = typer.Typer(help="Messages that could not be read: list, show, retry, drop.")
app.add_typer(quarantine_app, name="quarantine")
COMMANDS = {"mail": app}
for command in (outgoing.send, outgoing.status, outgoing.retry, outgoing.drop, probing.test):
    app.command()(command)

MESSAGES = typer.Argument(..., metavar="ID…", help="The messages' numbers, as 'quarantine list' shows them.")
MESSAGE = typer.Argument(..., metavar="ID", help="The message's number, as 'quarantine list' shows it.")


@app.command()
def pull(
    names: list[str] = typer.Argument(None, metavar="[NAME]…", help="Mailboxes; none named: all that are read."),
    as_json: bool = AS_JSON,
) -> int:
    """Take in what waits in the mailboxes.

    Example: tkt mail pull support
    """
    from tkt.channels.mail import gateway

    with _progress() as progress:
        results = gateway.pull(context.system_desk(), names or (), progress)
    if as_json:
        output.as_json([result._asdict() for result in results])
    else:
        for result in results:
            output.line(_pulled(result))
    for result in results:
        if result.error:
            output.words(f"tkt: {result.error}")
    return worst([_trouble(result.error, result.away) for result in results if result.error])


@app.command()
def ingest(
    mailbox: str = typer.Option("", "--mailbox", metavar="NAME", help="Else the one the message is addressed to."),
) -> int:
    """Take one message from standard input. So Postfix or procmail hand it over.

    Example: tkt mail ingest < message.eml
    """
    if sys.stdin.isatty():
        raise UsageError("a message is read from standard input: tkt mail ingest < message.eml")
    outcome = _taken_in(mailbox)
    if outcome.ticket is not None:
        output.line(str(outcome.ticket))
    output.words(_ingested(outcome.state, outcome.ticket, outcome.reason))
    return 0


def _taken_in(mailbox: str) -> Outcome:
    """The message on standard input, stored. TryAgain whatever stands in its way, a wrong name or a desk that is not
    there: the customer who wrote can't mend it, so the mail must wait with its server and not bounce.
    """
    try:
        raw = sys.stdin.buffer.read()
        from tkt.channels.mail import gateway

        return gateway.ingest(context.system_desk(), raw, mailbox or None)
    except (TktError, OSError) as error:
        raise TryAgain(str(error)) from error


@quarantine_app.command("list")
def list_quarantined(as_json: bool = AS_JSON) -> int:
    """Messages that could not be read or filed, and why.

    Example: tkt mail quarantine list
    """
    from tkt.channels.mail.receiving.quarantine import quarantined

    held = quarantined(context.system_desk(acts=False))
    if as_json:
        output.as_json([plain(one) for one in held])
        return 0
    rows = [(str(one.id), one.mailbox, _time(one.received_at), str(one.size), one.reason) for one in held]
    output.as_table(
        ("id", "mailbox", "received", "size", "reason"), [_safe(row) for row in rows], stretch=4, right=(0, 3)
    )
    return 0


@quarantine_app.command("show")
def show_quarantined(identifier: int = MESSAGE) -> int:
    """A message as it came in; its bytes where standard output is no terminal.

    Example: tkt mail quarantine show 7
    """
    from tkt.channels.mail.receiving.quarantine import raw_message

    raw = raw_message(context.system_desk(acts=False), identifier)
    if output.on_terminal():
        output.line(raw.decode("utf-8", "replace"))
    else:
        output.raw_bytes(raw)
    return 0


@quarantine_app.command("retry")
def retry_quarantined(identifiers: list[int] = MESSAGES) -> int:
    """Process messages again.

    Example: tkt mail quarantine retry 7
    """
    from tkt.channels.mail.receiving.quarantine import retry

    desk = context.system_desk()

    def act(identifier: int) -> str:
        outcome = retry(desk, identifier)
        words = f"message {identifier}: {_ingested(outcome.state, outcome.ticket, outcome.reason)}"
        if outcome.state == "quarantined":
            raise TktError(words)
        return words

    return outgoing.each(identifiers, act)


@quarantine_app.command("drop")
def drop_quarantined(identifiers: list[int] = MESSAGES) -> int:
    """Let messages stay out for good.

    Example: tkt mail quarantine drop 7
    """
    from tkt.channels.mail.receiving.quarantine import drop

    desk = context.system_desk()

    def act(identifier: int) -> str:
        drop(desk, identifier)
        return f"message {identifier} stays out; its bytes are kept"

    return outgoing.each(identifiers, act)


# --- words ------------------------------------------------------------------------------------------------------------


def _pulled(result: PullResult) -> str:
    counted = {
        "new": result.tickets,
        "answers": result.entries,
        "automatic": result.machine,
        "duplicates": result.duplicates,
        "in quarantine": result.quarantined,
    }
    parts = [f"{count} {what}" for what, count in counted.items() if count]
    return f"{result.mailbox}: {result.fetched} taken in" + (f" ({', '.join(parts)})" if parts else "")


def _ingested(state: str, ticket: int | None, reason: str) -> str:
    words = {
        "ticket": f"new ticket #{ticket}",
        "entry": f"filed on #{ticket}",
        "machine": f"automatic mail, filed on #{ticket}",
        "duplicate": "nothing new",
        "stored": "stored; the next round files it",
        "quarantined": "put into quarantine",
        "": "another process has filed it",
    }
    return safe_line(words[state] + (f": {reason}" if reason else ""))


def _trouble(words: str, passes: bool) -> TktError:
    """What a mail server did wrong, as an error with its exit status: may it pass, or has somebody to mend it?"""
    return MailServerAway(words) if passes else MailboxUnusable(words)


def _safe(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(safe_line(cell) for cell in row)


def _time(moment: Any) -> str:
    from tkt.times import rfc3339

    return rfc3339(moment)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None] | None]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def advance(mailbox: str, done: int, waiting: int) -> None:
            if mailbox not in tasks:
                tasks[mailbox] = bar.add_task(safe_line(mailbox))
            bar.update(tasks[mailbox], completed=done, total=done + waiting)

        yield advance
