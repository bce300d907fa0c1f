"""The ledger's transitions, one by one: what each change of a ticket does to its promises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

H = 3600


def test_a_new_ticket_gets_a_clock_for_its_first_response_and_its_resolution(desk: Any) -> None:
    desk.create(desk.at(0))
    first, resolution = desk.clocks()
    assert (first.metric, first.state, first.due_at) == ("first_response", "running", desk.at(4))
    assert (resolution.metric, resolution.due_at) == ("resolution", desk.at(2 * 24 + 8))  # three days of 8 h
    assert desk.ticket().due_at == desk.at(4)
    assert [(span.state, span.started_at, span.cause) for span in desk.spans("resolution")] == [
        ("running", desk.at(0), "created")
    ]


def test_a_machines_ticket_has_no_clocks_until_a_customer_writes(desk: Any) -> None:
    desk.create(desk.at(0), machine=True)
    desk.set(desk.at(1), priority="high")
    assert desk.clocks() == [] and desk.ticket().due_at is None
    desk.inbound(desk.at(2))
    assert [(clock.metric, clock.started_at) for clock in desk.clocks()] == [
        ("first_response", desk.at(2)), ("resolution", desk.at(2)),
    ]  # fmt: skip


def test_where_nothing_is_promised_there_is_no_clock(desk: Any) -> None:
    desk.create(category="free")
    desk.reply(desk.at(1))
    assert desk.clocks() == []


def test_what_a_priority_leaves_out_is_promised_by_default(desk: Any) -> None:
    desk.create(priority="urgent")
    assert desk.clock("first_response").target_seconds == H
    desk.reply(desk.at(0.5))
    desk.inbound(desk.at(1))
    assert desk.clock("next_response").target_seconds == 8 * H


def test_the_team_lends_its_calendar_to_a_policy_without_one(desk: Any) -> None:
    desk.create(team="shop")  # Monday 8-12 and 13-20, Wednesday, Saturday
    assert [clock.metric for clock in desk.clocks()] == ["resolution"]
    assert desk.clock("resolution").due_at == desk.at(11)  # exactly all that is left of Monday


def test_the_first_public_answer_meets_the_first_response(desk: Any) -> None:
    desk.create()
    assert desk.reply(desk.at(1)) == []
    clock = desk.clock("first_response")
    assert (clock.state, clock.met_at, clock.used_seconds) == ("met", desk.at(1), H)
    assert (clock.due_at, clock.next_check_at) == (desk.at(4), None)
    assert desk.ticket().due_at == desk.at(56)


def test_an_answer_at_the_very_deadline_is_in_time(desk: Any) -> None:
    desk.create()
    desk.reply(desk.at(4))
    assert (desk.clock("first_response").state, desk.ticket().breached) == ("met", False)


def test_a_late_answer_finds_the_breach_that_no_check_has_seen(desk: Any) -> None:
    desk.create()
    (breach,) = desk.reply(desk.at(4, seconds=1))
    assert (breach.metric, breach.at, breach.by_change) == ("first_response", desk.at(4), False)
    clock = desk.clock("first_response")
    assert (clock.state, clock.breached_at, clock.met_at) == ("breached", desk.at(4), desk.at(4, seconds=1))
    assert desk.ticket().breached


def test_the_next_response_runs_from_the_oldest_unanswered_message(desk: Any) -> None:
    desk.create()
    desk.inbound(desk.at(0.5))  # before the first response: no promise of its own
    assert desk.clocks("next_response") == []
    desk.reply(desk.at(1))
    desk.inbound(desk.at(2))
    desk.inbound(desk.at(3))
    clock = desk.clock("next_response")
    assert (clock.cycle, clock.started_at, clock.due_at) == (1, desk.at(2), desk.at(24 + 2))
    desk.reply(desk.at(4))
    desk.inbound(desk.at(5))
    first, second = desk.clocks("next_response")
    assert (first.state, second.cycle, second.carried_seconds, second.started_at) == ("met", 2, 0, desk.at(5))


def test_waiting_stops_the_resolution_and_what_was_left_goes_on(desk: Any) -> None:
    desk.create()
    desk.reply(desk.at(2), status="waiting")
    clock = desk.clock("resolution")
    assert (clock.state, clock.due_at, clock.used_seconds) == ("paused", None, 2 * H)
    assert desk.ticket().due_at is None
    desk.inbound(desk.at(24 + 7))
    clock = desk.clock("resolution")
    assert (clock.state, clock.running_since) == ("running", desk.at(31))
    assert clock.due_at == desk.at(4 * 24 + 5)  # 22 of 24 hours left from Tuesday 16:00: Friday 14:00
    assert [(span.state, span.seconds) for span in desk.spans("resolution")] == [
        ("running", 2 * H), ("paused", 13 * H), ("running", 0),
    ]  # fmt: skip


def test_a_first_response_pauses_only_where_the_policy_says_so(desk: Any) -> None:
    desk.create()
    desk.status(desk.at(1), "waiting")
    assert desk.clock("first_response").state == "running"
    desk.create(team="shop", priority="high")
    desk.status(desk.at(1), "waiting")
    assert desk.clock("first_response").state == "paused"


def test_a_pause_may_name_one_status_of_a_kind(desk: Any) -> None:
    desk.create(category="vip")
    desk.reply(desk.at(0.5))
    desk.status(desk.at(1), "waiting")
    assert desk.clock("resolution").state == "running"
    desk.status(desk.at(2), "on-hold")
    assert desk.clock("resolution").state == "paused"


def test_a_higher_priority_leaves_its_target_less_what_was_used(desk: Any) -> None:
    desk.create()
    desk.set(desk.at(2), priority="urgent")
    clock = desk.clock("resolution")
    assert (clock.target_seconds, clock.used_seconds, clock.due_at) == (4 * H, 2 * H, desk.at(4))
    assert [span.cause for span in desk.spans("resolution")] == ["created", "priority old → urgent (test)"]


def test_a_change_that_leaves_nothing_is_itself_the_breach(desk: Any) -> None:
    desk.create()
    (breach,) = desk.set(desk.at(2), priority="urgent")  # first response: 1 h, 2 h are gone
    assert (breach.metric, breach.by_change, breach.at) == ("first_response", True, desk.at(2))
    clock = desk.clock("first_response")
    assert (clock.state, clock.due_at, clock.by_change) == ("breached", desk.at(2), True)
    assert clock.reason == "priority old → urgent (test)"


def test_another_policy_and_calendar_count_what_was_used_under_the_old_one(desk: Any) -> None:
    desk.create(desk.at(7))  # one hour before the office closes
    desk.set(desk.at(24 + 1), category="vip")  # 24x7 from Tuesday 10:00; 2 h of the office day are used
    clock = desk.clock("resolution")
    assert (clock.calendar_id, clock.used_seconds, clock.due_at) == (None, 2 * H, desk.at(25 + 6))


def test_assigning_changes_nothing(desk: Any) -> None:
    desk.create()
    before = desk.ledger()
    desk.touch(desk.at(1), assignee=(None, "alice"))
    assert desk.ledger() == before


def test_a_breached_clock_keeps_its_terms(desk: Any) -> None:
    desk.create()
    desk.check(desk.at(5))
    before = desk.clock("first_response")
    desk.set(desk.at(6), priority="urgent", category="vip")
    after = desk.clock("first_response")
    assert (after.due_at, after.target_seconds, after.policy_id) == (
        before.due_at, before.target_seconds, before.policy_id,
    )  # fmt: skip


def test_reopening_is_the_next_cycle_with_the_time_already_used(desk: Any) -> None:
    desk.create()
    desk.reply(desk.at(6), status="resolved")
    assert desk.clock("resolution").state == "met"
    desk.inbound(desk.at(24))
    first, second = desk.clocks("resolution")
    assert (first.state, second.cycle, second.carried_seconds) == ("met", 2, 6 * H)
    assert second.due_at == desk.at(24 + 2 * 24 + 2)  # 18 h from Tuesday 9:00
    desk.status(desk.at(25), "closed")
    desk.status(desk.at(26), "open")
    assert [clock.carried_seconds for clock in desk.clocks("resolution")] == [0, 6 * H, 7 * H]


def test_reopening_with_no_time_left_is_a_breach_by_change(desk: Any) -> None:
    desk.create(priority="urgent")
    desk.reply(desk.at(0.5))
    desk.status(desk.at(5), "resolved")
    (breach,) = desk.status(desk.at(6), "open")
    assert (breach.metric, breach.by_change) == ("resolution", True)


def test_closing_without_an_answer_ends_the_wait_for_one(desk: Any) -> None:
    desk.create()
    desk.status(desk.at(1), "closed")
    clock = desk.clock("first_response")
    assert (clock.state, clock.reason, clock.due_at) == ("cancelled", "closed without an answer", None)
    assert desk.ticket().due_at is None
    desk.inbound(desk.at(2))
    again = desk.clock("first_response")
    assert (again.cycle, again.carried_seconds, again.state) == (2, H, "running")


def test_an_answer_taken_back_is_promised_again_with_the_time_used(desk: Any) -> None:
    desk.create()
    desk.reply(desk.at(1))
    desk.withdraw(desk.at(1, seconds=20), first=True, unanswered_since=None)
    first, second = desk.clocks("first_response")
    assert (first.state, first.reason) == ("met", "withdrawn")
    assert (second.cycle, second.carried_seconds, second.due_at) == (2, H, desk.at(4, seconds=20))


def test_a_later_answer_taken_back_goes_on_from_the_same_message(desk: Any) -> None:
    desk.create()
    desk.reply(desk.at(1))
    desk.inbound(desk.at(2))
    desk.reply(desk.at(3))
    desk.withdraw(desk.at(3, seconds=20), first=False, unanswered_since=desk.at(2))
    first, second = desk.clocks("next_response")
    assert (first.reason, second.cycle, second.carried_seconds) == ("withdrawn", 2, H)


def test_a_first_answer_taken_back_ends_the_wait_for_a_next_one(desk: Any) -> None:
    desk.create()
    desk.reply(desk.at(1))
    desk.inbound(desk.at(2))
    desk.withdraw(desk.at(3), first=True, unanswered_since=desk.at(2))
    assert [(clock.metric, clock.cycle, clock.state) for clock in desk.clocks()] == [
        ("first_response", 1, "met"), ("resolution", 1, "running"), ("next_response", 1, "cancelled"),
        ("first_response", 2, "running"),
    ]  # fmt: skip


def test_a_resolving_taken_back_is_no_kept_promise(desk: Any) -> None:
    desk.create()
    desk.reply(desk.at(1))
    for hour in (2, 3, 4):
        before = desk.ticket()
        desk.status(desk.at(hour), "resolved")
        desk.undo(desk.at(hour, seconds=60), before)
    assert [(clock.state, clock.reason) for clock in desk.clocks("resolution")] == [
        ("met", "withdrawn"), ("met", "withdrawn"), ("met", "withdrawn"), ("running", ""),
    ]  # fmt: skip
    assert desk.clock("resolution").carried_seconds == 4 * H - 2 * 60
    desk.status(desk.at(5), "resolved")
    assert (desk.clock("resolution").state, desk.clock("resolution").reason) == ("met", "")


def test_a_reopening_taken_back_is_no_second_kept_promise(desk: Any) -> None:
    desk.create()
    desk.reply(desk.at(1), status="resolved")
    before = desk.ticket()
    desk.status(desk.at(2), "open")
    desk.undo(desk.at(2, seconds=60), before)
    assert [(clock.state, clock.reason) for clock in desk.clocks("resolution")] == [
        ("met", ""), ("cancelled", "its beginning was taken back"),
    ]  # fmt: skip


def test_taking_a_late_resolving_back_leaves_one_breach_and_fires_nothing_again(desk: Any) -> None:
    desk.create(category="vip")
    desk.reply(desk.at(0.1))
    assert len(desk.check(desk.at(11))) == 3  # broken at 8 h, its steps at +0m and +2h
    before = desk.ticket()
    desk.status(desk.at(12), "resolved")
    assert desk.undo(desk.at(12, seconds=60), before) == []
    first, second = desk.clocks("resolution")
    assert (first.state, first.reason) == ("breached", "withdrawn")
    assert (second.state, second.breached_at, second.due_at, second.by_change) == (
        "breached", desk.at(8), desk.at(8), False,
    )  # fmt: skip
    assert desk.check(desk.at(20)) == []


def test_reopening_a_ticket_whose_first_answer_was_late_begins_no_second_wait_for_it(desk: Any) -> None:
    desk.create(category="vip")
    assert [one.step.key for one in desk.check(desk.at(2)) if one.step] == ["-10m", "+0m"]
    desk.status(desk.at(3), "resolved")
    assert desk.status(desk.at(4), "open") == []
    desk.set(desk.at(4.5), priority="high")
    assert [(clock.metric, clock.cycle, clock.state) for clock in desk.clocks()] == [
        ("first_response", 1, "breached"), ("resolution", 1, "met"), ("resolution", 2, "running"),
    ]  # fmt: skip
    assert desk.check(desk.at(6)) == []


def test_reminders_of_a_wait_that_goes_on_after_reopening_are_not_repeated(desk: Any) -> None:
    desk.create(category="vip")
    assert len(desk.check(desk.at(0.9))) == 1
    desk.status(desk.at(0.95), "closed")
    desk.status(desk.at(3), "open")
    assert desk.check(desk.at(3.01)) == []
    assert [one.step and one.step.key for one in desk.check(desk.at(3.1))] == [None, "+0m"]


def test_merging_ends_every_wait(desk: Any) -> None:
    target = desk.create()
    desk.create()
    desk.merge(desk.at(1), into=target)
    assert {(clock.state, clock.reason) for clock in desk.clocks()} == {("cancelled", f"merged into #{target}")}


def test_a_promise_made_later_runs_from_creation_without_the_time_waited(desk: Any) -> None:
    desk.create(category="free")
    desk.status(desk.at(1), "waiting")
    desk.status(desk.at(3), "open")
    desk.set(desk.at(5), category="hardware")
    clock = desk.clock("resolution")
    assert (clock.started_at, clock.used_seconds, clock.running_since) == (desk.at(0), 3 * H, desk.at(5))
    assert [(span.state, span.seconds) for span in desk.spans("resolution")] == [
        ("running", H), ("paused", 2 * H), ("running", 2 * H), ("running", 0),
    ]  # fmt: skip
    assert desk.clock("first_response").by_change  # five hours used of four


def test_a_promise_that_ends_is_cancelled_and_carried_when_it_comes_back(desk: Any) -> None:
    desk.create()
    desk.set(desk.at(1), category="free")
    assert desk.clock("resolution").reason.startswith("nothing is promised any more")
    desk.set(desk.at(3), category="")
    assert (desk.clock("resolution").cycle, desk.clock("resolution").carried_seconds) == (2, H)


def test_the_deadline_set_by_hand_counts_too(desk: Any) -> None:
    desk.create()
    desk.set(desk.at(1), due=desk.at(2))
    assert desk.ticket().due_at == desk.at(2)
    desk.set(desk.at(1), due=None)
    assert desk.ticket().due_at == desk.at(4)


def test_a_new_version_of_the_calendar_moves_the_deadline(desk: Any) -> None:
    desk.create()
    body = {"timezone": "UTC", "hours": {day: ["09:00-11:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
    desk.redefine("calendar", "office", body, desk.at(1))
    assert desk.clock("first_response").due_at == desk.at(24 + 2)  # 3 h left: Monday 10-11, Tuesday 9-11
    assert desk.spans("first_response")[-1].cause == "configuration (configuration 2)"


def test_a_new_version_of_the_policy_with_the_same_promise_moves_nothing(desk: Any) -> None:
    desk.create(desk.at(0, seconds=0.4))
    before = desk.clock("first_response")
    body = {
        "match": "NOT category:free", "calendar": "office",
        "targets": {"default": {"first_response": "4h", "resolution": "24h"}},
        "steps": [{"metric": "first_response", "at": "-1h", "do": ["notify:assignee"]}],
    }  # fmt: skip
    desk.redefine("sla", "standard", body, desk.at(1, seconds=0.7))
    after = desk.clock("first_response")
    assert (after.due_at, len(desk.spans("first_response"))) == (before.due_at, 1)
    assert after.policy_id != before.policy_id and after.next_check_at == desk.at(3, seconds=0.4)


def test_pausing_with_little_left_never_breaks_a_promise(desk: Any) -> None:
    desk.create(priority="urgent")
    desk.reply(desk.at(0.1))
    desk.status(desk.at(3, seconds=3599.5), "waiting")
    desk.status(desk.at(24), "open")
    clock = desk.clock("resolution")
    assert (clock.state, clock.due_at) == ("running", desk.at(24, seconds=1))


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_ticket_that_is_born_done_promises_nothing(desk: Any, status: str) -> None:
    desk.create(status=status)
    assert desk.clocks() == []


def test_moments_before_the_last_one_do_no_harm(desk: Any) -> None:
    desk.create(datetime(2026, 3, 2, 10, tzinfo=UTC))
    desk.status(desk.at(0.5), "waiting")  # another host's clock is half an hour behind
    (only,) = desk.spans("resolution")
    assert (only.state, only.started_at, only.ended_at) == ("paused", desk.at(1), None)


def test_terms_that_change_by_a_clock_that_is_behind_count_from_the_span_they_begin(desk: Any) -> None:
    desk.create(desk.at(0))
    desk.set(desk.at(1), priority="urgent")
    desk.set(desk.at(0.5), priority="normal")  # another host's clock is half an hour behind
    [resolution] = desk.clocks("resolution")
    assert resolution.running_since == desk.at(1)
    assert resolution.due_at == desk.at(2 * 24 + 8)
