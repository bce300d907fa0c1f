"""The desk's configuration as a desk.toml again: `tkt config show`.

`dump` writes what the store says, whoever put it there; checking and planning its text gives an empty plan.
`current_text` prefers the file that was applied last, with its comments and order, as long as it still is
the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlmodel import Session

from tkt.config import toml_text
from tkt.config.apply import latest_version
from tkt.config.changes import differences
from tkt.config.model import DEFAULTS, KINDS, SETTINGS, Config, Item
from tkt.config.schema import check
from tkt.config.stored import stored

_HEADERED: dict[str, tuple[str, ...]] = {"calendar": ("hours",), "matrix": ("priorities",), "sla": ("targets", "steps")}
"""Parts of a table that are long enough for a header of their own."""

_ORDER = (
    *(
        "email",
        "role",
        "skills",
        "members",
        "kind",
        "type",
        "timezone",
        "holidays",
        "open",
        "country",
        "subdivision",
    ),
    *(
        "extra",
        "half",
        "date",
        "hours",
        "match",
        "calendar",
        "assign",
        "pause",
        "pause_first_response",
        "metric",
    ),
    *(
        "at",
        "on",
        "when",
        "do",
        "pattern",
        "choices",
        "types",
        "language",
        "subject",
        "text",
        "html",
        "query",
        "sort",
    ),
    *("url", "secret_command", "secret_env"),
    *("address", "team", "imap", "smtp", "password_command", "password_env", "token_command", "tls_ca", "folders"),
    *("archive", "every", "until", "times", "authserv", "return_path", "plus", "dkim", "selector", "key", "domain"),
    *("mon", "tue", "wed", "thu", "fri", "sat", "sun", "urgent", "high", "normal", "low", "default"),
    *("first_response", "next_response", "resolution"),
)
_RANK = {name: rank for rank, name in enumerate(_ORDER)}


def current_text(session: Session) -> str:
    """The desk.toml that was applied last if it still describes the desk, else `dump`."""
    latest = latest_version(session)
    if latest is not None:
        config = check(latest.text).config
        present = stored(session)
        if config is not None and not differences(present.config, config, present.retired):
            return latest.text
    return dump(session)


def dump(session: Session) -> str:
    """The configuration in the store, as the text of a desk.toml."""
    return render(stored(session).config)


def render(config: Config) -> str:
    """A configuration as the text of a desk.toml."""
    tables = [toml_text.table("[desk]", _settings(config))]
    tables += [_table(item) for kind in KINDS for item in config.of(kind)]
    return "\n".join(tables)


def _settings(config: Config) -> list[tuple[str, Any]]:
    return [(key, _setting(key, config.desk[key])) for key in SETTINGS if key in config.desk]


def _setting(key: str, value: str) -> str | bool | int:
    if key == "automatic_limit":
        return int(value)
    return value == "true" if key == "confirm" else value


def _table(item: Item) -> str:
    headered = [key for key in _HEADERED.get(item.kind, ()) if item.body.get(key)]
    body = {key: value for key, value in item.body.items() if not _is_default(item.kind, key, value)}
    name = item.name.partition("/")[0] if item.kind == "template" else item.name
    short = [(key, value) for key, value in _ordered(body).items() if key not in headered]
    parts = [toml_text.table(f"[[{item.kind}]]", [("name", name), *short])]
    parts += [part for key in headered for part in _headered(f"{item.kind}.{key}", body[key])]
    return "".join(parts)


def _headered(header: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield toml_text.table(f"[{header}]", _ordered(value).items())
    else:
        for one in value:
            yield toml_text.table(f"[[{header}]]", _ordered(one).items())


def _is_default(kind: str, key: str, value: Any) -> bool:
    defaults = DEFAULTS.get(kind, {})
    return key in defaults and defaults[key] == value


def _ordered(value: Any) -> Any:
    """Tables with their keys in the usual order, all the way down (Postgres forgets the order of keys)."""
    if isinstance(value, list):
        return [_ordered(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: (_RANK.get(key, len(_RANK)), key))}
