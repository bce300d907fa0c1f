"""`[[mailbox]]`: an address of the desk, where its mail is read and where it leaves.

Leaves to others: the form of the URLs (`tkt.config.mail_urls`) and using them (`tkt.channels.mail`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tkt.config.mail_urls import MailFile, Server, parse_sender, parse_source
from tkt.config.problems import Spot, quoted
from tkt.config.readers import Table, duration, email, is_text, name, reference, sentence, text
from tkt.errors import UsageError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _url(parse: Callable[[str], Server | MailFile]) -> Callable[[Any, Spot], None]:
    def read(value: Any, spot: Spot) -> None:
        if not is_text(value, spot):
            return
        try:
            parse(value)
        except UsageError as error:
            spot.problem(sentence(error))

    return read


def _variable(value: Any, spot: Spot) -> None:
    if is_text(value, spot) and not _VARIABLE.fullmatch(value):
        spot.problem(f"password_env is the name of an environment variable, not {_hidden(value)}")


def _hidden(value: str) -> str:
    """Somebody may have put the password itself there: it is not repeated."""
    return "what stands here" if value else quoted(value)


def _whole(mailbox: dict[str, Any], spot: Spot) -> None:
    if "password_command" in mailbox and "password_env" in mailbox:
        spot.under("password_env").problem_at_key("one of password_command and password_env is enough: remove one")
    if "imap" not in mailbox and "smtp" not in mailbox:
        spot.problem("[[mailbox]] needs imap, smtp or both: where its mail is read and where it leaves")
    has_password = "password_command" in mailbox or "password_env" in mailbox
    login = next((key for key in ("imap", "smtp") if _logs_in(mailbox.get(key))), "")
    if login and not has_password:
        spot.under(login).problem("a login needs its password: add password_command or password_env")
    if "archive" in mailbox and ("imap" not in mailbox or isinstance(_parsed(mailbox["imap"]), MailFile)):
        spot.under("archive").problem_at_key("archive is a folder of an IMAP server: this mailbox reads none")


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


MAILBOX = Table(
    "[[mailbox]]",
    {
        "name": name,
        "address": email,
        "team": reference("team"),
        "imap": _url(parse_source),
        "smtp": _url(parse_sender),
        "password_command": text,
        "password_env": _variable,
        "tls_ca": text,
        "archive": text,
        "every": duration,
    },
    required=("name", "address"),
    whole=_whole,
)
