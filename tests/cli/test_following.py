"""Following, mentioning, muting from the shell."""

from __future__ import annotations

import json
from typing import Any


def test_following(new: Any, tkt: Any) -> None:
    new("VPN", "--from", "ann@c.example")
    new("Printer")
    assert tkt("follow", "1", "2") == (0, "#1 followed by alice\n#2 followed by alice\n", "")
    assert tkt("follow", "1", "--agent", "bob", "--agent", "me", "--cc", "bo@c.example") == (
        0, "#1 followed by bob, bo@c.example\n", "",
    )  # fmt: skip
    assert tkt("follow", "1", "9") == (3, "#1 unchanged\n", "tkt: there is no ticket #9\n")
    ticket = json.loads(tkt("show", "1", "--json").out)
    assert (ticket["watchers"], ticket["followers"]) == (["alice", "bob"], [{"name": None, "email": "bo@c.example"}])
    shown = tkt("show", "1").out
    assert "followed by  alice, bob\n" in shown and "copies to  bo@c.example\n" in shown
    assert tkt("list", "watcher:me", "--ids").out == "1\n2\n"
    assert tkt("list", "watcher:bob", "--ids").out == "1\n"
    assert tkt("unfollow", "-", stdin="1\n2\n").out == "#1 not followed by alice\n#2 not followed by alice\n"
    assert tkt("unfollow", "1", "--cc", "bo@c.example").out == "#1 not followed by bo@c.example\n"
    assert tkt("undo", "1").out == "taken back: #1: follower: nothing → bo@c.example\n"


def test_who_may_not_follow(new: Any, tkt: Any) -> None:
    new("VPN", "--from", "ann@c.example")
    assert tkt("follow", "1", "--agent", "alcie").status == 3
    assert tkt("follow", "1", "--cc", "nobody").status == 2
    assert tkt("--as", "bob", "follow", "1", "--agent", "alice").status == 4
    assert tkt("--as", "carol", "follow", "1", "--cc", "bo@c.example").status == 4
    assert tkt("list", "watcher:alcie").status == 2


def test_a_name_that_nobody_has(new: Any, tkt: Any) -> None:
    new()
    said = "tkt: no agent or team is named @bop; did you mean @bob?\n"
    assert tkt("note", "1", "-b", "@bop and @network, look") == (0, "#1 note added\n", said)
    assert tkt("close", "1", "-b", "@bop knows") == (0, "#1 → closed\n", said)
    assert tkt("new", "Move", "-b", "@bop knows") == (0, "2\n", said)
    assert tkt("note", "1", "-b", "@bob look") == (0, "#1 note added\n", "")
    assert json.loads(tkt("show", "1", "--json").out)["watchers"] == ["bob"]
    assert "tkt: @bob is not told of it: only a note tells colleagues\n" in tkt("reply", "1", "-b", "Ask @bob").err


def test_muting(tkt: Any) -> None:
    assert tkt("agent", "set", "me", "--mute", "reply", "--mute", "mention").out == "alice: muted mention, reply\n"
    assert tkt("--as", "bob", "agent", "set", "bob", "--mute", "sla") == (0, "bob: muted sla\n", "")
    assert tkt("--as", "bob", "agent", "set", "alice", "--unmute", "reply").status == 4
    assert tkt("--as", "bob", "agent", "set", "me", "--role", "admin").status == 4
    assert tkt("agent", "set", "bob", "--mute", "all").status == 2
    muted = {one["name"]: one["muted"] for one in json.loads(tkt("agent", "list", "--json").out)}
    assert muted == {"alice": ["mention", "reply"], "bob": ["sla"], "carol": []}
    shown = tkt("config", "show").out
    assert "muted" not in shown
    assert tkt("config", "apply", "-", stdin=shown).status in (0, 3)
    assert tkt("agent", "set", "me", "--unmute", "reply", "--unmute", "mention").out == "alice: muted nothing\n"
