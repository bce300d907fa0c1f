"""Random ledgers: the report says what plain SQL says, on both engines, and causes add up to the time used.

The clocks are rows of any shape that the ledger can have, on whole minutes. The SQL knows nothing of the report's code;
for the causes a slow model asks of every minute what the ticket was waiting for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import delete

from tkt.sla.calendar import Calendar
from tkt.sla.policy import WITHDRAWN
from tkt.sla.reports.figures import percentile
from tkt.sla.reports.report import Report, report
from tkt.store.constants import PRIORITY_NAMES
from tkt.store.engine import Store
from tkt.store.read import Reader, open_reader
from tkt.store.tables import Agent, Clock, ClockSpan, Definition, Event, Team, Ticket
from tkt.times import to_micros

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = START + timedelta(days=3)
PERIOD = START + timedelta(hours=6), START + timedelta(hours=40)
OFFICE = {"timezone": "UTC", "hours": {day: ["09:00-12:00", "13:00-17:00"] for day in ("mon", "tue", "wed")}}

minutes = st.integers(0, 72 * 60)
ends = st.none() | minutes
clocks = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(["first_response", "resolution"]),
        "priority": st.sampled_from([2, 4]),
        "start": minutes,
        "target": st.integers(0, 1500),
        "end": ends,
        "how": st.sampled_from(
            ["running", "paused", "met", "breached", "by change", "cancelled", "withdrawn", "unseen"]
        ),
        "used": st.integers(0, 3000),
        "cancels": st.booleans(),
    }
)


@pytest.fixture
def readers(sqlite_location: Any, postgres_location: Any) -> Iterator[list[tuple[Store, Reader]]]:
    stores = [Store(location) for location in (sqlite_location, postgres_location)]
    opened = [open_reader(store.location) for store in stores]
    for store in stores:
        with store.transaction() as session:
            session.add(Definition(id=1, kind="sla", name="standard", body={}, created_at=START))
            session.add(Definition(id=2, kind="calendar", name="office", body=OFFICE, created_at=START))
            session.add_all([Team(id=1, name="net"), Team(id=2, name="shop")])
            session.add_all([Agent(id=1, name="ann"), Agent(id=2, name="bob")])
    yield list(zip(stores, opened, strict=True))
    for store, reader in zip(stores, opened, strict=True):
        reader.close()
        store.close()


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def clock_of(number: int, drawn: dict[str, Any]) -> Clock:
    """A row of the ledger as it may be after such a life, without a calendar."""
    start, how = drawn["start"], drawn["how"]
    due, end = start + drawn["target"], max(start, drawn["end"] or 0)
    clock = Clock(
        ticket=number, metric=drawn["metric"], policy_id=1, started_at=at(start), target_seconds=drawn["target"] * 60,
        used_seconds=drawn["used"], due_at=at(due), state=how,
    )  # fmt: skip
    if how in ("running", "unseen"):
        clock.state, clock.due_at = "running", at(due if how == "unseen" else due + 72 * 60 + 1)
    elif how == "paused":
        clock.due_at = None
    elif how in ("met", "withdrawn"):
        clock.state, clock.met_at, clock.due_at = "met", at(min(due, end)), at(due)
        clock.reason = WITHDRAWN if how == "withdrawn" else ""
    elif how == "cancelled":
        clock.cancelled_at, clock.due_at = at(end), None
    else:
        clock.state, clock.breached_at, clock.by_change = "breached", at(due), how == "by change"
        ended = at(max(due, end)) if drawn["end"] is not None else None
        clock.cancelled_at, clock.met_at = (ended, None) if drawn["cancels"] else (None, ended)
    return clock


@settings(max_examples=60, phases=[Phase.generate])  # two stores an example: shrinking one takes minutes
@given(st.lists(clocks, max_size=25))
def test_the_report_says_what_plain_sql_says(readers: list[tuple[Store, Reader]], drawn: list[dict[str, Any]]) -> None:
    found = []
    for store, reader in readers:
        with store.transaction() as session:
            for table in (ClockSpan, Clock, Event, Ticket):
                session.exec(delete(table))
            for number, one in enumerate(drawn, 1):
                session.add(
                    Ticket(number=number, subject="x", priority=one["priority"], created_at=START, updated_at=START)
                )
            session.flush()
            session.add_all(clock_of(number, one) for number, one in enumerate(drawn, 1))
        found.append(report(reader, start=PERIOD[0], end=PERIOD[1], by=["priority"], worst=0, now=NOW))
        check(reader, found[-1])
    assert found[0].lines == found[1].lines and len(found[0].breaches) == len(found[1].breaches)


VALUES = """
WITH seen AS (
  SELECT k.*, t.priority,
         coalesce(k.breached_at, CASE WHEN k.state = 'running' AND k.due_at <= :now THEN k.due_at END) AS broken_at
  FROM clock k JOIN ticket t ON t.number = k.ticket WHERE k.reason <> 'withdrawn' AND k.started_at < :end
), told AS (
  SELECT seen.*, met_at >= :start AND met_at < :end AS met_now, broken_at >= :start AND broken_at < :end AS broken_now
  FROM seen
)
"""
COUNTS = """
SELECT metric, priority, sum(CASE WHEN met_now AND state = 'met' THEN 1 ELSE 0 END),
       sum(CASE WHEN broken_now AND NOT by_change THEN 1 ELSE 0 END),
       sum(CASE WHEN broken_now AND by_change THEN 1 ELSE 0 END),
       sum(CASE WHEN state IN ('running', 'paused') AND broken_at IS NULL THEN 1 ELSE 0 END),
       sum(CASE WHEN broken_now AND met_at IS NULL AND cancelled_at IS NULL THEN 1 ELSE 0 END)
FROM told WHERE met_now OR broken_now OR (state IN ('running', 'paused') AND broken_at IS NULL)
GROUP BY metric, priority
"""
USED = "SELECT used_seconds FROM told WHERE met_now AND metric = :metric AND priority = :priority"
WALL = USED.replace("used_seconds", "(met_at - started_at) / 1000000")
LATE = (
    "SELECT (coalesce(met_at, cancelled_at, :now) - due_at) / 1000000 FROM told"
    " WHERE broken_now AND NOT by_change AND metric = :metric AND priority = :priority"
)
RANKED = """
, ranked AS (SELECT v, row_number() OVER (ORDER BY v) AS n, count(*) OVER () AS c FROM ({}) AS x(v))
SELECT (SELECT avg(v) FROM ranked), (SELECT avg(v) FROM ranked WHERE n IN ((c + 1) / 2, (c + 2) / 2)),
       (SELECT v FROM ranked WHERE n = (c * 90 + 99) / 100), (SELECT v FROM ranked WHERE n = (c * 95 + 99) / 100),
       (SELECT max(v) FROM ranked)
"""


def ask(reader: Reader, sql: str, **more: Any) -> list[tuple[Any, ...]]:
    """Run it with its named parameters."""
    names = {"now": to_micros(NOW), "start": to_micros(PERIOD[0]), "end": to_micros(PERIOD[1]), **more}
    parts = sql.split(":")
    words, params = parts[0], []
    for part in parts[1:]:
        name = next(known for known in names if part.startswith(known))
        words, params = f"{words}?{part.removeprefix(name)}", [*params, names[name]]
    return reader.rows(words, params)


def ranked(reader: Reader, values: str, **more: Any) -> list[int | None]:
    table = values.replace("FROM told", "AS v FROM told", 1)
    sql = VALUES + RANKED.replace("({}) AS x(v)", f"({table}) AS x")
    return [None if value is None else round(value) for value in ask(reader, sql, **more)[0]]


def check(reader: Reader, found: Report) -> None:
    """Every figure of the report's lines by priority, against SQL."""
    told = {(one.metric, one.group): one for one in found.lines if one.dimension == "priority"}
    counts = {(metric, PRIORITY_NAMES[rank]): (rank, *rest) for metric, rank, *rest in ask(reader, VALUES + COUNTS)}
    assert told.keys() == counts.keys()
    for (metric, name), (rank, *wanted) in counts.items():
        line, key = told[metric, name], {"metric": metric, "priority": rank}
        assert [line.kept, line.broken, line.by_change, line.running, line.overdue] == wanted
        decided = wanted[0] + wanted[1]
        assert line.attainment == (round(wanted[0] / decided, 4) if decided else None)
        used = [line.average_seconds, line.median_seconds, line.p90_seconds, line.p95_seconds]
        wall = [line.average_wall_seconds, line.median_wall_seconds, line.p90_wall_seconds, line.p95_wall_seconds]
        assert used == ranked(reader, USED, **key)[:4]
        assert wall == ranked(reader, WALL, **key)[:4]
        late = ranked(reader, LATE, **key)
        assert [line.late_median_seconds, line.late_worst_seconds] == [late[1], late[4]]
        assert sum(one.breaches for one in line.causes) == line.broken
    assert found.breached == sum(one.broken + one.by_change for one in told.values())


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_that_is_enough_for_so_many(values: list[int], percent: int) -> None:
    values.sort()
    found = percentile(values, percent)
    enough = [value for value in values if sum(one <= value for one in values) * 100 >= percent * len(values)]
    assert found == enough[0]


# --- causes -----------------------------------------------------------------------------------------------------------

changes = st.lists(
    st.tuples(
        st.integers(1, 2000),
        st.sampled_from(["ann", "bob", "tkt"]),
        st.sampled_from(
            [("status", name) for name in ("open", "waiting", "on-hold", "resolved")]
            + [("team", name) for name in ("net", "shop", "")]
            + [("assignee", name) for name in ("ann", "bob", "")]
            + [("", "")]
        ),
        st.booleans(),
    ),
    max_size=10,
).map(lambda some: sorted(some, key=lambda one: one[0]))
spans = st.lists(st.integers(0, 2600), min_size=1, max_size=7, unique=True).map(sorted)


@settings(max_examples=100)
@given(changes, spans, st.sampled_from([None, 2]), st.sampled_from(["net", ""]), st.integers(1, 3))
def test_causes_divide_the_time_used(
    readers: list[tuple[Store, Reader]],
    story: list[Any],
    moments: list[int],
    calendar: int | None,
    team: str,
    cycle: int,
) -> None:
    store, reader = readers[0]
    before = {"status": "open", "team": team, "assignee": ""}
    happenings, present = [], dict(before)
    for minute, actor, (field, new), undone in story:
        happenings.append((minute, actor, field, present.get(field, ""), new, undone))
        present |= {field: new} if field else {}
    pieces = [pair for number, pair in enumerate(pairwise([*moments, 2700])) if number % 2 == 0]
    with store.transaction() as session:
        for table in (ClockSpan, Clock, Event, Ticket):
            session.exec(delete(table))
        ids = {"": None, "net": 1, "shop": 2, "ann": 1, "bob": 2}
        session.add(Ticket(
            number=1, subject="x", status=present["status"], team_id=ids[present["team"]],
            assignee_id=ids[present["assignee"]], created_at=START, updated_at=START,
        ))  # fmt: skip
        session.flush()
        for minute, actor, field, old, new, undone in happenings:
            session.add(Event(
                at=at(minute), change="c", actor=actor, ticket=1, verb="set", field=field, old=old or None,
                new=new or None, undoes="u" if undone else None,
            ))  # fmt: skip
        _ledger(session, pieces, calendar, cycle)
    [breach] = report(reader, start=START, end=NOW, now=NOW).breaches
    wanted = model(happenings, before, pieces, calendar)
    assert {(one.cause, one.detail): one.seconds for one in breach.shares if one.seconds} == wanted
    assert breach.shares[0].seconds == max(wanted.values(), default=0)


def _ledger(session: Any, pieces: list[tuple[int, int]], calendar: int | None, cycle: int) -> None:
    """One promise in so many cycles, the pieces dealt out over them; the last one is broken and open."""
    carried = 0
    for number in range(1, cycle + 1):
        own = pieces if number == cycle else []
        if number < cycle:
            own, pieces = pieces[:1], pieces[1:]
        last = number == cycle
        clock = Clock(
            ticket=1, metric="resolution", cycle=number, policy_id=1, calendar_id=calendar, started_at=START,
            target_seconds=60, carried_seconds=carried, state="breached" if last else "cancelled",
            breached_at=at(5) if last else None, due_at=at(5) if last else None, cancelled_at=None if last else at(9),
        )  # fmt: skip
        session.add(clock)
        session.flush()
        for start, end in own:
            seconds = open_minutes(calendar, start, end) * 60
            clock.used_seconds += seconds
            session.add(ClockSpan(
                clock_id=clock.id, state="running", started_at=at(start), ended_at=at(end), seconds=seconds,
                policy_id=1, calendar_id=calendar, target_seconds=60,
            ))  # fmt: skip
        carried += clock.used_seconds


def calendar_of(calendar: int | None) -> Calendar:
    return Calendar.always() if calendar is None else Calendar.from_definition("office", OFFICE)


def open_minutes(calendar: int | None, start: int, end: int) -> int:
    hours = calendar_of(calendar)
    return sum(hours.is_open(at(minute)) for minute in range(start, end))


def model(
    happenings: list[Any], before: dict[str, str], pieces: list[tuple[int, int]], calendar: int | None
) -> dict[tuple[str, str], int]:
    """What every open minute was waited for, asked anew for each."""
    hours, found = calendar_of(calendar), Counter[tuple[str, str]]()
    for start, end in pieces:
        for minute in range(start, end):
            if hours.is_open(at(minute)):
                found[waited_for([one for one in happenings if one[0] <= minute], before)] += 60
    return dict(found)


def waited_for(past: list[Any], before: dict[str, str]) -> tuple[str, str]:
    is_now = dict(before)
    is_now |= {field: new for _, _, field, _, new, _ in past if field}
    if is_now["status"] in ("waiting", "on-hold"):
        return "waiting", is_now["status"]
    if any(
        field == "status" and old == "resolved" and new != "resolved" and not undone
        for _, _, field, old, new, undone in past
    ):
        return "reopened", ""
    if not is_now["assignee"]:
        return ("team", is_now["team"]) if is_now["team"] else ("assignment", "")
    return ("handover" if untouched_since_hand_over(past) else "agent"), ""


def untouched_since_hand_over(past: list[Any]) -> bool:
    """Whether after the last hand-over nothing was done by the one who had the ticket then."""
    holder, last, waiting = "", "", False
    for _, actor, field, old, new, _ in past:
        if field == "team" and old and new:
            waiting = True
        if field == "assignee":
            holder = new
            if new:
                waiting, last = waiting or last not in ("", new), new
        if actor == holder:
            waiting = False
    return waiting
