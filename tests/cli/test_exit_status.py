"""The exit status of every kind of failure (CONTRACT "Exit status"), and one clear sentence for each."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tkt.store import engine
from tkt.store.tables import Outbox


def sentence(err: str) -> str:
    """The one line that a failure says."""
    assert err.startswith("tkt: ") and err.count("\n") == 1 and "Traceback" not in err, err
    return err.removeprefix("tkt: ").strip()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (1, ["new", " "]),
        (1, ["reply", "1", "-b", ""]),
        (1, ["note", "1", "-b", " \n"]),
        (1, ["note", "1", "-F", "."]),
        (2, ["frobnicate"]),
        (2, ["lsit"]),
        (2, ["list", "--colour"]),
        (2, ["list", "-n", "many"]),
        (2, ["new"]),
        (2, ["new", "x", "-p", "hgih"]),
        (2, ["new", "x", "--from", "nobody"]),
        (2, ["new", "x", "--field", "order_no"]),
        (2, ["new", "x", "--field", "order_no=abc"]),
        (2, ["new", "x", "-b", "text", "-F", "file"]),
        (2, ["set", "1", "status=done"]),
        (2, ["status", "1", "done"]),
        (2, ["reply", "1"]),
        (2, ["note", "1"]),
        (2, ["reply", "1", "-b", "x", "--status", "done"]),
        (2, ["reply", "1", "-b", "x", "--cc", "nobody"]),
        (2, ["reply", "1", "2", "-b", "x"]),
        (2, ["config", "plan", "bad.toml"]),
        (3, ["show", "99"]),
        (3, ["log", "99"]),
        (3, ["take", "99"]),
        (3, ["undo", "99"]),
        (3, ["new", "x", "-t", "netwrk"]),
        (3, ["new", "x", "-a", "bbo"]),
        (3, ["new", "x", "--attach", "missing.txt"]),
        (3, ["note", "1", "-F", "missing.txt"]),
        (3, ["assign", "1", "bbo"]),
        (3, ["config", "check", "missing.toml"]),
        (3, ["agent", "retire", "bbo"]),
        (3, ["team", "join", "netwrk", "bob"]),
        (3, ["list", "--desk", "nowhere.db"]),
        (3, ["new", "x", "--desk", "nowhere.db"]),
        (4, ["new", "x", "--as", "carol"]),
        (4, ["take", "1", "--as", "carol"]),
        (4, ["take", "1", "--as", "mallory"]),
        (4, ["agent", "add", "dave", "--as", "bob"]),
        (4, ["config", "apply", "good.toml", "--as", "bob"]),
        (5, ["take", "2"]),
        (5, ["assign", "1", "auto"]),
        (5, ["agent", "retire", "alice"]),
        (5, ["agent", "set", "alice", "--role", "agent"]),
        (5, ["agent", "add", "bob"]),
        (5, ["init"]),
    ],
)  # fmt: skip
def test_each_failure_has_its_status_and_sentence(tkt: Any, tmp_path: Path, status: int, words: list[str]) -> None:
    (tmp_path / "bad.toml").write_text("[desk]\nnmae = 'x'\n")
    (tmp_path / "good.toml").write_text("[desk]\nname = 'x'\n[[agent]]\nname = 'alice'\nrole = 'admin'\n")
    (tmp_path / "file").write_text("text")
    tkt("new", "One")
    tkt("new", "Two", "-a", "bob")
    before = tkt("events", "--json").out
    found = tkt(*words)
    assert (found.status, found.out) == (status, "")
    if "bad.toml" not in words:  # which also shows the line
        sentence(found.err)
    assert tkt("events", "--json").out == before
    assert not (tmp_path / "state").exists()


def test_done_is_zero(tkt: Any) -> None:
    assert tkt("new", "x").status == tkt("list").status == tkt("show", "1").status == tkt("--version").status == 0


def test_a_usage_error_names_the_flag(tkt: Any) -> None:
    tkt("new", "x")
    assert "-b TEXT or -F FILE" in sentence(tkt("reply", "1").err)
    assert "did you mean 'list'?" in sentence(tkt("lsit").err)
    assert "--colour" in sentence(tkt("list", "--colour").err)


def test_a_store_that_is_busy_is_tried_again_later(tkt: Any, desk_file: Path, monkeypatch: Any) -> None:
    """EX_TEMPFAIL of sysexits.h, so that mail systems keep the mail; reading goes on meanwhile."""
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    tkt("new", "x")
    holder = sqlite3.connect(desk_file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    for words in (["new", "y"], ["take", "1"], ["undo"], ["config", "show"]):
        found = tkt(*words)
        assert (found.status, found.out) == (75, "")
        assert "busy" in sentence(found.err)
    assert tkt("list", "--ids").out == "1\n"
    assert tkt("take", "1", "99").status == 75
    holder.execute("ROLLBACK")
    holder.close()
    assert tkt("take", "1").status == 0


def test_a_store_that_is_away_is_tried_again_later(tkt: Any) -> None:
    for words in (["list"], ["new", "x"]):
        found = tkt(*words, "--desk", "postgresql://nobody:s3cret@127.0.0.1:1/desk")
        assert (found.status, found.out) == (75, "")
        assert "can't be reached" in sentence(found.err) and "s3cret" not in found.err


def test_what_is_no_desk(tkt: Any, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Sir")
    sqlite3.connect(tmp_path / "empty.db").close()
    for name in ("letter.txt", "empty.db"):
        for words in (["list"], ["new", "x"]):
            found = tkt(*words, "--desk", name)
            assert found.status == 1, found
            sentence(found.err)


def test_another_versions_store_is_refused(tkt: Any, desk_file: Path) -> None:
    with sqlite3.connect(desk_file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    for words in (["list"], ["new", "x"]):
        found = tkt(*words)
        assert found.status == 1
        sentence(found.err)


def test_interrupted_is_130(tkt: Any, monkeypatch: Any) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tkt.cli.listing.find", interrupt)
    assert tkt("list") == (130, "", "")


def test_control_c_while_following(desk_file: Path) -> None:
    command = [sys.executable, "-m", "tkt", "events", "--follow", "--json", "--since", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"id":1,')  # what there is comes at once, not with the next event
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (130, b"")


def test_following_shows_what_happens(desk_file: Path, program: Any) -> None:
    command = [sys.executable, "-m", "tkt", "events", "--follow", "--since", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert program("new", "Something new").returncode == 0
        assert any("create #1" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130


def test_a_bug_is_one_sentence_and_a_file(tkt: Any, tmp_path: Path, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("a secret of the code")

    monkeypatch.setattr("tkt.desk.tickets.create", broken)
    found = tkt("new", "x")
    path = tmp_path / "state" / "tkt" / "crash.log"
    assert (found.status, found.out) == (1, "")
    assert sentence(found.err).startswith("this is a bug in tkt (ZeroDivisionError)") and str(path) in found.err
    assert "a secret" not in found.err
    assert "ZeroDivisionError: a secret of the code" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    tkt("new", "x")
    assert path.read_text().count("Traceback") == 2
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null")
    assert "nowhere" in sentence(tkt("new", "x").err)


@pytest.mark.parametrize("how", ["--json", "--jsonl", "--csv", "--tsv", "--ids"])
def test_output_into_nothing_is_no_failure(new: Any, multiply: Any, shell: Any, how: str) -> None:
    """More than a pipe holds, to somebody who reads one line of it (`tkt list | head -1`)."""
    new("x" * 900)
    multiply(200 if how != "--ids" else 20_000)
    found = shell(f"set -o pipefail; tkt list -n0 {how} | head -1")
    assert (found.returncode, found.stdout.count("\n"), found.stderr) == (0, 1, "")


def test_a_full_disk_is_said(shell: Any) -> None:
    found = shell("tkt list > /dev/full")
    assert (found.returncode, found.stdout) == (1, "")
    assert "can't be written" in sentence(found.stderr)


def test_a_mail_that_has_left_can_not_be_called_back(tkt: Any, desk_file: Path) -> None:
    tkt("new", "x", "--from", "ann@c.example")
    tkt("reply", "1", "-b", "Try again.")
    with sqlite3.connect(desk_file) as connection:
        connection.execute(f"UPDATE {Outbox.__tablename__} SET state = 'sent'")
    connection.close()
    found = tkt("undo")
    assert found.status == 5 and "has left already" in sentence(found.err)
