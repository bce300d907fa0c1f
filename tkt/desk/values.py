"""The words a ticket's fields may hold: checked once, here, for every interface.

A word outside its set is a UsageError that names the nearest known word or all of them; an agent or team that does not
exist is NotFound (CONTRACT "Exit status").
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from tkt.desk.storable import storable
from tkt.desk.unit import Change
from tkt.errors import Conflict, NotAllowed, NotFound, UsageError
from tkt.store.constants import PRIORITIES
from tkt.store.definitions import Definitions
from tkt.times import parse_when, rfc3339

DIGITS = 30
"""The most digits of a decimal field, on either side of the point."""

SPAM = "spam"
"""The tag of what was taken for spam: only rules that ask for it act on such a ticket, no promise runs on it."""

SETTABLE = ("priority", "team", "teams", "assignee", "category", "type", "subject", "due", "status", "undelivered")


def check(change: Change, name: str, value: str, type: str) -> Any:
    """The value of `tkt set NAME=VALUE` in the history's words; "" or "none" clears what can be empty."""
    definitions = change.definitions
    if name.startswith("field."):
        return field(definitions, name.removeprefix("field."), value, type)
    if name == "priority":
        return priority(value)
    if name == "team":
        return None if value in ("", "none") else team(definitions, value)
    if name == "teams":
        return [team(definitions, one.strip()) for one in value.split(",") if one.strip() not in ("", "none")]
    if name == "assignee":
        return None if value in ("", "none") else agent(definitions, value)
    if name == "status":
        return status(definitions, value)
    if name == "category":
        return category(value)
    if name == "due":
        zone = definitions.setting("desk.timezone", "UTC")
        return None if value in ("", "none") else rfc3339(parse_when(value, change.at, zone))
    if name == "undelivered":
        return _one_of("value of undelivered", value.lower(), ("yes", "no")) == "yes"
    if name in ("type", "subject"):
        return plain(value)
    raise UsageError(
        f"'{name}' can't be set{nearest(name, (*SETTABLE, 'field.NAME'))}; known: {', '.join(SETTABLE)}, field.NAME"
    )


def plain(value: str) -> str:
    """One line of words."""
    return " ".join(storable(value).split())


def priority(word: str) -> str:
    return _one_of("priority", word, PRIORITIES)


def status(definitions: Definitions, word: str) -> str:
    return _one_of("status", word, definitions.statuses)


def team(definitions: Definitions, name: str) -> str:
    if name not in definitions.teams:
        raise NotFound(f"there is no team '{name}'{nearest(name, definitions.teams)}")
    return name


def agent(definitions: Definitions, name: str) -> str:
    if name not in definitions.agents:
        raise NotFound(f"there is no agent '{name}'{nearest(name, definitions.agents)}")
    if name in definitions.viewers:
        raise Conflict(f"{name} is a viewer and can't be given tickets")
    return name


def myself(change: Change) -> str:
    if change.actor.agent_id is None:
        raise NotAllowed(f"{change.actor.name} is no agent, so 'me' names nobody")
    return change.actor.name


def category(path: str) -> str:
    """A category is a path of names: "network/vpn"."""
    return "/".join(part.strip() for part in plain(path).split("/") if part.strip())


def tag(name: str) -> str:
    """A tag is one lower-case word without marks that the query language or a shell would read otherwise."""
    cleaned = name.strip().lower()
    if not re.fullmatch(r"[\w][\w.:/-]{0,63}", cleaned):
        raise UsageError(f"'{name}' can't be a tag: letters, digits, '_', '-', '.', ':' and '/', at most 64")
    return cleaned


def field(definitions: Definitions, name: str, value: str, type: str) -> str | None:
    """A custom field's value in canonical form, on a ticket of this type; None for an empty one."""
    declared = definitions.named("field", name)
    if declared is None:
        known = [one.name for one in definitions.of("field")]
        raise UsageError(f"there is no field '{name}'{nearest(name, known)}")
    if not value.strip():
        return None
    types = declared.body.get("types")
    if types and type not in types:
        raise UsageError(f"field {name} is for tickets of type {' or '.join(types)}, not for type '{type}'")
    canonical = _canonical(name, str(declared.body.get("type", "string")), plain(value), declared.body)
    pattern = declared.body.get("pattern")
    if pattern and not re.fullmatch(str(pattern), canonical):
        raise UsageError(f"field {name}: '{value}' does not match {pattern}")
    return canonical


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion to append to a message: ", did you mean 'x'?" or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean '{close[0]}'?" if close else ""


def _one_of(what: str, word: str, known: Iterable[str]) -> str:
    names = list(known)
    if word not in names:
        raise UsageError(f"'{word}' is no {what}{nearest(word, names)}; known: {', '.join(names)}")
    return word


def _decimal(value: str) -> str:
    """Without exponent and without zeros that say nothing. ValueError for no number, or for pages of digits."""
    number = Decimal(value)
    if not number.is_finite() or abs(number.adjusted()) > DIGITS or len(number.as_tuple().digits) > DIGITS:
        raise ValueError(value)
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _canonical(name: str, type: str, value: str, body: dict[str, Any]) -> str:
    try:
        if type == "integer":
            return str(int(value))
        if type == "decimal":
            return _decimal(value)
        if type == "date":
            return date.fromisoformat(value).isoformat()
    except (ValueError, InvalidOperation) as error:
        raise UsageError(f"field {name}: '{value}' is no {type}") from error
    if type == "boolean":
        return (
            "true"
            if _one_of(f"value of field {name}", value.lower(), ("true", "false", "yes", "no")) in ("true", "yes")
            else "false"
        )
    if type == "choice":
        return _one_of(f"value of field {name}", value, [str(one) for one in body.get("choices", [])])
    return value
