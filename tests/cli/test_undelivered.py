"""What the command line says of mail that came back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CAROL = "carol@customer.example"
MAILBOX = """
[[mailbox]]
name = "support"
address = "support@desk.example"
smtp = "smtp+plain://localhost:1"
"""


@pytest.fixture
def bounced(tkt: Callable[..., Any], desk_file: Path) -> str:
    """A ticket whose reply came back for good."""
    file = desk_file.with_name("desk.toml")
    file.write_text(tkt("config", "show").out + MAILBOX)
    assert tkt("config", "apply", str(file)).status == 0
    number: str = tkt("new", "Broken", "--from", CAROL, "-b", "It is broken.").out.strip()
    assert tkt("reply", number, "-b", "Try again.").err.count("\n") == 1
    with sqlite3.connect(desk_file) as store:
        [message_id] = store.execute("SELECT message_id FROM outbox WHERE kind = 'reply'").fetchone()
    head = "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: support@desk.example\nSubject: failure notice\n\n"
    text = f"{head}<{CAROL}>:\n550 5.1.1 no such user\n\n--- Below this line is a copy.\n\nMessage-ID: {message_id}\n"
    assert tkt("mail", "ingest", stdin=text).status == 0
    return number


def test_the_ticket_says_whom_it_did_not_reach_and_why(bounced: str, tkt: Callable[..., Any]) -> None:
    assert tkt("list", "is:undelivered", "--ids").out.split() == [bounced]
    words = f"{CAROL} 550 5.1.1 no such user"
    assert f"undelivered  {words}\n" in tkt("show", bounced).out
    assert json.loads(tkt("show", bounced, "--json").out)["undelivered"] == words


def test_who_writes_to_a_dead_address_is_warned(bounced: str, tkt: Callable[..., Any]) -> None:
    status, _, err = tkt("reply", bounced, "-b", "Once more.")
    assert status == 0
    assert f"#{bounced}: mail to {CAROL} does not arrive: 550 5.1.1 no such user" in err.splitlines()


def test_an_agent_may_say_that_it_is_settled_and_take_that_back(bounced: str, tkt: Callable[..., Any]) -> None:
    assert tkt("set", bounced, "undelivered=no").status == 0
    assert tkt("list", "is:undelivered", "--ids").out == ""
    assert json.loads(tkt("show", bounced, "--json").out)["undelivered"] is None
    assert tkt("undo", bounced).status == 0
    assert tkt("list", "is:undelivered", "--ids").out.split() == [bounced]
    assert tkt("set", bounced, "undelivered=perhaps").status == 2
