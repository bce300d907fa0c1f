"""What a desk.toml may say: every table of it, checked strictly, all mistakes at once.

`check` is the whole door: text in; a `Config` out, or every problem with its line and column. An unknown
key is a problem that names the nearest known one; a name that nothing declares, a query or action that
can't be read, a calendar that never opens are problems too.

Leaves to others: single values (`tkt.config.readers`), the larger tables (`automation_schema`, `sla_schema`,
`mailbox_schema`), and whatever only the store can know (`tkt.config.plan`).
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, time
from typing import Any, NamedTuple

from tkt.config.automation_schema import MACRO, RULE, VIEW, WEBHOOK
from tkt.config.mailbox_schema import MAILBOX
from tkt.config.matrix_schema import MATRIX, check_apart, choices_of
from tkt.config.model import DEFAULTS, KINDS, SETTINGS, Config, Item
from tkt.config.positions import Places
from tkt.config.problems import Names, Problems, Spot, quoted, suggestion
from tkt.config.readers import (
    Reader,
    Table,
    boolean,
    duration,
    email,
    field_name,
    kind_of,
    language,
    list_of,
    one_of,
    pattern,
    reference,
    text,
    timezone,
    whole_number,
    word,
)
from tkt.config.sla_schema import CALENDAR, SLA
from tkt.config.template_schema import TEMPLATE, template_name
from tkt.errors import ConfigError
from tkt.store.constants import ALWAYS, ROLES, STATUSES
from tkt.store.constants import KINDS as STATUS_KINDS

ASSIGN = ("manual", "round-robin", "least-loaded", "skill")
FIELD_TYPES = ("string", "integer", "decimal", "boolean", "date", "choice")

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_RESERVED = ("me", "none", "auto", "assignee", "team", "supervisor", "requester")

_DESK = Table(
    "[desk]",
    {
        "name": text,
        "timezone": timezone,
        "language": language,
        "undo_window": duration,
        "reopen_window": duration,
        "confirm": boolean,
        "notify_after": duration,
        "automatic_limit": whole_number,
    },
)
_AGENT = Table(
    "[[agent]]",
    {"name": word(*_RESERVED), "email": email, "role": one_of(*ROLES), "skills": list_of(text, unique=True)},
    required=("name",),
)
_TEAM = Table(
    "[[team]]",
    {
        "name": word(*_RESERVED),
        "members": list_of(word(*_RESERVED), unique=True),
        "calendar": reference("calendar"),
        "assign": one_of(*ASSIGN),
    },
    required=("name",),
)


def _status_name(value: Any, spot: Spot) -> None:
    if isinstance(value, str) and value in STATUSES:
        return spot.problem(f"the status {quoted(value)} is built in: use it without declaring it")
    word(*STATUS_KINDS)(value, spot)


def _whole_field(field: dict[str, Any], spot: Spot) -> None:
    kind = field.get("type")
    if kind == "choice" and "choices" not in field:
        spot.problem('[[field]] of type choice needs choices, such as choices = ["red", "green"]')
    if kind != "choice" and "choices" in field:
        spot.under("choices").problem_at_key("only a field of type choice has choices")
    if kind != "string" and "pattern" in field:
        spot.under("pattern").problem_at_key("only a field of type string has a pattern")


_STATUS = Table("[[status]]", {"name": _status_name, "kind": one_of(*STATUS_KINDS)}, required=("name", "kind"))
_FIELD = Table(
    "[[field]]",
    {
        "name": field_name,
        "type": one_of(*FIELD_TYPES),
        "pattern": pattern,
        "choices": list_of(text, filled=True, unique=True),
        "types": list_of(text, filled=True, unique=True),
    },
    required=("name", "type"),
    whole=_whole_field,
)

TABLES: dict[str, Reader] = {
    "agent": _AGENT.read,
    "team": _TEAM.read,
    "calendar": CALENDAR,
    "status": _STATUS.read,
    "field": _FIELD.read,
    "matrix": MATRIX.read,
    "sla": SLA.read,
    "rule": RULE.read,
    "macro": MACRO.read,
    "template": TEMPLATE.read,
    "view": VIEW.read,
    "mailbox": MAILBOX.read,
    "webhook": WEBHOOK.read,
}


class Checked(NamedTuple):
    """What a text declares, or None where there are problems; these in the order of the file."""

    config: Config | None
    problems: list[ConfigError]


def decode(data: bytes) -> str:
    """The text of a file, with or without a byte order mark. Raises ConfigError where it isn't UTF-8 (TOML
    1.0)."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ConfigError("the file is not UTF-8 text: save it as UTF-8", line, column) from None


def check(text: str) -> Checked:
    """Read a desk.toml. Never raises: every problem is in the answer, with its line and column."""
    try:
        raw = tomllib.loads(text)
        places = Places(text)
    except (ValueError, RecursionError) as error:
        return Checked(None, [_syntax_error(error, text)])
    problems = Problems(places)
    root = Spot(problems, _names(raw))
    _check_texts(raw, root)
    _check_tables(raw, root)
    _check_duplicates(raw, root)
    found = problems.in_order()
    return Checked(None if found else _config(raw), found)


def read(text: str) -> Config:
    """The configuration that a text declares. Raises ConfigError: the first of its problems."""
    checked = check(text)
    if checked.config is None:
        raise checked.problems[0]
    return checked.config


def _syntax_error(error: Exception, text: str) -> ConfigError:
    if isinstance(error, RecursionError):
        return ConfigError("this is nested too deeply", 1, 1)
    message = str(error)
    match = _PLACE.search(message)
    if match is None:
        return ConfigError(message, 1, 1)
    words = "this is not TOML: " + message[: match.start()]
    if match[1]:
        return ConfigError(words, int(match[1]), int(match[2]))
    lines = text.replace("\r\n", "\n").split("\n")
    return ConfigError(words + " before the file ends", len(lines), len(lines[-1]) + 1)


def _check_tables(raw: dict[str, Any], root: Spot) -> None:
    for key, value in raw.items():
        spot = root.under(key)
        if key == "desk":
            _DESK.read(value, spot)
        elif key not in TABLES:
            _unknown_table(key, value, spot)
        elif isinstance(value, dict):
            spot.problem(f"write [[{key}]], in double brackets: there may be several")
        elif not isinstance(value, list):
            spot.problem(f"{key} must be tables [[{key}]], not {kind_of(value)}")
        else:
            for index, table in enumerate(value):
                TABLES[key](table, spot.under(index))


def _unknown_table(key: str, value: Any, spot: Spot) -> None:
    what = "table" if isinstance(value, (dict, list)) else "key"
    spot.problem_at_key(f"there is no {what} {quoted(key)} in a desk.toml: {suggestion(key, ('desk', *TABLES))}")


def _check_texts(value: Any, spot: Spot) -> None:
    """No control characters anywhere: a terminal obeys them, and no engine should have to store a NUL."""
    if isinstance(value, dict):
        for key, one in value.items():
            _check_texts(one, spot.under(key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            _check_texts(one, spot.under(index))
    elif isinstance(value, str) and (match := _FORBIDDEN.search(value)):
        spot.problem(f"{spot.key} has the control character U+{ord(match[0]):04X} in it: take it out")


def _check_duplicates(raw: dict[str, Any], root: Spot) -> None:
    for kind in TABLES:
        seen: dict[str, str] = {}
        for index, item_name in _named(raw, kind):
            if item_name.casefold() in seen:
                root.under(kind, index, "name").problem(f"there are two tables [[{kind}]] named {quoted(item_name)}")
            seen[item_name.casefold()] = item_name
    _check_shared_addresses(raw, root)
    check_apart(_tables(raw, "matrix"), root.under("matrix"))
    agents = {agent.casefold() for _, agent in _named(raw, "agent")}
    for index, team in _named(raw, "team"):
        if team.casefold() in agents:
            root.under("team", index, "name").problem(f"an agent is named {quoted(team)} already: name the team apart")


def _check_shared_addresses(raw: dict[str, Any], root: Spot) -> None:
    """An address tells who wrote: two agents, or an agent and a mailbox, can't share one."""
    seen: set[str] = set()
    for kind, key in (("agent", "email"), ("mailbox", "address")):
        for index, table in enumerate(_tables(raw, kind)):
            address = table.get(key)
            if not isinstance(address, str):
                continue
            if address.casefold() in seen:
                root.under(kind, index, key).problem(f"the address {quoted(address)} is used above already")
            seen.add(address.casefold())


def _names(raw: dict[str, Any]) -> Names:
    names = {kind: tuple(name for _, name in _named(raw, kind)) for kind in TABLES}
    names["agent"] += tuple(_only_members(raw))
    names["calendar"] += (ALWAYS,)
    names["status"] += tuple(STATUSES)
    for table in _tables(raw, "field"):
        if table.get("type") == "choice":
            names[choices_of(str(table.get("name")))] = tuple(_listed(table.get("choices")))
    names["status or kind"] = tuple(dict.fromkeys((*names["status"], *STATUS_KINDS)))
    return names


def _only_members(raw: dict[str, Any]) -> list[str]:
    """Members of teams without a table of their own: agents with nothing said about them."""
    declared = {name for _, name in _named(raw, "agent")}
    members = (one for team in _tables(raw, "team") for one in _listed(team.get("members")))
    return [name for name in dict.fromkeys(members) if name not in declared]


def _listed(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _named(raw: dict[str, Any], kind: str) -> list[tuple[int, str]]:
    """The tables of a kind that have a name, each with its index."""
    tables = enumerate(_tables(raw, kind))
    return [(index, _full_name(kind, table)) for index, table in tables if isinstance(table.get("name"), str)]


def _full_name(kind: str, table: dict[str, Any]) -> str:
    return template_name(table) if kind == "template" else str(table["name"])


def _tables(raw: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    tables = raw.get(kind)
    return [one if isinstance(one, dict) else {} for one in tables] if isinstance(tables, list) else []


def _config(raw: dict[str, Any]) -> Config:
    desk = raw.get("desk", {})
    settings = {key: _setting(desk[key]) for key in SETTINGS if key in desk}
    items = [
        Item(kind, _full_name(kind, table), _body(kind, table))
        for kind in KINDS
        for table in (*_tables(raw, kind), *_implied(raw, kind))
    ]
    return Config(settings, tuple(items))


def _implied(raw: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in _only_members(raw)] if kind == "agent" else []


def _setting(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(kind: str, table: dict[str, Any]) -> dict[str, Any]:
    body = {key: _plain(value) for key, value in table.items() if key != "name"}
    for key in ("email", "address"):
        if key in body:
            body[key] = body[key].lower()
    if kind == "team":
        body["members"] = sorted(body.get("members", []))
    return DEFAULTS.get(kind, {}) | body


def _plain(value: Any) -> Any:
    """The value as JSON has it: TOML's dates become text."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, (date, time)) else value
