"""What scripts depend on, byte by byte."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

TICKET_KEYS = (
    "number", "subject", "status", "status_kind", "priority", "type", "category", "team", "teams", "assignee",
    "requester", "channel", "tags", "fields", "parent", "merged_into", "created_at", "updated_at", "first_response_at",
    "resolved_at", "closed_at", "due_at", "version", "sla",
)  # fmt: skip
"""CONTRACT "JSON of a ticket", in its order."""


# --- new --------------------------------------------------------------------------------------------------------------


def test_new_prints_the_number_alone(tkt: Any) -> None:
    assert tkt("new", "VPN is down") == (0, "1\n", "")
    assert tkt("new", "Printer") == (0, "2\n", "")


def test_new_with_every_option(tkt: Any, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"lines")
    words = ["-p", "high", "-t", "network", "-c", "network/vpn", "--type", "incident", "--tag", "vpn", "--tag", "x"]
    more = ["--field", "order_no=12=3", "--attach", "log.txt", "-a", "bob", "--key", "k", "-b", "since nine"]
    assert tkt("new", "VPN", "--from", "Ann Lee <Ann@c.example>", *words, *more).status == 2  # 12=3 is no number
    more[1] = "order_no=123"
    assert tkt("new", "VPN", "--from", "Ann Lee <Ann@c.example>", *words, *more) == (0, "1\n", "")
    ticket = json.loads(tkt("show", "1", "--json").out)
    assert (ticket["priority"], ticket["team"], ticket["category"]) == ("high", "network", "network/vpn")
    assert (ticket["type"], ticket["tags"], ticket["fields"]) == ("incident", ["vpn", "x"], {"order_no": "123"})
    assert (ticket["assignee"], ticket["requester"]["name"], ticket["requester"]["email"]) == (
        "bob", "Ann Lee", "ann@c.example",
    )  # fmt: skip
    assert ticket["entries"][0]["text"] == "since nine"
    assert ticket["entries"][0]["attachments"] == [{"name": "log.txt", "type": "text/plain", "size": 5}]


def test_the_same_key_prints_the_same_number(tkt: Any) -> None:
    assert tkt("new", "Disk", "--key", "disk-1").out == "1\n"
    assert tkt("new", "Disk again", "--key", "disk-1").out == "1\n"
    assert tkt("list", "--ids").out == "1\n"
    status, out, err = tkt("new", "Disk", "--key", "")
    assert (status, out) == (2, "") and "key can't be empty" in err


def test_the_text_from_a_file_or_standard_input(tkt: Any, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("from a file — ä\n", "utf-8")
    tkt("new", "A", "-F", "text")
    tkt("new", "B", "-F", "-", stdin="from a pipe\n中文\n")
    tkt("new", "C", "-F", "-", stdin=b"latin \xe4 and \0")
    texts = [json.loads(tkt("show", n, "--json").out)["entries"][0]["text"] for n in "123"]
    assert texts == ["from a file — ä\n", "from a pipe\n中文\n", "latin \ufffd and \ufffd"]


# --- list: every format -----------------------------------------------------------------------------------------------


def test_piped_without_a_format_a_list_is_tsv(new: Any, tkt: Any) -> None:
    subject = "A long subject that no terminal of eighty columns would ever show whole " * 3
    new(subject, "--from", "Ann <ann@c.example>", "-p", "high", "-t", "network", "-a", "bob")
    status, out, err = tkt("list")
    header, row = out.splitlines()
    assert (status, err) == (0, "")
    assert header == "number\tsubject\trequester\tteam\tassignee\tstatus\tpriority\tage\tdue"
    cells = row.split("\t")
    assert cells[:7] == ["1", subject.strip(), "ann@c.example", "network", "bob", "new", "high"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", cells[7]) and cells[8] == ""


def test_every_column(new: Any, tkt: Any) -> None:
    new("VPN", "--tag", "b", "--tag", "a")
    out = tkt("list", "--tsv").out
    assert out.split("\n")[0].split("\t") == [
        "number", "subject", "status", "priority", "type", "category", "team", "assignee", "requester", "company",
        "tier", "channel", "tags", "created", "updated", "due", "breached", "unread", "attachments",
    ]  # fmt: skip
    assert out.split("\n")[1].split("\t")[12] == "a,b"


def test_columns(new: Any, tkt: Any) -> None:
    new("VPN", "--tag", "b", "--tag", "a")
    assert tkt("list", "--columns", "tags, number,unread", "--tsv").out == "tags\tnumber\tunread\na,b\t1\tfalse\n"
    assert tkt("list", "--columns", "number,subject").out == "number\tsubject\n1\tVPN\n"
    status, out, err = tkt("list", "--columns", "number,colour")
    assert (status, out) == (2, "") and "there is no column 'colour'; known: number, " in err


def test_csv_is_rfc_4180(new: Any, tkt: Any) -> None:
    new('He said "no", twice', "-c", "a,b")
    out = tkt("list", "--csv", "--columns", "number,subject,category").out
    assert out == 'number,subject,category\r\n1,"He said ""no"", twice","a,b"\r\n'
    assert list(csv.reader(io.StringIO(out, newline="")))[1] == ["1", 'He said "no", twice', "a,b"]


def test_json_is_the_contracts(new: Any, tkt: Any) -> None:
    new("VPN", "--from", "ann@c.example", "--field", "vip=yes")
    [ticket] = json.loads(tkt("list", "--json").out)
    assert tuple(ticket) == TICKET_KEYS
    assert tuple(ticket["requester"]) == ("name", "email", "company", "tier")
    assert (ticket["number"], ticket["fields"], ticket["version"], ticket["parent"]) == (1, {"vip": True}, 1, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", ticket["created_at"])


def test_show_json_adds_the_entries(new: Any, tkt: Any) -> None:
    new("VPN", "--from", "ann@c.example", "-b", "help")
    tkt("note", "1", "-b", "hm")
    tkt("reply", "1", "-b", "Try again.")
    ticket = json.loads(tkt("show", "1", "--json").out)
    assert tuple(ticket) == (*TICKET_KEYS, "undelivered", "watchers", "followers", "entries")
    assert [tuple(entry) for entry in ticket["entries"]] == [
        ("id", "kind", "author", "at", "text", "delivery", "attachments")
    ] * 3
    assert [entry["kind"] for entry in ticket["entries"]] == ["inbound", "note", "reply"]


def test_jsonl_is_an_object_a_line(new: Any, tkt: Any) -> None:
    new("One")
    new("Zwei – 二")
    lines = tkt("list", "--jsonl", "--sort", "number").out.splitlines()
    assert [json.loads(line)["subject"] for line in lines] == ["One", "Zwei – 二"]
    assert lines[0].startswith('{"number":1,"subject":"One",')


def test_ids(new: Any, tkt: Any) -> None:
    for _ in range(3):
        new()
    assert tkt("list", "--ids", "--sort", "number").out == "1\n2\n3\n"
    assert tkt("list", "--ids", "--sort", "-number").out == "3\n2\n1\n"
    assert tkt("list", "--ids", "tag:none") == (0, "", "")


def test_an_empty_list_still_has_its_header(tkt: Any) -> None:
    assert tkt("list", "--columns", "number").out == "number\n"
    assert tkt("list", "--json").out == "[]\n"
    assert tkt("list", "--jsonl").out == ""


def test_one_format_at_a_time(tkt: Any) -> None:
    assert tkt("list", "--json", "--csv").status == 2


def test_where_a_limit_cuts_it_is_said(new: Any, tkt: Any, multiply: Any) -> None:
    new()
    multiply(1203)
    status, out, err = tkt("list", "--ids")
    assert (status, len(out.splitlines())) == (0, 50)
    assert err.startswith("50 of 1,204")
    assert tkt("list", "--ids", "-n", "1204").err == ""
    status, out, err = tkt("list", "--ids", "-n", "0")
    assert (len(out.splitlines()), err) == (1204, "")
    assert len(tkt("list", "--ids", "-n7").out.splitlines()) == 7
    assert tkt("list", "-n", "-1").status == tkt("list", "-n", "9" * 30).status == 2


# --- queries on the command line --------------------------------------------------------------------------------------


def test_terms_that_begin_with_a_dash(new: Any, tkt: Any) -> None:
    new("One", "--tag", "spam")
    new("Two")
    assert tkt("list", "--ids", "-tag:spam").out == "2\n"
    assert tkt("list", "-tag:spam", "--ids").out == "2\n"
    assert tkt("list", "-two", "--ids").out == "1\n"
    assert tkt("list", "-network", "-n1", "--ids", "--sort", "-number").out == "2\n"
    assert tkt("list", "--ids", "--", "-tag:spam").out == "2\n"


def test_a_sort_key_may_begin_with_a_dash(new: Any, tkt: Any) -> None:
    new("One", "-p", "low")
    new("Two", "-p", "high")
    assert tkt("list", "--ids", "--sort", "-priority", "-tag:spam").out == "2\n1\n"
    assert tkt("list", "--ids", "--sort=priority").out == "1\n2\n"
    assert tkt("list", "--sort", "colour").status == 2


def test_the_default_is_what_is_open(new: Any, tkt: Any) -> None:
    new("One")
    new("Two")
    tkt("close", "1")
    assert tkt("list", "--ids").out == "2\n"
    assert tkt("list", "--ids", "status:closed").out == "1\n"


def test_words_are_one_query(new: Any, tkt: Any) -> None:
    new("VPN is down", "-p", "high")
    new("VPN is slow")
    assert tkt("list", "--ids", "vpn", "priority>=high").out == "1\n"
    assert tkt("list", "--ids", "vpn", "OR", "printer", "--sort", "number").out == "1\n2\n"
    assert tkt("list", "--ids", "assignee:me OR priority:high").out == "1\n"


@pytest.mark.parametrize(
    ("query", "carets", "words"),
    [
        ("colour:red", "^", "colour"),
        ("vpn priority:hgih", "    ", "hgih"),
        ("(vpn", "", ""),
        ("created>soon", "", "soon"),
        ("\udcff\udcfe", "", ""),
    ],
)
def test_a_mistake_is_pointed_at(tkt: Any, query: str, carets: str, words: str) -> None:
    status, out, err = tkt("list", query)
    shown, pointer, sentence = err.splitlines()[:3]
    assert (status, out) == (2, "")
    assert "^" in pointer and pointer.startswith(carets) and set(pointer) <= {" ", "^"}
    assert sentence.startswith("tkt: ") and words in sentence and "\x1b" not in err


# --- several numbers --------------------------------------------------------------------------------------------------


def test_numbers_from_standard_input(new: Any, tkt: Any) -> None:
    for _ in range(4):
        new()
    assert tkt("close", "-", stdin="1\n#3\n") == (0, "#1 → closed\n#3 → closed\n", "")
    assert tkt("take", "2", "-", stdin="4\n2\n").out == "#2 → alice\n#4 → alice\n"
    assert tkt("close", "-") == (0, "", "")
    assert tkt("tag", "-", "+x", "-y", stdin="1 2\n").out == "#1 x changed\n#2 x changed\n"
    assert tkt("assign", "-", "bob", stdin="1\n").out == "#1 → bob\n"
    assert tkt("set", "-", "priority=low", stdin="1\n").out == "#1 priority changed\n"
    assert tkt("status", "-", "open", stdin="1\n").out == "#1 → open\n"
    for words in (["show", "-"], ["log", "-"], ["reply", "-", "-b", "x"], ["note", "-", "-b", "x"]):
        assert tkt(*words, stdin="1\n").status == 0
        assert tkt(*words, stdin="").status == 2
    assert tkt("undo", "-", stdin="").status == 0


def test_what_failed_is_said_per_number_and_the_worst_counts(new: Any, tkt: Any) -> None:
    for _ in range(3):
        new()
    tkt("--as", "bob", "take", "2")
    assert tkt("take", "1", "99", "2", "3") == (
        5,
        "#1 → alice\n#3 → alice\n",
        "tkt: there is no ticket #99\ntkt: #2 is bob's; 'tkt assign 2 me' takes it over\n",
    )
    assert tkt("close", "98", "1", "99").status == 3
    assert tkt("status", "1", "2", "done").status == 2


def test_what_is_no_number(tkt: Any, new: Any) -> None:
    new()
    for words in (["close", "one"], ["show", "-1"], ["show", "1.5"], ["take", "9" * 19], ["take", ""], ["take", "٣"]):
        status, out, err = tkt(*words)
        assert (status, out) == (2, ""), words
        assert err.startswith("tkt: ") and "Traceback" not in err
    assert tkt("close", "-", stdin=b"\xff\xfe").status == 2
    assert json.loads(tkt("show", "1", "--json").out)["status"] == "new"
    assert tkt("close", "-", stdin="1\nall\n") == (2, "#1 → closed\n", "tkt: 'all' is no ticket number\n")


# --- the verbs' own words ---------------------------------------------------------------------------------------------


def test_tags(new: Any, tkt: Any) -> None:
    new()
    assert tkt("tag", "1", "+vpn", "+hardware", "+n5") == (0, "#1 vpn, hardware, n5 changed\n", "")
    assert tkt("tag", "1", "-hardware", "-n5", "-never") == (0, "#1 hardware, n5 changed\n", "")
    assert tkt("tag", "1", "-never") == (0, "#1 unchanged\n", "")
    assert tkt("tag", "1").status == tkt("tag", "+x").status == tkt("tag", "1", "").status == 2
    assert tkt("tag", "1", "+two words").status == 2


def test_set(new: Any, tkt: Any) -> None:
    new()
    assert tkt("set", "1", "priority=high", "subject=a = b", "field.order_no=12").out == (
        "#1 priority, subject, field.order_no changed\n"
    )
    assert tkt("set", "1", "priority=high").out == "#1 unchanged\n"
    assert tkt("set", "1").status == tkt("set", "priority=low").status == 2
    status, _, err = tkt("set", "1", "priorty=low")
    assert status == 2 and "did you mean 'priority'?" in err


def test_short_forms(new: Any, tkt: Any) -> None:
    new()
    for verb, status in (("wait", "waiting"), ("resolve", "resolved"), ("close", "closed"), ("reopen", "open")):
        assert tkt(verb, "1", "-b", f"because {verb}") == (0, f"#1 → {status}\n", "")
    assert tkt("reopen", "1") == (0, "#1 is already open\n", "")
    ticket = json.loads(tkt("show", "1", "--json").out)
    assert [entry["text"] for entry in ticket["entries"]] == [
        "because wait", "because resolve", "because close", "because reopen",
    ]  # fmt: skip


def test_assign(new: Any, tkt: Any) -> None:
    new("VPN", "-t", "network")
    assert tkt("assign", "1", "me").out == "#1 → alice\n"
    assert tkt("assign", "1", "none").out == "#1 → nobody\n"
    assert tkt("assign", "1", "auto").out in ("#1 → alice\n", "#1 → bob\n")
    assert tkt("assign", "1").status == 2
    status, _, err = tkt("assign", "1", "bbo")
    assert status == 3 and "did you mean 'bob'?" in err


def test_reply_and_note(new: Any, tkt: Any) -> None:
    new("VPN", "--from", "ann@c.example", "-b", "help")
    status, out, err = tkt("reply", "1", "-b", "Try again.", "--cc", "bo@c.example", "--status", "waiting")
    assert (status, out) == (0, "") and err.startswith("#1 to ann@c.example, cc bo@c.example; leaves in 20s")
    assert tkt("note", "1", "-F", "-", stdin="hm").out == "#1 note added\n"
    assert json.loads(tkt("show", "1", "--json").out)["status"] == "waiting"
    new("Nobody's")
    assert "no customer" in tkt("reply", "2", "-b", "x").err


def test_undo(new: Any, tkt: Any) -> None:
    new()
    tkt("set", "1", "priority=high")
    assert tkt("undo") == (0, "taken back: #1: priority: high → normal\n", "")
    tkt("--as", "bob", "set", "1", "priority=low")
    assert tkt("undo", "1").out == "taken back: #1: priority: low → normal\n"
    assert tkt("undo", "0").status == 3
    assert tkt("--as", "bob", "undo").status == 3


def test_log(new: Any, tkt: Any) -> None:
    new()
    tkt("set", "1", "priority=high")
    header, made, changed = tkt("log", "1").out.splitlines()
    assert header == "when\twho\twhat\tfield\tfrom\tto\tcause"
    assert made.split("\t")[1:] == ["alice", "create", "", "", "VPN is down", ""]
    assert changed.split("\t")[1:] == ["alice", "set", "priority", "normal", "high", ""]
    first = json.loads(tkt("log", "1", "--json").out)[0]
    assert list(first) == [
        "id", "at", "change", "actor", "ticket", "entry", "verb", "field", "old", "new", "cause", "undoes",
    ]  # fmt: skip
    assert tkt("log", "9").status == 3


def test_events(new: Any, tkt: Any) -> None:
    new("One")
    new("Two")
    everything = [json.loads(line) for line in tkt("events", "--json").out.splitlines()]
    of_tickets = [event for event in everything if event["ticket"]]
    assert [event["new"] for event in of_tickets] == ["One", "Two"]
    after = tkt("events", "--since", str(of_tickets[0]["id"])).out
    assert re.fullmatch(r"\d+ \d{4}-\d\d-\d\d \d\d:\d\d \w+ alice create #2\n", after)
    assert len(tkt("events", "--since", "1h").out.splitlines()) == len(everything)
    assert tkt("events", "--since", "2100-01-01").out == ""
    assert tkt("events", "--since", "soon").status == tkt("events", "--since", "9" * 30).status == 2


def test_global_options_before_and_after_the_verb(new: Any, tkt: Any, desk_file: Path, monkeypatch: Any) -> None:
    new()
    monkeypatch.delenv("TKT_DESK")
    monkeypatch.setenv("TKT_AGENT", "carol")
    desk = str(desk_file)
    assert tkt("--desk", desk, "--as", "bob", "take", "1").out == "#1 → bob\n"
    assert tkt("assign", "1", "--as=alice", "me", f"--desk=sqlite:///{desk}").out == "#1 → alice\n"
    assert tkt("take", "1", "--desk", desk).status == 4  # what one run was told holds for it alone
    assert tkt("take", "1", "--as", "alice").status == 3
    assert tkt("take", "1", "--as").status == 2
    assert tkt("take", "1", "--desk", "mysql://x").status == 2
