"""Servers and databases that go away and come back: two lines in the log, and everything goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tkt.errors import StoreBusy
from tkt.scheduler import Scheduler, send
from tkt.store import engine
from tkt.store.location import Location

ROUNDS = 3
"""How many attempts have to fail before what is away comes back."""


def test_mail_servers_go_away_and_come_back(
    house: Any,
    servers: Callable[..., Any],
    postman: Any,
    gate: Callable[..., Any],
    tkt: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    password: str,
) -> None:
    imap = servers("pymap").emptied()
    reading, sending = gate(imap.plain_port), gate(postman.port)
    urls = {
        "imap": f"imap+plain://{imap.user}@localhost:{reading.port}",
        "smtp": f"smtp+plain://localhost:{sending.port}",
    }
    house.declare(urls | {"password_env": "TKT_TEST_PASSWORD"}, desk='undo_window = "0s"')
    running = house.serve()
    imap.deliver(letter("First"))
    until(lambda: len(postman.received) == 1)

    reading.target = sending.target = None
    reading.cut()
    for number in range(ROUNDS):
        assert tkt(house.location, "reply", "1", "-b", f"answer {number}").returncode == 0
    until(lambda: min(reading.turned_away, sending.turned_away) >= ROUNDS)
    assert len(postman.received) == 1

    reading.target, sending.target = imap.plain_port, postman.port
    imap.deliver(letter("Second"))
    until(lambda: len(postman.received) == 2)
    a_minute_passes(house.location)
    until(lambda: len(postman.received) == 2 + ROUNDS)
    house.until("SELECT error FROM mailbox_state", "")

    assert running.end() == 0
    for what in ("reading", "sending from"):
        assert running.count(f"WARNING {what} mailbox support: localhost:") == 1
        assert running.count(f"INFO {what} mailbox support: working again") == 1
    check_log(running, password, warnings=2)


def test_postgres_stops_and_starts(
    own_postgres: Any,
    maildir: Any,
    gate: Callable[..., Any],
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
    password: str,
) -> None:
    configure(own_postgres.location, {"support": {"imap": f"maildir:{maildir.path}"}}, desk="confirm = false")
    before = gate(own_postgres.socket)
    running = serve(own_postgres.through(before), hurried=True)
    maildir.deliver(letter("First"))
    until(lambda: rows(own_postgres.location, "SELECT count(*) FROM ticket") == [1])

    own_postgres.stop()
    maildir.deliver(letter("Second"))
    until(lambda: before.turned_away >= 4 * ROUNDS)
    own_postgres.start()
    until(lambda: rows(own_postgres.location, "SELECT count(*) FROM ticket") == [2])
    until(lambda: running.count("INFO the store: working again") == 1)

    assert running.end() == 0
    place = f"postgresql://postgres@127.0.0.1:{before.port}/postgres"
    assert running.count(f"WARNING the store at {place} can't be reached") == 1
    check_log(running, password, warnings=1)


def test_a_locked_file_is_waited_for(
    house: Any,
    servers: Callable[..., Any],
    gate: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    password: str,
) -> None:
    imap = servers("pymap").emptied()
    before = gate(imap.plain_port)
    house.declare({"imap": f"imap+plain://{imap.user}@localhost:{before.port}", "password_env": "TKT_TEST_PASSWORD"})
    running = house.serve()
    house.until("SELECT count(*) FROM mailbox_state WHERE error = ''", 1)

    holder = sqlite3.connect(house.location.target, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    passed = before.passed
    imap.deliver(letter("First"))
    until(lambda: before.passed >= passed + ROUNDS)
    assert house.rows("SELECT count(*) FROM ticket") == [0]
    holder.execute("ROLLBACK")
    holder.close()
    house.until_tickets("First")
    until(lambda: running.count("INFO the store: working again") == 1)

    assert running.end() == 0
    assert running.count("WARNING the store is busy") == 1
    check_log(running, password, warnings=1)


def check_log(running: Any, password: str, warnings: int) -> None:
    assert "Traceback" not in running.log and "ERROR" not in running.log
    assert running.count("WARNING") == warnings
    assert password not in running.log


def a_minute_passes(location: Location) -> None:
    """What waits because its server was away is due again."""
    connection = sqlite3.connect(location.target, isolation_level=None, timeout=20)
    connection.execute("UPDATE outbox SET next_at = created_at WHERE state = 'waiting'")
    connection.close()


class LocksTheStore:
    """A mail server that takes a mail, and after whose answer the store is locked by somebody."""

    def __init__(self, location: Location) -> None:
        self.holder = sqlite3.connect(location.target, isolation_level=None, check_same_thread=False)
        self.received: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.received.append(envelope.content)
        self.holder.execute("BEGIN IMMEDIATE")
        return "250 OK"


def test_what_was_sent_while_the_store_was_busy_is_recorded_and_not_sent_again(
    house: Any, unused_port: int, tkt: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.declare({"smtp": f"smtp+plain://localhost:{unused_port}"}, desk='undo_window = "0s"')
    assert tkt(house.location, "new", "The printer", "--from", "carol@customer.example").returncode == 0
    assert tkt(house.location, "reply", "1", "-b", "Try again.").returncode == 0
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0)
    server, serving = LocksTheStore(house.location), Scheduler(house.location)
    controller = Controller(server, hostname="127.0.0.1", port=unused_port)
    controller.start()
    with pytest.raises(StoreBusy):
        send(serving)
    with pytest.raises(StoreBusy):
        send(serving)
    server.holder.execute("ROLLBACK")
    send(serving)
    assert house.rows("SELECT state FROM outbox") == ["sent"]
    assert house.rows("SELECT delivery FROM entry WHERE kind = 'reply'") == ["sent"]
    assert len(server.received) == 1
    controller.stop()
    serving.store.close()
    server.holder.close()


def test_servers_that_hang_hold_nobody_up(
    location: Location,
    silent_port: int,
    gate: Callable[..., Any],
    maildir: Any,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    """While three servers have been asked and say nothing, the fourth mailbox is read, again and again."""
    before = gate(silent_port)
    silent = {"imap": f"imap+plain://support@localhost:{before.port}", "password_env": "TKT_TEST_PASSWORD"}
    hanging = {f"silent-{number}": silent for number in range(3)}
    configure(location, hanging | {"support": {"imap": f"maildir:{maildir.path}"}}, desk="confirm = false")
    serve(location, hurried=True)
    until(lambda: before.passed >= 3)
    for number in range(3):
        maildir.deliver(letter(f"Question {number}"))
        until(lambda number=number: rows(location, "SELECT count(*) FROM ticket") == [number + 1])
