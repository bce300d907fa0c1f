"""A trial over all the tickets that matter, on all processors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlmodel import Session

from tkt.config.model import Config
from tkt.desk.firing import INTERVAL_SECONDS
from tkt.desk.trying.trial import Bench, Firing, try_on
from tkt.desk.trying.tried import PROMISES, Order, Tried, by_time, read_past_rules, tried_rules
from tkt.errors import TktError
from tkt.sla.replaying.customer_past import Customers, read_customers
from tkt.sla.replaying.eras import Era, Eras, Names, read_eras, read_names
from tkt.sla.replaying.past import PORTION, Past, read_pasts
from tkt.sla.replaying.portions import Progress, in_portions
from tkt.store.definitions import Declared, Definitions
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.rows import rows
from tkt.times import to_micros

NO_BEGINNING = "the history does not begin with its creation"


class RuleResult(NamedTuple):
    """What one rule came to: on how many tickets it was asked in the period, and each time it would have fired."""

    rule: Tried
    asked: int
    firings: list[Firing]

    @property
    def tickets(self) -> int:
        """On how many tickets it would have fired."""
        return len({one.ticket for one in self.firings})


class Result(NamedTuple):
    """The whole trial: so many tickets gone through; those that could not be, with the reason."""

    tickets: int
    left_out: list[tuple[int, str]]
    rules: list[RuleResult]


class _Part(NamedTuple):
    """The same of some tickets, rule by rule."""

    tickets: int
    left_out: list[tuple[int, str]]
    rules: list[tuple[int, list[Firing]]]


def run(
    location: Location,
    config: Config,
    names: Sequence[str],
    start: datetime,
    end: datetime,
    progress: Progress = lambda done, total: None,
    interval: int = INTERVAL_SECONDS,
) -> Result:
    """Try the rules of the configuration with these names (without names, those that are new or changed) on what
    happened from one moment up to, not including, another. Raises NotFound, StoreBusy, StoreUnreachable.
    """
    store = Store(location)
    try:
        with store.reading(frozen=True) as session:
            rules = tried_rules(session, config, names)
            bench = _bench(session, config, rules, (start, end), interval)
            work = partial(_Trier, location, bench, read_eras(session), read_names(session), read_customers(session))
            numbers = _numbers(session, bench) if bench.rules else []
    finally:
        store.close()
    found = {rule.name: RuleResult(rule, 0, []) for rule in rules}
    tickets, left_out = 0, list[tuple[int, str]]()
    for part in in_portions(work, numbers, progress):
        tickets += part.tickets
        left_out += part.left_out
        for rule, (asked, firings) in zip(bench.rules, part.rules, strict=True):
            whole = found[rule.name]
            whole.firings.extend(firings)
            found[rule.name] = whole._replace(asked=whole.asked + asked)
    for one in found.values():
        one.firings.sort(key=lambda firing: (firing.at, firing.ticket))
    return Result(tickets, sorted(left_out), list(found.values()))


def _bench(
    session: Session, config: Config, rules: Sequence[Tried], period: tuple[datetime, datetime], interval: int
) -> Bench:
    able = tuple(rule for rule in rules if not rule.problem)
    order = Order(read_past_rules(session), able, [item.name for item in config.of("rule")])
    items = [item for kind in ("status", "field") for item in config.of(kind)]
    declared = [Declared(-place, item.kind, item.name, 1, item.body) for place, item in enumerate(items, 1)]
    promises = any(rule.asks & PROMISES for rule in able)
    start, end = map(to_micros, period)
    zone = config.desk.get("timezone", "UTC")
    return Bench(able, order, Definitions("file", declared, {}), start, end, interval * 1_000_000, zone, promises)


def _numbers(session: Session, bench: Bench) -> list[int]:
    """The tickets on which one of the rules may have fired: a rule that answers something needs something to have
    happened, one that runs by time may do so on any ticket.
    """
    timed = any(map(by_time, bench.rules))
    since = 0 if timed else bench.start
    return [row[0] for row in rows(session, _NUMBERS, (since, bench.end))]


_NUMBERS = """
SELECT DISTINCT t.number FROM ticket t JOIN event e ON e.ticket = t.number
WHERE e.at >= ? AND e.at < ? ORDER BY t.number
"""


class _Trier:
    """Tries the rules on portions of tickets, with a store of its own."""

    def __init__(
        self, location: Location, bench: Bench, eras: Sequence[Era], names: Names, customers: Customers
    ) -> None:
        self.store = Store(location)
        self.bench = bench
        self.eras = Eras(eras, names, customers)

    def do(self, numbers: Sequence[int]) -> _Part:
        part = _Part(0, [], [(0, []) for _ in self.bench.rules])
        with self.store.reading(frozen=True) as session:
            for start in range(0, len(numbers), PORTION):
                for past in read_pasts(session, numbers[start : start + PORTION]):
                    part = self._add(session, part, past)
        return part

    def close(self) -> None:
        self.store.close()

    def _add(self, session: Session, part: _Part, past: Past) -> _Part:
        if not past.events or past.events[0].verb not in ("create", "import"):
            part.left_out.append((past.ticket.number, NO_BEGINNING))
            return part
        try:
            found = try_on(session, past, self.eras, self.bench)
        except TktError as error:
            part.left_out.append((past.ticket.number, str(error)))
            return part
        for place, one in enumerate(found):
            asked, firings = part.rules[place]
            firings.extend(one.firings)
            part.rules[place] = asked + one.asked, firings
        return part._replace(tickets=part.tickets + 1)
