"""`[[calendar]]` and `[[sla]]`: hours and targets; steps are in `tkt.config.step_schema`.

A target or step is open time of the policy's calendar, so "1d" (24 open hours, three working days) would
not mean what it says: days and weeks are only taken where the calendar is 24x7.

Leaves to others: what a calendar may say in detail (`tkt.sla.hours`).
"""

from __future__ import annotations

import re
from typing import Any

from tkt.config.automation_schema import query
from tkt.config.problems import Spot, quoted
from tkt.config.readers import (
    Reader,
    Table,
    boolean,
    is_text,
    kind_of,
    list_of,
    name,
    reference,
    refuse_unknown,
    seconds,
    sentence,
)
from tkt.config.step_schema import DISTANCES, STEP
from tkt.errors import QueryError
from tkt.query.language import parse
from tkt.query.terms import terms_of
from tkt.sla.calendar import problems
from tkt.sla.hours import WEEKDAYS
from tkt.store.constants import ALWAYS, METRICS, PRIORITIES

_DAYS = re.compile(r"[0-9]\s*[dw]", re.IGNORECASE)
_CALENDAR_KEYS: dict[tuple[str, ...], tuple[str, ...]] = {
    (): ("name", "timezone", "hours", "holidays", "open"),
    ("hours",): WEEKDAYS,
    ("holidays",): ("country", "subdivision", "extra", "half"),
}


def calendar(value: dict[str, Any], spot: Spot) -> None:
    """A `[[calendar]]` that opens every week: one of single days would come to an end, and every new ticket with it."""
    for path, known in _CALENDAR_KEYS.items():
        value = _only_known(value, path, known, spot)
    found = problems(value)
    for error in found:
        spot.under(*error.path).problem(sentence(error))
    if not found and not any(value.get("hours", {}).values()):
        spot.under("hours").problem(
            "a calendar that opens on single days only runs out, and then nothing can be promised: give it weekly hours"
        )


def _only_known(value: dict[str, Any], path: tuple[str, ...], known: tuple[str, ...], spot: Spot) -> dict[str, Any]:
    """The calendar without the keys of this table that it can't have, which are reported."""
    table = value.get(path[0], {}) if path else value
    title = ".".join(("[calendar", *path)) + "]" if path else "[[calendar]]"
    if not isinstance(table, dict) or not refuse_unknown(table, known, spot.under(*path), title):
        return value
    table = {key: one for key, one in table.items() if key in known}
    return value | {path[0]: table} if path else table


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


_TARGET = Table("a target", {metric: _promise for metric in METRICS})
_TARGETS = Table("[sla.targets]", {priority: _TARGET.read for priority in (*reversed(PRIORITIES), "default")})


def _pausing(value: Any, spot: Spot) -> None:
    """A status, or a kind of statuses."""
    if is_text(value, spot):
        reference("status or kind")(value, spot)


def _match(value: Any, spot: Spot) -> None:
    """A query about what the history keeps: a promise must be the same whenever it is computed again."""
    query()(value, spot)
    for position in _unread(value) if isinstance(value, str) else ():
        spot.problem_inside("nothing can be promised by is:unread: who read what is in no history", value, position)


def _unread(match: str) -> list[int]:
    try:
        terms = terms_of(parse(match))
        return [one.position for term in terms if term.key == "is" for one in term.values if one.text == "unread"]
    except QueryError:
        return []  # told already


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
        for key in DISTANCES:
            _refuse_day(step.get(key), spot.under("steps", index, key))


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
        "match": _match,
        "calendar": reference("calendar"),
        "pause": list_of(_pausing, unique=True),
        "pause_first_response": boolean,
        "targets": _TARGETS.read,
        "steps": list_of(STEP.read),
    },
    required=("name", "targets"),
    whole=_whole_policy,
)
