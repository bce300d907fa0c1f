"""Commands that write text: new, reply, note. The text comes from -b, from -F (a file, or '-' for standard input),
or, at a terminal, from the editor; nothing is read or asked for where no terminal is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tkt.cli import context, output
from tkt.errors import TktError, UsageError

if TYPE_CHECKING:
    from tkt.desk.conversation import Upload

BODY = typer.Option(None, "-b", "--body", metavar="TEXT", help="The text.")
FILE = typer.Option(None, "-F", "--file", metavar="FILE", help="A file with the text; '-' is standard input.")
ATTACH = typer.Option([], "--attach", metavar="FILE", help="A file to attach; may be repeated.")


def new(
    subject: str = typer.Argument(..., metavar="SUBJECT"),
    body: str | None = BODY,
    file: str | None = FILE,
    sender: str | None = typer.Option(None, "--from", metavar="ADDR", help="The customer: a mail address."),
    priority: str = typer.Option("normal", "-p", "--priority", help="urgent, high, normal or low."),
    team: str | None = typer.Option(None, "-t", "--team"),
    category: str = typer.Option("", "-c", "--category", help="A path, such as network/vpn."),
    type: str = typer.Option("", "--type", help="incident, request, …"),
    tag: list[str] = typer.Option([], "--tag", help="May be repeated."),
    field: list[str] = typer.Option([], "--field", metavar="K=V", help="A custom field; may be repeated."),
    attach: list[str] = ATTACH,
    assignee: str | None = typer.Option(None, "-a", "--assign", metavar="AGENT", help="An agent, me or auto."),
    key: str | None = typer.Option(None, "--key", help="The same key again makes no second ticket."),
) -> int:
    """Create a ticket and print its number.

    Example: tkt new 'VPN is down' -b 'since nine' --from ann@example.com -p high
    """
    from tkt.desk import tickets

    ticket = tickets.create(
        context.desk(),
        subject,
        text=context.text_of(body, file, "text") or "",
        requester=_address(sender) if sender else None,
        priority=priority,
        team=team,
        category=category,
        type=type,
        tags=tag,
        fields=_pairs(field),
        attachments=_uploads(attach),
        assignee=assignee,
        key=key,
    )
    output.line(f"#{ticket.number} {ticket.subject}" if output.on_terminal() else str(ticket.number))
    return 0


def reply(
    number: str = typer.Argument(..., metavar="N"),
    body: str | None = BODY,
    file: str | None = FILE,
    cc: list[str] = typer.Option([], "--cc", metavar="ADDR", help="Somebody more who gets it; may be repeated."),
    attach: list[str] = ATTACH,
    status: str | None = typer.Option(None, "--status", help="Move the ticket as well: waiting, resolved, …"),
    macro: str | None = typer.Option(None, "--macro", metavar="NAME", help="Do what this macro of desk.toml says."),
) -> int:
    """Answer the customer, in public.

    Example: tkt reply 12 -b 'Try again, please.' --status waiting
    """
    from tkt.desk import conversation

    if macro is not None:
        if body is not None or file is not None or cc or attach or status is not None:
            raise UsageError("--macro brings its own text and status: give nothing else with it")
        return _run_macro(number, macro)
    found, text, version = _text_for(number, body, file, "reply")
    with _kept_on_failure(text, version):
        files = _uploads(attach)
        desk = context.desk()
        entry = conversation.reply(desk, found, text, cc=cc, attachments=files, status=status, version=version)
    if entry.recipients:
        output.line(f"#{found} reply to {', '.join(entry.recipients)} waits in the outbox; 'tkt undo' calls it back")
    else:
        output.line(f"#{found} reply kept on the ticket: it has no customer to send it to")
    return 0


def _run_macro(number: str, name: str) -> int:
    from tkt.desk.macros import run_macro

    found = context.one_number(number)
    for action in run_macro(context.desk(), found, name):
        output.line(f"#{found} {action}")
    return 0


def note(
    number: str = typer.Argument(..., metavar="N"),
    body: str | None = BODY,
    file: str | None = FILE,
    attach: list[str] = ATTACH,
) -> int:
    """Add an internal note that no customer sees.

    Example: tkt note 12 -b 'her router is old'
    """
    from tkt.desk import conversation

    found, text, version = _text_for(number, body, file, "note")
    with _kept_on_failure(text, version):
        conversation.note(context.desk(), found, text, attachments=_uploads(attach), version=version)
    output.line(f"#{found} note added")
    return 0


@contextmanager
def _kept_on_failure(text: str, version: int | None) -> Iterator[None]:
    """What was written in the editor is not lost when it can't be used (the ticket has changed meanwhile)."""
    try:
        yield
    except TktError as error:
        if version is not None and text:
            from tkt.editor import keep

            error.args = (f"{error}; your text is kept in {keep(text)}",)
        raise


def _text_for(number: str, body: str | None, file: str | None, what: str) -> tuple[int, str, int | None]:
    """(number, text, version). The version is that of the ticket the editor showed, None without an editor."""
    found = context.one_number(number)
    text = context.text_of(body, file, what)
    if text is not None:
        return found, text, None
    if not (sys.stdin.isatty() and output.on_terminal()):
        raise UsageError(f"give the {what} by -b TEXT or -F FILE ('-F -' reads standard input)")
    from tkt.editor import edit
    from tkt.store.read_entries import conversation
    from tkt.store.read_tickets import ticket

    with context.reader() as reader:
        row = ticket(reader, found)
        return found, edit(what, row, conversation(reader, found)), row.version


def _address(text: str) -> tuple[str, str]:
    """(name, address) of "Ann Lee <ann@example.com>" or a bare address."""
    from email.utils import parseaddr

    name, address = parseaddr(text)
    if not address:
        raise UsageError(f"'{text}' is no mail address")
    return name, address


def _pairs(given: list[str]) -> dict[str, str]:
    for one in given:
        if "=" not in one:
            raise UsageError(f"--field takes K=V, not '{one}'")
    return dict(one.split("=", 1) for one in given)


def _uploads(paths: list[str]) -> list[Upload]:
    if not paths:
        return []
    import mimetypes

    from tkt.desk.conversation import Upload

    return [
        Upload(os.path.basename(path), mimetypes.guess_type(path)[0] or "application/octet-stream", content)
        for path, content in ((path, context.read_file(path)) for path in paths)
    ]


COMMANDS = {"new": new, "reply": reply, "note": note}
