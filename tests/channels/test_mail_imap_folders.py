"""Several folders of one mailbox, whatever their names; and several readers of one folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.desk.unit import Desk
from tkt.store.tables import Intake, MailboxState, Ticket

Letter = Callable[..., bytes]
Declare = Callable[..., None]
NAMES = ["Sales", "Anfragen für später", "客户服务", "R&D 100%", 'with "quotes"']


def subjects(desk: Desk) -> list[str]:
    with desk.store.transaction() as session:
        return sorted(ticket.subject for ticket in session.exec(select(Ticket)))


def errors(desk: Desk) -> dict[str, str]:
    with desk.store.transaction() as session:
        return {one.folder: one.error for one in session.exec(select(MailboxState))}


def test_several_folders_each_with_its_position(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter
) -> None:
    """Beyond ASCII (modified UTF-7, RFC 3501 section 5.1.3), with blanks, with what means something to servers."""
    names = [name for name in NAMES if imap_server.folder is not None or "%" not in name and '"' not in name]
    with imap_server.client() as client:
        for name in names:
            client.create_folder(name)
    declare(sqlite_desk, **imap_server.body(folders=names))
    for turn in range(2):
        imap_server.deliver(letter(f"INBOX {turn}"))
        for name in names:
            imap_server.deliver(letter(f"{name} {turn}"), folder=name)
        [result] = gateway.pull(sqlite_desk)
        assert (result.tickets, result.error) == (len(names) + 1, "")
    assert subjects(sqlite_desk) == sorted(f"{name} {turn}" for name in ("INBOX", *names) for turn in range(2))
    assert gateway.pull(sqlite_desk)[0].fetched == 0
    with sqlite_desk.store.transaction() as session:
        sources = [one.source for one in session.exec(select(Intake))]
    assert len(set(sources)) == len(sources)
    assert {one.rpartition(":")[0].rpartition(":")[0] for one in sources} == {"", *names}


def test_folders_below_others(sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter) -> None:
    with imap_server.client() as client:
        client.create_folder("Desk")
        [(_, separator, _)] = client.list_folders("", "Desk")
        below = f"Desk{separator.decode()}Sales"
        client.create_folder(below)
    imap_server.deliver(letter("One"), folder=below)
    declare(sqlite_desk, **imap_server.body(folders=[below]))
    assert gateway.pull(sqlite_desk)[0].tickets == 1


def test_a_folder_that_is_missing_does_not_hold_up_the_others(
    sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter
) -> None:
    with imap_server.client() as client:
        client.create_folder("Sales")
    imap_server.deliver(letter("One"))
    imap_server.deliver(letter("Two"), folder="Sales")
    declare(sqlite_desk, **imap_server.body(folders=["Sails", "Sales"]))
    [result] = gateway.pull(sqlite_desk)
    assert result.tickets == 2
    assert result.error.endswith("has no folder Sails: did you mean Sales?") and not result.away
    assert errors(sqlite_desk) == {"INBOX": "", "Sails": result.error, "Sales": ""}
    with imap_server.client() as client:
        client.create_folder("Sails")
    assert gateway.pull(sqlite_desk)[0].error == ""
    assert set(errors(sqlite_desk).values()) == {""}


def test_since_when_it_fails_is_kept_until_it_works(
    sqlite_desk: Desk, declare: Declare, scripted: Any, clock: Any
) -> None:
    declare(sqlite_desk, **scripted.body())
    scripted.instead = lambda tag, command, _rest: f"{tag} NO no\r\n".encode() if command == "LOGIN" else None
    began = clock.now
    for _ in range(2):
        assert "refuses the login" in gateway.pull(sqlite_desk)[0].error
        clock.now += timedelta(minutes=5)
    with sqlite_desk.store.transaction() as session:
        [state] = session.exec(select(MailboxState)).all()
        assert state.failing_since == began
    scripted.instead = lambda *_: None
    assert gateway.pull(sqlite_desk)[0].error == ""
    with sqlite_desk.store.transaction() as session:
        assert {(one.error, one.failing_since) for one in session.exec(select(MailboxState))} == {("", None)}


def test_two_pullers_at_once(desk: Desk, declare: Declare, servers: Any, letter: Letter) -> None:
    """Both read the same folder at the same time, moving what they have read: each mail is one ticket."""
    server = servers("pymap").emptied()
    server.deliver(*(letter(f"Question {n:02}", sender=f"c{n}@customer.example") for n in range(30)))
    declare(desk, **server.body(archive="Filed"))
    together = threading.Barrier(2)
    results: list[Any] = []

    def one() -> None:
        mine = Desk(desk.store, now=desk.now)
        together.wait()
        results.extend(gateway.pull(mine))

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.error for result in results] == ["", ""]
    assert subjects(desk) == [f"Question {n:02}" for n in range(30)]
    assert server.count() == 0


@pytest.mark.parametrize("folder", ["INBOX", "Sales"])
def test_a_folder_may_change_its_place_in_the_file(
    folder: str, sqlite_desk: Desk, declare: Declare, imap_server: Any, letter: Letter
) -> None:
    """From the URL into `folders` and back: nothing is read twice, and nothing of another folder is taken for it."""
    with imap_server.client() as client:
        client.create_folder("Sales")
    other = "Sales" if folder == "INBOX" else "INBOX"
    imap_server.deliver(letter("One"), folder=folder)
    imap_server.deliver(letter("Two"), folder=other)
    declare(sqlite_desk, **imap_server.body(folder=folder))
    assert gateway.pull(sqlite_desk)[0].tickets == 1
    declare(sqlite_desk, name="again", address="again@desk.example", **imap_server.body(folder=other, folders=[folder]))
    with sqlite_desk.store.transaction() as session:
        for row in session.exec(select(Intake)):
            row.mailbox = "again"
            session.add(row)
    [result] = gateway.pull(sqlite_desk, ["again"])
    assert (result.tickets, result.fetched) == (1, 1)
