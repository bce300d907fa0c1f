"""Whom a text names, and whom it only seems to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tkt.desk import mentions
from tkt.desk.mentions import find, places

AGENTS = ("alice", "bob", "j.doe", "王伟", "Éva", "x.", "bob@desk.example")
TEAMS = ("network", "bob")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@alice", ["alice"]),
        ("hi @Alice, and (@ALICE)!", ["alice"]),
        ("@alice's router; @j.doe... @x.", ["alice", "j.doe", "x."]),
        ("@éva\n@ÉVA:", ["Éva"]),
        ("请@alice看看，@王伟请看", ["alice", "王伟"]),
        ("请看@j.doe。", ["j.doe"]),
        ("@alice\n> @bob\n  > @bob", ["alice"]),
        ("> quoted\n@alice", ["alice"]),
        ("`@alice` and ``` @alice\n@alice", []),
        ("```\n@alice\n```\n@j.doe", ["j.doe"]),
        ("carl@alice.example, @alice@example.com, carl@alice", []),
        ("https://example.com/@alice mailto:@alice x/@alice ./@alice", []),
        ("HTTP://example.com/?user=@alice curl -d @alice-b key=@alice", []),
        ("@@alice @ alice @", []),
        ("@alices @alice-b @malice", []),
    ],
)
def test_who_is_named(text: str, named: list[str]) -> None:
    assert find(text, AGENTS, ()).agents == named
    assert {text[start + 1 : end].casefold() for start, end in places(text, AGENTS)} == {n.casefold() for n in named}


def test_agents_teams_and_the_unknown() -> None:
    found = find("@bob @Network @alcie @alcie. @bob@desk.example @media", AGENTS, TEAMS)
    assert found.agents == ["bob", "bob@desk.example"]
    assert found.teams == ["bob", "network"]
    assert found.unknown == ["alcie", "media"]
    assert find("@BOB @Bob", ("bob", "Bob"), ()).agents == ["bob"]


def test_what_the_writer_should_know(sqlite_office: Any) -> None:
    remarks = mentions.remarks
    assert remarks(sqlite_office.alice, "@alcie, @zzz and @bob") == [
        "no agent or team is named @alcie; did you mean @alice?",
        "no agent or team is named @zzz",
    ]
    assert remarks(sqlite_office.alice, "nobody") == []
    assert len(remarks(sqlite_office.alice, " ".join(f"@zz{n}" for n in range(9)))) == mentions.MOST_UNKNOWN
    assert remarks(sqlite_office.alice, "@bob @zzz", "reply") == [
        "@bob is not told of it: only a note tells colleagues"
    ]


@given(st.text("@.- >`\nab请/:"), st.sampled_from(AGENTS))
def test_a_name_that_stands_alone_is_found_whatever_is_said_before_it(text: str, name: str) -> None:
    before = text.replace("`", "") + "\n"
    assert name in find(f"{before}@{name} {text}", AGENTS, TEAMS).agents


@given(st.text("@.-` \nalice请网"))
def test_every_place_is_a_name(text: str) -> None:
    named = {name.casefold() for name in find(text, AGENTS, ()).agents}
    for start, end in places(text, AGENTS):
        assert text[start] == "@" and text[start + 1 : end].casefold() in named
