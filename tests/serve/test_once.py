"""`tkt serve --once`: one round for cron, with an exit status that says whether a later one may do better."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tkt.store.location import Location, parse_location


def test_a_round_takes_mail_in_and_answers_it(
    location: Location,
    maildir: Any,
    postman: Any,
    configure: Callable[..., None],
    tkt: Callable[..., Any],
    letter: Callable[..., bytes],
) -> None:
    configure(location, {"support": {"imap": f"maildir:{maildir.path}"} | postman.body()})
    maildir.deliver(letter("Printer"))
    done = tkt(location, "serve", "--once")
    assert (done.returncode, done.stdout) == (0, "")
    lines = [line.split(" ", 2)[2] for line in done.stderr.splitlines()]
    assert lines == [
        "pull: mailbox support: 1 fetched: 1 tickets",
        "send: confirmation for #1 to carol@customer.example: sent",
    ]
    assert len(postman.received) == 1


@pytest.mark.parametrize(("password", "status", "words"), [
    ("wonderland", 75, "does not answer"),
    ("", 1, "$TKT_TEST_PASSWORD is empty"),
])  # fmt: skip
def test_the_exit_status_says_whether_trying_again_helps(
    password: str,
    status: int,
    words: str,
    sqlite_location: Location,
    maildir: Any,
    gate: Callable[..., Any],
    configure: Callable[..., None],
    tkt: Callable[..., Any],
    letter: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
    rows: Callable[..., list[Any]],
    servers: Callable[..., Any],
) -> None:
    """A mailbox that can't be read holds up neither the others nor the rest of the round."""
    port = gate(None if password else servers("pymap").plain_port).port
    monkeypatch.setenv("TKT_TEST_PASSWORD", password)
    away = {"imap": f"imap+plain://support@localhost:{port}", "password_env": "TKT_TEST_PASSWORD"}
    configure(sqlite_location, {"away": away, "support": {"imap": f"maildir:{maildir.path}"}})
    maildir.deliver(letter("Printer"))
    done = tkt(sqlite_location, "serve", "--once")
    assert done.returncode == status
    assert "WARNING reading mailbox away: " in done.stderr and words in done.stderr
    assert rows(sqlite_location, "SELECT subject FROM ticket") == ["Printer"]


def test_a_sender_that_is_away_is_75_too(
    sqlite_location: Location,
    maildir: Any,
    gate: Callable[..., Any],
    configure: Callable[..., None],
    tkt: Callable[..., Any],
    letter: Callable[..., bytes],
) -> None:
    configure(
        sqlite_location,
        {"support": {"imap": f"maildir:{maildir.path}", "smtp": f"smtp+plain://localhost:{gate(None).port}"}},
    )
    maildir.deliver(letter("Printer"))
    done = tkt(sqlite_location, "serve", "--once")
    assert done.returncode == 75
    assert "WARNING sending from mailbox support: localhost:" in done.stderr


@pytest.mark.parametrize("arguments", [["serve"], ["serve", "--once"]])
def test_a_desk_that_is_not_there(arguments: list[str], tmp_path: Path, tkt: Callable[..., Any]) -> None:
    done = tkt(parse_location(str(tmp_path / "nowhere.db")), *arguments)
    assert done.returncode == 3
    assert "there is no desk at" in done.stderr


def test_a_database_that_is_not_there(tkt: Callable[..., Any], gate: Callable[..., Any]) -> None:
    port = gate(None).port
    done = tkt(
        parse_location(f"postgresql://desk:secret-word@127.0.0.1:{port}/desk?password=secret-too"), "serve", "--once"
    )
    assert done.returncode == 75
    assert done.stderr.count("\n") == 1 and f"the store at postgresql://desk@127.0.0.1:{port}/desk" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize("arguments", [["serve"], ["serve", "--once"]])
def test_a_store_of_another_version_is_not_served(
    arguments: list[str], sqlite_location: Location, tkt: Callable[..., Any]
) -> None:
    import sqlite3

    with sqlite3.connect(sqlite_location.target) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.close()
    done = tkt(sqlite_location, *arguments)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("tkt: ") and "tkt doctor --upgrade" in done.stderr


def test_inside_the_queue_it_writes_on_nobodys_terminal(
    sqlite_location: Location, gate: Callable[..., Any], configure: Callable[..., None]
) -> None:
    """Without a handler for the log, as `tkt --serve` starts it, failing and working jobs alike are silent."""
    away = gate(None)
    login = {"imap": f"imap+plain://support@localhost:{away.port}", "password_env": "TKT_TEST_PASSWORD"}
    configure(sqlite_location, {"support": login})
    code = (
        "import sys, time; from tkt import scheduler; from tkt.store.location import parse_location;"
        "running = scheduler.Scheduler(parse_location(sys.argv[1])); running.start();"
        "\nwhile not running.troubles.exit_status(): time.sleep(0.02)\n"
        "running.stop()"
    )
    command = [sys.executable, "-c", code, sqlite_location.target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=True)
    assert (done.stdout, done.stderr) == ("", "")
