"""What a `[[sla]]` table means once it is read."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.errors import UsageError
from tkt.sla.policy import format_offset, parse_offset, read_policy

TABLE: dict[str, Any] = {
    "targets": {
        "urgent": {"first_response": "15m"},
        "default": {"first_response": "4h", "resolution": "1h30m"},
    },
    "steps": [
        {"metric": "resolution", "at": "+2h", "do": ["notify:supervisor"]},
        {"metric": "resolution", "at": "-10m", "do": ["notify:assignee"]},
        {"metric": "resolution", "at": "+120m", "do": ["assign:auto"]},
        {"metric": "first_response", "at": "+0m", "do": ["tag:+late"]},
    ],
}


def test_what_a_priority_leaves_out_default_promises() -> None:
    policy = read_policy(1, "p", TABLE)
    assert policy.target("urgent", "first_response") == 900
    assert policy.target("urgent", "resolution") == policy.target("low", "resolution") == 5400
    assert policy.target("urgent", "next_response") is None


def test_without_a_default_the_other_priorities_are_promised_nothing() -> None:
    policy = read_policy(1, "p", {"targets": {"urgent": {"resolution": "1h"}}})
    assert (policy.target("urgent", "resolution"), policy.target("low", "resolution")) == (3600, None)


def test_waiting_pauses_unless_the_policy_says_otherwise() -> None:
    policy = read_policy(1, "p", TABLE)
    assert policy.pauses("resolution", "on-hold", "waiting") and policy.pauses("next_response", "waiting", "waiting")
    assert not policy.pauses("first_response", "waiting", "waiting")
    assert not policy.pauses("resolution", "open", "open")
    never = read_policy(1, "p", TABLE | {"pause": []})
    assert not never.pauses("resolution", "waiting", "waiting")
    all_three = read_policy(1, "p", TABLE | {"pause_first_response": True})
    assert all_three.pauses("first_response", "waiting", "waiting")


def test_steps_come_in_the_order_of_their_moments_and_keep_apart() -> None:
    steps = read_policy(1, "p", TABLE).steps_of("resolution")
    assert [(step.key, step.offset) for step in steps] == [("-10m", -600), ("+2h", 7200), ("+2h (2)", 7200)]


@pytest.mark.parametrize(
    ("written", "seconds", "key"),
    [("-10m", -600, "-10m"), ("+0m", 0, "+0m"), ("+90m", 5400, "+1h30m"), ("-36h", -129600, "-1d12h")],
)
def test_an_offset_is_spelt_in_one_way(written: str, seconds: int, key: str) -> None:
    assert parse_offset(written) == seconds
    assert format_offset(seconds) == key


def test_a_duration_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError):
        read_policy(1, "p", {"targets": {"default": {"resolution": "soon"}}})
