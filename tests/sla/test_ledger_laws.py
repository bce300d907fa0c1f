"""Random stories: both engines keep the same ledger, and a slow model that knows no ledger agrees with it.

The model keeps, for each promise, from when to when it ran and under which calendar, and finds every deadline by
halving time until what was used reaches the target: nothing of the ledger's arithmetic (what was left, `add`) is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tkt.sla.calendar import Calendar
from tkt.sla.policy import Policy, read_policy
from tkt.store.constants import PRIORITY_NAMES
from tkt.store.engine import Store
from tkt.store.tables import Ticket

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FAR = timedelta(days=400)
DONE = ("resolved", "closed")

gaps = st.integers(1, 40 * 3600) | st.sampled_from([1, 900, 3600, 4 * 3600, 8 * 3600])
actions = st.one_of(
    st.sampled_from([("inbound",), ("reply", ""), ("reply", "waiting"), ("reply", "resolved"), ("check",)]),
    st.tuples(st.just("status"), st.sampled_from(["open", "waiting", "on-hold", "resolved", "closed"])),
    st.tuples(st.just("priority"), st.sampled_from(["low", "high", "urgent"])),
    st.tuples(st.just("category"), st.sampled_from(["", "vip", "free"])),
    st.tuples(st.just("team"), st.sampled_from(["shop", "none"])),
    st.tuples(st.just("blunder"), st.sampled_from(["open", "waiting", "resolved", "closed"])),
    st.just(("withdraw",)),
)
stories = st.lists(st.tuples(gaps, actions), max_size=14)


@pytest.fixture
def engines(sqlite_location: Any, postgres_location: Any, desk_at: Any) -> Iterator[tuple[Any, Any]]:
    stores = Store(sqlite_location), Store(postgres_location)
    yield desk_at(stores[0]), desk_at(stores[1])
    for store in stores:
        store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stories, st.sampled_from(["", "vip", "free"]), st.sampled_from(["normal", "urgent"]))
def test_every_story_leaves_the_same_ledger_on_both_engines_and_in_the_model(
    engines: tuple[Any, Any], policies: Any, story: list[Any], category: str, priority: str
) -> None:
    model = Model(policies)
    ledgers = []
    for desk in engines:
        desk.create(START, category=category, priority=priority)
        states = tell(desk, story)
        ledgers.append(desk.ledger())
        if desk is engines[0]:
            model.live(states)
            assert promises(desk) == model.promises()
    assert ledgers[0] == ledgers[1]


State = tuple[datetime, tuple[Any, ...], Ticket]


def tell(desk: Any, story: list[Any]) -> list[State]:
    """Let it happen; the ticket after each moment."""
    at, answered = START, []
    states: list[State] = [(START, ("create",), desk.ticket())]
    for gap, action in story:
        at += timedelta(seconds=gap)
        before = desk.ticket()
        match action:
            case ("inbound",):
                desk.inbound(at)
            case ("reply", status):
                answered.append((before.first_response_at is None, before.unanswered_since))
                desk.reply(at, status)
            case ("check",):
                desk.check(at)
            case ("status" | "blunder", before.status):
                continue  # nothing has happened
            case ("status", status):
                desk.status(at, status)
            case ("blunder", status):  # and taken back two minutes later
                desk.status(at, status)
                states.append((at, ("status", status), desk.ticket()))
                at, action = at + timedelta(seconds=120), ("undo",)
                desk.undo(at, before)
            case ("withdraw",):
                if not answered or before.status_kind in DONE:
                    continue
                first, since = answered.pop()
                desk.withdraw(at, first, since)
            case (name, value):
                desk.set(at, **{name: value})
        states.append((at, action, desk.ticket()))
    return states


def promises(desk: Any) -> list[dict[str, Any]]:
    """The clocks as the model tells them."""
    return sorted(
        (
            {
                "metric": clock.metric, "cycle": clock.cycle, "state": clock.state, "carried": clock.carried_seconds,
                "started": clock.started_at, "target": clock.target_seconds, "due": clock.due_at,
                "met": clock.met_at, "breached": clock.breached_at, "by change": clock.by_change,
                "cancelled": clock.cancelled_at, "used": clock.used_seconds,
            }
            for clock in desk.clocks()
        ),
        key=lambda one: (one["metric"], one["cycle"]),
    )  # fmt: skip


class Promise:
    """One promise: the stretches during which it ran, each with its calendar."""

    def __init__(self, metric: str, cycle: int, started: datetime, carried: int, target: int) -> None:
        self.metric, self.cycle, self.started = metric, cycle, started
        self.carried, self.target = carried, target
        self.stretches: list[tuple[datetime, datetime | None, Calendar]] = []
        self.policy: Policy | None = None
        self.calendar = Calendar.always()
        self.due: datetime | None = None
        self.met: datetime | None = None
        self.breached: datetime | None = None
        self.cancelled: datetime | None = None
        self.by_change = False

    @property
    def open(self) -> bool:
        return self.met is None and self.cancelled is None

    @property
    def running(self) -> bool:
        return bool(self.stretches) and self.stretches[-1][1] is None

    def used(self, at: datetime) -> int:
        """Open seconds up to a moment, of all stretches."""
        return sum(calendar.between(start, min(end or at, at)) for start, end, calendar in self.stretches)

    def left_at(self, at: datetime) -> int:
        return self.target - self.carried - self.used(at)

    def run(self, at: datetime) -> None:
        self.stretches.append((at, None, self.calendar))

    def stop(self, at: datetime) -> None:
        if self.running:
            start, _, calendar = self.stretches.pop()
            self.stretches.append((start, at, calendar))

    def runs_out(self) -> datetime:
        """The first second at which nothing is left, if it goes on running."""
        low, high = self.stretches[-1][0], self.stretches[-1][0] + FAR
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
            low, high = (low, middle) if self.left_at(middle) <= 0 else (middle, high)
        return high


class Model:
    """What should be true after a story, from the states the ticket went through."""

    def __init__(self, policies: list[dict[str, Any]]) -> None:
        office = {"timezone": "UTC", "hours": {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
        shop = {"timezone": "UTC", "hours": {day: ["08:00-12:00", "13:00-20:00"] for day in ("mon", "wed", "sat")}}
        self.calendars = {
            "office": Calendar.from_definition("office", office), "": Calendar.from_definition("shop", shop),
            "24x7": Calendar.always(),
        }  # fmt: skip
        self.policies = {table["name"]: read_policy(0, table["name"], table) for table in policies}
        self.all: list[Promise] = []
        self.past: list[tuple[datetime, Ticket]] = []

    def live(self, states: list[State]) -> None:
        for at, action, ticket in states:
            self.happen(at, action, ticket)
            self.past.append((at, ticket))

    def happen(self, at: datetime, action: tuple[Any, ...], ticket: Ticket) -> None:
        ended = {promise: self.fulfilled(promise.metric, action, ticket) for promise in self.all if promise.open}
        for promise, fulfilled in ended.items():
            self.notice_breach(promise, at - timedelta(seconds=1) if fulfilled else at)
            too_early = promise.metric == "next_response" and ticket.first_response_at is None
            if fulfilled or ticket.status_kind in DONE or too_early:
                promise.stop(at)
                promise.met, promise.cancelled = (at, None) if fulfilled else (None, at)
        for metric in self.wanted(ticket):
            self.hold(metric, at, action, ticket)

    def hold(self, metric: str, at: datetime, action: tuple[Any, ...], ticket: Ticket) -> None:
        policy, now = self.policy(ticket), None
        for promise in self.all:
            now = promise if promise.metric == metric and promise.open else now
        target = policy.target(PRIORITY_NAMES[ticket.priority], metric) if policy else None
        if now is None and target is not None and policy is not None and action != ("check",):
            now = self.begin(metric, at, action, ticket, policy, target)
        elif now is not None and action[0] in ("priority", "category", "team") and now.breached is None:
            if target is None or policy is None:
                now.stop(at)
                now.cancelled = at
            else:
                self.change(now, at, policy, target)
        if now is not None and now.open:
            self.pause(now, at, ticket)

    def begin(
        self, metric: str, at: datetime, action: tuple[Any, ...], ticket: Ticket, policy: Policy, target: int
    ) -> Promise | None:
        before = [promise for promise in self.all if promise.metric == metric]
        last = before[-1] if before else None
        waiting_since = ticket.unanswered_since if metric == "next_response" else START
        assert waiting_since is not None
        ended = (last.met or last.cancelled) if last else None
        again = ended is not None and (metric != "next_response" or action == ("withdraw",) or waiting_since < ended)
        taken_back = last is not None and last.met is not None and self.takes_back(metric, action)
        if last and again and last.breached and metric != "resolution" and not taken_back:
            return None  # nobody is late twice with one answer
        begun = Promise(metric, len(before) + 1, at, 0, target)
        begun.policy, begun.calendar = policy, self.calendars[policy.calendar]
        self.all.append(begun)
        if last is not None and again:
            begun.carried = last.carried + last.used(at)
            begun.run(at)
            if last.met is None or taken_back:
                begun.breached, begun.due, begun.by_change = last.breached, last.due, last.by_change
        elif self.past and self.past[-1][1].status_kind in DONE and metric != "next_response":
            begun.run(at)
        else:
            begun.started = waiting_since
            self.recall(begun, waiting_since, at)
        if begun.breached is None:
            begun.due = None
            if begun.left_at(at) <= 0:
                begun.breached, begun.due, begun.by_change = at, at, True
        return begun

    def takes_back(self, metric: str, action: tuple[Any, ...]) -> bool:
        """Whether this action takes back what ended the last promise."""
        if metric == "resolution":
            return action == ("undo",) and self.past[-1][1].status_kind in DONE
        return action == ("withdraw",)

    def recall(self, promise: Promise, since: datetime, at: datetime) -> None:
        """Run through the statuses the ticket has had since then."""
        assert promise.policy
        promise.run(since)
        for moment, ticket in self.past:
            still = promise.policy.pauses(promise.metric, ticket.status, ticket.status_kind)
            if still or ticket.status_kind in DONE:
                promise.stop(max(moment, since))
            elif not promise.running:
                promise.run(max(moment, since))
        promise.stop(at)
        promise.run(at)

    def change(self, promise: Promise, at: datetime, policy: Policy, target: int) -> None:
        running, same = promise.running, (promise.target, promise.calendar) == (target, self.calendars[policy.calendar])
        promise.policy = policy
        if same:
            return
        promise.stop(at)
        promise.policy, promise.target, promise.calendar = policy, target, self.calendars[policy.calendar]
        if promise.left_at(at) <= 0:
            promise.breached, promise.due, promise.by_change = at, at, True
        if running:
            promise.run(at)

    def pause(self, promise: Promise, at: datetime, ticket: Ticket) -> None:
        assert promise.policy
        still = promise.policy.pauses(promise.metric, ticket.status, ticket.status_kind)
        if still:
            promise.stop(at)
        elif not promise.running:
            promise.run(at)

    def notice_breach(self, promise: Promise, by: datetime) -> None:
        if promise.breached is None and promise.running and promise.left_at(by) <= 0:
            promise.breached = promise.due = promise.runs_out()

    def policy(self, ticket: Ticket) -> Policy | None:
        if ticket.category == "vip":
            return self.policies["vip"]
        if ticket.team_id:
            return self.policies["team"]
        return None if ticket.category == "free" else self.policies["standard"]

    @staticmethod
    def wanted(ticket: Ticket) -> list[str]:
        if ticket.status_kind in DONE:
            return []
        if ticket.first_response_at is None:
            return ["first_response", "resolution"]
        return ["next_response", "resolution"] if ticket.unanswered_since else ["resolution"]

    @staticmethod
    def fulfilled(metric: str, action: tuple[Any, ...], ticket: Ticket) -> bool:
        if metric == "resolution":
            return ticket.status_kind in DONE and action != ("undo",)
        if metric == "next_response" and ticket.first_response_at is None:
            return False
        if ticket.status_kind in DONE and action[0] != "reply":
            return False
        return (ticket.unanswered_since if metric == "next_response" else not ticket.first_response_at) in (None, False)

    def promises(self) -> list[dict[str, Any]]:
        return sorted(map(self.told, self.all), key=lambda one: (one["metric"], one["cycle"]))

    def told(self, promise: Promise) -> dict[str, Any]:
        due, state = promise.due, "running" if promise.running else "paused"
        if promise.breached:
            state = "breached"
        elif promise.cancelled:
            state = "cancelled"
        elif promise.met:
            state = "met"
        if due is None and state in ("running", "met") and promise.stretches:
            due = self.deadline(promise)
        finished = [(start, end, calendar) for start, end, calendar in promise.stretches if end]
        return {
            "metric": promise.metric, "cycle": promise.cycle, "state": state, "carried": promise.carried,
            "started": promise.started, "target": promise.target, "due": due, "met": promise.met,
            "breached": promise.breached, "by change": promise.by_change, "cancelled": promise.cancelled,
            "used": sum(calendar.between(start, end) for start, end, calendar in finished),
        }  # fmt: skip

    def deadline(self, promise: Promise) -> datetime | None:
        """When it would have been due; a promise kept while it stood still had no deadline."""
        start, end, calendar = promise.stretches.pop()
        promise.stretches.append((start, None, calendar))
        found = promise.runs_out()
        promise.stretches[-1] = (start, end, calendar)
        return found if end is None or end == promise.met else None
