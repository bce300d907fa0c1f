"""What Tab offers on the `:` line, in a filter and where a path is asked for. Names come from the caller, only paths
are looked up here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from tkt.tui.commands import COMMANDS, find
from tkt.tui.prompt_line import Completion

MOST_PATHS = 100
_MENTION = re.compile(r"(?<![A-Za-z0-9_@/.])@((?:\w[\w.@-]*)?)\Z")

Names = Mapping[str, list[str]]

FIELDS = (
    "priority=", "team=", "teams=", "category=", "type=", "subject=", "due=", "status=", "assignee=", "undelivered=",
    "field.",
)  # fmt: skip
VALUES = {"priority": "priority", "team": "team", "status": "status", "assignee": "assignee"}
QUERY_KEYS = (
    "status:", "kind:", "team:", "assignee:", "watcher:", "priority:", "priority>=", "from:", "company:",
    "customer.tier:", "tag:", "category:", "type:", "channel:", "subject:", "created>", "created<", "updated<",
    "updated>", "due<", "resolved>", "is:", "has:attachment", "number:", "parent:", "unanswered>",
    "reopened>", "field.",
)  # fmt: skip
QUERY_VALUES = {
    "kind": ["open", "waiting", "resolved", "closed"],
    "is": ["breached", "unread", "snoozed", "unassigned", "overdue", "undelivered"],
}


def complete_command(line: str, names: Names) -> Completion:
    """Commands, then words of the kinds that the command takes."""
    word, space, _ = line.partition(" ")
    if not space:
        return _beginning(0, word, list(COMMANDS))
    command = find(word)
    start = line.rfind(" ") + 1
    if command is None or not command.words:
        return Completion(start, [])
    kind, typed = command.words[0], line[start:]
    if kind == "folder":
        return complete_path(line, len(word) + 1, folders=True)
    if kind == "field":
        return _field(start, typed, names)
    if kind == "tag":
        sign = typed[:1] if typed[:1] in "+-" and typed else "+"
        return _beginning(start, typed or sign, [sign + name for name in names.get("tag", [])])
    return _beginning(start, typed, _words(kind, names))


def complete_query(text: str, names: Names) -> Completion:
    """Keys of the query language, then the values that a key takes."""
    start = max(text.rfind(mark) for mark in " (-,") + 1
    word = text[start:]
    head, colon, typed = word.partition(":")
    if text[:start].endswith(","):
        head, colon, typed = text[:start].split()[-1].partition(":")[0], ":", word
        return _beginning(start, typed, _query_values(head, names))
    if not colon:
        return _beginning(start, word, list(QUERY_KEYS)) if word else Completion(start, [])
    return _beginning(start + len(head) + 1, typed, _query_values(head, names))


def complete_path(line: str, start: int = 0, folders: bool = False) -> Completion:
    """Files and folders that begin as the path typed from `start` on; hidden ones only after a dot."""
    folder, begun = os.path.split(line[start:])
    try:
        with os.scandir(os.path.expanduser(folder) or ".") as found:
            names = sorted(one.name + ("/" if one.is_dir() else "") for one in found if one.is_dir() or not folders)
    except OSError:
        return Completion(start, [])
    shown = [name for name in names if name.startswith(begun) and (begun or not name.startswith("."))]
    return Completion(start + len(line[start:]) - len(begun), shown[:MOST_PATHS], end="")


def _query_values(key: str, names: Names) -> list[str]:
    if key == "assignee":
        return [word for word in _words("assignee", names) if word != "auto"]
    if key == "watcher":
        return _words("follower", names)
    return QUERY_VALUES.get(key) or names.get(key, [])


def _words(kind: str, names: Names) -> list[str]:
    fixed = {"assignee": ["me", "auto", "none"], "follower": ["me"]}.get(kind)
    return names.get(kind, []) if fixed is None else [*fixed, *names.get("agent", [])]


def complete_mention(line: str, names: Iterable[str]) -> Completion | None:
    """Names of agents and teams after an "@", where the text before the cursor ends in one that is begun; else None."""
    begun = _MENTION.search(line)
    return _beginning(begun.start(1), begun[1], list(dict.fromkeys(names))) if begun else None


def _field(start: int, typed: str, names: Names) -> Completion:
    key, equals, value = typed.partition("=")
    if not equals:
        return _beginning(start, typed, list(FIELDS))
    return _beginning(start + len(key) + 1, value, _words(VALUES.get(key, ""), names))


def _beginning(start: int, typed: str, words: list[str]) -> Completion:
    return Completion(start, [word for word in words if word.lower().startswith(typed.lower())])
