"""Writing: who gets it, what goes with it, what becomes of it."""

from __future__ import annotations

import threading

from sqlmodel import select

from tkt.desk import conversation
from tkt.store.tables import Attachment, Entry, Outbox
from tkt.tui.drafts import Drafts


def newest_mail(writer):
    return writer.rows(lambda session: session.exec(select(Outbox).order_by(Outbox.id.desc())).first())


def newest_entry(writer):
    return writer.rows(lambda session: session.exec(select(Entry).order_by(Entry.id.desc())).first())


def files(writer, entry):
    ask = select(Attachment.name, Attachment.size).where(Attachment.entry_id == entry.id)
    return [tuple(row) for row in writer.rows(lambda session: session.exec(ask).all())]


async def test_an_address_that_is_added_is_shown_and_gets_the_mail(small_desk, running):
    async with running() as queue:
        await queue.burst("jr\x12Eve@Example.org, support@desk.example wang@example.cn\r")
        assert "mailed to wang@example.cn  cc eve@example.org\n" in queue.text()
        await queue.burst("Hello\x13")
        assert newest_mail(small_desk).recipients == ["wang@example.cn", "eve@example.org"]


async def test_a_wrong_address_is_pointed_out_and_adds_nothing(small_desk, running):
    async with running() as queue:
        await queue.burst("jr\x12eve@example.org\r\x12eve\r")
        assert "'eve' is no mail address" in queue.text() and queue.screen.prompt.is_open
        await queue.burst("\x1bHello\x13")
        assert newest_mail(small_desk).recipients == ["wang@example.cn", "eve@example.org"]


async def test_long_lists_of_recipients_are_shown_whole(small_desk, running):
    async with running() as queue:
        many = [f"somebody.with.a.long.name.{number}@department.example.org" for number in range(6)]
        await queue.burst(f"jr\x12{' '.join(many)}\r")
        shown = queue.text().replace("\n", "")
        assert all(address in shown for address in many)


async def test_files_are_attached_and_taken_off_again(small_desk, running, tmp_path):
    (tmp_path / "a log.txt").write_bytes(b"abc")
    (tmp_path / "other.txt").write_bytes(b"x")
    async with running() as queue:
        await queue.burst(f"jr\x0f{tmp_path}/a\t\r\x0f{tmp_path}/other.txt\r")
        assert " with a log.txt, other.txt" in queue.text()
        await queue.burst(f"\x0f{tmp_path}/other.txt\r\x0f{tmp_path}/nothing\r")
        assert "there is no file" in queue.text()
        await queue.burst("\x1bHello\x13")
        assert files(small_desk, newest_entry(small_desk)) == [("a log.txt", 3)]


async def test_a_file_that_has_gone_stops_the_reply(small_desk, running, tmp_path):
    path = tmp_path / "log.txt"
    path.write_bytes(b"abc")
    async with running() as queue:
        await queue.burst(f"jr\x0f{path}\rHello")
        path.unlink()
        await queue.burst("\x13")
        said = " ".join(queue.text().split())
        assert "not sent: " in said and "can't be read" in said
        assert newest_entry(small_desk).text != "Hello" and queue.screen.composing.active


async def test_a_note_takes_files_too(small_desk, running, tmp_path):
    (tmp_path / "log.txt").write_bytes(b"abc")
    async with running() as queue:
        await queue.burst(f"jcSee the log\x0f{tmp_path}/log.txt\r\x13")
        entry = newest_entry(small_desk)
        assert (entry.kind, entry.text, files(small_desk, entry)) == ("note", "See the log", [("log.txt", 3)])


async def test_a_reply_is_sent_with_a_status(small_desk, running):
    async with running() as queue:
        await queue.burst("jrHello\x14wai\r")
        assert small_desk.read(2).status == "waiting" and newest_entry(small_desk).text == "Hello"
        assert "#2: reply written, status waiting" in queue.message


async def test_addresses_and_files_are_part_of_the_draft(small_desk, running, tmp_path):
    (tmp_path / "log.txt").write_bytes(b"abc")
    async with running() as queue:
        await queue.burst(f"jrHello\x0f{tmp_path}/log.txt\r\x12eve@example.org\r\x1b")
        assert "✎" in queue.lines()[3] and "your draft of a reply is kept" not in queue.lines()[3]
        await queue.press("enter")
        assert "✎ your draft of a reply is kept: r goes on with it" in queue.text()
    async with running() as queue:
        await queue.burst("jr")
        assert "eve@example.org" in queue.text() and "with log.txt" in queue.text()
        await queue.press("ctrl+s")
        assert "✎" not in queue.text() and len(files(small_desk, newest_entry(small_desk))) == 1


async def test_what_undo_takes_back_is_a_draft_again(small_desk, running):
    async with running() as queue:
        await queue.burst("jrHello\x12eve@example.org\r\x13")
        assert not queue.screen.session.drafts.kinds()
        await queue.press("z")
        assert queue.screen.session.drafts.kinds() == {2: ["reply"]}
        await queue.press("Z")
        assert not queue.screen.session.drafts.kinds() and newest_entry(small_desk).withdrawn_at is None


async def test_the_text_is_edited_as_one_is_used_to(small_desk, running):
    async with running() as queue:
        await queue.burst("jcone two three\x17\x17due\x01zwo \x1b[B\x1b[F!\rlast")
        assert queue.app.screen.query_one("#composer").draft.text == "zwo one due!\nlast"


async def test_nothing_else_is_open_under_the_composer(small_desk, running):
    async with running() as queue:
        await queue.burst(":reply\r")
        assert queue.screen.composing.active and not queue.screen.prompt.is_open
        assert ":" not in queue.lines()[-3][:1]


async def test_an_opened_ticket_stays_until_one_moves_on(small_desk, running):
    async with running() as queue:
        await queue.burst("j\rrDone\x14resol\r")
        assert queue.number == 2 and "resolved" in queue.text()
        await queue.press("n")
        assert queue.number != 2


async def test_a_conversation_that_goes_on_meanwhile_is_no_reason_to_lose_the_note(small_desk, running):
    async with running() as queue:
        await queue.press("j", "c")
        await queue.type("careful")
        conversation.note(small_desk.agent("bob"), 2, "me too")
        await queue.press("ctrl+s")
        assert newest_entry(small_desk).text == "careful"


async def test_what_was_written_is_no_draft_when_the_queue_is_left_before_the_store_has_said_so(
    small_desk, empty_desk, running, monkeypatch
):
    left = threading.Event()
    monkeypatch.setattr("tkt.desk.mentions.remarks", lambda *_: [str(left.wait(20))])
    async with running() as queue:
        await queue.burst("jrDear Wang")
        await queue.pilot.press("ctrl+s")
        await queue.until(lambda: newest_entry(small_desk).text == "Dear Wang")
        await queue.until(lambda: not Drafts(empty_desk).kinds())
        queue.screen.leave()
        left.set()
    assert not Drafts(empty_desk).kinds()
