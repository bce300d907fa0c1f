"""The one tree of errors, each with the exit status a script sees.

    TktError                    1   failed
    ├── UsageError              2   unknown word, bad option, bad value
    │   ├── QueryError          2   a query that can't be read; points at the place
    │   └── ConfigError         2   a desk.toml that can't be applied; line and column
    ├── NotFound                3   no such ticket, agent, team, file
    ├── NotAllowed              4   the actor's role or team forbids it
    ├── Conflict                5   somebody else changed it, or the state forbids it
    ├── TryAgain               75   EX_TEMPFAIL of sysexits.h: mail systems keep the mail and retry
    │   ├── StoreBusy          75
    │   ├── StoreUnreachable   75
    │   └── MailServerAway     75
    ├── MailboxUnusable         1   a mail server or folder refuses us: login, certificate, path
    ├── WebhookUnusable         1   a webhook's secret can't be had
    └── WrongSchema             1   the store was made by another version of tkt

Every error's text is one sentence for the person at the terminal: what is wrong and, where there is one, the
way out. `tkt.cli.main` is the one place that catches them; nothing else knows exit numbers.
"""

from __future__ import annotations

INTERRUPTED = 130


class TktError(Exception):
    """Something failed; the message says what, in one sentence."""

    exit_status = 1


class UsageError(TktError):
    """The command, or a word in it, is not one that tkt knows."""

    exit_status = 2


class QueryError(UsageError):
    """A query that can't be read.

    `position` and `length` count characters of `query`; `hint` is a suggestion or empty.
    """

    def __init__(self, message: str, query: str, position: int, length: int = 1, hint: str = "") -> None:
        super().__init__(message)
        self.query = query
        self.position = position
        self.length = max(1, length)
        self.hint = hint


class ConfigError(UsageError):
    """A desk.toml that can't be applied; `line` and `column` count from 1, 0 where no place is known."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class NotFound(TktError):
    """No such ticket, agent, team, entry or file."""

    exit_status = 3


class NotAllowed(TktError):
    """The actor may not do this."""

    exit_status = 4


class Conflict(TktError):
    """Somebody else changed it meanwhile, or its state forbids the change."""

    exit_status = 5


class TryAgain(TktError):
    """Nothing is wrong with the request: the same call may succeed later (EX_TEMPFAIL)."""

    exit_status = 75


class StoreBusy(TryAgain):
    """Another process held the store's write lock for longer than we wait."""


class StoreUnreachable(TryAgain):
    """The store's file or server does not answer."""


class MailServerAway(TryAgain):
    """A mail server does not answer, or stopped answering in the middle."""


class MailboxUnusable(TktError):
    """A mail server or folder refuses us: somebody has to mend a password, a certificate or a path."""


class WebhookUnusable(TktError):
    """A webhook can't be called: somebody has to mend its secret."""


class WrongSchema(TktError):
    """The store has another schema version than this tkt; the message names the command that mends it."""


def worst(errors: list[TktError]) -> int:
    """The exit status of a command that did several things: the worst of them, 0 when all went well."""
    return max((error.exit_status for error in errors), default=0)
