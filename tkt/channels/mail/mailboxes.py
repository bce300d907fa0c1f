"""The desk's mailboxes as desk.toml declares them, and what it takes to log in.

Promises: a password or an access token is asked for when a server wants it, from the declared command or environment
variable, is held in memory only, and shows itself in no message, `repr` or traceback. TLS is always verified, against
the system's authorities or the mailbox's own `tls_ca`.

Leaves to others: the conversation of a login (`imap_session`, `smtp_login`, `oauth`).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from typing import Any, NamedTuple

from tkt.channels.secret_command import CommandFailed, first_line
from tkt.config.mail_urls import MailFile, Server, parse_sender, parse_source
from tkt.desk.addresses import same_address
from tkt.errors import MailboxUnusable, MailServerAway, NotFound
from tkt.store.definitions import Declared, Definitions
from tkt.times import parse_duration

EVERY = "30s"
"""How often a mailbox is looked into where desk.toml says no `every`."""

_DISTRUST = {
    9: "its certificate is not valid yet: check the clock of this machine",
    10: "its certificate has expired",
    18: "its certificate is self-signed: put it into a file and name that in tls_ca",
    19: "its authority is unknown: put that into a file and name it in tls_ca",
    20: "its authority is unknown: put that into a file and name it in tls_ca",
    62: "its certificate is for another name: use the name that it was made for",
    64: "its certificate is for another name: use the name that it was made for",
}
"""What OpenSSL finds wrong with a certificate (x509_vfy.h), and what a person can do about it."""

_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
"""How OpenSSL says that the other side's first bytes are no TLS."""


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


def read_folders(box: Mailbox, server: Server) -> tuple[str, ...]:
    """The folders of an IMAP mailbox that are read: the URL's first, each once."""
    return tuple(dict.fromkeys((server.folder, *box.folders)))


def mailboxes(definitions: Definitions) -> list[Mailbox]:
    """All declared mailboxes, in the file's order. Raises UsageError for a URL that can't be read."""
    found: list[Mailbox] | None = definitions.cache.get("mailboxes")
    if found is None:
        found = definitions.cache["mailboxes"] = [_mailbox(declared) for declared in definitions.of("mailbox")]
    return found


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
        return _from_command(box, "password", box.password_command)
    text = os.environ.get(box.password_env, "") if box.password_env else ""
    if not text:
        wanted = f"${box.password_env} is empty" if box.password_env else "it has no password_command or password_env"
        raise MailboxUnusable(f"mailbox {box.name} has no password: {wanted}")
    return Secret(text)


def token(box: Mailbox) -> Secret:
    """A fresh access token (RFC 6750) from the mailbox's `token_command`. Raises MailboxUnusable when there is none."""
    return _from_command(box, "token", box.token_command)


def tls_context(box: Mailbox) -> ssl.SSLContext:
    """Verifies the server's certificate and name. Raises MailboxUnusable when `tls_ca` can't be read."""
    try:
        return ssl.create_default_context(cafile=os.path.expanduser(box.tls_ca) if box.tls_ca else None)
    except (OSError, ssl.SSLError) as error:
        raise MailboxUnusable(f"mailbox {box.name}: tls_ca {box.tls_ca} can't be read: {error}") from None


def distrust(error: ssl.SSLCertVerificationError) -> str:
    """Why a server's certificate is refused and what helps, to follow "can't be trusted: "."""
    words = _DISTRUST.get(error.verify_code, "")
    return f"{words} ({error.verify_message})" if words else error.verify_message


def tls_failed(where: str, error: ssl.SSLError) -> MailboxUnusable | MailServerAway:
    """A handshake that came to nothing for another reason: the other side speaks no TLS here, or broke off."""
    if error.reason in _NOT_TLS:
        return MailboxUnusable(f"{where} speaks no TLS on this port: check the port, or write the URL for STARTTLS")
    return MailServerAway(f"{where} breaks TLS off: {error.reason or error}")


def _from_command(box: Mailbox, what: str, command: str) -> Secret:
    try:
        return Secret(first_line(command))
    except CommandFailed as error:
        raise MailboxUnusable(f"the {what} command of mailbox {box.name} {error}") from None


def _mailbox(declared: Declared) -> Mailbox:
    body = declared.body
    return Mailbox(
        name=declared.name,
        address=same_address(str(body.get("address", ""))),
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
