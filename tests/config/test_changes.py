"""A difference is said in words that a reviewer can judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.config.changes import differences
from tkt.config.schema import read

OFFICE = '[[calendar]]\nname = "office"\ntimezone = "UTC"\nhours.mon = ["09:00-17:00"]\n'


def words(before: str, after: str, *retired: tuple[str, str]) -> list[str]:
    return [str(change) for change in differences(read(before), read(after), frozenset(retired))]


def rule(name: str, *do: str) -> str:
    actions = ", ".join(f'"{one}"' for one in do or ("note:x",))
    return f'[[rule]]\nname = "{name}"\non = "created"\ndo = [{actions}]\n'


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", '[[team]]\nname = "network"\n', ["team network: add"]),
        ('[[team]]\nname = "network"\n', "", ["team network: retire"]),
        ("", '[[agent]]\nname = "al"\nrole = "admin"\n', ["agent al: add as admin"]),
        (
            '[[agent]]\nname = "bob"\nskills = ["a", "b"]\n',
            '[[agent]]\nname = "bob"\nrole = "supervisor"\nskills = ["b", "c"]\n',
            ["agent bob: role agent -> supervisor", "agent bob: skills +c -a"],
        ),
        (
            '[[agent]]\nname = "bob"\n',
            '[[agent]]\nname = "bob"\nemail = "bob@example.com"\n',
            ["agent bob: email set to bob@example.com"],
        ),
        (
            '[desk]\nname = "A b"\n',
            "[desk]\nconfirm = true\n",
            ['desk: name removed, was "A b"', "desk: confirm set to true"],
        ),
        (
            OFFICE + '[[sla]]\nname = "vip"\ncalendar = "office"\ntargets.urgent.first_response = "15m"\n',
            OFFICE + '[[sla]]\nname = "vip"\ncalendar = "office"\ntargets.urgent.first_response = "10m"\n'
            'targets.low.resolution = "3h"\n'
            '[[sla.steps]]\nmetric = "resolution"\nat = "+0m"\ndo = ["notify:team"]\n',
            [
                "sla vip: targets.urgent.first_response 15m -> 10m",
                "sla vip: targets.low.resolution set to 3h",
                "sla vip: steps[1].metric set to resolution",
                "sla vip: steps[1].at set to +0m",
                "sla vip: steps[1].do set to [notify:team]",
            ],
        ),
        (
            rule("x", "note:a", "note:b"),
            rule("x", "note:b", "note:a"),
            ["rule x: do [note:a, note:b] -> [note:b, note:a]"],
        ),
        (rule("a") + rule("b"), rule("b") + rule("a"), ["rule b: move 2 -> 1 (order)"]),
        (rule("a") + rule("b"), rule("c") + rule("a") + rule("b"), ["rule c: add"]),
        (rule("a") + rule("b") + rule("c"), rule("a") + rule("c"), ["rule b: retire"]),
    ],
)
def test_a_difference_in_words(before: str, after: str, expected: list[str]) -> None:
    assert words(before, after) == expected


def test_what_was_retired_is_brought_back() -> None:
    assert words("", rule("x"), ("rule", "x")) == ["rule x: bring back"]


def test_words_of_the_file_can_not_drive_a_terminal() -> None:
    assert "\u202e" not in "".join(words("", rule("x\u202ey")))


@given(st.permutations(list("abcdefg")), st.integers(0, 7), st.sets(st.sampled_from("abcdefg")))
def test_moving_what_is_said_to_move_gives_the_new_order(after: list[str], start: int, gone: set[str]) -> None:
    """Those that are not said to move stand in the same order before and after."""
    before = [name for name in "abcdefg" if name not in gone]
    after = after[start:] + after[:start]
    found = differences(read("".join(map(rule, before))), read("".join(map(rule, after))), frozenset())
    moved = {change.name for change in found if change.action == "move"}
    stay = [name for name in after if name not in moved and name not in gone]
    assert stay == [name for name in before if name in stay]
    assert {change.name for change in found if change.action == "add"} == gone
    assert len(moved) < max(1, len(before))
