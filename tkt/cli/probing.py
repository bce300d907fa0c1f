"""`tkt mail test`: whether a mailbox works, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from tkt.cli import context, output
from tkt.safe_text import safe_line

if TYPE_CHECKING:
    from tkt.channels.mail.probe import Step

MARKS = {"ok": ("✓", "green"), "note": ("·", "yellow"), "bad": ("✗", "red"), "away": ("✗", "red")}


def test(
    name: str = typer.Argument(..., metavar="NAME", help="The mailbox, as desk.toml names it."),
    send: str = typer.Option("", "--send", metavar="ADDRESS", help="Send a mail there, too."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> int:
    """Try a mailbox step by step. Settings, connection, certificate, login, folders, sending.

    Example: tkt mail test support --send me@example.com
    """
    from tkt.channels.mail.mailboxes import mailboxes, named
    from tkt.channels.mail.probe import probe

    with context.system_desk(acts=False).look() as change:
        [box] = named(mailboxes(change.definitions), [name])
    steps = probe(box, _ignore if as_json else _print, send)
    if as_json:
        output.as_json({"mailbox": box.name, "steps": [step._asdict() for step in steps]})
    return _status({step.state for step in steps})


def _status(states: set[str]) -> int:
    """What a person has to mend goes before a server that may come back by itself."""
    from tkt.errors import MailboxUnusable, MailServerAway

    if "bad" in states:
        return MailboxUnusable.exit_status
    return MailServerAway.exit_status if "away" in states else 0


def _print(step: Step) -> None:
    mark, style = MARKS[step.state]
    output.raw_line(f"{output.styled(mark, style)} {safe_line(f'{step.part}: {step.step}: {step.words}')}")


def _ignore(_step: Step) -> None:
    """All of it is printed at the end."""
