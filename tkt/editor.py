"""Writing a text in the agent's own editor, with the conversation below as a comment that is cut off again."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tkt.errors import TktError
from tkt.safe_text import safe_block, safe_line

if TYPE_CHECKING:
    from tkt.store.read_entries import Message
    from tkt.store.read_tickets import TicketRow

CUT = "# ---- 8< ---- everything below this line is left out ---- 8< ----"
SHOWN = 5
"""How many of the latest messages the editor shows."""


def edit(what: str, ticket: TicketRow, messages: Sequence[Message] = (), heads: Sequence[str] = ()) -> str:
    """The text written in $TKT_EDITOR, $VISUAL or $EDITOR; `heads` say to whom it goes. Raises TktError when the editor
    fails or nothing is written.
    """
    return edited(_form(what, ticket, messages, heads)).strip()


def edited(start: str) -> str:
    """What the editor left of `start`, without what stands below the cut. Raises TktError when the editor fails."""
    with tempfile.TemporaryDirectory(prefix="tkt-") as folder:
        path = os.path.join(folder, "message.txt")
        with open(path, "w", encoding="utf-8") as file:
            file.write(start)
        _run(path)
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().partition(CUT)[0]


def keep(text: str) -> str:
    """Put a text into a file of its own that only the user can read; its path."""
    handle, path = tempfile.mkstemp(prefix="tkt-unsent-", suffix=".txt")
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def command() -> list[str]:
    """The editor's command line."""
    names = ("TKT_EDITOR", "VISUAL", "EDITOR")
    chosen = next((os.environ[name] for name in names if os.environ.get(name)), "vi")
    return shlex.split(chosen)


def _run(path: str) -> None:
    try:
        status = subprocess.run([*command(), path]).returncode
    except OSError as error:
        raise TktError(f"the editor {command()[0]} can't be started: {error.strerror}; set $EDITOR") from error
    if status:
        raise TktError(f"the editor {command()[0]} ended with status {status}; nothing was changed")


def _form(what: str, ticket: TicketRow, messages: Sequence[Message], heads: Sequence[str]) -> str:
    seen_by = f"to {safe_line(ticket.requester_name or 'nobody')}" if what == "reply" else "seen by the team only"
    lines = ["", "", CUT, f"# {what} on #{ticket.number} {safe_line(ticket.subject)} ({seen_by})"]
    lines += [f"# {safe_line(head, 4000)}" for head in heads]
    for message in reversed(messages[-SHOWN:]):
        lines += ["#", f"# {message.kind} by {safe_line(message.author)}:"]
        lines += [f"#   {line}" for line in safe_block(message.text).splitlines()]
    return "\n".join(lines) + "\n"
