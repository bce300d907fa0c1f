"""What a desk.toml declares, as plain data: the same shape whether it was read from a file or from the store.

An item's body is its table as JSON values without its name, as the store keeps it; order is the file's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

DEFINITIONS = (
    *("calendar", "status", "field", "matrix", "sla", "rule"),
    *("macro", "template", "view", "mailbox", "webhook"),
)
"""Kinds that are kept as `Definition` rows; agents and teams have tables of their own."""

KINDS = ("agent", "team", *DEFINITIONS)
"""Every kind of `[[table]]`, in the order in which they are planned, applied and shown."""

SETTINGS = (
    "name",
    "timezone",
    "language",
    "undo_window",
    "reopen_window",
    "confirm",
    "notify_after",
    "automatic_limit",
)
"""The keys of [desk]; each is kept as the setting `desk.KEY`."""

AGENT_DEFAULTS: dict[str, Any] = {"email": None, "role": "agent", "skills": []}
TEAM_DEFAULTS: dict[str, Any] = {"members": [], "calendar": "", "assign": "manual"}
DEFAULTS = {"agent": AGENT_DEFAULTS, "team": TEAM_DEFAULTS}
"""What agents and teams have where the file says nothing; a definition keeps only what was written."""


class Item(NamedTuple):
    """One `[[table]]`. A template's name has its language and team in it: "confirmation/de"."""

    kind: str
    name: str
    body: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Config(NamedTuple):
    """A whole desk.toml; `desk` holds the keys of [desk] that were written, as text ("true", "20s")."""

    desk: dict[str, str]
    items: tuple[Item, ...]

    def of(self, kind: str) -> list[Item]:
        """The items of one kind, in the file's order."""
        return [item for item in self.items if item.kind == kind]

    def admins(self) -> list[str]:
        """The names of the agents who are admins."""
        return [item.name for item in self.of("agent") if item.body["role"] == "admin"]
