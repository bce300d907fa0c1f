"""Which key calls which command: the table's own keys, changed by `[keys]` in the user's tkt.toml.

    [keys]
    take = "T"
    close = ["x", "ctrl+x"]      # several
    copy-text = ""               # none

A key that the user gives to a command is taken from the one that had it. Mistakes are UsageErrors, raised before the
screen opens.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tkt.errors import UsageError
from tkt.tui.commands import COMMANDS

if TYPE_CHECKING:
    from textual.events import Key

NAMED = (
    "enter", "escape", "space", "tab", "backspace", "delete", "insert", "up", "down", "left", "right", "home", "end",
    "pageup", "pagedown", *(f"f{number}" for number in range(1, 13)),
)  # fmt: skip
ALIASES = {"esc": "escape", "return": "enter", "pgup": "pageup", "pgdn": "pagedown", "del": "delete", " ": "space"}


def keymap(wanted: object = None) -> dict[str, str]:
    """Commands by key. `wanted` is the `[keys]` table. Raises UsageError."""
    found = {key: command.name for command in COMMANDS.values() for key in command.keys}
    if wanted is None:
        return found
    if not isinstance(wanted, Mapping):
        raise UsageError("tkt.toml: 'keys' must be a table: [keys] and lines like take = \"T\"")
    given: dict[str, str] = {}
    for name, keys in wanted.items():
        for key in _keys(str(name), keys):
            if given.setdefault(key, name) != name:
                raise UsageError(f"tkt.toml [keys]: '{key}' is given to both '{given[key]}' and '{name}'")
    kept = {key: name for key, name in found.items() if name not in wanted and key not in given}
    merged = kept | given
    if "quit" not in merged.values():
        raise UsageError("tkt.toml [keys]: no key is left for 'quit'")
    return merged


def _keys(name: str, keys: object) -> list[str]:
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f", did you mean '{close[0]}'?" if close else "; 'tkt' shows them all with '?'"
        raise UsageError(f"tkt.toml [keys]: there is no command '{name}'{hint}")
    words = [keys] if isinstance(keys, str) else keys
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UsageError(f'tkt.toml [keys]: {name} must be a key like "x" or a list of keys')
    return [normal_key(word) for word in words if word]


def normal_key(word: str) -> str:
    """One spelling for each key: `^d` and `Ctrl+D` are `ctrl+d`, `esc` is `escape`. Raises UsageError."""
    if len(word) == 1 and word != " ":
        return word
    lowered = ALIASES.get(word.lower(), word.lower())
    if lowered.startswith("^") and len(lowered) == 2:
        lowered = f"ctrl+{lowered[1]}"
    modifier, plus, key = lowered.rpartition("+")
    if modifier in ("", "ctrl", "shift") and (key in NAMED or (plus and len(key) == 1)):
        return lowered
    raise UsageError(f"tkt.toml [keys]: '{word}' is no key; write a character, or like ctrl+d, f5, enter, space")


def typed(event: Key) -> str:
    """The character that a key types; empty for keys that type none (alt+x, where a terminal tells it apart)."""
    character = event.character or ""
    return character if character.isprintable() and not event.key.startswith("alt+") else ""


def key_of(event: Key) -> str:
    """A pressed key in the keymap's spelling."""
    return typed(event).strip() or event.key


def shown(key: str) -> str:
    """A key as help shows it."""
    names = {"escape": "esc", "pagedown": "PgDn", "pageup": "PgUp"}
    return f"^{key[5:]}" if key.startswith("ctrl+") else names.get(key, key)
