"""`[[calendar]]` and `[[sla]]`: hours, targets and steps.

A target or step is open time of the policy's calendar, so "1d" (24 open hours, three working days) would
not mean what it says: days and weeks are only taken where the calendar is 24x7.

Leaves to others: what a calendar may say in detail (`tkt.sla.hours`).
"""

from __future__ import annotations

import re
from typing import Any

from tkt.config.automation_schema import actions, query
from tkt.config.problems import Spot, quoted
from tkt.config.readers import (
    Reader,
    Table,
    boolean,
    is_text,
    kind_of,
    list_of,
    name,
    one_of,
    reference,
    refuse_unknown,
    seconds,
    sentence,
)
from tkt.sla.calendar import Calendar, CalendarError
from tkt.sla.hours import WEEKDAYS
from tkt.store.constants import ALWAYS, METRICS, PRIORITIES

_DAYS = re.compile(r"[0-9]\s*[dw]", re.IGNORECASE)
_CALENDAR_KEYS: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("name", "timezone", "hours", "holidays", "open"),
    ("hours",): WEEKDAYS,
    ("holidays",): ("country", "subdivision", "extra", "half"),
}


def calendar(value: dict[str, Any], spot: Spot) -> None:
    """A `[[calendar]]` that opens now and then."""
    if any([_unknown_keys(value, path, known, spot) for path, known in _CALENDAR_KEYS.items()]):
        return
    try:
        Calendar.from_definition(str(value.get("name", "")), value)
    except CalendarError as error:
        spot.under(*error.path).problem(sentence(error))


def _unknown_keys(value: dict[str, Any], path: tuple[str, ...], known: tuple[str, ...], spot: Spot) -> bool:
    table = value.get(path[0], {}) if path else value
    title = ".".join(("[calendar", *path)) + "]" if path else "[[calendar]]"
    return isinstance(table, dict) and refuse_unknown(table, known, spot.under(*path), title)


def _builtin_name(value: Any, spot: Spot) -> None:
    name(value, spot)
    if value == ALWAYS:
        spot.problem(f'the calendar "{ALWAYS}" is built in: use it without declaring it')


def _calendar_table(value: Any, spot: Spot) -> None:
    if not isinstance(value, dict):
        return spot.problem(f"{spot.key} must be a table, not {kind_of(value)}")
    if "name" not in value:
        spot.problem("[[calendar]] needs name")
    else:
        _builtin_name(value["name"], spot.under("name"))
    calendar(value, spot)


def _promise(value: Any, spot: Spot) -> None:
    """A target: some time at least."""
    if is_text(value, spot) and seconds(value, spot) == 0:
        spot.problem(f"{spot.key} can't be nothing: promise some time")


def _offset(value: Any, spot: Spot) -> None:
    """A step's distance from the deadline: a sign and a duration."""
    if not is_text(value, spot):
        return
    if value[:1] not in ("+", "-"):
        return spot.problem(f'{quoted(value)} needs a sign: "-10m" is before the deadline, "+0m" at it, "+2h" after it')
    seconds(value[1:], spot)


_TARGET = Table("a target", {metric: _promise for metric in METRICS})
_TARGETS = Table("[sla.targets]", {priority: _TARGET.read for priority in (*reversed(PRIORITIES), "default")})
_STEP = Table(
    "[[sla.steps]]",
    {"metric": one_of(*METRICS), "at": _offset, "do": actions()},
    required=("metric", "at", "do"),
)


def _pausing(value: Any, spot: Spot) -> None:
    """A status, or a kind of statuses."""
    if is_text(value, spot):
        reference("status or kind")(value, spot)


def _whole_policy(policy: dict[str, Any], spot: Spot) -> None:
    targets = _tables(policy.get("targets"))
    if "targets" in policy and not any(targets.values()):
        spot.under("targets").problem("[sla.targets] promises nothing: give default or a priority a target")
    _steps_have_targets(policy, targets, spot)
    if policy.get("calendar") != ALWAYS:
        _refuse_days(policy, targets, spot)


def _steps_have_targets(policy: dict[str, Any], targets: dict[str, dict[str, Any]], spot: Spot) -> None:
    promised = {metric for target in targets.values() for metric in target}
    for index, step in enumerate(_steps(policy)):
        metric = step.get("metric")
        if metric in METRICS and metric not in promised:
            spot.under("steps", index, "metric").problem(
                f"this step never comes: no target of the policy promises a {metric}"
            )


def _refuse_days(policy: dict[str, Any], targets: dict[str, dict[str, Any]], spot: Spot) -> None:
    for priority, target in targets.items():
        for metric, value in target.items():
            _refuse_day(value, spot.under("targets", priority, metric))
    for index, step in enumerate(_steps(policy)):
        _refuse_day(step.get("at"), spot.under("steps", index, "at"))


def _refuse_day(value: Any, spot: Spot) -> None:
    if isinstance(value, str) and _DAYS.search(value):
        spot.problem(
            f"{quoted(value)} counts open time, where a day is not clear: "
            f'write hours, or calendar = "{ALWAYS}" in the policy'
        )


def _tables(value: Any) -> dict[str, dict[str, Any]]:
    return {key: one for key, one in value.items() if isinstance(one, dict)} if isinstance(value, dict) else {}


def _steps(policy: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps, each in its place; one that is no table is empty here."""
    steps = policy.get("steps")
    return [one if isinstance(one, dict) else {} for one in steps] if isinstance(steps, list) else []


CALENDAR: Reader = _calendar_table
SLA = Table(
    "[[sla]]",
    {
        "name": name,
        "match": query(),
        "calendar": reference("calendar"),
        "pause": list_of(_pausing, unique=True),
        "pause_first_response": boolean,
        "targets": _TARGETS.read,
        "steps": list_of(_STEP.read),
    },
    required=("name", "targets"),
    whole=_whole_policy,
)
