"""`[[sla.steps]]`: what comes before, at and after a deadline, once or again and again.

Leaves to others: whether days may be counted, which the policy's calendar decides (`tkt.config.sla_schema`).
"""

from __future__ import annotations

from typing import Any

from tkt.config.automation_schema import actions, query
from tkt.config.problems import Spot, quoted
from tkt.config.readers import Table, boolean, is_text, one_of, seconds, whole_number
from tkt.errors import UsageError
from tkt.sla.policy import parse_offset
from tkt.store.constants import METRICS

SHORTEST = 60
"""Seconds between two times of a step that repeats, at least."""

DISTANCES = ("at", "every", "until")
"""The keys of a step that are open time."""


def _offset(value: Any, spot: Spot) -> None:
    """A step's distance from the deadline: a sign and a duration."""
    if not is_text(value, spot):
        return
    if value[:1] not in ("+", "-"):
        return spot.problem(f'{quoted(value)} needs a sign: "-10m" is before the deadline, "+0m" at it, "+2h" after it')
    seconds(value[1:], spot)


def _interval(value: Any, spot: Spot) -> None:
    """How often a step repeats; not so often that the desk does nothing else."""
    if is_text(value, spot) and (length := seconds(value, spot)) is not None and length < SHORTEST:
        spot.problem(f"{quoted(value)} is too often: a step repeats once a minute at most")


def _times(value: Any, spot: Spot) -> None:
    whole_number(value, spot)
    if value == 0 and not isinstance(value, bool):
        spot.problem("times can't be 0: leave it out, and the step repeats as long as the promise is open")


def _whole(step: dict[str, Any], spot: Spot) -> None:
    """`until` and `times` end what `every` begins."""
    for key in ("until", "times"):
        if key in step and "every" not in step:
            spot.under(key).problem_at_key(f'{key} is for a step that repeats: add every, such as every = "2h"')
    at, until = _seconds_of(step.get("at")), _seconds_of(step.get("until"))
    if at is not None and until is not None and until < at:
        spot.under("until").problem(f"{quoted(step['until'])} comes before the step itself, at {quoted(step['at'])}")


def _seconds_of(value: Any) -> int | None:
    try:
        return parse_offset(value) if isinstance(value, str) else None
    except UsageError:
        return None  # reported where the key itself is read


STEP = Table(
    "[[sla.steps]]",
    {
        "metric": one_of(*METRICS),
        "at": _offset,
        "every": _interval,
        "until": _offset,
        "times": _times,
        "when": query(),
        "urgent": boolean,
        "do": actions(),
    },
    required=("metric", "at", "do"),
    whole=_whole,
)
