"""`[[mailbox]]`: an address of the desk, where its mail is read and where it leaves.

Leaves to others: the form of the URLs (`tkt.config.mail_urls`) and using them (`tkt.channels.mail`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tkt.config.mail_urls import MailFile, Server, parse_sender, parse_source
from tkt.config.problems import Spot, quoted
from tkt.config.readers import (
    Table,
    boolean,
    duration,
    email,
    is_text,
    list_of,
    name,
    reference,
    sentence,
    text,
    variable,
)
from tkt.errors import UsageError

_LOGINS = ("password_command", "password_env", "token_command")
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")


def _url(parse: Callable[[str], Server | MailFile]) -> Callable[[Any, Spot], None]:
    def read(value: Any, spot: Spot) -> None:
        if not is_text(value, spot):
            return
        try:
            parse(value)
        except UsageError as error:
            spot.problem(sentence(error))

    return read


def _whole(mailbox: dict[str, Any], spot: Spot) -> None:
    if len(ways := [key for key in _LOGINS if key in mailbox]) > 1:
        spot.under(ways[1]).problem_at_key(f"one of {ways[0]} and {ways[1]} is enough: remove one")
    if "imap" not in mailbox and "smtp" not in mailbox:
        spot.problem("[[mailbox]] needs imap, smtp or both: where its mail is read and where it leaves")
    login = next((key for key in ("imap", "smtp") if _logs_in(mailbox.get(key))), "")
    if login and not ways:
        spot.under(login).problem("a login needs its password: add password_command, password_env or token_command")
    if "imap" not in mailbox or isinstance(_parsed(mailbox["imap"]), MailFile):
        for key in ("archive", "folders"):
            if key in mailbox:
                spot.under(key).problem_at_key(f"{key} is for an IMAP server: this mailbox reads none")
    if _is_read(mailbox.get("archive"), mailbox):
        spot.under("archive").problem("archive is read too: what is moved there would come again; name another folder")
    for key in ("return_path", "dkim", "plus"):
        if key in mailbox and "smtp" not in mailbox:
            spot.under(key).problem_at_key(f"{key} is for mail that leaves: this mailbox has no smtp")


def _is_read(folder: Any, mailbox: dict[str, Any]) -> bool:
    source, others = _parsed(mailbox.get("imap")), mailbox.get("folders")
    read = [source.folder] if isinstance(source, Server) else []
    return folder in read + (others if isinstance(others, list) else [])


def _logs_in(url: Any) -> bool:
    found = _parsed(url)
    return isinstance(found, Server) and bool(found.user)


def _parsed(url: Any) -> Server | MailFile | None:
    if not isinstance(url, str):
        return None
    try:
        return parse_sender(url) if url.startswith("smtp") else parse_source(url)
    except UsageError:
        return None  # reported where the URL itself is read


def _selector(value: Any, spot: Spot) -> None:
    """A DKIM selector: the label below `_domainkey` in the DNS (RFC 6376 section 3.1)."""
    if is_text(value, spot) and not _SELECTOR.fullmatch(value):
        spot.problem(f"{quoted(value)} is not a DKIM selector: write a name such as s2026")


_DKIM = Table("dkim", {"selector": _selector, "key": text, "domain": text}, required=("selector", "key"))

MAILBOX = Table(
    "[[mailbox]]",
    {
        "name": name,
        "address": email,
        "team": reference("team"),
        "imap": _url(parse_source),
        "smtp": _url(parse_sender),
        "password_command": text,
        "password_env": variable,
        "tls_ca": text,
        "token_command": text,
        "folders": list_of(text, filled=True, unique=True),
        "archive": text,
        "authserv": text,
        "return_path": email,
        "plus": boolean,
        "dkim": _DKIM.read,
        "every": duration,
    },
    required=("name", "address"),
    whole=_whole,
)
