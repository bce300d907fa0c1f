"""A simulation over many tickets: on all processors, in portions that are told of as they are done.

Each process reads the store for itself; what comes back are counts and the promises that would have gone the other way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tkt.sla.replaying.customer_past import Customers, read_customers
from tkt.sla.replaying.eras import Era, Eras, Names, read_names
from tkt.sla.replaying.portions import Progress, in_portions
from tkt.sla.replaying.simulate import Outcome, Period, add, simulate
from tkt.store.engine import Store
from tkt.store.location import Location


def run(
    location: Location, numbers: Sequence[int], era: Era, period: Period, progress: Progress = lambda done, total: None
) -> Outcome:
    """Both sides for all these tickets. Raises StoreBusy, StoreUnreachable, KeyboardInterrupt."""
    store = Store(location)
    try:
        with store.reading(frozen=True) as session:
            work = partial(_Simulator, location, era, read_names(session), read_customers(session), period)
    finally:
        store.close()
    whole = Outcome(0, [], {}, {}, [])
    for part in in_portions(work, numbers, progress):
        whole = add(whole, part)
    whole.flips.sort()
    whole.left_out.sort()
    return whole


class _Simulator:
    """Simulates portions of tickets, with a store of its own."""

    def __init__(self, location: Location, era: Era, names: Names, customers: Customers, period: Period) -> None:
        self.store = Store(location)
        self.eras = Eras([era], names, customers)
        self.period = period

    def do(self, numbers: Sequence[int]) -> Outcome:
        with self.store.reading(frozen=True) as session:
            return simulate(session, numbers, self.eras, self.period)

    def close(self) -> None:
        self.store.close()
