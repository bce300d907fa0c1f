"""A simulation as text and as JSON: what was kept, next to what would have been, by metric and by policy.

Text: two lines a promise, "now" as it went and "new" as it would have gone, each with a bar; then the promises that
would have gone the other way. Lateness is the median of those broken, in open time of their calendars.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tkt.safe_text import safe_line
from tkt.sla.open_time import format_open_time
from tkt.sla.replaying.simulate import Figures, Flip, Outcome, Period, Side, over_policies
from tkt.sla.reports.text import bar
from tkt.store.constants import METRICS
from tkt.times import rfc3339

MOST = 20
"""Promises that are named in the text, of each kind."""

NARROWEST, _LONGEST_BAR = 70, 40


class Simulated(NamedTuple):
    """An outcome with what was asked: the file, the period, the query, the desk's time zone."""

    outcome: Outcome
    file: str
    period: Period
    query: str
    zone: str


def lines(found: Simulated, width: int = 80) -> Iterator[str]:
    """The whole simulation as text."""
    outcome, zone = found.outcome, ZoneInfo(found.zone)
    start, end = (moment.astimezone(zone) for moment in (found.period.start, found.period.end))
    yield f"SLA simulation, {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} ({found.zone})"
    yield f"now: what was in force; new: {safe_line(found.file)}, as if it had always been"
    if found.query:
        yield f"Tickets: {safe_line(found.query)}"
    yield f"{outcome.tickets:,} tickets gone through again" + _left_out(outcome)
    yield "What people, rules and steps did stays as it was; the steps of the new policies do nothing."
    yield ""
    if not outcome.old and not outcome.new:
        yield "Nothing was promised in this period."
        return
    room = max(0, min(_LONGEST_BAR, width - NARROWEST))
    head = f"{'':<22}{'attained':>9} {'':<{room}}{'kept':>8}{'broken':>8}{'change':>8}{'open':>7}{'late':>8}"
    yield head
    for metric in _metrics(outcome):
        yield from _pair(metric, over_policies(outcome.old, metric), over_policies(outcome.new, metric), room)
    for policy in _policies(outcome):
        yield ""
        yield f"Policy {safe_line(policy)}"
        for metric in _metrics(outcome):
            pair = outcome.old.get((metric, policy)), outcome.new.get((metric, policy))
            if any(pair):
                yield from _pair(metric, pair[0] or Figures(), pair[1] or Figures(), room)
    yield ""
    yield from _flips("kept", "broken", [one for one in outcome.flips if one.broken], zone)
    yield from _flips("broken", "kept", [one for one in outcome.flips if not one.broken], zone)


def document(found: Simulated) -> dict[str, Any]:
    """The simulation as JSON values, every promise that would have gone the other way with it."""
    outcome = found.outcome
    return {
        "from": rfc3339(found.period.start),
        "to": rfc3339(found.period.end),
        "query": found.query,
        "tickets": outcome.tickets,
        "left_out": [{"ticket": number, "reason": reason} for number, reason in outcome.left_out],
        "metrics": [
            {
                "metric": metric,
                "old": _figures(over_policies(outcome.old, metric)),
                "new": _figures(over_policies(outcome.new, metric)),
            }
            for metric in _metrics(outcome)
        ],
        "policies": [
            {
                "policy": policy,
                "metric": metric,
                "old": _figures(outcome.old.get((metric, policy), Figures())),
                "new": _figures(outcome.new.get((metric, policy), Figures())),
            }
            for policy in _policies(outcome)
            for metric in _metrics(outcome)
            if (metric, policy) in outcome.old or (metric, policy) in outcome.new
        ],
        "flips": [_flip_document(one) for one in outcome.flips],
    }


def _left_out(outcome: Outcome) -> str:
    if not outcome.left_out:
        return ""
    number, reason = outcome.left_out[0]
    return f"; {len(outcome.left_out):,} left out (#{number}: {safe_line(reason)})"


def _metrics(outcome: Outcome) -> list[str]:
    there = {metric for side in (outcome.old, outcome.new) for metric, _ in side}
    return [metric for metric in METRICS if metric in there]


def _policies(outcome: Outcome) -> list[str]:
    """Those of the ledger first, by name."""
    return list(dict.fromkeys(name for side in (outcome.old, outcome.new) for name in sorted(_names(side))))


def _names(side: Side) -> set[str]:
    return {policy for _, policy in side}


def _pair(metric: str, old: Figures, new: Figures, room: int) -> Iterator[str]:
    for name, word, figures in ((metric, "now", old), ("", "new", new)):
        share = "-" if figures.attainment is None else f"{figures.attainment:.1%}"
        late = "-" if figures.median_late_seconds is None else format_open_time(figures.median_late_seconds)
        drawn = f"{share:>9} {bar(figures.attainment or 0.0, room):<{room}}"
        counts = f"{figures.kept:>8,}{figures.broken:>8,}{figures.by_change:>8,}{figures.running:>7,}"
        yield f"{'  ' + name:<18}{word:<4}{drawn}{counts}{late:>8}"


def _flips(before: str, after: str, flips: list[Flip], zone: ZoneInfo) -> Iterator[str]:
    if not flips:
        yield f"None that was {before} would have been {after}."
        return
    more = f", the first {MOST}; --json has all" if len(flips) > MOST else ""
    yield f"Was {before}, would have been {after} ({len(flips):,}{more})"
    for one in flips[:MOST]:
        old, new = _due(one.old_due_at, zone), _due(one.new_due_at, zone)
        policies = f"{safe_line(one.old_policy)} -> {safe_line(one.new_policy)}"
        yield f"  #{one.ticket} {one.metric}: due {old} -> {new}, {policies}"


def _due(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else "never"


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "attainment": figures.attainment,
        "kept": figures.kept,
        "broken": figures.broken,
        "by_change": figures.by_change,
        "running": figures.running,
        "median_late_seconds": figures.median_late_seconds,
    }


def _flip_document(flip: Flip) -> dict[str, Any]:
    moments = {
        name: rfc3339(moment) if moment else None
        for name, moment in (("old_due_at", flip.old_due_at), ("new_due_at", flip.new_due_at))
    }
    before, after = ("kept", "broken") if flip.broken else ("broken", "kept")
    return {
        "ticket": flip.ticket, "metric": flip.metric, "old": before, "new": after,
        "old_policy": flip.old_policy, "new_policy": flip.new_policy, **moments,
    }  # fmt: skip
