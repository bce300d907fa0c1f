"""Whom a reply goes to is shown before it is written and while it can be called back; a mail that failed is seen to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tkt.desk.configure import apply_config
from tkt.desk.unit import SYSTEM, Desk
from tkt.store.engine import Store
from tkt.store.location import parse_location
from tkt.store.tables import Outbox

MAILBOX = """
[[mailbox]]
name = "support"
address = "support@desk.example"
smtp = "smtp+plain://localhost:1"
"""
ANN, BO = "ann@c.example", "bo@c.example"


@pytest.fixture
def sending(desk_file: Path, tkt: Any) -> Any:
    """`tkt` on a desk that can send, where ticket 1 is Ann's."""
    store = Store(parse_location(str(desk_file)))
    config = tkt("config", "show").out
    apply_config(Desk(store, SYSTEM), config + MAILBOX)
    store.close()
    tkt("new", "VPN is down", "--from", f"Ann Lee <{ANN}>")
    return tkt


def fail(desk_file: Path) -> None:
    store = Store(parse_location(str(desk_file)))
    with store.transaction() as session:
        row = session.get_one(Outbox, 1)
        row.state, row.error = "failed", "554 \x1b[2Jno"
    store.close()


def test_a_dry_run_prints_the_mail_and_changes_nothing(sending: Any, desk_file: Path) -> None:
    (desk_file.parent / "log.txt").write_text("a log")
    status, out, err = sending("reply", "1", "-b", "Try again.", "--cc", BO, "--attach", "log.txt", "--dry-run")
    assert (status, err) == (0, "")
    assert out == (
        f"From: Example Support <support@desk.example>\nTo: {ANN}\nCc: {BO}\nSubject: Re: VPN is down [#1]\n"
        "Attached: log.txt (5 bytes)\n\nTry again.\n"
    )
    assert json.loads(sending("show", "1", "--json").out)["entries"] == []
    assert sending("reply", "9", "-b", "x", "--dry-run").status == 3
    assert sending("reply", "1", "--macro", "x", "--dry-run").status == 2


def test_a_reply_says_to_whom_and_until_when(sending: Any) -> None:
    status, out, err = sending("reply", "1", "-b", "Try again.", "--cc", BO)
    assert (status, out, err) == (0, "", f"#1 to {ANN}, cc {BO}; leaves in 20s, 'tkt undo 1' calls it back\n")
    [held] = json.loads(sending("mail", "status", "--json").out)["outgoing"]
    assert (held["state"], held["why"]) == ("waiting", "can still be called back: 'tkt undo 1'")
    status, out, err = sending("mail", "status")
    assert "\tin " in out and " s\tcan still be called back" in out
    assert err == "1 waiting to leave, 0 stored and not filed, 0 in quarantine\n"
    assert sending("undo", "1").status == 0
    assert json.loads(sending("mail", "status", "--json").out)["outgoing"] == []


def test_a_reply_to_nobody(sending: Any) -> None:
    sending("new", "Without a customer")
    assert sending("reply", "2", "-b", "x").err == "#2: kept on the ticket, which has no customer to send it to\n"
    assert "To: nobody" in sending("reply", "2", "-b", "x", "--dry-run").out


def test_the_editor_shows_to_whom_it_goes(sending: Any, terminal: Any, desk_file: Path) -> None:
    editor = desk_file.parent / "editor.sh"
    editor.write_text(f'#!/bin/sh\ncp "$1" {desk_file.parent}/seen.txt\necho Hello > "$1"\n')
    editor.chmod(0o755)
    status, written = terminal("reply", "1", "--cc", BO, EDITOR=str(editor))
    assert status == 0, written
    seen = (desk_file.parent / "seen.txt").read_text()
    assert f"# From: Example Support <support@desk.example>\n# To: {ANN}\n# Cc: {BO}\n" in seen


def test_a_mail_that_failed_is_tried_again_or_let_be(sending: Any, desk_file: Path) -> None:
    sending("reply", "1", "-b", "Try again.")
    fail(desk_file)
    out = sending("mail", "status").out
    assert "'tkt mail retry 1' tries again" in out and "\x1b" not in out
    assert sending("mail", "retry", "1", "9") == (
        3,
        "",
        f"mail 1 to {ANN} leaves with the next round\ntkt: there is no mail 9 in the outbox\n",
    )
    assert sending("mail", "drop", "1") == (0, "", f"mail 1 to {ANN} is tried no more\n")
    assert sending("mail", "retry", "1") == (5, "", "tkt: mail 1 is dropped\n")
    assert json.loads(sending("mail", "status", "--json").out)["outgoing"] == []
