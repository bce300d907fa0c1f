"""Mail is taken in when it arrives, where the server says so (IDLE); the mailboxes here are read once an hour else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
def test_mail_is_taken_in_when_it_arrives(
    name: str, house: Any, servers: Callable[..., Any], letter: Callable[..., bytes]
) -> None:
    imap = servers(name).emptied()
    with imap.client() as client:
        client.create_folder("Sales")
    house.declare(imap.body(every="1h", folders=["Sales"]))
    running = house.serve(hurried=False)
    imap.deliver(letter("First"))
    house.until_tickets("First")
    imap.deliver(letter("Second"), folder="Sales")
    house.until_tickets("First", "Second")
    imap.deliver(letter("Third"))
    house.until_tickets("First", "Second", "Third")
    assert running.end() == 0
    assert "WARNING" not in running.log and "Traceback" not in running.log


@pytest.mark.parametrize("name", ["pymap", "dovecot"])
def test_it_listens_again_after_the_server_was_away(
    name: str,
    house: Any,
    servers: Callable[..., Any],
    gate: Callable[..., Any],
    letter: Callable[..., bytes],
    until: Callable[..., Any],
) -> None:
    """What came while nobody listened is taken in at once then, and what comes later when it comes."""
    imap = servers(name).emptied()
    before = gate(imap.plain_port)
    body = imap.body(every="1h")
    body["imap"] = body["imap"].replace(f":{imap.plain_port}/", f":{before.port}/")
    house.declare(body)
    running = house.serve()
    imap.deliver(letter("First"))
    house.until_tickets("First")

    before.target = None
    before.cut()
    imap.deliver(letter("Second"))
    until(lambda: before.turned_away >= 2)
    before.target = imap.plain_port
    house.until_tickets("First", "Second")
    imap.deliver(letter("Third"))
    house.until_tickets("First", "Second", "Third")
    assert running.end() == 0
    assert "Traceback" not in running.log


def test_a_server_without_it_is_read_at_its_pace_and_not_asked_again(
    house: Any, scripted: Any, letter: Callable[..., bytes]
) -> None:
    house.declare(scripted.body(every="1s"))
    running = house.serve()
    for number in range(3):
        scripted.inbox.add(letter(f"Question {number}"))
        house.until_tickets(*(f"Question {one}" for one in range(number + 1)))
    assert running.end() == 0
    assert scripted.count("LOGIN") - scripted.count("SELECT") == 1  # the watch that found no IDLE
    assert scripted.count("IDLE") == scripted.count("EXAMINE") == 0


def test_a_mailbox_that_is_declared_later_is_watched(
    house: Any, servers: Callable[..., Any], letter: Callable[..., bytes], until: Callable[..., Any]
) -> None:
    imap = servers("pymap").emptied()
    house.declare({"smtp": "smtp+plain://localhost:1"})
    running = house.serve()
    until(lambda: "serving" in running.log)
    house.declare(imap.body(every="1h"))
    for number in range(2):
        imap.deliver(letter(f"Question {number}"))
        house.until_tickets(*(f"Question {one}" for one in range(number + 1)))
    assert running.end() == 0
