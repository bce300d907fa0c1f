"""`tkt sla` on the command line: what it prints, its JSON and its exit status."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from typing import Any

import pytest

from tkt.cli.main import run


@pytest.fixture
def tkt(desk: Any, sqlite_location: Any, capsys: Any) -> Any:
    """Runs a command on the desk; its exit status and what it wrote on standard output and error."""

    def call(*words: str) -> tuple[int, str, str]:
        status = run(["--desk", sqlite_location.target, *words])
        written = capsys.readouterr()
        return status, written.out, written.err

    return call


def test_check_prints_a_line_for_each_thing_it_did_and_then_nothing(desk: Any, tkt: Any) -> None:
    desk.create(category="vip")  # long ago
    status, out, _ = tkt("sla", "check")
    assert status == 0
    assert [line.split(", due")[0] for line in out.splitlines()] == [
        "#1 first_response (vip) step -10m: tag:+soon",
        "#1 first_response (vip) breached",
        "#1 first_response (vip) step +0m: tag:+late",
        "#1 resolution (vip) breached",
        "#1 resolution (vip) step +0m: set:priority=urgent",
        "#1 resolution (vip) step +2h: note:two hours late",
    ]
    assert "due 2026-03-02T09:50:00Z" in out and "late)" in out
    assert tkt("sla", "check") == (0, "", "")


def test_check_as_json(desk: Any, tkt: Any) -> None:
    desk.create(category="vip")
    _, out, _ = tkt("sla", "check", "--json")
    first = json.loads(out)[0]
    assert {key: first[key] for key in ("ticket", "metric", "policy", "what", "due_at", "actions")} == {
        "ticket": 1, "metric": "first_response", "policy": "vip", "what": "-10m",
        "due_at": "2026-03-02T09:50:00Z", "actions": ["tag:+soon"],
    }  # fmt: skip
    assert json.loads(tkt("sla", "check", "--json")[1]) == []


def test_explain(desk: Any, tkt: Any) -> None:
    desk.create()
    status, out, _ = tkt("sla", "explain", "1")
    assert status == 0 and "Policy: standard" in out
    assert json.loads(tkt("sla", "explain", "#1", "--json")[1])["policy"] == "standard"
    status, out, err = tkt("sla", "explain", "7")
    assert (status, out) == (3, "") and "there is no ticket" in err


def test_report_in_its_three_forms(desk: Any, tkt: Any) -> None:
    desk.create()
    desk.reply(desk.at(1))
    period = ("--from", "2026-03-01", "--to", "2026-03-05")
    status, out, _ = tkt("sla", "report", *period)
    assert status == 0 and "By team" in out and "100.0%" in out
    told = json.loads(tkt("sla", "report", *period, "--by", "policy", "--json")[1])
    assert list(told["by"]) == ["policy"] and told["metrics"][0]["attainment"] == 1.0
    lines = list(csv.reader(tkt("sla", "report", *period, "--csv")[1].splitlines()))
    assert lines[0][:4] == ["dimension", "group", "metric", "attainment"]
    assert lines[1][:5] == ["all", "", "first_response", "1.0", "1"]


def test_report_takes_a_query(desk: Any, tkt: Any) -> None:
    desk.create()
    told = json.loads(tkt("sla", "report", "-kind:closed", "category:vip", "--json")[1])
    assert (told["query"], told["metrics"]) == ("-kind:closed category:vip", [])


@pytest.mark.parametrize(
    "words", [["--by", "moon"], ["--from", "soon"], ["--json", "--csv"], ["moon:full"], ["--from", "1h", "--to", "2h"]]
)
def test_mistakes_are_usage_errors(tkt: Any, words: list[str]) -> None:
    status, out, err = tkt("sla", "report", *words)
    assert (status, out) == (2, "") and err


def test_what_is_no_past_period_is_said(tkt: Any) -> None:
    assert "the period has not begun yet: --from lies in the future" in tkt("sla", "report", "--from", "tomorrow")[2]
    err = tkt("sla", "report", "--from", "soon")[2]
    assert "'soon' is not a time: write 7d for so long ago" in err, "a date of the future is no advice here"


def test_reading_commands_never_load_the_write_side() -> None:
    code = (
        "import sys, tkt.cli.sla, tkt.sla.explain, tkt.sla.explain_text, tkt.sla.reports.report, tkt.sla.reports.text;"
        "print(sorted({'sqlmodel', 'sqlalchemy', 'pydantic', 'textual'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
