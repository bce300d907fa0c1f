"""`M` and `:split` in the queue."""

from __future__ import annotations

from sqlmodel import select

from tkt.desk import conversation
from tkt.desk.conversation import Message
from tkt.store.tables import Entry


def texts(writer, number):
    ask = select(Entry.text).where(Entry.ticket == number).order_by(Entry.position)
    return [text.partition("\n")[0] for text in writer.rows(lambda session: session.exec(ask).all())]


async def test_marked_tickets_end_in_one_of_them(small_desk, running):
    async with running() as queue:
        await queue.press("space", "space", "space", "M")
        await queue.type("3\n")
        assert [small_desk.read(number).merged_into for number in (1, 2, 3)] == [3, 3, None]
        assert "2 tickets: merged into #3" in queue.message
        assert texts(small_desk, 3)[0] == "Hello," and len(texts(small_desk, 3)) == 6
        await queue.press("z")
        assert [small_desk.read(number).merged_into for number in (1, 2, 3)] == [None] * 3
        assert len(texts(small_desk, 1)) == 4
        await queue.press("Z")
        assert [small_desk.read(number).merged_into for number in (1, 2, 3)] == [3, 3, None]


async def test_the_history_says_how_many_messages_moved(small_desk, running):
    async with running() as queue:
        await queue.press("M")
        await queue.type("3\n")
        while queue.number != 3:
            await queue.press("j")
        await queue.press("enter", "h")
        assert "4 messages from #1" in queue.text()


async def test_what_is_merged_is_said(small_desk, running):
    async with running() as queue:
        await queue.press("M")
        await queue.type("1\n")
        assert "can't be merged into itself" in queue.message
        await queue.press("M")
        await queue.type("two\n")
        assert "'two' is no number" in queue.text()
        await queue.press("escape", "M")
        await queue.type("#2\n")
        assert small_desk.read(1).merged_into == 2
        await queue.press("colon")
        await queue.type("1\n")
        await queue.press("enter")
        assert "merged into #2" in queue.text()


async def test_the_newest_message_gets_a_ticket_of_its_own(small_desk, running):
    wang = Message("and the printer", "王小明", "wang@example.cn")
    conversation.receive(small_desk.system, 1, wang)
    async with running() as queue:
        await queue.press("colon")
        await queue.type("1\n")
        await queue.press("colon")
        await queue.type("split\n")
        assert texts(small_desk, 9) == ["and the printer"] and "#1: split off: #9" in queue.message
        await queue.press("z")
        assert texts(small_desk, 9) == [] and texts(small_desk, 1)[-1] == "and the printer"
