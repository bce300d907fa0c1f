from __future__ import annotations

import re

import pytest

from tkt.query.terms import FLAGS, KEYS
from tkt.tui.completion import QUERY_KEYS, QUERY_VALUES, complete_command, complete_path, complete_query

NAMES = {"agent": ["alice", "bob"], "tag": ["vpn", "wifi"], "status": ["new", "open"], "priority": ["urgent", "high"],
         "team": ["network"], "view": ["Open", "Mine"]}  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "start", "words"),
    [
        ("ta", 0, ["take", "tag"]),
        ("assign ", 7, ["me", "auto", "none", "alice", "bob"]),
        ("assign b", 7, ["bob"]),
        ("tag +vpn -w", 9, ["-wifi"]),
        ("set priority=u", 13, ["urgent"]),
        ("set te", 4, ["team=", "teams="]),
        ("set un", 4, ["undelivered="]),
        ("view M", 5, ["Mine"]),
        ("take x", 5, []),
        ("nonsense x", 9, []),
    ],
)
def test_commands(typed, start, words):
    assert complete_command(typed, NAMES)[:2] == (start, words)


@pytest.mark.parametrize(
    ("typed", "start", "words"),
    [
        ("sta", 0, ["status:"]),
        ("un", 0, ["unanswered>"]),
        ("is:und", 3, ["undelivered"]),
        ("kind:open status:n", 17, ["new"]),
        ("status:new,o", 11, ["open"]),
        ("-tag:v", 5, ["vpn"]),
        ("(assignee:a", 10, ["alice"]),
        ("", 0, []),
        ("hello:", 6, []),
    ],
)
def test_queries(typed, start, words):
    assert complete_query(typed, NAMES)[:2] == (start, words)


def test_no_key_of_the_language_is_missing():
    offered = {re.split("[:><.]", key)[0] for key in QUERY_KEYS} | {"customer.tier"}
    assert offered - {"customer"} == set(KEYS) | {"field"}
    assert QUERY_VALUES["is"] == list(FLAGS)


def test_paths_are_completed_folder_by_folder(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "log.txt").touch()
    (tmp_path / ".hidden").touch()
    assert complete_path(f"{tmp_path}/") == (len(str(tmp_path)) + 1, ["log.txt", "logs/"], "")
    assert complete_path(f"{tmp_path}/.h").words == [".hidden"]
    assert complete_path(f"{tmp_path}/none/x").words == []
    line = f"save {tmp_path}/l"
    assert complete_command(line, NAMES) == (len(line) - 1, ["logs/"], "")
