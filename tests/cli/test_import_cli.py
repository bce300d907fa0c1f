"""`tkt import` at the command line: counts that add up, a bar for people, silence for pipes, and a clean stop."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def mail(number: int, *, answers: int | None = None, sender: str = "ann@customer.example") -> str:
    named = f"In-Reply-To: <{answers}@x>\n" if answers is not None else ""
    return (
        f"From x@y Mon Nov  2 08:00:00 2020\nFrom: {sender}\nTo: support@desk.example\nSubject: Question {number}\n"
        f"Message-ID: <{number}@x>\n{named}Date: {1 + number % 28} Nov 2020 08:00:00 +0000\n\nText {number}.\n\n"
    )


@pytest.fixture
def archive(surroundings: Path) -> Path:
    path = surroundings / "old.mbox"
    path.write_text(
        mail(1) + mail(2, answers=1, sender="alice@desk.example") + mail(3) + mail(3) + "From x@y\nDate: -\n"
    )
    return path


def test_it_says_what_became_of_every_message(tkt: Any, archive: Path) -> None:
    status, out, err = tkt("import", "mbox", str(archive), "--team", "network", "--tag", "old", "--dry-run")
    words = "5 messages read: 2 new tickets, 1 filed on them, 1 duplicates, 0 automatic, 1 in quarantine (= 5)\n"
    assert (status, out, err) == (0, words, "nothing was written\n")
    status, out, err = tkt("import", "mbox", str(archive), "--team", "network", "--tag", "old")
    assert (status, out) == (0, words) and "tkt mail quarantine list" in err
    assert tkt("list", "team:network tag:old kind:closed", "--ids").out.split() == ["1", "2"]
    assert tkt("list", "--ids").out == ""
    assert [one["author"] for one in json.loads(tkt("show", "1", "--json").out)["entries"]] == [
        "ann@customer.example",
        "alice",
    ]
    assert tkt("show", "1", "--raw").out.startswith("From: ann@customer.example\n")
    again = json.loads(tkt("import", "mbox", str(archive), "--json").out)
    assert again == {
        "read": 5, "tickets": 0, "entries": 0, "duplicates": 0, "automatic": 0, "quarantined": 0, "already": 5,
    }  # fmt: skip
    assert "5 here already (= 5)" in tkt("import", "mbox", str(archive)).out


def test_maildirs_with_their_folders(tkt: Any, surroundings: Path) -> None:
    for folder, number in (("cur", 1), (".Sent/cur", 2)):
        path = surroundings / "Maildir" / folder
        path.mkdir(parents=True)
        (path / f"{number}.host:2,S").write_text(mail(number, answers=1 if number == 2 else None).partition("\n")[2])
    status, out, err = tkt("import", "maildir", str(surroundings / "Maildir"))
    assert (status, err) == (0, "")
    assert out.startswith("2 messages read: 1 new tickets, 1 filed on them")


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (("mbox", "nothing.mbox"), 3, "there is no file"),
        (("mbox", "."), 2, "tkt import maildir"),
        (("maildir", "."), 2, "is no Maildir"),
        (("mbox", "old.mbox", "--mailbox", "nowhere"), 3, "there is no mailbox 'nowhere'"),
        (("mbox", "old.mbox", "--team", "netwrk"), 3, "network"),
        (("mbox", "old.mbox", "--tag", "a b"), 2, "can't be a tag"),
        (("mbox", "old.mbox", "--as", "bob"), 4, "takes the role admin"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    tkt: Any, archive: Path, words: tuple[str, ...], status: int, complaint: str
) -> None:
    found = tkt("import", *words)
    assert (found.status, found.out) == (status, "") and complaint in found.err


def test_a_terminal_gets_a_bar_and_a_pipe_silence(
    terminal: Callable[..., tuple[int, bytes]], program: Callable[..., Any], archive: Path
) -> None:
    status, written = terminal("import", "mbox", str(archive))
    assert status == 0 and b"filing" in written and b"5/5" in written
    piped = program("import", "mbox", str(archive))
    assert (piped.returncode, piped.stderr) == (0, b"") and piped.stdout.count(b"\n") == 1


def test_ctrl_c_stops_cleanly_and_the_next_run_goes_on(
    program: Callable[..., Any], tkt: Any, surroundings: Path
) -> None:
    """At a terminal the signal goes to the whole group, and reaches tkt in the middle of its work."""
    path = surroundings / "many.mbox"
    path.write_text("".join(map(mail, range(2_000))))
    importer = subprocess.Popen(
        [sys.executable, "-m", "tkt", "import", "mbox", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, text=True,
    )  # fmt: skip
    while importer.poll() is None and tkt("list", "kind:closed", "-n", "1", "--ids").out == "":
        pass
    os.killpg(importer.pid, signal.SIGINT)
    out, err = importer.communicate()
    assert (importer.returncode, out) == (130, "")
    assert re.match(
        r"stopped: ([\d,]+ of 2,000 messages are in|what is in stays); the same command goes on from there\n", err
    )
    assert "Traceback" not in err
    counts = json.loads(tkt("import", "mbox", str(path), "--json").out)
    assert counts["already"] > 0 and counts["already"] + counts["tickets"] == counts["read"] == 2_000
    assert len(tkt("list", "kind:closed", "-n", "0", "--ids").out.split()) == 2_000
