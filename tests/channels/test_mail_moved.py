"""Mail to tickets that were merged and split: who answers what finds it where it is now."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlmodel import col, select

from tkt.channels.mail import gateway
from tkt.channels.mail.receiving.intake import Outcome
from tkt.desk import conversation, merging, splitting
from tkt.desk.undo import undo
from tkt.desk.unit import Desk, find_actor
from tkt.store.tables import Entry, Intake, Outbox, Ticket
from tkt.times import utcnow

BO = "Bo <bo@elsewhere.example>"


class Talk:
    """A desk with one mailbox, and a way to mail it."""

    def __init__(self, desk: Desk, letter: Callable[..., bytes]) -> None:
        self.desk = desk
        self.letter = letter
        self.alice = desk.acting(find_actor(desk.store, "alice"))

    def mail(self, *args: str, **headers: str) -> Outcome:
        return gateway.ingest(self.desk, self.letter(*args, **headers))

    def ticket(self, *args: str, **headers: str) -> int:
        number = self.mail(*args, **headers).ticket
        assert number is not None
        return number

    def reply(self, number: int) -> str:
        """An agent answers; the Message-ID of that mail."""
        entry = conversation.reply(self.alice, number, "Please send the log.")
        assert entry.message_id
        return entry.message_id

    def entries(self, number: int) -> list[Entry]:
        with self.desk.store.transaction() as session:
            return list(session.exec(select(Entry).where(Entry.ticket == number).order_by(col(Entry.position))))


@pytest.fixture
def talk(desk: Desk, declare: Callable[..., None], letter: Callable[..., bytes]) -> Talk:
    declare(desk, smtp="smtp+plain://localhost:1", plus=True)
    return Talk(desk, letter)


def test_answers_find_the_ticket_in_which_theirs_ended(talk: Talk) -> None:
    one, other = talk.ticket("Kettle"), talk.ticket("Toaster", BO, Message_ID="<toaster@elsewhere.example>")
    answered = talk.reply(other)
    merging.merge(talk.alice, other, one)
    assert talk.ticket("Re", BO, In_Reply_To=answered) == one
    assert talk.ticket("Re", BO, References="<toaster@elsewhere.example>") == one
    assert talk.ticket(f"Re: [#{other}]", BO) == one
    talk.reply(one)
    with talk.desk.store.transaction() as session:
        mail = session.exec(select(Outbox).order_by(col(Outbox.id).desc())).first()
        assert mail is not None and mail.ticket == one
        assert sorted(mail.recipients) == ["bo@elsewhere.example", "carol@customer.example"]
        assert {"<toaster@elsewhere.example>", answered} <= set(mail.mail["references"])


def test_however_often_it_was_merged(talk: Talk) -> None:
    one, now = talk.ticket("Kettle"), utcnow()
    with talk.desk.store.transaction() as session:
        for number in range(one + 1, one + 61):
            session.add(Ticket(number=number, subject="x", merged_into=number - 1, created_at=now, updated_at=now))
            session.flush()
    assert talk.ticket(f"Re: [#{one + 60}]") == one


@pytest.fixture
def split(talk: Talk) -> tuple[int, str, int]:
    """(ticket, the Message-ID of our answer there, the ticket of <printer@elsewhere.example> that followed it)."""
    one = talk.ticket("Kettle")
    answered = talk.reply(one)
    assert talk.ticket("Printer", BO, Message_ID="<printer@elsewhere.example>", In_Reply_To=answered) == one
    made = splitting.split(talk.alice, one)
    assert made.number is not None
    return one, answered, made.number


def test_answers_to_a_message_go_where_it_is(talk: Talk, split: tuple[int, str, int]) -> None:
    one, answered, made = split
    thread = f"{answered} <printer@elsewhere.example>"
    to_printer = {"In_Reply_To": "<printer@elsewhere.example>", "References": thread}
    assert talk.ticket("Re: Printer", BO, **to_printer) == made
    assert talk.ticket("Re: Printer", **to_printer) == made, "who has our mail need not take part there yet"
    assert talk.ticket("Re: Printer", BO, In_Reply_To="<printer@elsewhere.example>") == made
    assert talk.ticket("Re: Kettle", In_Reply_To=answered) == one
    ours = talk.reply(made)
    assert talk.ticket("Re: Printer", BO, In_Reply_To=ours, References=f"{thread} {ours}") == made


def test_a_stranger_cannot_go_there_by_the_message_alone(talk: Talk, split: tuple[int, str, int]) -> None:
    found = talk.mail("Re", "Mallory <m@evil.example>", In_Reply_To="<printer@elsewhere.example>")
    assert found.ticket not in split


def test_a_message_of_another_ticket_is_no_way_out_of_ours(talk: Talk) -> None:
    one, other = talk.ticket("Kettle"), talk.ticket("Toaster", BO, Message_ID="<toaster@elsewhere.example>")
    references = f"{talk.reply(one)} <toaster@elsewhere.example>"
    assert talk.ticket("Re", BO, References=references) == one != other


def test_a_message_that_came_back_is_answered_there(talk: Talk, split: tuple[int, str, int]) -> None:
    one, answered, made = split
    undo(talk.alice, one)
    assert talk.ticket("Re", BO, References=f"{answered} <printer@elsewhere.example>") == one
    assert talk.entries(made) == []


def test_a_further_copy_is_news_of_the_ticket_that_has_it(talk: Talk, split: tuple[int, str, int]) -> None:
    _, _, made = split
    with talk.desk.store.transaction() as session:
        copy = session.exec(select(Intake).where(Intake.message_id == "<printer@elsewhere.example>")).one()
        assert copy.ticket == made
