"""`tkt import`: archived mail becomes closed tickets. A bar on a terminal, silence in a pipe, counts at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import typer

from tkt.cli import context, output

if TYPE_CHECKING:
    from tkt.channels.mail.archive.archives import Spot
    from tkt.channels.mail.archive.importing import Counts, Progress, Spots

app = typer.Typer(help="Archived mail into closed tickets: mbox, maildir.")
COMMANDS = {"import": app}

MAILBOX = typer.Option("", "--mailbox", metavar="NAME", help="Whose past it is: the tickets get its team.")
TEAM = typer.Option("", "--team", "-t", metavar="TEAM", help="The tickets' team; else that of the mailbox.")
TAG = typer.Option(None, "--tag", metavar="TAG", help="A tag for every ticket; may be repeated.")
OURS = typer.Option(None, "--ours", metavar="ADDRESS", help="An address from which we wrote; may be repeated.")
DRY_RUN = typer.Option(False, "--dry-run", help="Look at everything, print the counts, write nothing.")
AS_JSON = typer.Option(False, "--json", help="Print one JSON document.")


@app.command("mbox")
def import_mbox(
    files: list[str] = typer.Argument(..., metavar="FILE…", help="mbox files, compressed by gzip or not."),
    mailbox: str = MAILBOX,
    team: str = TEAM,
    tags: list[str] = TAG,
    ours: list[str] = OURS,
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
) -> int:
    """Bring in mbox files: each conversation a closed ticket.

    Example: tkt import mbox Inbox.mbox Sent.mbox --mailbox support
    """
    from tkt.channels.mail.archive import archives

    def spots(kept: ExitStack) -> Iterator[Spot]:
        for file in files:
            yield from archives.mbox(file, kept)

    return _run(spots, (mailbox, team, tuple(tags or ()), tuple(ours or ())), dry_run, as_json)


@app.command("maildir")
def import_maildir(
    folders: list[str] = typer.Argument(..., metavar="FOLDER…", help="Maildirs, with the folders in them."),
    mailbox: str = MAILBOX,
    team: str = TEAM,
    tags: list[str] = TAG,
    ours: list[str] = OURS,
    dry_run: bool = DRY_RUN,
    as_json: bool = AS_JSON,
) -> int:
    """Bring in Maildirs with their subfolders: each conversation a closed ticket.

    Example: tkt import maildir ~/Maildir --mailbox support
    """
    from tkt.channels.mail.archive import archives

    def spots(_kept: ExitStack) -> Iterator[Spot]:
        for folder in folders:
            yield from archives.maildir(folder)

    return _run(spots, (mailbox, team, tuple(tags or ()), tuple(ours or ())), dry_run, as_json)


def _run(spots: Spots, options: tuple[Any, ...], dry_run: bool, as_json: bool) -> int:
    from tkt.channels.mail.archive.importing import Options, bring_in

    desk = context.desk()
    context.stay()
    done = _Done()
    try:
        with _bar(done) as progress:
            counts = bring_in(desk, spots, Options(*options), progress, dry_run=dry_run)
    except KeyboardInterrupt:
        if not dry_run:
            output.words(f"stopped: {done.words}; the same command goes on from there")
        raise
    if as_json:
        output.as_json(counts._asdict())
    else:
        output.line(_in_words(counts))
    if dry_run:
        output.words("nothing was written")
    elif counts.quarantined:
        output.words("'tkt mail quarantine list' says what could not be read, and why")
    return 0


def _in_words(counts: Counts) -> str:
    """The counts, which add up."""
    parts = {
        "new tickets": counts.tickets,
        "filed on them": counts.entries,
        "duplicates": counts.duplicates,
        "automatic": counts.automatic,
        "in quarantine": counts.quarantined,
    }
    if counts.already:
        parts["here already"] = counts.already
    listed = ", ".join(f"{count:,} {what}" for what, count in parts.items())
    return f"{counts.read:,} messages read: {listed} (= {sum(parts.values()):,})"


class _Done:
    """How far the import is, for whoever interrupts it."""

    words = "what is in stays"  # the first messages may have been committed and not told yet

    def note(self, what: str, count: int, total: int) -> None:
        if what == "filing":
            self.words = f"{count:,} of {total:,} messages are in"


@contextmanager
def _bar(done: _Done) -> Iterator[Progress]:
    """Messages of all and the time that is left on a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield done.note
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def advance(what: str, count: int, total: int) -> None:
            done.note(what, count, total)
            if what == "filing" or count % 500 == 0:
                bar.update(task, description=what, completed=count, total=total or None)

        yield advance
