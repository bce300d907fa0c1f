"""What the queue folds of a conversation, and `f`, which shows it."""

from __future__ import annotations

from tkt.desk import conversation
from tkt.desk.conversation import Message, Upload
from tkt.store.tables import Entry
from tkt.tui.source import MOST_READ

LOGO = Upload("image001.png", "image/png", b"\x89PNG logo", inline=True, content_id="image001.png@01")
HEADER = "From: Support <support@desk.example>\nSent: Monday, 2 March 2026 09:00\nTo: Ann\nSubject: x\n\nold words\n"


def said(small_desk, number, text, *files):
    message = Message(text, "Ann Miller", "ann@acme.example", attachments=files)
    conversation.receive(small_desk.system, number, message)


async def test_quotes_signatures_and_logos_are_one_key_away(small_desk, running):
    number = small_desk.ticket("Screen")
    said(small_desk, number, "It works now.\n\nBest regards\nAnn\nAcme Ltd\n\n" + HEADER, LOGO)
    said(small_desk, number, "Really.\n\n" + HEADER, LOGO, LOGO._replace(name="image002.png"))
    async with running(120, 50) as queue:
        await queue.press("colon")
        await queue.type(f"go {number}\n")
        await queue.press("enter")
        folded = queue.text()
        assert "It works now." in folded and "Really." in folded
        assert "[signature: 3 lines, f shows]" in folded and folded.count("[quote: 6 lines, f shows]") == 2
        assert "[+2 logos, f shows]" in folded
        assert "old words" not in folded and "image001.png" not in folded
        await queue.press("f")
        shown = queue.text()
        assert "old words" in shown and "Acme Ltd" in shown
        assert "image002.png (image/png, 9 B), a signature's logo" in shown
        await queue.press("f")
        assert queue.text() == folded


async def test_the_subject_of_a_forward_is_only_that_of_the_mail_that_opened_the_ticket(small_desk, running):
    number = small_desk.ticket("FW: Invoice", text="Please pay.\n\n" + HEADER)
    said(small_desk, number, "Paid.\n\n" + HEADER)
    async with running(120, 50) as queue:
        await queue.press("colon")
        await queue.type(f"go {number}\n")
        await queue.press("enter")
        assert queue.text().count("old words") == 1
        assert "[quote: 6 lines, f shows]" in queue.text()


async def test_of_a_very_long_conversation_only_the_newest_messages_are_read(small_desk, running):
    number = small_desk.ticket("Screen", text="the very first")
    with small_desk.store.transaction() as session:
        for at in range(2, MOST_READ + 3):
            session.add(Entry(ticket=number, position=at, kind="inbound", at=small_desk.at, text=f"message {at}"))
    async with running(120, 50) as queue:
        await queue.press("colon")
        await queue.type(f"go {number}\n")
        await queue.press("enter")
        assert f"message {MOST_READ + 2}" in queue.text()
        await queue.press("g")
        shown = queue.text()
        assert f"… 2 earlier messages; 'tkt show {number}' prints them" in shown
        assert "message 3" in shown and "the very first" not in shown
