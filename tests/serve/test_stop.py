"""SIGTERM and SIGINT: whatever it is at, `tkt serve` finishes the message at hand and ends with status 0."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest

from tkt.store.location import Location

MAILS = 3000
PATIENCE_SECONDS = 40


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_between_two_messages_of_a_long_pull(
    number: signal.Signals,
    sqlite_location: Location,
    maildir: Any,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    maildir.deliver(*(letter(f"Question {one}") for one in range(MAILS)))
    configure(sqlite_location, {"support": {"imap": f"maildir:{maildir.path}"}})
    running = serve(sqlite_location)
    until(lambda: rows(sqlite_location, "SELECT count(*) FROM ticket")[0] > 10)
    assert running.end(number) == 0

    filed = rows(sqlite_location, "SELECT count(*) FROM ticket")[0]
    assert filed < MAILS
    assert rows(sqlite_location, "SELECT count(*) FROM intake WHERE state = 'ticket'") == [filed]
    last = [line.split(" ", 1)[1] for line in running.log.splitlines()[-2:]]
    assert last == [f"INFO stopping: {number.name}", "INFO stopped"]


def test_it_ends_between_two_mails_of_a_long_delivery(
    sqlite_location: Location,
    postman: Any,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    tkt: Callable[..., Any],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    configure(sqlite_location, {"support": postman.body()})
    assert tkt(sqlite_location, "new", "The printer", "--from", "carol@customer.example").returncode == 0
    copies(sqlite_location, 2000)
    running = serve(sqlite_location)
    until(lambda: len(postman.received) > 5)
    assert running.end() == 0
    assert 5 < len(postman.received) < 2000
    assert rows(sqlite_location, "SELECT count(*) FROM outbox WHERE state = 'sent'") == [len(postman.received)]
    assert rows(sqlite_location, "SELECT count(*) FROM outbox WHERE state = 'sending'") == [0]


def copies(location: Location, count: int) -> None:
    """An outbox with so many mails that are due."""
    from tkt.desk import outbox
    from tkt.desk.unit import Desk
    from tkt.store.engine import Store

    store = Store(location)
    with Desk(store).change() as change:
        ticket = change.ticket(1)
        for number in range(count):
            to = [f"a{number}@customer.example"]
            outbox.put(change, "notification", ticket, id_kind="n", to=to, subject="News", text="News.")
    store.close()


def test_a_server_that_says_nothing_does_not_keep_it(
    sqlite_location: Location,
    silent_port: int,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    gate: Callable[..., Any],
    until: Callable[..., Any],
) -> None:
    passed = gate(silent_port)
    login = {"imap": f"imap+plain://support@localhost:{passed.port}", "password_env": "TKT_TEST_PASSWORD"}
    configure(sqlite_location, {"support": login})
    running = serve(sqlite_location, hurried=True)
    until(lambda: passed.passed >= 2)  # one to read and one to watch
    assert running.end() == 0
    assert "WARNING reading mailbox support: left waiting for an answer" in running.log
    assert running.log.splitlines()[-1].endswith("INFO stopped")


def test_it_heeds_a_signal_at_any_moment_and_ends_in_good_order(
    sqlite_location: Location, configure: Callable[..., None], serve: Callable[..., Any], until: Callable[..., Any]
) -> None:
    """Told to stop while its threads begin, some of which ask for the name of a server: several at once, so that each
    often waits for the processor. A signal must not be missed, and no thread may wake up in what is left of us.
    """
    login = {"imap": "imaps://support@mail.example.invalid", "password_env": "TKT_TEST_PASSWORD"}
    configure(sqlite_location, {name: login for name in ("support", "sales", "billing", "press")})
    running = [serve(sqlite_location) for _ in range(6)]
    for one in running:
        until(lambda one=one: "serving" in one.log, every=0.005)
        one.process.send_signal(signal.SIGTERM)
    assert [one.process.wait(PATIENCE_SECONDS) for one in running] == [0] * 6


def test_nohup_is_heeded(
    sqlite_location: Location, maildir: Any, configure: Callable[..., None], serve: Callable[..., Any],
    letter: Callable[..., bytes], until: Callable[..., Any], rows: Callable[..., list[Any]],
) -> None:  # fmt: skip
    configure(sqlite_location, {"support": {"imap": f"maildir:{maildir.path}"}})
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # what nohup does; the process inherits it
    try:
        running = serve(sqlite_location, hurried=True)
    finally:
        signal.signal(signal.SIGHUP, before)
    until(lambda: "serving" in running.log)
    running.process.send_signal(signal.SIGHUP)
    maildir.deliver(letter("The kettle"))
    until(lambda: rows(sqlite_location, "SELECT count(*) FROM ticket") == [1])
    assert running.end() == 0 and "SIGHUP" not in running.log
