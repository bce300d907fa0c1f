"""A trial as text and as JSON: rule by rule how often and when it would have fired, what it would have changed, whether
people did the same afterwards, and the tickets one by one.

Every text of strangers passes `safe_line`; lines are at most `width` cells (never less than 70 are used).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from rich.cells import cell_len, set_cell_size

from tkt.desk.firing import INTERVAL_SECONDS
from tkt.desk.trying.effects import ACT, CHANGE, SAME, SKIP, Effect
from tkt.desk.trying.run import Result, RuleResult
from tkt.desk.trying.trial import Firing, Outcome
from tkt.desk.trying.tried import by_time
from tkt.safe_text import safe_line
from tkt.sla.reports.text import bar
from tkt.times import from_micros, rfc3339

MOST = 20
"""Firings that are told one by one unless another number is asked for."""

NARROWEST, _LONGEST_BAR, _LONGEST_WORDS = 70, 40, 60

_BY_DAY = timedelta(days=15)
"""Up to so long a period is drawn day by day, a longer one week by week."""

NOTHING = "No rule of {} is new or changed; name one to try it all the same."

_ASKED = {
    "created": "tickets that were opened",
    "inbound": "tickets on which a customer wrote",
    "replied": "tickets that an agent answered",
    "changed": "tickets that were changed",
    "every": "tickets there were",
}


class Told(NamedTuple):
    """A result with what was asked: the file, the period, the desk's time zone, how many firings to name (0: all)."""

    result: Result
    file: str
    start: datetime
    end: datetime
    zone: str
    most: int = MOST


def lines(told: Told, width: int = 80) -> Iterator[str]:
    """The whole trial as text."""
    width = max(width, NARROWEST)
    if not told.result.rules:
        yield NOTHING.format(_file(told))
        return
    zone = ZoneInfo(told.zone)
    start, end = (f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" for moment in (told.start, told.end))
    yield f"Rules of {_file(told)}, tried on {start} to {end} ({told.zone})"
    yield _cut(f"{_count(told.result.tickets, 'ticket')} gone through again{_left_out(told.result)}", width)
    yield "Each rule is tried on what really happened: no other rule and nobody answers it."
    for found in told.result.rules:
        yield ""
        yield from _rule(told, found, zone, width)


def document(told: Told) -> dict[str, Any]:
    """The trial as JSON values, every firing with it."""
    return {
        "file": told.file,
        "from": rfc3339(told.start),
        "to": rfc3339(told.end),
        "tickets": told.result.tickets,
        "left_out": [{"ticket": number, "reason": reason} for number, reason in told.result.left_out],
        "rules": [_rule_document(told, found) for found in told.result.rules],
    }


# --- one rule ---------------------------------------------------------------------------------------------------------


def _rule(told: Told, found: RuleResult, zone: ZoneInfo, width: int) -> Iterator[str]:
    rule = found.rule
    state = {"same": "as it is in force"}.get(rule.state, rule.state)
    when = f", when {safe_line(rule.when)}" if rule.when.strip() else ""
    yield _cut(f"Rule {safe_line(rule.name)} ({state}): on {rule.on}{when}", width)
    if rule.problem:
        yield f"  not tried: {rule.problem}"
        return
    asked = f"of {found.asked:,} {_ASKED[rule.on]}"
    if not found.firings:
        yield f"  would not have fired on any {asked}"
        return
    share = f"{found.tickets / found.asked:.1%}" if found.asked else "-"
    yield f"  would have fired {_times(len(found.firings))}, on {found.tickets:,} {asked} ({share})"
    if by_time(rule):
        yield f"  asked every {INTERVAL_SECONDS} seconds, as the scheduler does"
    yield from _when(told, found, zone, width)
    yield ""
    for tally in tallies(found):
        yield from (_cut(line, width) for line in _action(tally))
    yield ""
    yield from _each(told, found, zone, width)


def _when(told: Told, found: RuleResult, zone: ZoneInfo, width: int) -> Iterator[str]:
    """A bar for each day or week of the period, empty ones too."""
    counts = periods(told, found, zone)
    most = max(counts.values())
    room = min(_LONGEST_BAR, width - 32)
    for begin, count in counts.items():
        name = f"{begin:%a %Y-%m-%d}" if _daily(told) else f"week of {begin:%Y-%m-%d}"
        yield f"  {name:<20}{count:>8,} {bar(count / most, room)}".rstrip()


def periods(told: Told, found: RuleResult, zone: ZoneInfo) -> dict[date, int]:
    """How often it would have fired, by the first day of each day or week of the period."""
    step = timedelta(days=1 if _daily(told) else 7)
    first, last = (_begin(told, one.astimezone(zone).date()) for one in (told.start, told.end - timedelta.resolution))
    counts = {first + step * n: 0 for n in range((last - first) // step + 1)}
    for firing in found.firings:
        counts[_begin(told, from_micros(firing.at).astimezone(zone).date())] += 1
    return counts


def _daily(told: Told) -> bool:
    return told.end - told.start <= _BY_DAY


def _begin(told: Told, day: date) -> date:
    return day if _daily(told) else day - timedelta(days=day.weekday())


# --- actions ----------------------------------------------------------------------------------------------------------


class Tally(NamedTuple):
    """What one action came to, over all firings: how often each verdict; of those that would have changed a field, how
    often the first person who changed it later gave it that value (`agreed`), how often which other.
    """

    action: str
    verdicts: Counter[str]
    reasons: Counter[str]
    agreed: int
    others: Counter[str]

    @property
    def untouched(self) -> int:
        """How often nobody has changed the field afterwards."""
        return self.verdicts[CHANGE] - self.agreed - self.others.total()


def tallies(found: RuleResult) -> list[Tally]:
    """What each action of the rule came to."""
    tally = [Tally(str(action), Counter(), Counter(), 0, Counter()) for action in found.rule.actions]
    for firing in found.firings:
        for place, outcome in enumerate(firing.outcomes):
            tally[place] = _counted(tally[place], outcome)
    return tally


def _counted(tally: Tally, outcome: Outcome) -> Tally:
    effect, later = outcome
    tally.verdicts[effect.verdict] += 1
    if effect.verdict == SKIP:
        tally.reasons[effect.words] += 1
    if later is None:
        return tally
    if later == effect.new:
        return tally._replace(agreed=tally.agreed + 1)
    tally.others[later] += 1
    return tally


def _action(tally: Tally) -> Iterator[str]:
    yield f"  {_short(tally.action)}"
    done = tally.verdicts
    words = [f"would change {done[CHANGE]:,}"] if done[CHANGE] else []
    words += [f"would be done {_times(done[ACT])}"] if done[ACT] else []
    words += [f"already so {done[SAME]:,}"] if done[SAME] else []
    words += [f"can't be done {done[SKIP]:,}"] if done[SKIP] else []
    yield f"    {', '.join(words)}"
    for reason, count in tally.reasons.most_common():
        yield f"    {_short(reason)}: {count:,}"
    if done[CHANGE]:
        others = ", ".join(f"{_value(value)} {count:,}" for value, count in tally.others.most_common(5))
        differed = f"something else: {tally.others.total():,}" + (f" ({others})" if others else "")
        yield f"    people later did the same: {tally.agreed:,}, {differed}, left it: {tally.untouched:,}"


# --- tickets ----------------------------------------------------------------------------------------------------------


def _each(told: Told, found: RuleResult, zone: ZoneInfo, width: int) -> Iterator[str]:
    """Firing by firing, the newest first: those can be judged best."""
    newest = found.firings[::-1]
    named = newest[: told.most] if told.most else newest
    more = f", the last {len(named):,} of {len(newest):,}; -n 0 names all" if len(named) < len(newest) else ""
    yield f"  Where it would have fired{more}"
    for firing in named:
        yield from (_cut(line, width) for line in _firing(firing, zone))


def _firing(firing: Firing, zone: ZoneInfo) -> Iterator[str]:
    yield f"  #{firing.ticket} {from_micros(firing.at).astimezone(zone):%Y-%m-%d %H:%M} {safe_line(firing.subject)}"
    if firing.why:
        yield f"      because of {safe_line(' '.join(firing.why))}"
    for outcome in firing.outcomes:
        yield f"      {_effect(outcome.effect)}{_afterwards(outcome)}"


def _effect(effect: Effect) -> str:
    if effect.verdict == SKIP:
        return f"{_short(effect.action)} can't be done: {_short(effect.words)}"
    if effect.verdict == ACT:
        return _short(effect.words)
    if effect.verdict == SAME:
        return f"{_short(effect.action)}: already so, no change"
    if effect.field == "tag":
        return f"tag: +{_short(effect.new)}" if effect.new else f"tag: -{_short(effect.old)}"
    return f"{safe_line(effect.field)}: {_value(effect.old)} -> {_value(effect.new)}"


def _afterwards(outcome: Outcome) -> str:
    effect, later = outcome
    if later is None:
        return ""
    if later == effect.new:
        return "; somebody did the same later"
    if effect.field == "tag":
        return f"; somebody {'put it on' if later else 'took it off'} later"
    return f"; somebody made it {_value(later)} later"


# --- JSON -------------------------------------------------------------------------------------------------------------


def _rule_document(told: Told, found: RuleResult) -> dict[str, Any]:
    rule = found.rule
    counts = {} if rule.problem else periods(told, found, ZoneInfo(told.zone))
    return {
        "rule": rule.name,
        "state": rule.state,
        "on": rule.on,
        "when": rule.when,
        "problem": rule.problem,
        "tickets_asked": found.asked,
        "tickets": found.tickets,
        "count": len(found.firings),
        "by": "day" if _daily(told) else "week",
        "periods": [{"begin": begin.isoformat(), "count": count} for begin, count in counts.items()],
        "actions": [_tally_document(one) for one in tallies(found)],
        "firings": [_firing_document(one) for one in found.firings],
    }


def _tally_document(tally: Tally) -> dict[str, Any]:
    return {
        "action": tally.action,
        **{name: tally.verdicts[name] for name in (CHANGE, SAME, ACT, SKIP)},
        "people_agreed": tally.agreed,
        "people_differed": dict(tally.others.most_common()),
        "people_left_it": tally.untouched,
    }


def _firing_document(firing: Firing) -> dict[str, Any]:
    return {
        "ticket": firing.ticket,
        "at": rfc3339(from_micros(firing.at)),
        "subject": firing.subject,
        "why": list(firing.why),
        "actions": [{**one.effect._asdict(), "later": one.later} for one in firing.outcomes],
    }


# --- words ------------------------------------------------------------------------------------------------------------


def _left_out(result: Result) -> str:
    if not result.left_out:
        return ""
    number, reason = result.left_out[0]
    return f"; {len(result.left_out):,} left out (#{number}: {safe_line(reason)})"


def _file(told: Told) -> str:
    return safe_line(os.path.basename(told.file))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _value(value: str) -> str:
    return _short(value) if value else "nothing"


def _short(text: str) -> str:
    """The first line of what may be long."""
    first: Sequence[str] = text.strip().splitlines() or [""]
    more = " …" if len(first) > 1 else ""
    return safe_line(first[0], _LONGEST_WORDS) + more


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
