"""`tkt spam` and `tkt ham`: what they print, their exit statuses, several at once."""

from __future__ import annotations

import json
from typing import Any


def test_spam_and_ham(tkt: Any) -> None:
    tkt("new", "You have won", "--from", "Ads <ads@shop.example>")
    assert tkt("spam", "1") == (0, "#1 tagged spam, closed, ads@shop.example blocked\n", "")
    assert tkt("spam", "1") == (0, "#1 is spam already\n", "")
    ticket = json.loads(tkt("show", "1", "--json").out)
    assert (ticket["status"], ticket["tags"]) == ("closed", ["spam"])
    assert tkt("ham", "1") == (0, "#1 ads@shop.example unblocked, no longer spam, new\n", "")
    assert tkt("ham", "1") == (0, "#1 is no spam\n", "")


def test_a_whole_domain(tkt: Any) -> None:
    tkt("new", "You have won", "--from", "ads@shop.example")
    assert tkt("spam", "1", "--domain").out == "#1 tagged spam, closed, @shop.example blocked\n"


def test_several_at_once_and_taken_back(tkt: Any) -> None:
    for name in ("a", "b"):
        tkt("new", "You have won", "--from", f"{name}@shop.example")
    status, out, err = tkt("spam", "-", stdin="1\n2\n99\n")
    assert (status, out.count("blocked")) == (3, 2)
    assert "there is no ticket #99" in err
    assert "b@shop.example unblocked" in tkt("undo").out
    assert json.loads(tkt("show", "2", "--json").out)["status"] == "new"
    assert json.loads(tkt("show", "1", "--json").out)["status"] == "closed"


def test_a_further_team_is_shown(tkt: Any) -> None:
    tkt("team", "add", "sales")
    tkt("new", "A quote")
    tkt("set", "1", "teams=sales")
    assert json.loads(tkt("show", "1", "--json").out)["teams"] == ["sales"]
    assert "also: sales" in tkt("show", "1").out
    assert tkt("list", "team:sales", "--ids").out == "1\n"
    tkt("set", "1", "teams=none")
    assert "also" not in tkt("show", "1").out


def test_viewers_may_not(tkt: Any) -> None:
    tkt("new", "You have won", "--from", "ads@shop.example")
    tkt("agent", "add", "victor", "--role", "viewer")
    assert tkt("spam", "1", "--as", "victor").status == 4
    assert tkt("ham", "1", "--as", "victor").status == 4
