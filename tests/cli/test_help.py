"""Help: for every verb, with an example; and the same without a terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tkt.cli.verbs import GROUPS, VERBS

PATHS = [[verb] for verb in VERBS] + [[verb, below] for verb, some in GROUPS.items() for below in some]


@pytest.mark.parametrize("words", PATHS, ids=" ".join)
def test_every_verb_has_help(call: Any, words: list[str]) -> None:
    for flag in ("--help", "-h"):
        status, out, err = call(*words, flag)
        assert (status, err) == (0, "")
        assert out.startswith(f"Usage: tkt {' '.join(words)}")
        if words[0] not in GROUPS or (len(words) == 2 and words[1] != "quarantine"):
            assert re.search(r"(?m)^ *Example: .*\btkt ", out), out
    assert max(map(len, out.splitlines())) <= 100


def test_the_whole_help_names_every_verb(call: Any) -> None:
    status, out, err = call("--help")
    assert (status, err) == (0, "")
    for verb in VERBS:
        assert re.search(rf"(?m)^  {verb} ", out), verb
    assert call().out.strip() == out.strip()  # without a terminal there is no queue to open


def test_a_group_alone_says_where_to_look(call: Any) -> None:
    for verb, below in GROUPS.items():
        status, out, err = call(verb)
        assert (status, out) == (2, "") and f"'tkt {verb} --help'" in err
        assert all(re.search(rf"(?m)^  {name} ", call(verb, "--help").out) for name in below), verb


def test_version(call: Any, program: Any) -> None:
    assert re.fullmatch(r"tkt \d+\.\d+\S*\n", call("--version").out)
    assert program("--version").stdout.decode() == call("--version").out
