"""The same commands on a desk in Postgres: what scripts see does not depend on the engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tkt.desk.configure import make_desk
from tkt.store.location import Location


@pytest.fixture
def on_both(postgres_location: Location, tkt: Any) -> Any:
    """Run a command on the desk in the file and on one in Postgres: what was the same on both."""
    make_desk(postgres_location, "Support", "alice", "", "UTC")

    def on_both(*words: str, stdin: str = "") -> Any:
        in_file, in_postgres = tkt(*words, stdin=stdin), tkt(*words, "--desk", postgres_location.target, stdin=stdin)
        assert in_file == in_postgres
        return in_file

    return on_both


def test_the_same_on_both_engines(on_both: Any) -> None:
    assert on_both("agent", "set", "alice", "--role", "admin").status == 0
    for subject, priority in (("VPN is down", "low"), ("密码错误", "urgent"), ("Printer 100%?", "high")):
        words = ["-p", priority, "--from", "ann@c.example", "-b", "help", "--tag", "a"]
        assert on_both("new", subject, *words).status == 0
    assert on_both("list", "--ids", "--sort", "-priority").out == "2\n3\n1\n"
    found = on_both("list", "--columns", "number,subject,tags,requester", "密码")
    assert found.out.splitlines()[1:] == ["2\t密码错误\ta\tann@c.example"]
    assert on_both("list", "--ids", "100", "created<1h", "-tag:b").out == "3\n"
    assert on_both("take", "-", "9", stdin="1\n2\n").status == 3
    assert on_both("set", "1", "priority=high", "due=2030-01-01").status == 0
    assert on_both("reply", "1", "-b", "Try again.", "--status", "waiting").status == 0
    assert on_both("undo").status == 0
    assert on_both("close", "3").status == 0
    assert on_both("list", "colour:red").status == on_both("list", "priority:hgih").status == 2
    assert on_both("show", "99").status == on_both("log", "99").status == 3
    assert on_both("list", "--ids", "-n", "1", "--sort", "number", "kind:open,waiting,closed").err.startswith("1 of 3")


def test_documents_have_the_same_shape(on_both: Any, tkt: Any, postgres_location: Location) -> None:
    on_both("new", "VPN", "-b", "help", "--from", "ann@c.example")
    for words in (["show", "1", "--json"], ["list", "--json"], ["log", "1", "--json"]):
        one, other = json.loads(tkt(*words).out), json.loads(tkt(*words, "--desk", postgres_location.target).out)
        assert shape(one) == shape(other)
    lines = tkt("events", "--json", "--desk", postgres_location.target).out.splitlines()
    assert [json.loads(line)["verb"] for line in lines][-2:] == ["create", "inbound"]


def shape(value: Any) -> Any:
    """The keys and types of a document; clocks and teams differ between these desks."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items() if key not in ("sla", "due_at", "team")}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__
