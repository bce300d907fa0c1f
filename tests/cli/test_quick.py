"""`list` and `show` read their command line twice: quickly, and by the library. Both must mean the same."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.cli import main, quick

LINES = [
    ["list"],
    ["list", "vpn"],
    ["list", "status:open", "-tag:vpn", "--ids"],
    ["list", "-n", "1", "--json"],
    ["list", "-n", "1", "--jsonl"],
    ["list", "-n", "0", "--sort", "-priority", "--csv"],
    ["list", "--sort=number", "--columns=number,subject", "--tsv"],
    ["list", "--columns", "number,tags", "-vpn"],
    ["list", "--ids", "--json"],
    ["list", "--columns", "nonsense"],
    ["show", "1"],
    ["show", "1", "--json"],
    ["show", "#1"],
    ["show", "99"],
    ["show", "x"],
]
LEFT_TO_THE_LIBRARY = [
    ["list", "--help"],
    ["list", "-h"],
    ["list", "--nonsense"],
    ["list", "-n", "x"],
    ["list", "-n1"],
    ["list", "-n", "-1"],
    ["list", "--sort"],
    ["list", "--", "-vpn"],
    ["show"],
    ["show", "1", "2"],
    ["--version", "list"],
]


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_both_ways_say_the_same(words: list[str], call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    call("new", "VPN is down", "--from", "ann@example.com", "--tag", "vpn", "-b", "since nine")
    call("new", "Printer jams", "-p", "high")
    assert quick._read(words[0], words) is not None
    quickly = call(*words)
    monkeypatch.setattr(main, "QUICK", ())
    assert call(*words) == quickly


@pytest.mark.parametrize("words", LEFT_TO_THE_LIBRARY, ids=" ".join)
def test_what_is_not_plainly_right_is_left_to_the_library(words: list[str]) -> None:
    verb = "show" if "show" in words else "list"
    assert quick.run_quick(verb, words) is None


def test_the_quick_options_are_those_of_the_command() -> None:
    from typer.main import get_command

    from tkt.cli.app import build

    for verb in quick.QUICK:
        command: Any = get_command(build(verb))
        options = {
            name for one in command.commands[verb].params if one.param_type_name == "option" for name in one.opts
        }
        assert options == {*quick._SWITCHES[verb], *quick._VALUES[verb]}
