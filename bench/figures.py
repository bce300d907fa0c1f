"""A measured figure, its aim, and the table that shows them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import NamedTuple

BAR = 24
"""Characters of a bar; a full one is twice the aim, or the largest of its group where there is no aim."""


class Figure(NamedTuple):
    """One line of the table: `value` is a ratio (or a number of `unit`) that stands beside what it was measured from.

    `aim` is the most that it may be (`at_least`: the least), None where there is none. `detail` says what the ratio was
    made of, in absolute numbers of this machine.
    """

    group: str
    name: str
    value: float
    unit: str = "x"
    aim: float | None = None
    at_least: bool = False
    detail: str = ""

    @property
    def reached(self) -> bool | None:
        if self.aim is None:
            return None
        return self.value >= self.aim if self.at_least else self.value <= self.aim


def as_json(figures: Iterable[Figure]) -> str:
    """One document: a list of figures, each with `reached` (null without an aim)."""
    return json.dumps([figure._asdict() | {"reached": figure.reached} for figure in figures], indent=2)


def table(figures: list[Figure]) -> str:
    """All figures, aligned, with bars; under a heading for each group."""
    name_width = max(len(figure.name) for figure in figures)
    lines: list[str] = []
    group = ""
    for figure in figures:
        if figure.group != group:
            group = figure.group
            lines += ["", group]
        lines.append(_line(figure, name_width, _full([one for one in figures if one.group == group])))
    short = [figure.name for figure in figures if figure.reached is False]
    aimed = sum(figure.aim is not None for figure in figures)
    lines += ["", f"{aimed - len(short)} of {aimed} aims reached" + (f"; short: {'; '.join(short)}" if short else "")]
    return "\n".join(lines)


def _line(figure: Figure, name_width: int, full: Callable[[Figure], float]) -> str:
    aim = f"{'>=' if figure.at_least else '<='} {_number(figure.aim)}" if figure.aim is not None else ""
    verdict = {True: "ok", False: "SHORT", None: ""}[figure.reached]
    value = f"{_number(figure.value)} {figure.unit}"
    bar = _bar(figure.value / full(figure)) if full(figure) else ""
    return f"  {figure.name:<{name_width}}  {value:>12}  {aim:>8}  {verdict:<5}  {bar:<{BAR}}  {figure.detail}".rstrip()


def _full(group: list[Figure]) -> Callable[[Figure], float]:
    """What a full bar stands for. A bar that reaches past its middle has passed its aim."""
    largest = {figure.unit: max(one.value for one in group if one.unit == figure.unit) for figure in group}
    return lambda figure: 2 * figure.aim if figure.aim is not None else largest[figure.unit]


def _bar(share: float) -> str:
    eighths = round(min(1.0, max(0.0, share)) * BAR * 8)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"
