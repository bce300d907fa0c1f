"""A clock is a function of the event log: random stories through the desk's own verbs, on both engines.

After each story the two engines hold the same ledger, and recomputing it from the history finds no difference. On the
way the ledger's laws hold: what was used is the sum of the running spans, what was decided never changes, a clock that
stands still loses nothing, at most one clock of a metric counts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tkt.config.schema import read
from tkt.config.simulated import era_of
from tkt.sla.replaying import rebuild, simulate_run
from tkt.sla.replaying.simulate import Period
from tkt.store.engine import Store

CONFIGS = 6

gaps = st.sampled_from([0, 0, 1, 60, 900, 3600, 5 * 3600, 20 * 3600, 3 * 86400]) | st.integers(-5, 40 * 3600)
words = st.sampled_from
often = st.one_of(
    st.tuples(st.just("receive"), words(["", "", "auto-reply: out of office"])),
    st.tuples(st.just("reply"), words(["", "", "waiting", "on-hold", "vendor", "resolved", "closed"])),
    st.tuples(st.just("status"), words(["open", "waiting", "on-hold", "vendor", "testing", "resolved", "closed"])),
    st.tuples(words(["undo", "undo", "redo", "check"])),
)
fields = words(
    [
        *("priority=urgent", "priority=low", "priority=high", "team=shop", "team=none", "category=free"),
        *("category=mail", "type=incident", "type=", "field.site=hq", "field.site=", "assignee=bob"),
        *("due=2026-03-10", "due=none", "subject=boiler"),
    ]
)
seldom = st.one_of(
    st.tuples(st.just("set"), fields),
    st.tuples(st.just("tag"), words(["+vip", "-vip", "+spam", "-spam"])),
    st.tuples(words(["note", "robot", "snooze", "spam", "ham", "merge", "split"])),
    st.tuples(st.just("join"), words([2, 2, 3])),
    st.tuples(st.just("other"), words(["receive", "receive", "reply", "waiting", "resolved"])),
    st.tuples(st.just("customer"), words(["tier=gold", "tier=none", "company=Acme Ltd", "company=none", "sla=vip"])),
    st.tuples(st.just("customer"), words(["sla=shop", "sla=none", "name=Anna"])),
    st.tuples(st.just("company"), words(["tier=gold", "tier=", "sla=standard", "sla="])),
    st.tuples(st.just("apply"), st.integers(0, CONFIGS - 1)),
)
acts = st.booleans().flatmap(lambda usual: often if usual else seldom)
openings = st.sampled_from(["mail", "mail", "outage", "agent", "bare", "machine", "bounce"])
stories = st.tuples(openings, st.lists(st.tuples(gaps, acts), min_size=1, max_size=14))


def assert_simulating_the_same_changes_nothing(store: Store, numbers: list[int], text: str, now: datetime) -> None:
    with store.reading() as session:
        era = era_of(session, read(text))
    period = Period(now - timedelta(days=400), now + timedelta(seconds=10), now)
    found = simulate_run.run(store.location, numbers, era, period)
    assert not found.flips and not found.left_out
    old, new = ({key: vars(figures) for key, figures in side.items()} for side in (found.old, found.new))
    assert old == new


@settings(max_examples=25, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(stories)
def test_the_history_makes_the_same_ledger_again(made: Any, told: Any, configs: list[str], story: Any) -> None:
    opening, acts_of_story = story
    ledgers = []
    for store in made():
        one = told(store)
        one.begin(opening)
        for gap, act in acts_of_story:
            one.act(gap, act)
        ledgers.append(one.told())
        found = rebuild.check(store, one.numbers())
        assert not found.differences, found.differences
        assert not found.unknown, found.unknown
        if all(act[0] != "apply" for _, act in acts_of_story):
            assert_simulating_the_same_changes_nothing(store, one.numbers(), configs[0], one.at)
        store.close()
    assert ledgers[0] == ledgers[1]
