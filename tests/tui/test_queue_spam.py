"""`:spam` and `:ham` in the queue, and further teams in the ticket view."""

from __future__ import annotations

from sqlmodel import select

from tkt.desk import tickets
from tkt.desk.configure import add_team
from tkt.store.tables import TicketTag


def tags(writer, number):
    ask = select(TicketTag.tag).where(TicketTag.ticket == number).order_by(TicketTag.tag)
    return list(writer.rows(lambda session: session.exec(ask).all()))


async def test_spam_and_back(small_desk, running):
    async with running() as queue:
        await queue.press("j", "colon")
        await queue.type("spam\n")
        assert small_desk.read(2).status == "closed" and "spam" in tags(small_desk, 2)
        assert "#2: spam" in queue.message
        await queue.press("z")
        assert small_desk.read(2).status == "new" and "spam" not in tags(small_desk, 2)
        await queue.press("Z", "colon")
        assert "spam" in tags(small_desk, 2)
        await queue.type("2\n")
        await queue.press("colon")
        await queue.type("ham\n")
        assert small_desk.read(2).status == "new" and "#2: no spam" in queue.message


async def test_further_teams_are_shown(small_desk, running):
    desk = small_desk.agent("alice")
    add_team(desk, "sales", [])
    tickets.set_fields(desk, 2, {"teams": "sales"})
    async with running() as queue:
        await queue.press("colon")
        await queue.type("2\n")
        await queue.press("enter")
        assert "(also: sales)" in queue.text()
