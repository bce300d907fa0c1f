"""The desk's mailboxes as desk.toml declares them, and what it takes to log in.

Promises: a password is asked for when a server wants it, from the declared command or environment variable, is held in
memory only, and shows itself in no message, `repr` or traceback. TLS is always verified, against the system's
authorities or the mailbox's own `tls_ca`.
"""

from __future__ import annotations

import os
import shlex
import ssl
import subprocess
from collections.abc import Iterable
from typing import Any, NamedTuple

from tkt.config.mail_urls import MailFile, Server, parse_sender, parse_source
from tkt.errors import MailboxUnusable, NotFound
from tkt.store.definitions import Declared, Definitions
from tkt.times import parse_duration

EVERY = "30s"
"""How often a mailbox is looked into where desk.toml says no `every`."""

PASSWORD_SECONDS = 30
"""How long a password command may take (it may ask an agent or a hardware key)."""


class Dkim(NamedTuple):
    """How a mailbox's mails are signed (RFC 6376): the private key's file, the selector, the signing domain."""

    selector: str
    key: str
    domain: str


class Mailbox(NamedTuple):
    """One declared mailbox; `source` and `sender` are None where its mail is not read or does not leave.

    `every`: how many seconds pass between two looks into it. `folders`: those of the IMAP server that are read besides
    the URL's. `authserv`: the name under which our own server writes Authentication-Results (RFC 8601).
    `return_path`: where bounces go, each to a signed address of its own. `plus`: answers go to a signed address too.
    """

    name: str
    address: str
    team: str = ""
    source: Server | MailFile | None = None
    sender: Server | None = None
    password_command: str = ""
    password_env: str = ""
    tls_ca: str = ""
    token_command: str = ""
    folders: tuple[str, ...] = ()
    archive: str = ""
    authserv: str = ""
    return_path: str = ""
    plus: bool = False
    dkim: Dkim | None = None
    every: int = parse_duration(EVERY)


class Secret:
    """A password that can be used but not shown."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "<secret>"


def mailboxes(definitions: Definitions) -> list[Mailbox]:
    """All declared mailboxes, in the file's order. Raises UsageError for a URL that can't be read."""
    return [_mailbox(declared) for declared in definitions.of("mailbox")]


def named(boxes: Iterable[Mailbox], names: Iterable[str]) -> list[Mailbox]:
    """The mailboxes of these names. Raises NotFound."""
    by_name = {box.name: box for box in boxes}
    missing = [name for name in names if name not in by_name]
    if missing:
        known = ", ".join(by_name) or "none is declared"
        raise NotFound(f"there is no mailbox '{missing[0]}' in desk.toml; known: {known}")
    return [by_name[name] for name in names]


def password(box: Mailbox) -> Secret:
    """The mailbox's password. Raises MailboxUnusable when none is to be had."""
    if box.password_command:
        return Secret(_first_line(box))
    text = os.environ.get(box.password_env, "") if box.password_env else ""
    if not text:
        wanted = f"${box.password_env} is empty" if box.password_env else "it has no password_command or password_env"
        raise MailboxUnusable(f"mailbox {box.name} has no password: {wanted}")
    return Secret(text)


def tls_context(box: Mailbox) -> ssl.SSLContext:
    """Verifies the server's certificate and name. Raises MailboxUnusable when `tls_ca` can't be read."""
    try:
        return ssl.create_default_context(cafile=os.path.expanduser(box.tls_ca) if box.tls_ca else None)
    except (OSError, ssl.SSLError) as error:
        raise MailboxUnusable(f"mailbox {box.name}: tls_ca {box.tls_ca} can't be read: {error}") from None


def _first_line(box: Mailbox) -> str:
    """What the command prints first; its output never reaches a message, not even that of a command that fails."""
    try:
        command = [os.path.expanduser(word) for word in shlex.split(box.password_command)]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=PASSWORD_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        reason = "it took too long" if isinstance(error, subprocess.TimeoutExpired) else str(error)
        raise MailboxUnusable(f"the password command of mailbox {box.name} failed: {reason}") from None
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode or not lines or not lines[0]:
        raise MailboxUnusable(
            f"the password command of mailbox {box.name} gave no password (exit status {done.returncode})"
        )
    return lines[0]


def _mailbox(declared: Declared) -> Mailbox:
    body = declared.body
    return Mailbox(
        name=declared.name,
        address=str(body.get("address", "")).lower(),
        team=str(body.get("team", "")),
        source=parse_source(str(body["imap"])) if body.get("imap") else None,
        sender=parse_sender(str(body["smtp"])) if body.get("smtp") else None,
        password_command=str(body.get("password_command", "")),
        password_env=str(body.get("password_env", "")),
        tls_ca=str(body.get("tls_ca", "")),
        token_command=str(body.get("token_command", "")),
        folders=tuple(map(str, body.get("folders", ()))),
        archive=str(body.get("archive", "")),
        authserv=str(body.get("authserv", "")),
        return_path=str(body.get("return_path", "")).lower(),
        plus=bool(body.get("plus", False)),
        dkim=_dkim(body["dkim"], str(body.get("address", ""))) if body.get("dkim") else None,
        every=parse_duration(str(body.get("every", EVERY))),
    )


def _dkim(body: dict[str, Any], address: str) -> Dkim:
    domain = str(body.get("domain") or address.rpartition("@")[2])
    return Dkim(str(body["selector"]), str(body["key"]), domain.lower())
