"""`tkt sla report` as a script and a person see it: the forms, the bar, the mail."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

MAILBOX = '[[mailbox]]\nname = "support"\naddress = "support@desk.example"\nsmtp = "smtp+plain://localhost:1"\n'
POLICY = '[[sla]]\nname = "standard"\nmatch = ""\ntargets = { default = { first_response = "1s" } }\n'


@pytest.fixture
def declare(tkt: Any, surroundings: Path) -> Callable[..., None]:
    """Add to the desk's own configuration."""

    def declare(*more: str) -> None:
        path = surroundings / "desk.toml"
        path.write_text(tkt("config", "show").out + "\n" + "\n".join(more))
        assert tkt("config", "apply", str(path)).status == 0

    return declare


def outbox(desk_file: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(desk_file) as connection:
        return connection.execute("SELECT kind, ticket, recipients, mail FROM outbox").fetchall()


def test_mail_puts_text_and_html_into_the_outbox(tkt: Any, new: Any, declare: Any, desk_file: Path) -> None:
    declare(POLICY, MAILBOX)
    new("<b>VPN</b> is down")
    quiet = tkt("sla", "report", "--mail", "boss@example.com", "--mail", "bob@desk.example")
    assert quiet == (0, "", "")  # cron would mail what it says
    [(kind, ticket, recipients, mail)] = outbox(desk_file)
    words = json.loads(mail)
    assert (kind, ticket, json.loads(recipients)) == ("report", None, ["boss@example.com", "bob@desk.example"])
    assert words["subject"].startswith("SLA report 2") and words["text"].startswith("SLA report, ")
    assert words["html"].startswith("<!DOCTYPE html>") and max(map(len, words["text"].splitlines())) <= 78


def test_mail_is_refused_in_one_clear_sentence(tkt: Any, declare: Any, desk_file: Path) -> None:
    status, out, err = tkt("sla", "report", "--mail", "boss@example.com")
    assert (status, out) == (1, "") and "no mailbox of this desk can send: give one an smtp in desk.toml" in err
    declare(MAILBOX)
    assert tkt("sla", "report", "--mail", "boss@example.com", "--as", "bob").status == 4
    assert tkt("sla", "report", "--mail", "alice@desk.example", "--as", "carol").status == 4
    assert tkt("sla", "report", "--mail", "alice@desk.example", "--as", "nobody").status == 4
    assert tkt("sla", "report", "--mail", "boss").status == 2
    assert outbox(desk_file) == []
    assert tkt("sla", "report", "--mail", "alice@desk.example", "--as", "bob").status == 0


@pytest.mark.parametrize("pair", [("--json", "--html"), ("--csv", "--mail=a@b.example"), ("--html", "--csv")])
def test_one_form_at_a_time(tkt: Any, pair: tuple[str, str]) -> None:
    status, out, err = tkt("sla", "report", *pair)
    assert (status, out) == (2, "") and "choose one of" in err


def test_an_empty_desk_has_a_report_in_every_form(tkt: Any) -> None:
    assert "Nothing was promised in this period." in tkt("sla", "report").out
    assert json.loads(tkt("sla", "report", "--json").out)["breached"] == 0
    assert len(tkt("sla", "report", "--csv").out.splitlines()) == 1
    page = tkt("sla", "report", "--html").out
    assert page.startswith("<!DOCTYPE html>") and "Nothing was promised" in page


def test_a_list_that_is_cut_says_so(tkt: Any, new: Any, declare: Any, desk_file: Path) -> None:
    declare(POLICY)
    for _ in range(3):
        new()
    with sqlite3.connect(desk_file) as connection:
        connection.execute("UPDATE clock SET started_at = started_at - 9000000, due_at = due_at - 9000000")
    status, out, err = tkt("sla", "report", "-n", "2", "--json")
    assert (status, err) == (0, "2 of 3 broken promises; -n 0 lists all\n")
    told = json.loads(out)
    assert (told["breached"], len(told["breaches"]), told["metrics"][0]["overdue"]) == (3, 2, 3)
    status, out, err = tkt("sla", "report", "-n", "0")
    assert (status, err) == (0, "") and out.count("  #") == 3


def test_a_person_is_told_where_it_goes(terminal: Any, declare: Any) -> None:
    declare(MAILBOX)
    status, written = terminal("sla", "report", "--mail", "boss@example.com")
    assert status == 0 and b"the report leaves with the next round to boss@example.com" in written


def test_a_terminal_is_not_spoilt_by_the_bar(terminal: Any) -> None:
    status, written = terminal("sla", "report", "--by", "hour,weekday")
    assert status == 0 and b"Nothing was promised" in written
