"""Writing TOML, in the shape in which a desk.toml is written by hand.

The library at hand for this, tomli-w, decides by itself which tables stand inline; a desk.toml has short
tables on one line (`urgent = { first_response = "15m" }`) and long ones under a header of their own. What
is written here reads back with `tomllib` as the same value.

Leaves to others: which keys a desk.toml has and in which order (`tkt.config.show`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key(name: str) -> str:
    """A key, quoted where it must be."""
    return name if _BARE.fullmatch(name) else _string(name)


def value(one: Any) -> str:
    """A JSON value (but null, which TOML doesn't have) on one line."""
    if isinstance(one, bool):
        return "true" if one else "false"
    if isinstance(one, str):
        return _string(one)
    if isinstance(one, list):
        return f"[{', '.join(value(each) for each in one)}]"
    if isinstance(one, dict):
        pairs = ", ".join(f"{key(name)} = {value(each)}" for name, each in one.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    return str(one)


def table(header: str, pairs: Iterable[tuple[str, Any]]) -> str:
    """A header such as `[[team]]` and its keys, a line each; a text of several lines stays one."""
    return "\n".join([header, *(f"{key(name)} = {_written(one)}" for name, one in pairs)]) + "\n"


def _written(one: Any) -> str:
    if isinstance(one, str) and "\n" in one.strip("\n"):
        return '"""\n' + "\n".join(_string(line)[1:-1] for line in one.split("\n")) + '"""'
    return value(one)


def _string(text: str) -> str:
    """JSON's escapes are TOML's, but for DEL, which TOML wants escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
