"""Webhooks and quiet hours from the shell."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

HOOK = """
[[webhook]]
name = "pager"
url = "http://localhost:1/"
[[rule]]
name = "r"
on = "created"
do = ["webhook:pager"]
"""


@pytest.fixture
def calling(tkt: Any, new: Any, tmp_path: Path) -> None:
    """A desk that has called a webhook which is not there, about ticket 1."""
    file = tmp_path / "desk.toml"
    file.write_text(tkt("config", "show").out + HOOK)
    assert tkt("config", "apply", str(file)).status == 0
    new("VPN")


def test_nothing_to_list(tkt: Any) -> None:
    assert tkt("webhook", "list") == (0, "", "")
    assert tkt("webhook", "send") == (0, "", "")


@pytest.mark.usefixtures("calling")
def test_calls_are_listed_made_and_let_be(tkt: Any) -> None:
    [waiting] = json.loads(tkt("webhook", "list", "--json").out)
    assert (waiting["webhook"], waiting["ticket"], waiting["state"], waiting["attempts"]) == ("pager", 1, "waiting", 0)
    sent = tkt("webhook", "send")
    assert sent.status == 75 and sent.out.startswith("pager about #1: waiting: ")
    [made] = json.loads(tkt("webhook", "send", "--json").out)
    assert (made["id"], made["state"]) == (1, "waiting") and made["error"]
    assert "pager" in tkt("webhook", "list").out
    assert tkt("webhook", "retry", "1").err == "call 1 of pager is made with the next round\n"
    assert tkt("webhook", "drop", "1", "7") == (
        3, "", "call 1 of pager is tried no more\ntkt: there is no webhook call 7\n",
    )  # fmt: skip
    assert tkt("webhook", "drop", "1").status == 5
    assert tkt("webhook", "send") == (0, "", "")


@pytest.mark.usefixtures("calling")
def test_the_doctor_tells_of_calls_that_failed(tkt: Any, desk_file: Path) -> None:
    assert "webhooks" not in tkt("doctor").out
    for state, words in (("failed", "1 calls failed"), ("waiting", "1 calls are overdue")):
        with sqlite3.connect(desk_file) as connection:
            connection.execute("UPDATE webhook_call SET state = ?, next_at = 0", (state,))
        connection.close()
        found = tkt("doctor")
        assert found.status == 1 and words in found.out


@pytest.mark.usefixtures("calling")
def test_a_viewer_makes_no_calls(tkt: Any) -> None:
    for verb in (["send"], ["retry", "1"], ["drop", "1"]):
        assert tkt("--as", "carol", "webhook", *verb).status == 4
    assert tkt("--as", "carol", "webhook", "list").status == 0


def test_quiet_hours(tkt: Any) -> None:
    assert tkt("agent", "set", "me", "--quiet", "22:00-07:00", "--zone", "Asia/Tokyo") == (
        0, "alice: quiet 22:00-07:00 (Asia/Tokyo)\n", "",
    )  # fmt: skip
    quiet = {one["name"]: (one["quiet"], one["quiet_zone"]) for one in json.loads(tkt("agent", "list", "--json").out)}
    assert quiet["alice"] == ("22:00-07:00", "Asia/Tokyo") and quiet["bob"] == ("", "")
    assert "22:00" not in tkt("config", "show").out
    assert tkt("agent", "set", "me", "--quiet", "late").status == 2
    assert tkt("--as", "bob", "agent", "set", "alice", "--quiet", "").status == 4
    assert tkt("agent", "set", "me", "--quiet", "", "--zone", "").out == "alice: quiet never\n"
