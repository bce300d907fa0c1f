"""Completing a command line in the shell: verbs and options from a table, names and numbers from the store.

The shell calls `tkt _complete WORD…` with the words up to the cursor; each line of the answer is one way to go on.
It never fails and never says anything else: a desk that can't be read completes to nothing. Typer is not loaded
here, because a pause at the Tab key is felt.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tkt.cli.verbs import GLOBAL_OPTIONS, GROUPS, NAMES_AFTER, NAMES_OF_KEY, NAMES_OF_VERB, OPTIONS, TAKES_QUERY, VERBS
from tkt.errors import TktError

if TYPE_CHECKING:
    from collections.abc import Iterable

SCRIPTS = {
    "bash": """\
_tkt() {
    local IFS=$'\\n'
    COMP_WORDBREAKS=${COMP_WORDBREAKS//:}
    COMPREPLY=($(tkt _complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tkt tkt
""",
    "zsh": """\
_tkt() { compadd -- ${(f)"$(tkt _complete "${(@)words[2,CURRENT]}" 2>/dev/null)"} }
compdef _tkt tkt
""",
    "fish": """\
complete -c tkt -f -a '(tkt _complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
""",
}
"""What a shell has to run once: eval "$(tkt --completion bash)"."""

QUERY_KEYS = (
    "status:", "kind:", "team:", "assignee:", "watcher:", "priority:", "from:", "customer.tier:", "company:", "tag:",
    "category:", "type:", "channel:", "subject:", "created>", "updated<", "due<", "is:breached", "is:unread",
    "is:unassigned", "is:overdue", "is:undelivered", "has:attachment", "parent:", "unanswered>", "reopened>",
)  # fmt: skip

OPEN_TICKETS = "SELECT number FROM ticket WHERE status_kind = 'open' ORDER BY due_at, number LIMIT 50"


def script(shell: str) -> str:
    """The code that connects a shell with `complete`; empty for a shell we don't know."""
    return SCRIPTS.get(shell, "")


def complete(words: list[str]) -> None:
    """Print the ways to go on with the last of these words, one a line."""
    for word in dict.fromkeys(candidates(words or [""])):
        sys.stdout.write(word + "\n")


def candidates(words: list[str]) -> list[str]:
    """The ways to go on with the last word."""
    *before, begun = words
    try:
        return [word for word in _possible(before, begun) if word.startswith(begun)]
    except TktError:
        return []


def _possible(before: list[str], begun: str) -> Iterable[str]:
    if before and before[-1] in NAMES_AFTER:
        return _names(NAMES_AFTER[before[-1]], begun)
    verb = next((word for word in before if word in VERBS), None)
    if verb is None:
        return (*VERBS, *GLOBAL_OPTIONS)
    if begun.startswith("--"):
        return (*OPTIONS.get(verb, ()), *GLOBAL_OPTIONS)
    if verb in GROUPS:
        return () if any(word in GROUPS[verb] for word in before) else GROUPS[verb]
    return _arguments(verb, before, begun)


def _arguments(verb: str, before: list[str], begun: str) -> Iterable[str]:
    if verb in TAKES_QUERY:
        return _terms(begun)
    if verb == "tag" and begun[:1] in ("+", "-"):
        return [begun[0] + name for name in _names("tag", begun[1:])]
    if verb == "set" and "=" in begun:
        key, _, value = begun.partition("=")
        return [f"{key}={name}" for name in _names(NAMES_OF_KEY.get(key, ""), value)]
    if verb in NAMES_OF_VERB and before and before[-1].isdigit():
        extra = ("me", "auto", "none") if verb == "assign" else ()
        return (*extra, *_names(NAMES_OF_VERB[verb], begun), *_numbers())
    return () if verb in ("new", "init", "demo", "doctor", "serve", "events") else _numbers()


def _terms(begun: str) -> Iterable[str]:
    key, colon, value = begun.partition(":")
    if colon and key in NAMES_OF_KEY:
        return [f"{key}:{name}" for name in _names(NAMES_OF_KEY[key], value)]
    return QUERY_KEYS


def _names(kind: str, begun: str) -> list[str]:
    if not kind:
        return []
    from tkt.cli.context import reader
    from tkt.store.read_desk import complete as known

    with reader() as opened:
        return known(opened, kind, begun)


def _numbers() -> list[str]:
    from tkt.cli.context import reader

    with reader() as opened:
        return [str(row[0]) for row in opened.rows(OPEN_TICKETS)]
