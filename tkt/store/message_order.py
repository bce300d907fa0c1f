"""The one order of two conversations that become one.

Each keeps the order that it has; between them the earlier message comes first. The message that opened the ticket which
the others come to stays its first (`first_stays`), however old they are: what opened a ticket says what it is about,
whether a machine opened it, and which mail `--raw` prints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

Message = TypeVar("Message")


def joined(
    own: Sequence[Message], came: Sequence[Message], at: Callable[[Message], Any], *, first_stays: bool
) -> list[Message]:
    """The messages of a ticket after others `came` to it; `at` says when a message was written."""
    found = list(own[:1]) if first_stays else []
    mine, others = list(own[len(found) :]), list(came)
    while mine and others:
        found.append(others.pop(0) if at(others[0]) < at(mine[0]) else mine.pop(0))
    return [*found, *mine, *others]
