"""What a server does wrong with one message, one folder or one connection does not stop the rest, nor lose it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import select

from tkt.channels.mail import gateway
from tkt.channels.mail.receiving import imap_session, pulling, sources
from tkt.desk.unit import Desk
from tkt.store.tables import Intake, MailboxState, Ticket

Letter = Callable[..., bytes]
Declare = Callable[..., None]
CUT = b"cut the connection"


def subjects(desk: Desk) -> list[str]:
    with desk.store.transaction() as session:
        return [ticket.subject for ticket in session.exec(select(Ticket).order_by(Ticket.number))]  # type: ignore[arg-type]


def aside(desk: Desk) -> list[str]:
    """Why messages wait in quarantine."""
    with desk.store.transaction() as session:
        return [one.reason for one in session.exec(select(Intake).where(Intake.state == "quarantined"))]


def refuse(uid: int, answer: bytes | None = None) -> Callable[[str, str, str], bytes | None]:
    """Let the server refuse, or break off at, every FETCH of bodies that has this message in it."""

    def instead(tag: str, command: str, arguments: str) -> bytes | None:
        uids = arguments.partition(" ")[0]
        if command != "FETCH" or "BODY" not in arguments or not holds(uids, uid):
            return None
        return answer or f"{tag} NO [SERVERBUG] can't read it\r\n".encode()

    return instead


def holds(uids: str, uid: int) -> bool:
    spans = ((part.partition(":")[0], part.rpartition(":")[2]) for part in uids.split(","))
    return any(int(low) <= uid <= int(high) for low, high in spans)


@pytest.mark.parametrize("answer", [None, CUT])
def test_a_message_that_is_not_handed_over_waits_and_the_rest_goes_on(
    answer: bytes | None, sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter
) -> None:
    """Refused, or the connection ends over it: those around it become tickets; later it does, too."""
    scripted.inbox.add(*(letter(f"Question {n}") for n in range(1, 6)))
    scripted.instead = refuse(3, answer)
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.quarantined, result.error) == (4, 1, "")
    assert subjects(sqlite_desk) == ["Question 1", "Question 2", "Question 4", "Question 5"]
    [reason] = aside(sqlite_desk)
    assert reason.endswith("; asked for again each round")
    assert scripted.inbox.flags[3] == set()

    scripted.inbox.add(letter("Question 6"))
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.quarantined, result.error) == (1, 0, "")

    scripted.instead = refuse(0)
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, aside(sqlite_desk)) == (1, [])
    assert subjects(sqlite_desk)[-1] == "Question 3"
    assert scripted.inbox.flags[3] == {r"\Seen"}
    assert gateway.pull(sqlite_desk)[0].fetched == 0


def test_a_message_that_is_not_handed_over_stays_out_of_the_archive(
    sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter
) -> None:
    """Even after a crash between putting it aside and keeping the position: it is read over, and left where it is."""
    scripted.capabilities += " MOVE"
    scripted.inbox.add(*(letter(f"Question {n}") for n in range(1, 4)))
    scripted.instead = refuse(2)
    declare(sqlite_desk, **scripted.body(archive="Filed"))
    gateway.pull(sqlite_desk)
    with sqlite_desk.store.transaction() as session:
        session.get_one(MailboxState, ("support", "INBOX")).last_uid = 0
    gateway.pull(sqlite_desk)
    assert list(scripted.inbox.messages) == [2]
    assert len(scripted.folders["Filed"].messages) == 2


def test_an_expunged_message_is_no_trouble(sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter) -> None:
    """Between asking for the sizes and fetching, somebody deletes one."""
    scripted.inbox.add(*(letter(f"Question {n}") for n in range(1, 4)))

    def instead(_tag: str, command: str, arguments: str) -> bytes | None:
        if command == "FETCH" and "BODY" in arguments:
            scripted.inbox.messages.pop(2, None)
        return None

    scripted.instead = instead
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.error, aside(sqlite_desk)) == (2, "", [])


def test_a_server_that_understates_sizes_is_read_one_by_one(
    sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an answer may hold is bounded by what the server announced; a lie costs a connection and no memory."""
    monkeypatch.setattr(imap_session, "ANSWER_BYTES", 2_000)
    mails = [letter(f"Question {n}", text="x" * 70 * n) for n in (1, 2, 30)]
    scripted.inbox.add(*mails)
    scripted.inbox.sizes = {3: 10}
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.error) == (3, "")


def test_a_literal_without_an_end_takes_no_memory(
    sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter
) -> None:
    scripted.inbox.add(letter("One"))
    announced = b"* 1 FETCH (UID 1 BODY[] {999999999999}\r\nabc"
    scripted.instead = lambda _tag, command, arguments: announced if "BODY" in arguments else None
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert result.quarantined == 1
    assert "more than was asked for" in aside(sqlite_desk)[0]


@pytest.mark.parametrize(("capabilities", "left"), [("", 3), (" UIDPLUS", 1), (" MOVE", 1)])
def test_nothing_of_others_is_expunged(
    capabilities: str, left: int, sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter
) -> None:
    """Another program has marked a message as deleted and not expunged it: it keeps that choice."""
    scripted.capabilities += capabilities
    scripted.inbox.add(letter("Theirs"))
    declare(sqlite_desk, **scripted.body())
    gateway.pull(sqlite_desk)
    scripted.inbox.flags[1].add(r"\Deleted")
    declare(sqlite_desk, name="second", address="second@desk.example", **scripted.body(archive="Filed"))
    with sqlite_desk.store.transaction() as session:
        session.add(MailboxState(mailbox="second", folder="INBOX", uidvalidity=1, last_uid=1))
    scripted.inbox.add(letter("One"), letter("Two"))
    [result] = gateway.pull(sqlite_desk, ["second"])
    assert (result.tickets, result.error) == (2, "")
    assert len(scripted.inbox.messages) == left
    assert len(scripted.folders["Filed"].messages) == 2


def test_a_folder_that_may_only_be_read_is_read(
    sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter
) -> None:
    scripted.inbox.add(letter("One"))
    scripted.inbox.read_only = True
    declare(sqlite_desk, **scripted.body(archive="Filed"))
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.error) == (1, "")
    assert gateway.pull(sqlite_desk)[0].fetched == 0
    assert scripted.count("STORE") == scripted.count("COPY") == scripted.count("CREATE") == 0


def test_uidvalidity_that_changes_during_a_round_loses_and_doubles_nothing(
    sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is restored from a backup between two batches: other UIDs, another UIDVALIDITY."""
    monkeypatch.setattr(sources, "BATCH_MESSAGES", 2)
    mails = [letter(f"Question {n}") for n in range(1, 6)]
    scripted.inbox.add(*mails)
    fetches = []

    def instead(_tag: str, command: str, arguments: str) -> bytes | None:
        if command == "FETCH" and "BODY" in arguments:
            fetches.append(arguments)
            if len(fetches) == 2:
                scripted.folders["INBOX"].__init__()
                scripted.inbox.validity = 2
                scripted.inbox.add(*reversed(mails))
                return CUT
        return None

    scripted.instead = instead
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert (result.tickets, result.duplicates, result.error) == (5, 2, "")
    assert sorted(subjects(sqlite_desk)) == [f"Question {n}" for n in range(1, 6)]


@pytest.mark.parametrize("seed", range(40))
def test_rubbish_from_a_server_is_a_sentence(
    seed: int,
    sqlite_desk: Desk,
    declare: Declare,
    scripted: Any,
    letter: Letter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At any command the server says something else: no traceback, no loss, and the next round goes well."""
    import random

    monkeypatch.setattr(imap_session, "TIMEOUT_SECONDS", 0.5)
    chance = random.Random(seed)
    scripted.inbox.add(letter("One"), letter("Two"))
    turn = chance.randrange(1, 9)
    rubbish = [
        b"\x00\xff\xfe rubbish\r\n", b"* 1 FETCH (UID x BODY[] {3}\r\nabc)\r\n", b"* SEARCH a b c\r\n", b"* \r\n",
        b"* 1 FETCH (UID 1 RFC822.SIZE NIL)\r\n", b"* 1 FETCH (((\r\n", b"* BYE gone\r\n", b"+ \r\n", b"no line end",
        b"* OK [UIDVALIDITY x] y\r\n", b"* OK [UIDNEXT -1] y\r\n", b"* LIST (((\r\n", b"* 1 EXISTS\r\n* x EXISTS\r\n",
        b"* CAPABILITY\r\n", b"* FLAGS\r\n", b"* 99999999999999999999 EXISTS\r\n", b"A1 OK tagged for nobody\r\n", CUT,
        b"* 1 FETCH (UID 1 BODY[] NIL)\r\n", b"* 1 FETCH (UID 1 BODY[] \"\")\r\n", b"\r\n\r\n",
    ]  # fmt: skip

    def instead(tag: str, _command: str, _arguments: str) -> bytes | None:
        if len(scripted.said) != turn:
            return None
        said = chance.choice(rubbish)
        end = f"{tag} {chance.choice(['OK', 'NO', 'BAD'])} x\r\n".encode()
        return said if chance.random() < 0.5 or said == CUT else said + end

    scripted.instead = instead
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert isinstance(result, pulling.PullResult)
    scripted.instead = lambda *_: None
    for _ in range(2):
        [result] = gateway.pull(sqlite_desk)
    assert result.error == ""
    assert sorted(subjects(sqlite_desk)) == ["One", "Two"]
    assert aside(sqlite_desk) == []


def test_a_server_that_always_breaks_off_is_given_up_soon(
    sqlite_desk: Desk, declare: Declare, scripted: Any, letter: Letter
) -> None:
    """Not the messages are to blame then: a round tries a few of a thousand, and all become tickets in the end."""
    scripted.inbox.add(*(letter(f"Question {n}") for n in range(40)))
    scripted.instead = lambda _tag, command, rest: CUT if command == "FETCH" and "BODY" in rest else None
    declare(sqlite_desk, **scripted.body())
    [result] = gateway.pull(sqlite_desk)
    assert result.away
    assert result.quarantined == pulling.ASIDE_AT_MOST
    scripted.instead = lambda *_: None
    for _ in range(3):
        assert gateway.pull(sqlite_desk)[0].error == ""
    assert len(subjects(sqlite_desk)) == 40
