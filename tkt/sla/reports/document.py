"""The SLA report for scripts: as JSON values and as rows for CSV. Moments RFC 3339 in UTC, durations seconds."""

from __future__ import annotations

from typing import Any

from tkt.sla.reports.causes import CAUSES
from tkt.sla.reports.figures import Line
from tkt.sla.reports.groups import ALL
from tkt.sla.reports.report import Breach, Report
from tkt.times import rfc3339


def document(found: Report) -> dict[str, Any]:
    """The report as JSON values."""
    groups: dict[str, dict[str, list[Any]]] = {}
    for line in found.lines:
        groups.setdefault(line.dimension, {}).setdefault(line.group, []).append(_figures(line))
    return {
        "from": rfc3339(found.start),
        "to": rfc3339(found.end),
        "query": found.query,
        "metrics": groups.pop(ALL, {}).get("", []),
        "by": {
            dimension: [_named(dimension, group) | {"metrics": lines} for group, lines in of.items()]
            for dimension, of in groups.items()
        },
        "breached": found.breached,
        "breaches": [_breach(one) for one in found.breaches],
    }


def rows(found: Report) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Header and rows of the attainment lines, for CSV: of each cause the breaches, then of each the seconds, those of
    all its teams or statuses together.
    """
    header = (*Line._fields[:-1], *(f"{cause}_breaches" for cause in CAUSES), *(f"{cause}_seconds" for cause in CAUSES))
    return header, [(*line[:-1], *_sums(line)) for line in found.lines]


def _sums(line: Line) -> tuple[int, ...]:
    of = [[one for one in line.causes if one.cause == cause] for cause in CAUSES]
    return *(sum(one.breaches for one in some) for some in of), *(sum(one.seconds for one in some) for some in of)


def _figures(line: Line) -> dict[str, Any]:
    values = line._asdict() | {"causes": [one._asdict() for one in line.causes]}
    return {name: value for name, value in values.items() if name not in ("dimension", "group")}


def _named(dimension: str, group: str) -> dict[str, str | None]:
    """The group by its dimension's name, a cell of the week by both of its."""
    if "," in dimension:
        return dict(zip(dimension.split(","), group.split(), strict=True))
    return {dimension: group or None}


def _breach(breach: Breach) -> dict[str, Any]:
    met = rfc3339(breach.met_at) if breach.met_at else None
    shares = [one._asdict() for one in breach.shares]
    told = breach._asdict() | {"due_at": rfc3339(breach.due_at), "met_at": met, "shares": shares}
    return told | {"cause": breach.shares[0].cause, "cause_detail": breach.shares[0].detail}
