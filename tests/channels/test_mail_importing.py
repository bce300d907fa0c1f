"""Archived mail becomes closed tickets: in the right number, in the right order, each message once, and nobody told."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func
from sqlmodel import SQLModel, col, select

from tkt.channels.mail import gateway
from tkt.channels.mail.archive import archives, importing
from tkt.channels.mail.archive.importing import Counts, Options
from tkt.channels.mail.receiving.quarantine import quarantined, retry
from tkt.desk.unit import Actor, Desk
from tkt.errors import NotAllowed, NotFound
from tkt.query.listing import listing
from tkt.store.read import open_reader
from tkt.store.read_tickets import page
from tkt.store.tables import (
    Agent,
    Attachment,
    Blob,
    Clock,
    Entry,
    Event,
    Follower,
    Intake,
    Outbox,
    Person,
    Team,
    Ticket,
    TicketTag,
)  # fmt: skip

Letter = Callable[..., bytes]
Declare = Callable[..., None]
Bring = Callable[..., Counts]
Talk = dict[str, bytes]

SUPPORT, CAROL, ALICE = "support@desk.example", "Carol <carol@customer.example>", "Alice B. <alice@desk.example>"


@pytest.fixture
def bring(desk: Desk, tmp_path: Path) -> Bring:
    """Imports these mails from an mbox of their own."""
    count = iter(range(1_000))

    def run(*mails: bytes, dry_run: bool = False, **options: Any) -> Counts:
        path = tmp_path / f"{next(count)}.mbox"
        path.write_bytes(b"".join(b"From x@y Mon Nov  2 08:00:00 2020\n" + raw + b"\n" for raw in mails))
        return bring_files(desk, path, dry_run=dry_run, **options)

    return run


def bring_files(desk: Desk, *paths: Path, dry_run: bool = False, **options: Any) -> Counts:
    def spots(kept: ExitStack) -> Iterable[archives.Spot]:
        for path in paths:
            yield from archives.mbox(str(path), kept)

    return importing.bring_in(desk, spots, Options(**options), lambda *_: None, dry_run=dry_run)


def all_of(desk: Desk, table: type[Any], *order: Any) -> list[Any]:
    with desk.store.reading() as session:
        return list(session.exec(select(table).order_by(*order)).all())


def how_many(desk: Desk) -> dict[str, int]:
    tables: tuple[type[SQLModel], ...] = (Ticket, Entry, Intake, Blob, Attachment, Event, Person)
    with desk.store.reading() as session:
        return {table.__name__: session.exec(select(func.count()).select_from(table)).one() for table in tables}


def conversations(desk: Desk) -> list[list[str]]:
    """Each ticket's messages by the first word of their texts, in order."""
    found: dict[int, list[str]] = {}
    for entry in all_of(desk, Entry, col(Entry.ticket), col(Entry.position)):
        assert entry.position == len(found.get(entry.ticket, [])) + 1
        found.setdefault(entry.ticket, []).append(entry.text.split()[0])
    return list(found.values())


def found_by(desk: Desk, words: str) -> list[int]:
    """The tickets that a search finds."""
    with open_reader(desk.store.location) as reader:
        found = listing(reader, words)
        return [row.number for row in page(reader, found.where, found.sort, limit=10)]


def at(day: int, hour: int = 8) -> str:
    return f"{day:02} Oct 2025 {hour:02}:00:00 +0000"


@pytest.fixture
def talk(letter: Letter) -> Talk:
    """A question, our answer, thanks; and something else before it."""
    return {
        "question": letter("It hums", CAROL, "Hum!", Message_ID="<q@x>", Date=at(2)),
        "answer": letter("Re: It hums", ALICE, "Oil", To=CAROL, Message_ID="<a@x>", In_Reply_To="<q@x>", Date=at(3)),
        "thanks": letter("Re: It hums", CAROL, "Thanks", Message_ID="<t@x>", References="<q@x> <a@x>", Date=at(4)),
        "other": letter("Before", "dora@customer.example", "Earlier", Message_ID="<o@x>", Date=at(1)),
    }


def test_conversations_become_closed_tickets_of_their_time(
    desk: Desk, bring: Bring, talk: Talk, declare: Declare
) -> None:
    declare(desk, smtp="smtp+plain://localhost:1")
    counts = bring(talk["thanks"], talk["answer"], talk["question"], talk["other"])
    assert counts == Counts(read=4, tickets=2, entries=2)
    assert conversations(desk) == [["Earlier"], ["Hum!", "Oil", "Thanks"]]
    ticket = all_of(desk, Ticket, col(Ticket.number))[1]
    assert (ticket.subject, ticket.status, ticket.status_kind, ticket.channel) == (
        "It hums",
        "closed",
        "closed",
        "mail",
    )
    assert (ticket.unread, ticket.unanswered_since, ticket.due_at, ticket.entries) == (False, None, None, 3)
    moments = (ticket.created_at, ticket.first_response_at, ticket.closed_at, ticket.updated_at)
    days = [moment.day for moment in moments]
    assert days == [2, 3, 4, 4]
    question, answer, thanks = all_of(desk, Entry, col(Entry.ticket), col(Entry.position))[1:]
    assert [one.kind for one in (question, answer, thanks)] == ["inbound", "reply", "inbound"]
    assert (answer.author, answer.agent_id, answer.delivery) == ("alice", 1, "sent")
    assert (question.author, question.author_address, question.person_id) == (
        "Carol",
        "carol@customer.example",
        ticket.requester_id,
    )
    assert [one.at.day for one in (question, answer, thanks)] == [2, 3, 4]


def test_nothing_follows_from_it(desk: Desk, bring: Bring, talk: Talk, declare: Declare) -> None:
    declare(desk, smtp="smtp+plain://localhost:1")
    bring(*talk.values())
    for table in (Outbox, Clock, Follower):
        assert all_of(desk, table) == []
    with open_reader(desk.store.location) as reader:
        assert reader.rows("SELECT number FROM ticket WHERE status_kind <> 'closed' OR unread") == []


def test_the_log_says_who_imported_what_and_when(desk: Desk, bring: Bring, talk: Talk) -> None:
    bring(talk["question"], talk["answer"])
    events = all_of(desk, Event, col(Event.id))
    assert {(one.verb, one.cause, one.at) for one in events} == {("import", "import", desk.now())}
    assert [(one.new, one.entry is None) for one in events] == [("It hums", True), (None, False), (None, False)]


def test_an_impossible_date_is_replaced_and_the_log_keeps_it(desk: Desk, bring: Bring, letter: Letter) -> None:
    bring(letter(Date="Mon, 02 Nov 2126 08:00:00 +0000"), letter("None", Date=""))
    assert [one.at.year for one in all_of(desk, Entry)] == [2020, 2020]
    [event] = [one for one in all_of(desk, Event) if one.field == "date"]
    assert (event.old, event.new) == ("2126-11-02T08:00:00Z", "2020-11-02T08:00:00Z")


def test_it_is_found_and_the_original_is_kept(desk: Desk, bring: Bring, letter: Letter) -> None:
    file = 'Content-Type: text/csv; name="Kabel.csv"\r\n\r\na;b'
    text = "Content-Type: text/plain\r\n\r\nsiebenschläfer"
    raw = letter(text=f"--x\r\n{file}\r\n--x\r\n{text}\r\n--x--", Content_Type='multipart/mixed; boundary="x"').replace(
        b"\r\n", b"\n"
    )
    bring(raw)
    for words in ("siebenschläfer", "kabel", "printer broken"):
        assert found_by(desk, words) == [1]
    [entry], [file] = all_of(desk, Entry), all_of(desk, Attachment)
    with desk.store.reading() as session:
        assert session.get_one(Blob, entry.raw).data == raw
    assert (file.name, file.size) == ("Kabel.csv", 3)


# --- once -------------------------------------------------------------------------------------------------------------


def test_the_same_again_changes_nothing(desk: Desk, bring: Bring, talk: Talk) -> None:
    mails = [*talk.values(), talk["question"]]
    assert bring(*mails) == Counts(read=5, tickets=2, entries=2, duplicates=1)
    before = how_many(desk)
    assert bring(*mails) == Counts(read=5, already=5)
    assert how_many(desk) == before


def test_a_copy_of_a_mail_is_the_same_mail_and_a_guessed_name_is_not(
    desk: Desk, bring: Bring, talk: Talk, declare: Declare
) -> None:
    copy = b"Received: by another.example; 02 Oct 2025 08:00:01 +0000\r\n" + talk["question"]
    forged = talk["question"].replace(b"It hums", b"Buy this")
    assert bring(talk["question"], copy, forged) == Counts(read=3, tickets=2, duplicates=1)
    assert bring(copy.replace(b"another", b"third")) == Counts(read=1, duplicates=1)
    declare(desk)
    assert gateway.ingest(desk, b"Received: x\r\n" + talk["question"]).state == "duplicate"


def test_what_a_mailbox_has_brought_is_not_brought_again(
    desk: Desk, bring: Bring, talk: Talk, declare: Declare
) -> None:
    declare(desk)
    live = gateway.ingest(desk, talk["question"])
    crlf_lost = talk["question"].replace(b"\r\n", b"\n")
    assert bring(talk["question"], crlf_lost, talk["thanks"]) == Counts(read=3, entries=1, duplicates=2)
    [ticket] = all_of(desk, Ticket)
    assert (ticket.number, ticket.status, ticket.entries) == (live.ticket, "new", 2)


def test_inbox_and_sent_connect_in_two_runs(desk: Desk, bring: Bring, talk: Talk) -> None:
    bring(talk["question"], talk["thanks"])
    assert bring(talk["answer"]) == Counts(read=1, entries=1)
    assert conversations(desk) == [["Hum!", "Oil", "Thanks"]]
    [ticket] = all_of(desk, Ticket)
    assert ticket.first_response_at is not None and ticket.first_response_at.day == 3
    assert found_by(desk, "oil thanks") == [1]


def test_what_we_wrote_first_has_the_customer_all_the_same(
    desk: Desk, bring: Bring, letter: Letter, declare: Declare
) -> None:
    declare(desk)
    bring(letter("Your order", ALICE, "Ours", To=f"{SUPPORT}, {CAROL}", Message_ID="<s@x>", Date=at(1)))
    [ticket], [person] = all_of(desk, Ticket), all_of(desk, Person)
    assert (ticket.requester_id, person.name, ticket.first_response_at) == (person.id, "Carol", None)
    bring(letter("Re: Your order", CAROL, "Hers", In_Reply_To="<s@x>", Date=at(2)))
    assert conversations(desk) == [["Ours", "Hers"]]
    assert all_of(desk, Ticket)[0].closed_at.day == 2


def test_a_stranger_gets_into_no_ticket_that_is_no_archive(
    desk: Desk, bring: Bring, talk: Talk, letter: Letter, declare: Declare
) -> None:
    declare(desk)
    gateway.ingest(desk, talk["question"])
    stranger = letter("Re: It hums", "eve@stranger.example", "Eve", In_Reply_To="<q@x>", Date=at(5))
    assert bring(stranger) == Counts(read=1, tickets=1)
    assert conversations(desk) == [["Hum!"], ["Eve"]]


# --- afterwards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "wanted"), [(5, ["entry", 1, "open"]), (30, ["ticket", 2, "closed"])])
def test_a_later_answer_finds_the_imported_ticket(
    desk: Desk, clock: Any, bring: Bring, letter: Letter, declare: Declare, days: int, wanted: list[Any]
) -> None:
    declare(desk)
    bring(letter("It hums", CAROL, Message_ID="<q@x>", Date="01 Nov 2026 08:00:00 +0000"))
    clock.now += timedelta(days=days)
    filed = gateway.ingest(desk, letter("Re: It hums", CAROL, In_Reply_To="<q@x>"))
    assert [filed.state, filed.ticket or 2, all_of(desk, Ticket, col(Ticket.number))[0].status] == wanted


def test_undo_leaves_it(desk: Desk, bring: Bring, talk: Talk) -> None:
    from tkt.desk.undo import undo

    bring(*talk.values())
    with pytest.raises(NotFound):
        undo(desk.acting(Actor("agent", "alice", 1, "agent")), 1)


# --- who, and what is refused -----------------------------------------------------------------------------------------


def test_machines_and_people_who_left(desk: Desk, bring: Bring, letter: Letter) -> None:
    with desk.store.transaction() as session:
        session.add(Agent(name="zoe", email="zoe@desk.example", role="agent", active=False))
    counts = bring(
        letter("It hums", CAROL, "Hum!", Message_ID="<q@x>", Date=at(1)),
        letter("Got it: It hums", SUPPORT, "Got", To=CAROL, In_Reply_To="<q@x>", Date=at(2), Precedence="auto_reply"),
        letter("Re: It hums", "zoe@desk.example", "Oil", To=CAROL, In_Reply_To="<q@x>", Date=at(3)),
        letter("Re: It hums", "old-help@desk.example", "More", To=CAROL, In_Reply_To="<q@x>", Date=at(4)),
        ours=(SUPPORT, "Old-Help@desk.example"),
    )  # fmt: skip
    assert counts == Counts(read=4, tickets=1, entries=2, automatic=1)
    entries = all_of(desk, Entry, col(Entry.position))
    assert [(one.kind, one.author, bool(one.machine)) for one in entries] == [
        ("inbound", "Carol", False), ("reply", SUPPORT, True), ("reply", "zoe", False),
        ("reply", "old-help@desk.example", False),
    ]  # fmt: skip
    [ticket] = all_of(desk, Ticket)
    assert ticket.first_response_at.day == 3
    assert [one.name for one in all_of(desk, Person)] == ["Carol"]


def test_the_mailbox_the_team_and_the_tags(desk: Desk, bring: Bring, talk: Talk, declare: Declare) -> None:
    with desk.store.transaction() as session:
        session.add_all([Team(name="network"), Team(name="sales")])
    declare(desk, team="network")
    bring(talk["question"], mailbox="support", tags=("Old", "old", "2025"))
    bring(talk["other"], mailbox="support", team="sales")
    found = all_of(desk, Ticket, col(Ticket.number))
    assert [(one.mailbox, one.team_id) for one in found] == [("support", 1), ("support", 2)]
    assert {(one.ticket, one.tag) for one in all_of(desk, TicketTag)} == {(1, "old"), (1, "2025")}
    for wrong in ({"mailbox": "nowhere"}, {"team": "nowhere"}):
        with pytest.raises(NotFound):
            bring(talk["thanks"], **wrong)


def test_what_cannot_be_read_is_in_quarantine_and_can_be_tried_again(
    desk: Desk, bring: Bring, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tkt.channels.mail.reading import watchdog
    from tkt.channels.mail.reading.watchdog import Limits

    huge = letter("huge", text="<i>x" * 1_500_000, Content_Type="text/html", Date=at(1))
    watchdog.close()
    monkeypatch.setattr(watchdog, "LIMITS", Limits(memory=5_000_000, memory_per_byte=0))
    assert bring(b"no mail at all", huge, letter(Date=at(2))) == Counts(read=3, tickets=1, quarantined=2)
    watchdog.close()
    monkeypatch.setattr(watchdog, "LIMITS", Limits())
    held = {one.reason: one.id for one in quarantined(desk)}
    assert retry(desk, held.pop("reading it took more than 5 MB")).state == "ticket"
    [left] = held.values()
    assert retry(desk, left).state == "quarantined"
    assert [(one.subject, one.status) for one in all_of(desk, Ticket, col(Ticket.number))][1] == ("huge", "closed")
    assert all_of(desk, Outbox) == []
    watchdog.close()


def test_a_dry_run_counts_alike_and_writes_nothing(desk: Desk, bring: Bring, talk: Talk) -> None:
    mails = [*talk.values(), talk["question"], b"no mail"]
    wanted = bring(*mails, dry_run=True)
    assert set(how_many(desk).values()) == {0}
    assert bring(*mails) == wanted == Counts(read=6, tickets=2, entries=2, duplicates=1, quarantined=1)


def test_only_an_admin_imports(desk: Desk, tmp_path: Path) -> None:
    acting = desk.acting(Actor("agent", "alice", 1, "agent"))
    with pytest.raises(NotAllowed):
        bring_files(acting, tmp_path / "nothing")


def test_a_conversation_larger_than_a_batch_is_one_ticket(
    desk: Desk, bring: Bring, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tkt.channels.mail.receiving import sources

    monkeypatch.setattr(sources, "BATCH_MESSAGES", 4)
    mails = [
        letter(f"Day {n}", CAROL, f"{n}", Message_ID=f"<{n}@x>", References="<1@x>" if n > 1 else "", Date=at(n))
        for n in range(1, 15)
    ]
    assert bring(*reversed(mails)) == Counts(read=14, tickets=1, entries=13)
    assert conversations(desk) == [[str(n) for n in range(1, 15)]]


KILLED = """
import sys
from tkt.channels.mail.archive import archives, importing
from tkt.channels.mail.receiving import sources
from tkt.desk.unit import Desk
from tkt.store.engine import Store
from tkt.store.location import parse_location

sources.BATCH_MESSAGES = 7
importing.bring_in(
    Desk(Store(parse_location(sys.argv[1]))), lambda kept: archives.mbox(sys.argv[2], kept), importing.Options(),
    lambda *_: print(flush=True),
)
"""


def test_killed_again_and_again_it_still_brings_in_each_mail_once(
    sqlite_desk: Desk, letter: Letter, tmp_path: Path
) -> None:
    """kill -9 at moments that move through both passes, until one run comes to its end; and no file is left of it."""
    path, number = tmp_path / "a.mbox.gz", 60
    with gzip.open(path, "wb") as file:
        for n in range(number):
            named = {"References": f"<{n - n % 3}@x>"} if n % 3 else {}
            raw = letter(f"Question {n // 3}", text=f"{n}", Message_ID=f"<{n}@x>", Date=at(1 + n // 3, n % 3), **named)
            file.write(b"From x@y Mon Nov  2 08:00:00 2020\n" + raw + b"\n")
    moment = tmp_path / "moment"
    moment.mkdir()
    kills = 0
    for lines in (3, number, number + 1, number + 3, number + 2, number + 4):
        command = [sys.executable, "-c", KILLED, sqlite_desk.store.location.target, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"TMPDIR": str(moment)}) as importer:
            assert importer.stdout
            for _ in range(lines):
                importer.stdout.readline()
            importer.kill()
            kills += importer.wait() < 0
    assert kills > 3 and list(moment.iterdir()) == []
    counts = bring_files(sqlite_desk, path)
    assert counts.read == number == sum(counts[1:])
    assert 0 < counts.already < number
    assert conversations(sqlite_desk) == [[str(n), str(n + 1), str(n + 2)] for n in range(0, number, 3)]
