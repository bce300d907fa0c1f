"""A large desk: `python -m bench.generate PATH --tickets 1000000`.

Made by tkt's own migrations and desk.toml, then filled by rows of the shape that the verbs write, in one transaction.
The same number of tickets, seed and moment give the same rows. PATH may be a Postgres URL of an empty database.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator

from bench import desk_file
from bench.sinks import Row, Sink, open_sink
from bench.ticket_rows import COLUMNS, DAY, YEARS, Names, TicketRows, person_of
from tkt.store.location import Location, parse_location
from tkt.times import to_micros, utcnow

SEED = 20_26
BATCH = 20_000
"""Tickets in memory at once."""
PEOPLE_PER_COMPANY = 20
KEYS = {table: "id" for table in ("company", "person", "entry", "clock")} | {"ticket": "number"}


def generate(
    location: Location, tickets: int, seed: int = SEED, now: int | None = None, *, all_open: bool = False
) -> None:
    """Make a desk with so many tickets. `now`: microseconds UTC, the moment that deadlines are counted from."""
    now = to_micros(utcnow()) if now is None else now
    desk_file.make(location)
    sink = open_sink(location)
    people = max(20, tickets // 8)
    _write_people(sink, people, now)
    rows = TicketRows(tickets, people, _names(sink), seed, now, all_open)
    for first in range(1, tickets + 1, BATCH):
        for number in range(first, min(first + BATCH, tickets + 1)):
            rows.add(number)
        _hand_over(rows, sink)
    sink.commit(KEYS)


def _hand_over(rows: TicketRows, sink: Sink) -> None:
    for table in ("ticket", "entry", "ticket_tag", "event", "clock", "clock_span"):
        sink.write(table, COLUMNS[table], rows.rows[table])
        rows.rows[table].clear()
    sink.documents(rows.documents)
    rows.documents.clear()


def _write_people(sink: Sink, people: int, now: int) -> None:
    companies = people // PEOPLE_PER_COMPANY + 1
    tiers = ("vip", "", "", "", "")
    sink.write("company", ("id", "name", "tier"), ((n, f"Company {n}", tiers[n % 5]) for n in range(1, companies + 1)))
    columns = ("id", "name", "tier", "language", "company_id", "created_at")
    sink.write("person", columns, _people(people, companies, now))
    addresses = ((person_of(n)[1], n) for n in range(1, people + 1))
    sink.write("address", ("address", "person_id"), addresses)


def _people(people: int, companies: int, now: int) -> Iterator[Row]:
    for number in range(1, people + 1):
        yield number, person_of(number)[0], "", "en", 1 + number % companies, now - YEARS - DAY


def _names(sink: Sink) -> Names:
    declared = "SELECT name, id FROM definition WHERE active AND kind = '{}'"
    return Names(
        sink.column("SELECT name, id FROM agent"),
        sink.column("SELECT name, id FROM team"),
        sink.column(declared.format("sla")),
        sink.column(declared.format("calendar")),
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description="Make a large desk.")
    parser.add_argument("path", help="a file that is not there yet, or postgresql://…")
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--all-open", action="store_true", help="no ticket is waiting, resolved or closed")
    parser.add_argument("--now", type=int, help="microseconds since 1970 UTC; default: this moment")
    chosen = parser.parse_args(arguments)
    begun = time.perf_counter()
    generate(parse_location(chosen.path), chosen.tickets, chosen.seed, chosen.now, all_open=chosen.all_open)
    print(f"{chosen.tickets:,} tickets in {time.perf_counter() - begun:.1f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
