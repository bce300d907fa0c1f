"""`[[matrix]]`: the priority that follows from impact and urgency, two fields of type choice.

    [[matrix]]
    name = "standard"
    impact = "impact"                  # the fields' names; these are the defaults
    urgency = "urgency"
    [matrix.priorities]                # a table for each choice of impact, in it a priority for each of urgency
    company = { now = "urgent", soon = "high" }
    one = { now = "normal", soon = "low" }

Leaves to others: setting the priority (`tkt.desk.matrix`).
"""

from __future__ import annotations

from typing import Any

from tkt.config.problems import Spot, quoted, suggestion
from tkt.config.readers import Table, field_name, kind_of, name, one_of
from tkt.store.constants import PRIORITIES

AXES = ("impact", "urgency")


def choices_of(field: str) -> str:
    """Under which name a `Spot` knows the choices of a field."""
    return f"choices of {field}"


def axes(matrix: dict[str, Any]) -> tuple[str, str]:
    """The names of the two fields."""
    return str(matrix.get("impact", "impact")), str(matrix.get("urgency", "urgency"))


def check_apart(matrices: list[dict[str, Any]], spot: Spot) -> None:
    """A field that stands in two matrices would ask for two priorities."""
    seen: set[str] = set()
    for index, matrix in enumerate(matrices):
        for axis, field in zip(AXES, axes(matrix), strict=True):
            if field in seen:
                words = f"the field {quoted(field)} gives the priority by another matrix already"
                _at_axis(matrix, axis, spot.under(index)).problem(words)
        seen.update(axes(matrix))


def _priorities(value: Any, spot: Spot) -> None:
    """A table of tables of priorities; whose keys are right is seen with the fields beside it."""
    if not isinstance(value, dict):
        return spot.problem(f"{spot.key} must be a table, not {kind_of(value)}")
    for row, cells in value.items():
        if not isinstance(cells, dict):
            words = f"{quoted(row)} must be a table with a priority for each urgency, not {kind_of(cells)}"
            spot.under(row).problem(words)
            continue
        for column, priority in cells.items():
            one_of(*reversed(PRIORITIES))(priority, spot.under(row, column))


def _whole(matrix: dict[str, Any], spot: Spot) -> None:
    fields = axes(matrix)
    if fields[0] == fields[1]:
        return _at_axis(matrix, "urgency", spot).problem("impact and urgency must be two fields")
    rows, columns = (_choices(matrix, axis, field, spot) for axis, field in zip(AXES, fields, strict=True))
    table = matrix.get("priorities")
    if rows is None or columns is None or not isinstance(table, dict):
        return
    spot = spot.under("priorities")
    whole = _knows(table, rows, fields[0], spot)
    for row in rows:
        cells = table.get(row, {})
        if isinstance(cells, dict) and _knows(cells, columns, fields[1], spot.under(row)) and (whole or row in table):
            _complete(cells, columns, fields, spot.under(row) if row in table else spot, row)


def _complete(cells: dict[str, Any], columns: tuple[str, ...], fields: tuple[str, str], place: Spot, row: str) -> None:
    if missing := [quoted(column) for column in columns if column not in cells]:
        place.problem(f"{fields[0]} {quoted(row)} needs a priority for {fields[1]} {', '.join(missing)}")


def _choices(matrix: dict[str, Any], axis: str, field: str, spot: Spot) -> tuple[str, ...] | None:
    choices = spot.names.get(choices_of(field))
    if choices is None:
        words = f"{axis} needs a field of type choice, and none is named {quoted(field)}: declare it as a [[field]]"
        _at_axis(matrix, axis, spot).problem(words)
    return choices


def _knows(table: dict[str, Any], known: tuple[str, ...], field: str, spot: Spot) -> bool:
    """Report the keys that are no choice of the field; whether there are none."""
    unknown = [one for one in table if one not in known]
    for one in unknown:
        spot.under(one).problem_at_key(f"{quoted(one)} is no choice of {field}: {suggestion(one, known)}")
    return not unknown


def _at_axis(matrix: dict[str, Any], axis: str, spot: Spot) -> Spot:
    """Where the field of the axis is named, or the table, where it is not."""
    return spot.under(axis) if axis in matrix else spot


MATRIX = Table(
    "[[matrix]]",
    {"name": name, "impact": field_name, "urgency": field_name, "priorities": _priorities},
    required=("name", "priorities"),
    whole=_whole,
)
