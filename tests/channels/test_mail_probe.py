"""`tkt mail test`: what works and what does not, step by step, against real servers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tkt.channels.mail import probe as probing
from tkt.channels.mail.mailboxes import mailboxes
from tkt.channels.mail.probe import Step, probe
from tkt.cli.main import run
from tkt.desk.unit import Desk

Declare = Callable[..., None]


@pytest.fixture
def tried(sqlite_desk: Desk, declare: Declare) -> Callable[..., list[Step]]:
    """tried(send_to="", imap=…, …): the steps for a mailbox so declared; told one by one as they are returned."""

    def run(send_to: str = "", **body: Any) -> list[Step]:
        declare(sqlite_desk, **body)
        with sqlite_desk.look() as change:
            [box] = mailboxes(change.definitions)
        told: list[Step] = []
        steps = probe(box, told.append, send_to)
        assert told == steps
        return steps

    return run


def state(steps: list[Step], part: str) -> dict[str, str]:
    return {one.step: one.state for one in steps if one.part == part}


def words(steps: list[Step], step: str) -> str:
    [found] = [one.words for one in steps if one.step == step]
    return found


def test_a_mailbox_that_works(tried: Callable[..., list[Step]], tls_mailbox: Any, postman: Any, tls_ca: str) -> None:
    server, body = tls_mailbox
    with_more = body | {"tls_ca": tls_ca, "archive": "Filed", "plus": True, "return_path": "bounces@desk.example"}
    steps = tried("me@customer.example", **with_more, **postman.body())
    assert {one.state for one in steps} == {"ok", "note"}
    assert state(steps, "reading") == {
        "network": "ok", "certificate": "ok", "login": "ok", "offers": "ok", "folder INBOX": "ok", "archive": "note",
    }  # fmt: skip
    assert state(steps, "sending") == {
        "network": "ok", "connection": "note", "login": "ok", "offers": "ok", "address": "ok", "send": "ok",
    }  # fmt: skip
    assert "trusted until 2" in words(steps, "certificate")
    assert any("IDLE" in one.words for one in steps if one.part == "reading")
    [sent] = postman.received
    assert (sent.mail_from, sent.rcpt_tos) == ("support@desk.example", ["me@customer.example"])
    assert postman.subjects() == ["Test of the mailbox support"]
    assert server.count() == 0


def test_nothing_is_sent_unless_asked_for(tried: Callable[..., list[Step]], postman: Any) -> None:
    steps = tried(**postman.body())
    assert state(steps, "sending")["address"] == "ok"
    assert postman.received == []


def test_a_certificate_that_nobody_vouches_for(tried: Callable[..., list[Step]], tls_mailbox: Any) -> None:
    steps = tried(**tls_mailbox[1])
    assert state(steps, "reading") == {"network": "ok", "certificate": "bad"}
    assert "self-signed" in words(steps, "certificate") and "tls_ca" in words(steps, "certificate")


def test_a_port_without_tls(tried: Callable[..., list[Step]], servers: Any) -> None:
    server = servers("dovecot")
    steps = tried(imap=f"imaps://x@localhost:{server.plain_port}/", password_command="echo x")
    assert "speaks no TLS on this port" in words(steps, "certificate")


def test_a_wrong_password_and_one_that_is_not_there(
    tried: Callable[..., list[Step]], imap_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = imap_server.body()
    monkeypatch.setenv("TKT_TEST_PASSWORD", "not-this-one")
    steps = tried(**body)
    assert state(steps, "reading")["login"] == "bad"
    assert "check user and password" in words(steps, "login")
    assert "not-this-one" not in repr(steps)


def test_a_password_that_is_not_there(tried: Callable[..., list[Step]], imap_server: Any) -> None:
    steps = tried(imap=imap_server.body()["imap"], password_command="false")
    assert state(steps, "desk.toml") == {"mailbox": "ok", "password": "bad"}
    assert state(steps, "reading") == {"network": "ok", "connection": "note"}


def test_folders_that_are_missing_or_in_the_way(tried: Callable[..., list[Step]], imap_server: Any) -> None:
    with imap_server.client() as client:
        client.create_folder("Sales")
    steps = tried(**imap_server.body(folders=["Sale", "Sales"], archive="Sales"))
    found = state(steps, "reading")
    assert (found["folder INBOX"], found["folder Sale"], found["folder Sales"]) == ("ok", "bad", "ok")
    assert words(steps, "folder Sale").endswith("has no folder Sale: did you mean Sales?")
    assert state(steps, "desk.toml")["archive"] == "bad"


def test_a_folder_that_may_only_be_read(tried: Callable[..., list[Step]], scripted: Any) -> None:
    scripted.inbox.read_only = True
    steps = tried(**scripted.body(archive="Filed"))
    assert state(steps, "reading")["folder INBOX"] == "note"
    assert "without IDLE it is read every 30s" in words(steps, "offers")
    assert list(scripted.folders) == ["INBOX"]


def test_servers_that_are_away(
    tried: Callable[..., list[Step]], unused_port: int, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "TIMEOUT_SECONDS", 0.5)
    steps = tried(
        imap=f"imap+plain://x@localhost:{silent_port}/", smtp=f"smtp+plain://localhost:{unused_port}",
        password_command="echo x",
    )  # fmt: skip
    assert state(steps, "reading") == {"network": "ok", "connection": "away"}
    assert state(steps, "sending") == {"network": "away"}
    assert "check host, port and firewall" in steps[-1].words


def test_a_host_that_does_not_exist(tried: Callable[..., list[Step]]) -> None:
    steps = tried(imap="imaps://x@no-such-host.invalid/", password_command="echo x")
    assert "no-such-host.invalid" in words(steps, "network")


def test_a_server_that_takes_no_mail_from_us(tried: Callable[..., list[Step]], postman: Any) -> None:
    postman.refused["support@desk.example"] = "550 5.7.1 not yours"
    steps = tried(**postman.body())
    assert state(steps, "sending")["address"] == "bad"
    assert "550 5.7.1 not yours" in words(steps, "address")


def test_files(tried: Callable[..., list[Step]], maildir: Any) -> None:
    steps = tried(imap=f"maildir:{maildir.path}")
    assert state(steps, "reading") == {"folder": "ok"}


def test_files_that_are_not_there(tried: Callable[..., list[Step]]) -> None:
    assert state(tried(imap="maildir:/nowhere/at/all"), "reading") == {"folder": "bad"}


@pytest.mark.parametrize(("port", "status"), [("unused_port", 75), ("wrong", 1), ("", 0)])
def test_the_command(
    port: str, status: int, sqlite_desk: Desk, declare: Declare, postman: Any, request: Any, capfd: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    urls = {"unused_port": lambda: f"smtp+plain://localhost:{request.getfixturevalue('unused_port')}"}
    url = urls.get(port, lambda: postman.body()["smtp"])()
    if port == "wrong":
        postman.refused["support@desk.example"] = "550 no"
    declare(sqlite_desk, smtp=url)
    monkeypatch.setenv("TKT_DESK", sqlite_desk.store.location.target)
    assert run(["mail", "test", "support", "--json"]) == status
    sys.stdout.flush()
    document = json.loads(capfd.readouterr().out)
    assert document["mailbox"] == "support"
    assert set(document["steps"][0]) == {"part", "step", "state", "words"}
    assert run(["mail", "test", "support"]) == status
    sys.stdout.flush()
    assert capfd.readouterr().out.startswith("✓ desk.toml: mailbox: support@desk.example sends\n")
    assert run(["mail", "test", "nobody"]) == 3
