"""Where the desk is: `--desk`, `$TKT_DESK`, the user's tkt.toml, or the default file (CONTRACT "Where the desk is")."""

from __future__ import annotations

import os
from typing import NamedTuple

from tkt.errors import UsageError


class Location(NamedTuple):
    """A store's place. `dialect` is "sqlite" or "postgresql"; `target` a file's path or a libpq URL."""

    dialect: str
    target: str

    @property
    def shown(self) -> str:
        """The place without a password, for messages and logs."""
        if self.dialect == "sqlite":
            return self.target
        import re

        target = re.sub(r"((?:ssl)?password=)[^&]*", r"\1***", self.target)
        head, at, tail = target.rpartition("@")
        scheme, slashes, user = head.partition("://")
        return f"{scheme}{slashes}{user.split(':')[0]}{at}{tail}" if at else target


def parse_location(text: str) -> Location:
    """A plain path, `sqlite:///PATH` or `postgresql://…`; UsageError for any other scheme."""
    if text.startswith(("postgresql://", "postgres://")):
        return Location("postgresql", text)
    if text.startswith("sqlite:///"):
        return Location("sqlite", os.path.abspath(os.path.expanduser(text.removeprefix("sqlite:///"))))
    scheme, separator, _ = text.partition("://")
    if separator:
        raise UsageError(f"no store is reached by '{scheme}://'; use a path, sqlite:///PATH or postgresql://HOST/NAME")
    return Location("sqlite", os.path.abspath(os.path.expanduser(text)))


def find_location(option: str | None = None) -> Location:
    """The desk to use: the option, else $TKT_DESK, else `store` in the user's tkt.toml, else the default file."""
    named = option or os.environ.get("TKT_DESK") or _from_user_settings()
    return parse_location(named) if named else Location("sqlite", default_path())


def default_path() -> str:
    """`$XDG_DATA_HOME/tkt/desk.db`, by default below ~/.local/share."""
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(data, "tkt", "desk.db")


def state_folder() -> str:
    """`$XDG_STATE_HOME/tkt`, by default below ~/.local/state: drafts and logs, which the desk does not need."""
    return os.path.join(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "tkt")


def user_settings_path() -> str:
    """`$XDG_CONFIG_HOME/tkt/tkt.toml`, by default below ~/.config."""
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(config, "tkt", "tkt.toml")


def user_settings() -> dict[str, object]:
    """The user's tkt.toml (store, keymap, …), empty when there is none; UsageError when it can't be read."""
    path = user_settings_path()
    if not os.path.exists(path):
        return {}
    import tomllib

    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} can't be read: {error}") from error


def _from_user_settings() -> str:
    return str(user_settings().get("store", ""))
