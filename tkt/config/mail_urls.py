"""The URLs of a mailbox: where its mail is read and where it leaves.

    imaps://USER@HOST[:993][/FOLDER]        IMAP over TLS
    imap://USER@HOST[:143][/FOLDER]         IMAP, then STARTTLS
    imap+plain://USER@HOST[:143][/FOLDER]   without TLS: only to this machine itself
    maildir:PATH   mbox:PATH                files
    smtps://[USER@]HOST[:465]               SMTP over TLS
    smtp://[USER@]HOST[:587]                SMTP, then STARTTLS
    smtp+plain://[USER@]HOST[:25]           without TLS: only to this machine itself

USER and FOLDER may be percent-encoded; a USER may have an @ of its own; FOLDER is INBOX where none is named.

Promises: a password never stands in a URL; what is accepted here can be used without further checks. Pure.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

from tkt.errors import UsageError

_SOURCES = {"imaps": ("tls", 993), "imap": ("starttls", 143), "imap+plain": ("plain", 143)}
_SENDERS = {"smtps": ("tls", 465), "smtp": ("starttls", 587), "smtp+plain": ("plain", 25)}
_FILES = ("maildir", "mbox")


class Server(NamedTuple):
    """A mail server. `security` is "tls", "starttls" or "plain"; `user` is empty for no login."""

    protocol: str
    security: str
    host: str
    port: int
    user: str
    folder: str = ""


class MailFile(NamedTuple):
    """A Maildir or an mbox; `kind` is "maildir" or "mbox"; `path` stands as it was written."""

    kind: str
    path: str


def parse_source(url: str) -> Server | MailFile:
    """Where mail is read. Raises UsageError, which never repeats a password."""
    kind, colon, path = url.partition(":")
    if colon and kind in _FILES:
        return _file(kind, path)
    server = _server(url, "imap", _SOURCES)
    if not server.user:
        raise UsageError("the mail server needs to know who reads: write imaps://USER@HOST/INBOX")
    return server


def parse_sender(url: str) -> Server:
    """Where mail leaves. Raises UsageError, which never repeats a password."""
    server = _server(url, "smtp", _SENDERS)
    if server.folder:
        raise UsageError("an SMTP server has no folders: leave out what follows the host")
    return server


def _file(kind: str, path: str) -> MailFile:
    if not path.strip("/"):
        raise UsageError(f"{kind}: needs the path of a folder or file, such as {kind}:/var/mail/support")
    return MailFile(kind, path.removeprefix("//"))


def _server(url: str, protocol: str, schemes: dict[str, tuple[str, int]]) -> Server:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError(f"this {protocol.upper()} URL can't be read: its host or port is malformed") from None
    if parts.scheme not in schemes or not parts.hostname:
        others = " or maildir:/path or mbox:/path" if protocol == "imap" else ""
        raise UsageError(f"write {protocol}s://USER@HOST:{schemes[protocol + 's'][1]}{others}")
    _refuse_extras(parts)
    security, usual = schemes[parts.scheme]
    if security == "plain" and not is_loopback(parts.hostname):
        raise UsageError(f"without TLS mail goes only to this machine itself: write {protocol}s:// or {protocol}://")
    folder = unquote(parts.path.strip("/")) or ("INBOX" if protocol == "imap" else "")
    return Server(protocol, security, parts.hostname, port or usual, unquote(parts.username or ""), folder)


def _refuse_extras(parts: SplitResult) -> None:
    if parts.password is not None:
        raise UsageError("a password does not belong in this file: put it in password_command or password_env")
    if parts.query or parts.fragment:
        raise UsageError("the URL ends after the host and folder: leave out what follows ? or #")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself, without asking the network."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
