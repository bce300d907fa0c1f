"""When steps come: once or again and again, in open time, on clocks that run, stand still and go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.sla.calendar import Calendar
from tkt.sla.policy import Policy, read_policy
from tkt.sla.steps import Fired, coming, due, next_check

DUE = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday; the office is open on weekdays from 9 to 17, in UTC."""

OFFICE = Calendar.from_definition(
    "office", {"timezone": "UTC", "hours": {day: ["09:00-17:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
)
ALWAYS = Calendar.always()


class ClockOfTests:
    """A clock of 4 h that runs, due at DUE."""

    metric = "resolution"
    state = "running"
    target_seconds = 4 * 3600
    carried_seconds = used_seconds = 0
    running_since: datetime | None = DUE - timedelta(hours=4)
    due_at: datetime | None = DUE
    breached_at: datetime | None = None
    by_change = False


def clock(**facts: Any) -> ClockOfTests:
    made = ClockOfTests()
    for name, value in facts.items():
        setattr(made, name, value)
    return made


def policy(**step: Any) -> Policy:
    table = {"metric": "resolution", "do": ["notify:assignee"]} | step
    return read_policy(1, "p", {"targets": {"default": {"resolution": "4h"}}, "steps": [table]})


def at(**hours: float) -> datetime:
    return DUE + timedelta(**hours)


NAG = policy(at="+0m", every="2h")


def told(calendar: Calendar, of: Policy, fired: Fired, now: datetime, **facts: Any) -> list[tuple[datetime, int, int]]:
    return [(one.at, one.n, one.missed) for one in due(clock(**facts), calendar, of, fired, now)]


def test_a_step_that_repeats_comes_every_so_much_open_time() -> None:
    fired: dict[str, dict[int, datetime]] = {"+0m every 2h": {}}
    moments = []
    for n in range(1, 6):
        [one] = coming(clock(), OFFICE, NAG, fired)
        assert (one.n, one.missed) == (n, 0)
        moments.append(one.at)
        fired["+0m every 2h"][n] = one.at
    tuesday = DUE.replace(day=3)
    assert moments == [DUE, at(hours=2), at(hours=4), tuesday.replace(hour=10), tuesday]


def test_nothing_comes_twice_or_early() -> None:
    assert told(ALWAYS, NAG, {}, at(seconds=-1)) == []
    assert told(ALWAYS, NAG, {}, DUE) == [(DUE, 1, 0)]
    assert told(ALWAYS, NAG, {"+0m every 2h": {1: DUE}}, at(hours=1, minutes=59)) == []


def test_what_was_missed_is_one_firing_that_says_how_many() -> None:
    assert told(ALWAYS, NAG, {}, at(hours=100)) == [(at(hours=100), 51, 50)]
    assert told(ALWAYS, NAG, {"+0m every 2h": {1: DUE}}, at(hours=9)) == [(at(hours=8), 5, 3)]


def test_several_steps_come_in_the_order_of_their_moments() -> None:
    table = [
        {"metric": "resolution", "at": "+1h", "do": ["tag:+b"]},
        {"metric": "resolution", "at": "-1h", "every": "30m", "until": "+0m", "do": ["tag:+a"]},
        {"metric": "first_response", "at": "+0m", "do": ["tag:+c"]},
    ]
    both = read_policy(1, "p", {"targets": {"default": {"resolution": "4h"}}, "steps": table})
    assert told(ALWAYS, both, {}, at(hours=5)) == [(DUE, 3, 2), (at(hours=1), 1, 0)]


@pytest.mark.parametrize(
    ("limits", "times"),
    [({"times": 3}, 3), ({"until": "+4h"}, 3), ({"until": "+5h59m"}, 3), ({"until": "+8h", "times": 2}, 2)],
)
def test_it_comes_to_an_end(limits: dict[str, Any], times: int) -> None:
    ends = policy(at="+0m", every="2h", **limits)
    [last] = due(clock(), ALWAYS, ends, {}, at(days=9))
    assert (last.n, last.at) == (times, at(hours=2 * times - 2))
    assert coming(clock(), ALWAYS, ends, {last.step.key: {last.n: last.at}}) == []
    assert next_check(clock(state="breached"), ALWAYS, ends, {last.step.key: {last.n: last.at}}) is None


def test_a_clock_that_stands_still_has_no_steps() -> None:
    assert coming(clock(running_since=None, due_at=None), ALWAYS, NAG) == []


def test_pauses_after_the_breach_move_what_is_to_come() -> None:
    """Broken at DUE, paused an hour later for ten hours: the second time comes an hour after the resumption."""
    facts = {"state": "breached", "breached_at": DUE, "used_seconds": 5 * 3600, "running_since": at(hours=11)}
    fired = {"+0m every 2h": {1: DUE}}
    [one] = coming(clock(**facts), ALWAYS, NAG, fired)
    assert (one.n, one.at) == (2, at(hours=12))


def test_a_clock_broken_by_a_change_counts_its_repeats_from_its_last_start() -> None:
    start = at(hours=40)
    facts = {"state": "breached", "breached_at": DUE, "by_change": True, "running_since": start}
    fired = {"+0m every 2h": {1: DUE, 2: at(hours=2), 7: at(hours=12)}}
    for n in (8, 9):
        [one] = coming(clock(**facts), ALWAYS, NAG, fired)
        assert (one.n, one.at) == (n, start + timedelta(hours=2 * (n - 7)))
        fired["+0m every 2h"][n] = one.at


def test_another_interval_is_another_step() -> None:
    assert {policy(at="+0m", every=every).steps[0].key for every in ("1h", "60m")} == {"+0m every 1h"}
    assert policy(at="+0m").steps[0].key == "+0m"


@given(
    st.sampled_from([ALWAYS, OFFICE]),
    st.integers(-20_000, 20_000),
    st.integers(60, 40_000),
    st.lists(st.integers(1, 500_000), min_size=1, max_size=12),
)
def test_however_seldom_somebody_looks_every_time_is_told_or_counted(
    calendar: Calendar, offset: int, every: int, waits: list[int]
) -> None:
    """What fires and what is said to be missed are together the times that have come: none twice, none left out."""
    sign = "-" if offset < 0 else "+"
    nag = policy(at=f"{sign}{abs(offset)}s", every=f"{every}s")
    key, now, known, counted = nag.steps[0].key, DUE - timedelta(days=3), dict[int, datetime](), 0
    for wait in waits:
        now += timedelta(seconds=wait)
        for one in due(clock(), calendar, nag, {key: known}, now):
            assert one.at <= now and one.n not in known
            assert one.at == calendar.add(DUE, offset + (one.n - 1) * every)
            known[one.n] = one.at
            counted += 1 + one.missed
        assert counted == max(known, default=0)
        [following] = coming(clock(), calendar, nag, {key: known})
        assert following.at > now and following.n == counted + 1
