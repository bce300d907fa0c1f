"""`tkt merge` and `tkt split`: what they print, their exit statuses, several at once, and back."""

from __future__ import annotations

import json
from typing import Any

import pytest


def entries(tkt: Any, number: str) -> dict[str, str]:
    return {one["text"]: str(one["id"]) for one in json.loads(tkt("show", number, "--json").out)["entries"]}


@pytest.fixture
def three(new: Any) -> None:
    for name in ("ann", "bo", "cy"):
        new(f"Broken {name}", "--from", f"{name}@customer.example", "-b", f"says {name}")


@pytest.mark.usefixtures("three")
def test_several_end_in_one(tkt: Any) -> None:
    status, out, err = tkt("merge", "2", "3", "99", "1", "--into", "1")
    assert (status, out) == (5, "#2 merged into #1\n#3 merged into #1\n")
    assert "there is no ticket #99" in err and "#1 can't be merged into itself" in err
    assert list(entries(tkt, "1")) == ["says ann", "says bo", "says cy"] and entries(tkt, "2") == {}
    shown = tkt("show", "2").out
    assert "merged into" in shown and "#1" in shown
    followers = json.loads(tkt("show", "1", "--json").out)["followers"]
    assert [one["email"] for one in followers] == ["bo@customer.example", "cy@customer.example"]
    assert tkt("merge", "-", "--into", "#2", stdin="3\n").status == 5
    assert tkt("reply", "2", "-b", "hm").status == tkt("note", "2", "-b", "hm").status == 5


@pytest.mark.usefixtures("three")
def test_the_history_says_it_and_undo_takes_it_back(tkt: Any) -> None:
    tkt("merge", "2", "--into", "1")
    told = [(one["verb"], one["field"], one["new"]) for one in json.loads(tkt("log", "2", "--json").out)]
    moved = [int(entries(tkt, "1")["says bo"])]
    assert ("merge", "merged", 1) in told and ("merge", "messages to #1", moved) in told
    assert ["messages from #2" in tkt(verb, *rest).out for verb, *rest in (("log", "1"), ("events",))] == [True, True]
    assert tkt("undo", "1").out.startswith("taken back: #2: status: closed → new; merged: 1 → nothing; 1 message to #2")
    assert list(entries(tkt, "2")) == ["says bo"]
    assert json.loads(tkt("show", "2", "--json").out)["status"] == "new"


@pytest.mark.usefixtures("three")
def test_split(tkt: Any) -> None:
    tkt("note", "1", "-b", "and the mouse")
    note = entries(tkt, "1")["and the mouse"]
    heads = [line for line in tkt("show", "1").out.splitlines() if line.startswith("┃") and " · " in line]
    assert [head.partition(" · id ")[2] for head in heads] == ["", note]
    assert tkt("split", "1", note) == (0, "4\n", "")
    assert list(entries(tkt, "4")) == ["and the mouse"] and list(entries(tkt, "1")) == ["says ann"]
    assert tkt("split", "1", note).status == 3
    assert tkt("split", "1", entries(tkt, "1")["says ann"]).status == 5
    status, _, err = tkt("split", "1", "first")
    assert status == 2 and "'tkt show 1' has them" in err
    assert "1 message to #1" in tkt("undo").out
    assert list(entries(tkt, "1")) == ["says ann", "and the mouse"]


@pytest.mark.usefixtures("three")
def test_viewers_may_not_and_words_are_checked(tkt: Any) -> None:
    assert tkt("merge", "2", "--into", "1", "--as", "carol").status == 4
    assert tkt("split", "2", "2", "--as", "carol").status == 4
    assert tkt("merge", "2").status == tkt("merge", "2", "--into", "one").status == 2
