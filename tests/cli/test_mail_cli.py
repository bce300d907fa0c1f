"""`tkt mail` as a script sees it: what is printed, and the exit status."""

from __future__ import annotations

import io
import json
import resource
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from tkt.cli.main import run
from tkt.desk.conversation import reply
from tkt.desk.unit import Desk
from tkt.store.engine import Store
from tkt.store.location import Location
from tkt.store.tables import Definition, Intake, Setting

MAIL = (
    b"From: Carol <carol@customer.example>\r\nTo: support@desk.example\r\n"
    b"Subject: Broken\r\nMessage-ID: <1@x>\r\n\r\nHelp\r\n"
)


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    return tmp_path / "Maildir"


@pytest.fixture
def tkt(
    sqlite_location: Location, maildir: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Runs `tkt mail …` on a desk with one mailbox: (exit status, standard output, standard error)."""
    store = Store(sqlite_location)
    with store.transaction() as session:
        body = {"address": "support@desk.example", "imap": f"maildir:{maildir}"}
        session.add(Setting(key="desk.secret", value="secret"))
        session.add(Definition(kind="mailbox", name="support", body=body, created_at=datetime.now(UTC)))
    store.close()
    monkeypatch.setenv("TKT_DESK", sqlite_location.target)

    def call(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        status = run(["mail", *arguments])
        sys.stdout.flush()
        captured = capfd.readouterr()
        return status, captured.out, captured.err

    yield call


def test_pull_says_what_it_took_in(tkt: Any, maildir: Path) -> None:
    (maildir / "new" / "1.a.host").write_bytes(MAIL)
    (maildir / "new" / "2.b.host").write_bytes(b"\0")
    assert tkt("pull") == (0, "support: 2 taken in (1 new, 1 in quarantine)\n", "")
    assert tkt("pull", "support") == (0, "support: 0 taken in\n", "")
    status, out, _ = tkt("pull", "--json")
    assert status == 0
    assert json.loads(out)[0]["mailbox"] == "support"


def test_an_unknown_mailbox_does_not_exist(tkt: Any) -> None:
    status, out, err = tkt("pull", "suport")
    assert (status, out) == (3, "")
    assert "there is no mailbox 'suport'" in err


def test_a_folder_that_is_gone_is_to_be_mended(tkt: Any, maildir: Path) -> None:
    maildir.rename(maildir.parent / "elsewhere")
    status, _, err = tkt("pull")
    assert status == 1
    assert "there is no Maildir" in err


def test_ingest_prints_the_ticket(tkt: Any) -> None:
    assert tkt("ingest", given=MAIL) == (0, "1\n", "new ticket #1\n")
    assert tkt("ingest", given=MAIL)[0] == 0
    status, out, err = tkt("ingest", "--mailbox", "support", given=b"\0")
    assert (status, out) == (0, "")
    assert "quarantine" in err


def held(tkt: Any, *options: str, mail: bytes = MAIL) -> str:
    """Why a piped mail is left with its mail server, which keeps it because of the exit status (sysexits.h)."""
    status, out, err = tkt("ingest", *options, given=mail)
    assert (status, out) == (75, "")
    return str(err)


def kept(location: Location) -> int:
    """How many raw messages the store holds."""
    store = Store(location)
    with store.reading() as session:
        count = len(session.exec(select(Intake)).all())
    store.close()
    return count


def test_a_mailbox_that_the_alias_misspells_must_not_bounce_the_mail(tkt: Any, sqlite_location: Location) -> None:
    assert "there is no mailbox 'suport'" in held(tkt, "--mailbox", "suport")
    assert kept(sqlite_location) == 0


def test_a_desk_that_is_not_there_must_not_bounce_the_mail(
    tkt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TKT_DESK", str(tmp_path / "elsewhere.db"))
    assert "there is no desk at" in held(tkt)


def test_a_store_of_another_version_must_not_bounce_the_mail(tkt: Any, sqlite_location: Location) -> None:
    with closing(sqlite3.connect(sqlite_location.target)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "tkt" in held(tkt)


def test_a_damaged_store_must_not_bounce_the_mail(tkt: Any, sqlite_location: Location) -> None:
    Path(sqlite_location.target).write_bytes(b"this is no database" * 1000)
    assert held(tkt)


def test_a_full_disk_must_not_bounce_the_mail(tkt: Any, sqlite_location: Location) -> None:
    large = MAIL + b"x" * 4_000_000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        assert "failed" in held(tkt, mail=large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert kept(sqlite_location) == 0
    assert tkt("ingest", given=large)[:2] == (0, "1\n")


def test_a_mail_that_is_stored_is_a_success_even_where_its_filing_fails(tkt: Any, sqlite_location: Location) -> None:
    with closing(sqlite3.connect(sqlite_location.target)) as connection, connection:
        connection.execute("CREATE TRIGGER fails BEFORE UPDATE ON intake BEGIN SELECT * FROM no_such_table; END")
    assert tkt("ingest", given=MAIL) == (0, "", "stored; the next round files it\n")
    assert kept(sqlite_location) == 1


def test_a_desk_that_can_t_send_confirms_nothing(tkt: Any) -> None:
    tkt("ingest", given=MAIL)
    assert tkt("send") == (0, "", "")


def test_send_and_status_say_what_waits_and_why(tkt: Any, sqlite_location: Location) -> None:
    tkt("ingest", given=MAIL)
    store = Store(sqlite_location)
    reply(Desk(store), 1, "On it.")
    store.close()
    status, out, _ = tkt("send")
    assert status == 75
    assert out == "#1 reply to carol@customer.example: waiting: mailbox support has no smtp in desk.toml\n"
    document = json.loads(tkt("status", "--json")[1])
    assert document["outgoing"][0]["error"] == "mailbox support has no smtp in desk.toml"
    assert document["mailboxes"][0]["address"] == "support@desk.example"
    status, out, err = tkt("status")
    assert status == 0
    assert "never" in out
    assert err == "1 waiting to leave, 0 stored and not filed, 0 in quarantine\n"


def test_the_quarantine_is_looked_after(tkt: Any) -> None:
    tkt("ingest", given=b"\x1b]0;evil\x07: no mail\n\n")
    tkt("ingest", given=b"\0")
    held = json.loads(tkt("quarantine", "list", "--json")[1])
    assert tkt("quarantine", "list")[0] == 0
    assert tkt("quarantine", "show", str(held[-1]["id"]))[:2] == (0, "\0")
    ids = [str(one["id"]) for one in held]
    status, _, err = tkt("quarantine", "retry", *ids, "4711")
    assert status == 3
    assert [line.partition(": put into quarantine")[0] for line in err.splitlines()[:2]] == [
        f"tkt: message {one}" for one in ids
    ]
    assert tkt("quarantine", "retry", ids[-1])[0] == 1
    assert tkt("quarantine", "drop", *ids)[0] == 0
    assert tkt("quarantine", "drop", str(held[-1]["id"]))[0] == 5
    assert tkt("quarantine", "show", "4711")[0] == 3
