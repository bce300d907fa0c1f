"""The grammar of a `do` line: what rules, macros and SLA steps may make happen.

    set:KEY=VALUE       KEY is priority, team, category, type, subject, due or field.NAME; an empty VALUE
                        clears it, "none" too for team and due (not a priority or subject, which every
                        ticket has)
    tag:+TAG  tag:-TAG  one tag put on or taken off
    assign:WHOM         auto, me (whoever runs the macro), none, or an agent's name
    status:NAME         a status of the desk
    notify:WHOM         assignee, team, supervisor, an agent's name, a team's name, or a mail address
    webhook:WHICH       the name of a [[webhook]], or an http(s) URL
    reply:TEXT          a public reply; TEXT is a template
    note:TEXT           an internal note; TEXT is a template

Promises: `parse_action` accepts exactly this and raises UsageError with one sentence for anything else.
Pure: whether a team, agent, status or field exists is for those to say who know them (`tkt.config` for the
file, the verbs for the store).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from tkt.errors import UsageError
from tkt.store.constants import PRIORITIES
from tkt.times import parse_when

SET_KEYS = ("priority", "team", "category", "type", "subject", "due")
"""What `set:` takes besides `field.NAME`: the keys of `tkt set`."""

CLEARING = ("", "none")
"""Values that take away what a ticket may do without."""

ASSIGN_WORDS = ("auto", "me", "none")
NOTIFY_WORDS = ("assignee", "team", "supervisor")

_TAG = re.compile(r"\w[\w.:/-]{0,63}")
_FIELD = re.compile(r"field\.[^\s=]+")
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)


class Action(NamedTuple):
    """One `do` line, read. `key` is what is set ("team"), the tag's sign ("+" or "-"), or empty."""

    verb: str
    key: str
    value: str

    def __str__(self) -> str:
        if self.verb == "set":
            return f"set:{self.key}={self.value}"
        return f"{self.verb}:{self.key}{self.value}"


def parse_action(text: str) -> Action:
    """The action that one `do` line means. Raises UsageError."""
    verb, colon, rest = text.partition(":")
    verb = verb.strip()
    if not colon:
        raise UsageError(f'an action is a verb, a colon and what to do, such as "assign:auto", not "{text.strip()}"')
    if verb not in _READERS:
        raise UsageError(f'there is no action "{verb}": {_advice(verb)}')
    return _READERS[verb](rest.strip())


def _set(rest: str) -> Action:
    key, equals, value = (part.strip() for part in rest.partition("="))
    if not equals:
        raise UsageError('set needs a key and a value, such as "set:team=network"')
    if key not in SET_KEYS and not _FIELD.fullmatch(key):
        raise UsageError(f'set knows {", ".join(SET_KEYS)} and field.NAME, not "{key}"')
    _check_value(key, value)
    return Action("set", key, value)


def _check_value(key: str, value: str) -> None:
    if key == "priority" and value not in PRIORITIES:
        raise UsageError(f'a priority is {", ".join(reversed(PRIORITIES))}, not "{value}"')
    if key == "subject" and not value:
        raise UsageError("a subject can't be empty")
    if key == "due" and value not in CLEARING:
        parse_when(value, _ANY_DAY)


def _tag(rest: str) -> Action:
    sign, tag = rest[:1], rest[1:]
    if sign not in ("+", "-") or not _TAG.fullmatch(tag):
        raise UsageError(f'a tag is put on with "tag:+vpn" and taken off with "tag:-vpn", not with "tag:{rest}"')
    return Action("tag", sign, tag)


def _whom(verb: str, words: tuple[str, ...]) -> Callable[[str], Action]:
    def read(rest: str) -> Action:
        if not rest or any(character.isspace() for character in rest):
            raise UsageError(f'{verb} needs one of {", ".join(words)} or a name, such as "{verb}:{words[0]}"')
        return Action(verb, "", rest)

    return read


def _webhook(rest: str) -> Action:
    if not rest:
        raise UsageError('webhook needs a name or a URL, such as "webhook:pager"')
    if is_url(rest):
        check_url(rest)
    return Action("webhook", "", rest)


def is_url(which: str) -> bool:
    """Whether a webhook is given by its URL and not by its name."""
    return "://" in which


def check_url(url: str) -> None:
    """Raise UsageError unless a webhook may be called there: http or https, with a host, without a password in it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError(f'"{url}" is no URL') from None
    if parts.scheme not in ("http", "https") or not host or any(ord(one) <= 32 for one in url):
        raise UsageError(f'a webhook\'s URL is like "https://example.com/hook", not "{url}"')
    if parts.username or parts.password:
        raise UsageError(
            "a password does not belong in a webhook's URL: sign the calls with secret_command or secret_env"
        )


def _status(rest: str) -> Action:
    if not rest:
        raise UsageError('status needs the name of a status, such as "status:waiting"')
    return Action("status", "", rest)


def _words(verb: str) -> Callable[[str], Action]:
    def read(rest: str) -> Action:
        if not rest:
            raise UsageError(f'{verb} needs a text, such as "{verb}:We are looking into it."')
        return Action(verb, "", rest)

    return read


_READERS: dict[str, Callable[[str], Action]] = {
    "set": _set,
    "tag": _tag,
    "assign": _whom("assign", ASSIGN_WORDS),
    "status": _status,
    "notify": _whom("notify", NOTIFY_WORDS),
    "webhook": _webhook,
    "reply": _words("reply"),
    "note": _words("note"),
}


def _advice(verb: str) -> str:
    from difflib import get_close_matches

    if verb in SET_KEYS:
        return f'write "set:{verb}=…"'
    near = get_close_matches(verb, _READERS, n=1, cutoff=0.5)
    return f'did you mean "{near[0]}"?' if near else f"known are {', '.join(_READERS)}"
