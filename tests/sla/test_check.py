"""What the check finds: what is due and nothing else, each thing once, missed ones late but in order."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from tkt.store.tables import Clock


def test_nothing_is_due_before_its_moment(desk: Any) -> None:
    desk.create(category="vip")
    assert desk.check(desk.at(0, seconds=49 * 60)) == []
    (reminder,) = desk.check(desk.at(0, seconds=50 * 60))
    assert (reminder.step.key, reminder.at) == ("-10m", desk.at(0, seconds=50 * 60))
    assert desk.check(desk.at(0, seconds=50 * 60)) == []


def test_at_the_deadline_the_promise_is_broken_and_the_step_fires(desk: Any) -> None:
    desk.create(category="vip")
    desk.check(desk.at(0.9))
    broken, escalation = desk.check(desk.at(1))
    assert (broken.step, broken.at, escalation.step.key) == (None, desk.at(1), "+0m")
    assert desk.clock("first_response").breached_at == desk.at(1)
    assert desk.check(desk.at(1.5)) == []


def test_what_was_missed_fires_once_and_in_order(desk: Any) -> None:
    desk.create(category="vip")
    found = desk.check(desk.at(30))
    told = [(one.metric, one.step.key if one.step else "breached", one.at) for one in found]
    assert told == [
        ("first_response", "-10m", desk.at(0, seconds=50 * 60)),
        ("first_response", "breached", desk.at(1)),
        ("first_response", "+0m", desk.at(1)),
        ("resolution", "breached", desk.at(8)),
        ("resolution", "+0m", desk.at(8)),
        ("resolution", "+2h", desk.at(10)),
    ]
    assert desk.check(desk.at(31)) == []


def test_a_paused_clock_has_no_steps_and_counts_on_when_it_runs_again(desk: Any) -> None:
    desk.create(category="vip")
    desk.reply(desk.at(0.1))
    desk.check(desk.at(8))
    desk.status(desk.at(9), "on-hold")
    assert desk.check(desk.at(20)) == []
    desk.status(desk.at(20), "open")
    assert desk.check(desk.at(20.9)) == []
    (last,) = desk.check(desk.at(21))  # one of two hours had passed before the pause
    assert (last.step.key, last.at) == ("+2h", desk.at(21))


def test_a_step_never_fires_again_when_the_deadline_moves(desk: Any) -> None:
    desk.create(category="vip")
    desk.check(desk.at(0.9))
    desk.set(desk.at(0.95), category="")
    desk.set(desk.at(0.96), category="vip")
    assert [one.step.key for one in desk.check(desk.at(0.97)) if one.step] == []
    assert [step.step for step in desk.steps()] == ["-10m"]


def test_a_promise_that_was_kept_is_not_escalated(desk: Any) -> None:
    desk.create(category="vip")
    desk.reply(desk.at(1.5))  # late; no check has run
    assert [one.metric for one in desk.check(desk.at(2))] == []


def test_the_search_for_what_is_due_walks_the_index_of_what_is_open(desk: Any) -> None:
    desk.create()
    with desk.store.transaction() as session:
        plan = session.connection().execute(
            text("EXPLAIN QUERY PLAN SELECT id, ticket FROM clock WHERE next_check_at <= 5 ORDER BY next_check_at, id")
        )
        assert any("ix_clock_next_check" in str(row) for row in plan)
        assert session.get_one(Clock, 1).next_check_at is not None


def test_what_a_change_costs_in_statements(desk: Any, listen: Any) -> None:
    heard = listen(desk.store)

    def counted() -> list[str]:
        about_clocks = [" ".join(sql.split()[:3]) for sql in heard if "clock" in sql]
        heard.clear()
        return about_clocks

    desk.create()
    assert counted() == ["INSERT INTO clock", "INSERT INTO clock_span"]
    desk.touch(desk.at(0.5), assignee=(None, "bob"))
    assert counted() == []
    desk.set(desk.at(1), subject="other")
    assert [sql.split()[0] for sql in counted()] == ["SELECT"]
    desk.reply(desk.at(2), status="waiting")
    assert [sql.split()[0] for sql in counted()] == ["SELECT", "INSERT", "UPDATE", "UPDATE", "UPDATE"]
