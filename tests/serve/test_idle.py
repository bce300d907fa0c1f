"""Mail is taken in when it arrives, where the server says so (IDLE); the mailboxes here are read once an hour else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tkt.store.location import Location

QUIET = "confirm = false"


def arrives(rows: Callable[..., list[Any]], until: Callable[..., Any], location: Location, *subjects: str) -> None:
    until(lambda: rows(location, "SELECT subject FROM ticket ORDER BY number") == list(subjects))


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
def test_mail_is_taken_in_when_it_arrives(
    name: str,
    sqlite_location: Location,
    servers: Callable[..., Any],
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    imap = servers(name).emptied()
    with imap.client() as client:
        client.create_folder("Sales")
    configure(sqlite_location, {"support": imap.body(every="1h", folders=["Sales"])}, desk=QUIET)
    running = serve(sqlite_location)
    imap.deliver(letter("First"))
    arrives(rows, until, sqlite_location, "First")
    imap.deliver(letter("Second"), folder="Sales")
    arrives(rows, until, sqlite_location, "First", "Second")
    imap.deliver(letter("Third"))
    arrives(rows, until, sqlite_location, "First", "Second", "Third")
    assert running.end() == 0
    assert "WARNING" not in running.log and "Traceback" not in running.log


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
def test_it_listens_again_after_the_server_was_away(
    name: str,
    sqlite_location: Location,
    servers: Callable[..., Any],
    gate: Callable[..., Any],
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    """What came while nobody listened is taken in at once then, and what comes later when it comes."""
    imap = servers(name).emptied()
    before = gate(imap.plain_port)
    body = imap.body(every="1h")
    body["imap"] = body["imap"].replace(f":{imap.plain_port}/", f":{before.port}/")
    configure(sqlite_location, {"support": body}, desk=QUIET)
    running = serve(sqlite_location, hurried=True)
    imap.deliver(letter("First"))
    arrives(rows, until, sqlite_location, "First")

    before.target = None
    before.cut()
    imap.deliver(letter("Second"))
    until(lambda: before.turned_away >= 2)
    before.target = imap.plain_port
    arrives(rows, until, sqlite_location, "First", "Second")
    imap.deliver(letter("Third"))
    arrives(rows, until, sqlite_location, "First", "Second", "Third")
    assert running.end() == 0
    assert "Traceback" not in running.log


def test_a_server_without_it_is_read_at_its_pace_and_not_asked_again(
    sqlite_location: Location,
    scripted: Any,
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    configure(sqlite_location, {"support": scripted.body(every="1s")}, desk=QUIET)
    running = serve(sqlite_location, hurried=True)
    for number in range(3):
        scripted.inbox.add(letter(f"Question {number}"))
        arrives(rows, until, sqlite_location, *(f"Question {one}" for one in range(number + 1)))
    assert running.end() == 0
    assert scripted.count("LOGIN") - scripted.count("SELECT") == 1  # the watch that found no IDLE
    assert scripted.count("IDLE") == scripted.count("EXAMINE") == 0


def test_a_mailbox_that_is_declared_later_is_watched(
    sqlite_location: Location,
    servers: Callable[..., Any],
    gate: Callable[..., Any],
    configure: Callable[..., None],
    serve: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
    rows: Callable[..., list[Any]],
) -> None:
    imap = servers("pymap").emptied()
    body = imap.body(every="1h")
    configure(sqlite_location, {"support": {"smtp": "smtp+plain://localhost:1"}}, desk=QUIET)
    running = serve(sqlite_location, hurried=True)
    until(lambda: "serving" in running.log)
    configure(sqlite_location, {"support": body}, desk=QUIET)
    for number in range(2):
        imap.deliver(letter(f"Question {number}"))
        arrives(rows, until, sqlite_location, *(f"Question {one}" for one in range(number + 1)))
    assert running.end() == 0
