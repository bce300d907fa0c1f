"""Commands that write text: new, reply, note. The text comes from -b, from -F (a file, or '-' for standard input),
or, at a terminal, from the editor; nothing is read or asked for where no terminal is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tkt.cli import context, output
from tkt.cli.remarks import remark
from tkt.errors import TktError, UsageError
from tkt.safe_text import safe_line

if TYPE_CHECKING:
    from tkt.desk.conversation import Upload
    from tkt.desk.preview import Preview
    from tkt.desk.unit import Desk
    from tkt.store.tables import Entry

BODY = typer.Option(None, "-b", "--body", metavar="TEXT", help="The text.")
FILE = typer.Option(None, "-F", "--file", metavar="FILE", help="A file with the text; '-' is standard input.")
ATTACH = typer.Option([], "--attach", metavar="FILE", help="A file to attach; may be repeated.")


def new(
    subject: str = typer.Argument(..., metavar="SUBJECT", help="What it is about, in a line."),
    body: str | None = BODY,
    file: str | None = FILE,
    sender: str | None = typer.Option(None, "--from", metavar="ADDR", help="The customer: a mail address."),
    priority: str | None = typer.Option(None, "-p", "--priority", help="urgent, high, normal (else) or low."),
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

    desk, text = context.desk(), context.text_of(body, file, "text") or ""
    ticket = tickets.create(
        desk,
        subject,
        text=text,
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
    if sender is None:  # then the text is a note
        remark(desk, text)
    return 0


def reply(
    number: str = typer.Argument(..., metavar="N", help="The ticket's number."),
    body: str | None = BODY,
    file: str | None = FILE,
    cc: list[str] = typer.Option([], "--cc", metavar="ADDR", help="Somebody more who gets it; may be repeated."),
    attach: list[str] = ATTACH,
    status: str | None = typer.Option(None, "--status", help="Move the ticket as well: waiting, resolved, …"),
    macro: str | None = typer.Option(None, "--macro", metavar="NAME", help="Do what this macro of desk.toml says."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Print the mail as it would leave, and change nothing."),
) -> int:
    """Answer the customer, in public.

    Example: tkt reply 12 -b 'Try again, please.' --status waiting
    """
    from tkt.desk import conversation

    if macro is not None:
        if body is not None or file is not None or cc or attach or status is not None or dry_run:
            raise UsageError("--macro brings its own text and status: give nothing else with it")
        return _run_macro(number, macro)
    found, text, version = _text_for(number, body, file, "reply", cc)
    with _kept_on_failure(text, version):
        files = _uploads(attach)
        desk = context.desk()
        if dry_run:
            return _show_preview(desk, found, text, cc, files)
        entry = conversation.reply(desk, found, text, cc=cc, attachments=files, status=status, version=version)
    output.words(_held(desk, found, entry))
    remark(desk, text, "reply")
    return 0


def _held(desk: Desk, number: int, entry: Entry) -> str:
    """To whom a reply goes, and until when it can be called back; then whom it will hardly reach, a line each."""
    from tkt.desk.preview import held_reply
    from tkt.times import format_duration

    held = held_reply(desk, entry)
    if held is None:
        return f"#{number}: kept on the ticket, which has no customer to send it to"
    seconds = max(0, round((held.leaves_at - desk.now()).total_seconds()))
    leaves = f"leaves in {format_duration(seconds)}, 'tkt undo {number}' calls it back" if seconds else "leaves at once"
    everybody = ", cc ".join(filter(None, (", ".join(held.to), ", ".join(held.cc))))
    lost = [f"#{number}: mail to {one} does not arrive: {why}" for one, why in held.out_of_reach.items()]
    return "\n".join(safe_line(line, 2000) for line in (f"#{number} to {everybody}; {leaves}", *lost))


def _show_preview(desk: Desk, number: int, text: str, cc: list[str], files: list[Upload]) -> int:
    """The mail as it would leave; on standard error, whom it would not reach."""
    from tkt.desk.preview import preview_reply

    preview = preview_reply(desk, number, text, cc)
    for line in _heads(preview):
        output.line(line)
    output.line(f"Subject: {preview.subject}")
    for file in files:
        output.line(f"Attached: {file.name} ({len(file.content)} bytes)")
    output.line("")
    output.line(preview.text)
    return 0


def _heads(preview: Preview) -> list[str]:
    """From, To and Cc of a reply, those that can't be reached marked as such."""
    marked = {one: f"{one} (out of reach: {why})" for one, why in preview.out_of_reach.items()}
    heads = (
        ("From", [preview.sender] if preview.sender else []),
        ("To", preview.to or ["nobody: the ticket has no customer to send it to"]),
        ("Cc", preview.cc),
    )
    return [
        safe_line(f"{name}: {', '.join(marked.get(one, one) for one in people)}", 4000)
        for name, people in heads
        if people
    ]


def _run_macro(number: str, name: str) -> int:
    from tkt.desk.macros import run_macro

    found = context.one_number(number)
    for action in run_macro(context.desk(), found, name):
        output.line(f"#{found} {action}")
    return 0


def note(
    number: str = typer.Argument(..., metavar="N", help="The ticket's number."),
    body: str | None = BODY,
    file: str | None = FILE,
    attach: list[str] = ATTACH,
) -> int:
    """Add an internal note that no customer sees.

    Example: tkt note 12 -b 'her router is old'
    """
    from tkt.desk import conversation

    found, text, version = _text_for(number, body, file, "note")
    desk = context.desk()
    with _kept_on_failure(text, version):
        conversation.note(desk, found, text, attachments=_uploads(attach), version=version)
    output.line(f"#{found} note added")
    remark(desk, text, "note")
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


def _text_for(
    number: str, body: str | None, file: str | None, what: str, cc: Sequence[str] = ()
) -> tuple[int, str, int | None]:
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
        row, messages = ticket(reader, found), conversation(reader, found)
    return found, edit(what, row, messages, _recipients(found, cc) if what == "reply" else ()), row.version


def _recipients(number: int, cc: Sequence[str]) -> list[str]:
    """To whom the reply goes, for the editor to show."""
    from tkt.desk.preview import preview_reply

    return _heads(preview_reply(context.desk(), number, "?", cc))


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
