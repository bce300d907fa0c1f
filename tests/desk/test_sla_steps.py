"""Steps through the desk's verbs, on both engines: again and again, under conditions, to whom and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tkt.desk import conversation, sla_check, tickets
from tkt.desk.configure import be_quiet, mute
from tkt.desk.conversation import Message
from tkt.errors import NotAllowed, UsageError
from tkt.sla.explain import explain
from tkt.sla.explain_text import lines
from tkt.store.read import open_reader
from tkt.store.tables import ClockStep, WebhookCall

ANN = "ann@customer.example"

PROMISE = """
[[sla]]
name = "all"
match = ""
[sla.targets]
default = {{ first_response = "1h" }}
[[sla.steps]]
metric = "first_response"
{}
"""

NAG = PROMISE.format('at = "+0m"\nevery = "2h"\ndo = ["notify:assignee"]')


def mailed(office: Any, **more: Any) -> int:
    message = Message("Help", "Ann", ANN, message_id=f"<{office.moment.timestamp()}@customer.example>")
    made = tickets.create(office.customer(ANN), "VPN", message=message, channel="mail", team="network", **more)
    assert made.number is not None
    return made.number


def fired(office: Any) -> list[tuple[str, int, int]]:
    return [(one.what, one.n, one.missed) for one in sla_check.check(office.system)]


def told(office: Any, number: int) -> list[str]:
    return [reason for mail in office.mails("notification", number) for reason in mail.mail["reasons"]]


# --- again and again --------------------------------------------------------------------------------------------------


def test_a_step_repeats_until_it_is_answered(office: Any, mailbox: str) -> None:
    office.declare(mailbox, NAG)
    number = mailed(office, assignee="bob")
    office.later(hours=1)
    assert fired(office) == [("breached", 1, 0), ("+0m every 2h", 1, 0)]
    for n in (2, 3):
        office.later(hours=2)
        assert fired(office) == [("+0m every 2h", n, 0)]
        assert fired(office) == []
    conversation.reply(office.bob, number, "Look here.")
    office.later(hours=20)
    assert fired(office) == []
    cause = "SLA all, first_response +0m every 2h"
    assert told(office, number)[1:] == [cause, f"{cause} (time 2)", f"{cause} (time 3)"]


def test_missed_repeats_are_one_that_says_how_many(office: Any, mailbox: str) -> None:
    office.declare(mailbox, NAG)
    number = mailed(office, assignee="bob")
    office.later(hours=102)
    assert fired(office) == [("breached", 1, 0), ("+0m every 2h", 51, 50)]
    assert told(office, number)[1:] == ["SLA all, first_response +0m every 2h (time 51, 50 before it missed) (1h late)"]
    with open_reader(office.store.location) as reader:
        explained = "\n".join(lines(explain(reader, number, office.now())))
    assert "  step +0m every 2h (time 51, 50 before it missed): fired " in explained
    assert "  step +0m every 2h (time 52): to come " in explained
    office.later(minutes=59)
    assert fired(office) == []
    office.later(minutes=1)
    assert fired(office) == [("+0m every 2h", 52, 0)]
    assert [row.n for row in office.rows(ClockStep)] == [51, 52]


def test_a_pause_stops_the_repeats_and_resuming_goes_on(office: Any, mailbox: str) -> None:
    office.declare(mailbox, NAG.replace('match = ""', 'match = ""\npause_first_response = true'))
    number = mailed(office, assignee="bob")
    office.later(hours=1)
    assert len(fired(office)) == 2
    office.later(hours=1)
    tickets.set_status(office.bob, number, "waiting")
    office.later(hours=10)
    assert fired(office) == []
    tickets.set_status(office.bob, number, "open")
    office.later(minutes=59)
    assert fired(office) == []
    office.later(minutes=1)
    assert fired(office) == [("+0m every 2h", 2, 0)]


def test_a_reminder_repeats_before_the_deadline_too(office: Any, mailbox: str) -> None:
    office.declare(mailbox, PROMISE.format('at = "-30m"\nevery = "10m"\nuntil = "-10m"\ndo = ["tag:+soon"]'))
    mailed(office)
    seen = []
    for _ in range(12):
        office.later(minutes=10)
        seen += [(office.moment.minute, *one) for one in fired(office)]
    assert seen == [
        (30, "-30m every 10m", 1, 0), (40, "-30m every 10m", 2, 0), (50, "-30m every 10m", 3, 0), (0, "breached", 1, 0),
    ]  # fmt: skip


# --- conditions -------------------------------------------------------------------------------------------------------


def test_a_condition_is_asked_at_each_time(office: Any, mailbox: str) -> None:
    step = 'at = "+0m"\nevery = "1h"\nwhen = "priority>=high is:breached"\ndo = ["tag:+hot"]'
    office.declare(mailbox, PROMISE.format(step))
    number = mailed(office)
    office.later(hours=1)
    assert fired(office) == [("breached", 1, 0)]
    tickets.set_fields(office.alice, number, {"priority": "high"})
    assert fired(office) == []
    office.later(hours=1)
    assert fired(office) == [("+0m every 1h", 2, 0)]
    assert [(row.n, row.skipped) for row in office.rows(ClockStep)] == [(1, True), (2, False)]
    assert "tag" in {one.verb for one in office.events(number)}


def test_a_condition_is_asked_of_each_of_many(office: Any, mailbox: str) -> None:
    office.declare(mailbox, PROMISE.format('at = "+0m"\nwhen = "priority>=high"\ndo = ["notify:bob"]'))
    numbers = [mailed(office, priority=priority) for priority in ("high", "low", "urgent", "normal")]
    office.later(hours=1)
    assert [one.ticket for one in sla_check.check(office.system) if one.what == "+0m"] == [numbers[0], numbers[2]]
    assert [row.skipped for row in office.rows(ClockStep)] == [False, True, False, True]
    assert sla_check.check(office.system) == []


# --- quiet hours ------------------------------------------------------------------------------------------------------


def leaves(office: Any) -> list[tuple[str, datetime]]:
    return [(row.recipients[0].partition("@")[0], row.next_at) for row in office.mails("notification")]


@pytest.fixture
def night(office: Any, mailbox: str) -> Any:
    """Bob and Sue sleep from 22 to 7 in Berlin; it is 23:30 there, and a ticket of Bob's has half an hour left."""
    office.moment = datetime(2026, 11, 2, 22, 0, tzinfo=UTC)
    for desk in (office.bob, office.sue):
        assert be_quiet(desk, "me", "22:00-07:00") == "22:00-07:00 (Europe/Berlin)"
    return office


MORNING = datetime(2026, 11, 3, 6, 0, tzinfo=UTC)


def test_a_reminder_waits_for_the_morning_an_escalation_does_not(night: Any, mailbox: str) -> None:
    night.declare(mailbox, PROMISE.format('at = "-30m"\ndo = ["notify:assignee", "notify:supervisor"]'))
    mailed(night, assignee="bob")
    night.later(minutes=30)
    assert fired(night) == [("-30m", 1, 0)]
    soon = night.moment + timedelta(seconds=30)
    assert leaves(night)[-2:] == [("bob", MORNING), ("sue", soon)]


def test_what_is_urgent_waits_for_nobody(night: Any, mailbox: str) -> None:
    night.declare(mailbox, PROMISE.format('at = "-30m"\nurgent = true\ndo = ["notify:bob"]'))
    mute(night.bob, "me", ["sla"])
    mailed(night)
    night.later(minutes=30)
    assert fired(night) == [("-30m", 1, 0)]
    assert leaves(night)[-1] == ("bob", night.moment + timedelta(seconds=30))


def test_a_mail_that_tells_of_something_urgent_too_does_not_wait(night: Any, mailbox: str) -> None:
    night.declare(mailbox, '[[rule]]\nname = "r"\non = "created"\ndo = ["assign:bob", "notify:bob"]\n')
    mailed(night)
    assert leaves(night) == [("bob", night.moment + timedelta(seconds=30))]


def test_quiet_hours_are_of_a_zone_and_come_to_an_end(office: Any, mailbox: str) -> None:
    office.declare(mailbox, PROMISE.format('at = "-30m"\ndo = ["notify:bob"]'))
    office.moment = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
    assert be_quiet(office.bob, "bob", "22:00-07:00", "America/New_York") == "22:00-07:00 (America/New_York)"
    mailed(office)
    office.later(minutes=30)
    fired(office)
    assert leaves(office) == [("bob", datetime(2026, 11, 2, 12, 0, tzinfo=UTC))]
    assert be_quiet(office.bob, "me", "") == ""
    mailed(office)
    office.later(minutes=30)
    fired(office)
    assert leaves(office)[-1] == ("bob", office.moment + timedelta(seconds=30))


def test_everybody_sets_their_own_quiet_hours(office: Any) -> None:
    with pytest.raises(NotAllowed):
        be_quiet(office.bob, "alice", "22:00-07:00")
    assert be_quiet(office.alice, "bob", "22:00-24:00", "UTC") == "22:00-24:00 (UTC)"
    for wrong in ("22-7", "25:00-07:00", "07:00-07:00", "00:00-24:00", "22:00-24:30"):
        with pytest.raises(UsageError):
            be_quiet(office.bob, "me", wrong)
    with pytest.raises(UsageError, match="time zone"):
        be_quiet(office.bob, "me", None, "Mars/Olympus")


# --- webhooks ---------------------------------------------------------------------------------------------------------

HOOK = '\n[[webhook]]\nname = "pager"\nurl = "https://pager.example/hook"\n'


def bodies(office: Any) -> list[dict[str, Any]]:
    return [json.loads(row.body) for row in office.rows(WebhookCall)]


def test_a_step_calls_a_webhook_with_the_ticket_as_it_then_stands(office: Any, mailbox: str) -> None:
    step = 'at = "+0m"\ndo = ["webhook:pager", "set:priority=urgent", "webhook:pager"]'
    office.declare(mailbox, HOOK, PROMISE.format(step))
    number = mailed(office)
    office.later(hours=3)
    fired(office)
    [body] = bodies(office)
    assert body["event"] == "sla.step" and body["cause"] == "SLA all, first_response +0m (2h late)"
    assert body["desk"] == {"name": "Example Support"}
    document = office.document(number)
    assert body["ticket"] == {key: document[key] for key in body["ticket"]}
    assert body["ticket"]["priority"] == "urgent" and body["ticket"]["sla"][0]["state"] == "breached"
    assert body["step"] == {
        "metric": "first_response", "policy": "all", "step": "+0m", "n": 1, "missed": 0,
        "due_at": "2026-11-02T10:00:00Z", "late_seconds": 7200,
    }  # fmt: skip
    assert ("tkt", "webhook", "pager") in {row[:3] for row in office.history(number)}


def test_rules_and_macros_call_webhooks_too(office: Any) -> None:
    rule = '[[rule]]\nname = "r"\non = "created"\ndo = ["webhook:https://127.0.0.1:1/x", "webhook:pager"]\n'
    office.declare(HOOK, rule, '[[macro]]\nname = "m"\ndo = ["webhook:pager"]\n')
    number = tickets.create(office.alice, "Help").number
    from tkt.desk.macros import run_macro

    run_macro(office.bob, number, "m")
    rows = office.rows(WebhookCall)
    assert [(row.webhook, row.url) for row in rows] == [("", "https://127.0.0.1:1/x"), ("pager", ""), ("pager", "")]
    told = [(body["event"], body["actor"], body["cause"], body["step"]) for body in bodies(office)]
    assert told[1:] == [("rule", "tkt", "rule r", None), ("macro", "bob", "", None)]
