"""What the queue changes: each through the desk's verbs, with conflicts, bulk, undo, drafts."""

from __future__ import annotations

import pytest
from sqlmodel import select

from tkt.desk import conversation, tickets
from tkt.store.tables import Agent, Definition, Entry, Outbox, TicketTag


def assignee(writer, number):
    found = writer.read(number).assignee_id
    return writer.rows(lambda session: session.get_one(Agent, found).name) if found else None


def entries(writer, number):
    ask = select(Entry).where(Entry.ticket == number, Entry.withdrawn_at.is_(None)).order_by(Entry.position)
    return [(entry.kind, entry.text) for entry in writer.rows(lambda session: session.exec(ask).all())]


def tags(writer, number):
    ask = select(TicketTag.tag).where(TicketTag.ticket == number).order_by(TicketTag.tag)
    return list(writer.rows(lambda session: session.exec(ask).all()))


async def test_take_assign_and_status_with_the_pickers(small_desk, running):
    async with running() as queue:
        await queue.press("j", "t")
        assert assignee(small_desk, 2) == "alice" and "@" in queue.lines()[3]
        await queue.press("a")
        assert "Assign #2" in queue.text()
        await queue.type("bo\n")
        assert assignee(small_desk, 2) == "bob" and "#2: assigned to bob" in queue.message
        await queue.press("s")
        await queue.type("on-h\n")
        assert small_desk.read(2).status == "on-hold"


async def test_what_leaves_by_ones_own_doing_gives_its_place_to_the_next(small_desk, running):
    async with running() as queue:
        await queue.press("j", "x")
        assert small_desk.read(2).status == "closed"
        assert queue.number == 3 and 2 not in [row.number for row in queue.screen.queue.window.rows]
        await queue.press("z")
        assert small_desk.read(2).status == "new" and "taken back: #2" in queue.message
        assert queue.number == 3 and queue.screen.queue.window.index_of(2) is not None
        await queue.press("Z")
        assert small_desk.read(2).status == "closed"


async def test_bulk_is_one_transaction_each_and_one_undo(small_desk, running):
    async with running() as queue:
        await queue.press("space", "space", "space", "colon")
        await queue.type("tag +storm -vpn\n")
        assert [tags(small_desk, number) for number in (1, 2, 3)] == [["storm"]] * 3
        assert queue.message == "3 tickets: tags +storm -vpn" and not queue.screen.marked
        await queue.press("z")
        assert [tags(small_desk, number) for number in (1, 2, 3)] == [["vpn"], ["vpn"], []]


async def test_bulk_tells_what_failed_per_number(small_desk, running):
    async with running() as queue:
        while queue.number != 7:
            await queue.press("j")
        await queue.press("space", "g", "space", "t")
        assert assignee(small_desk, 1) == "alice" and assignee(small_desk, 7) == "bob"
        assert "#1: taken. Failed: #7: #7 is bob's" in queue.message


async def test_fields_are_set_from_the_command_line(small_desk, running):
    async with running() as queue:
        await queue.press("j", "colon")
        await queue.type("set priority=high team=network\n")
        assert small_desk.read(2).priority == 3
        await queue.press("colon")
        await queue.type("set priority=huge\n")
        assert "'huge' is no priority" in queue.message


async def test_a_reply_shows_who_gets_it_and_goes_into_the_outbox(small_desk, running):
    async with running() as queue:
        await queue.press("j", "r")
        assert "REPLY on #2: PUBLIC, mailed to wang@example.cn" in queue.text()
        await queue.type("Dear Wang\nplease wait")
        await queue.press("ctrl+s")
        assert entries(small_desk, 2)[-1] == ("reply", "Dear Wang\nplease wait")
        assert "waiting to be sent" in queue.text() and "#2: reply written" in queue.message
        assert queue.screen.session.drafts.read(2, "reply").empty
        mail = small_desk.rows(lambda session: session.exec(select(Outbox).order_by(Outbox.id.desc())).first())
        assert mail.recipients == ["wang@example.cn"]
        await queue.press("z")
        assert entries(small_desk, 2)[-1][0] == "inbound"


async def test_a_note_is_no_mail(small_desk, running):
    async with running() as queue:
        await queue.press("j", "c")
        assert "INTERNAL NOTE on #2: no customer sees this" in queue.text()
        await queue.type("careful")
        await queue.press("ctrl+s")
        assert entries(small_desk, 2)[-1] == ("note", "careful")
        ask = select(Outbox).where(Outbox.ticket == 2, Outbox.kind == "reply")
        assert not small_desk.rows(lambda session: session.exec(ask).all())


async def test_an_empty_text_is_not_sent(small_desk, running):
    async with running() as queue:
        await queue.press("r", "ctrl+s")
        assert "the text is empty" in queue.text() and queue.screen.composing.active


async def test_drafts_survive_leaving_the_composer_and_the_queue(small_desk, running):
    async with running() as queue:
        await queue.press("r")
        await queue.type("half a thou")
        await queue.press("escape")
        assert "draft of the reply is kept" in queue.message
        await queue.press("c")
        assert queue.app.screen.query_one("#composer").draft.text == ""
        await queue.type("unfinished note")
    async with running() as queue:
        await queue.press("c")
        assert queue.app.screen.query_one("#composer").draft.text == "unfinished note"
        await queue.press("escape", "r")
        assert queue.app.screen.query_one("#composer").draft.text == "half a thou"


async def test_a_ticket_that_changes_under_the_composer_is_not_answered_unasked(small_desk, running):
    async with running() as queue:
        await queue.press("r")
        await queue.type("We are working on it")
        before = len(entries(small_desk, 1))
        conversation.note(small_desk.agent("bob"), 1, "solved, do not answer")
        await queue.until(lambda: "#1 changed while you write: bob, note" in queue.text())
        await queue.settle()
        assert "solved, do not answer" in queue.text()
        await queue.press("ctrl+s")
        assert "not sent: #1 has changed meanwhile: bob" in queue.text()
        assert len(entries(small_desk, 1)) == before + 1
        await queue.press("ctrl+s")
        assert entries(small_desk, 1)[-1] == ("reply", "We are working on it")


async def test_a_status_prepared_against_an_older_ticket_is_refused(small_desk, running):
    async with running() as queue:
        queue.screen.session.close()  # nothing tells the queue what bob does
        await queue.press("j")
        tickets.set_fields(small_desk.agent("bob"), 2, {"priority": "urgent"})
        await queue.press("x")
        assert "#2 has changed meanwhile: bob" in queue.message and "normal → urgent" in queue.message
        assert small_desk.read(2).status == "new"
        await queue.press("x")
        assert small_desk.read(2).status == "closed"


async def test_the_editor_is_refused_where_there_is_no_terminal(small_desk, running):
    async with running() as queue:
        await queue.press("e")
        assert "can't be handed to an editor" in queue.text()


@pytest.mark.parametrize(("agent", "why"), [("vera", "vera is a viewer"), ("nobody", "'nobody' is no agent")])
async def test_who_may_not_write_reads_only_and_is_told(small_desk, running, agent, why):
    async with running(agent=agent) as queue:
        assert "(read only)" in queue.lines()[0]
        for key in ("t", "x", "r", "a", "z"):
            await queue.press(key)
            assert why in queue.message
        assert not queue.screen.composing.active and small_desk.read(1).status == "open"
        await queue.press("enter")
        assert "They pay late" in queue.text()


def declare_macros(writer):
    with writer.store.transaction() as session:
        for place, (name, do) in enumerate([("vpn", ["tag:+vpn", "set:priority=high"]), ("end", ["status:resolved"])]):
            row = Definition(kind="macro", name=name, position=place, body={"do": do}, created_at=writer.at)
            session.add(row)


async def test_macros_are_chosen_and_run_on_all_marked(small_desk, running):
    declare_macros(small_desk)
    async with running() as queue:
        await queue.burst("jj  m")
        assert "Macro on 2 tickets" in queue.text() and "tag:+vpn; set:priority=high" in queue.text()
        await queue.burst("vp\r")
        assert queue.message == "2 tickets: macro vpn"
        assert [(small_desk.read(number).priority, tags(small_desk, number)) for number in (3, 4)] == [(3, ["vpn"])] * 2
        await queue.burst("g:macro end\r")
        assert small_desk.read(1).status == "resolved"


async def test_a_macro_that_is_not_there_or_none_at_all(small_desk, running):
    async with running() as queue:
        await queue.press("m")
        assert "this desk has no macros" in queue.message
    declare_macros(small_desk)
    async with running() as queue:
        await queue.burst(":macro nope\r")
        assert "there is no macro 'nope'" in queue.message


async def test_opening_a_ticket_is_reading_it_and_looking_at_its_preview_is_not(small_desk, running):
    async with running() as queue:
        before = small_desk.read(2).version
        await queue.press("j")
        assert small_desk.read(2).unread
        await queue.press("enter")
        await queue.until(lambda: not small_desk.read(2).unread)
        await queue.press("n", "q")
        assert small_desk.read(2).version == before and "●" not in queue.lines()[3]
        assert not small_desk.read(3).unread


async def test_a_viewer_opening_a_ticket_leaves_it_unread(small_desk, running):
    async with running(agent="vera") as queue:
        await queue.press("j", "enter")
        assert "发票 4711 打不开" in queue.text() and small_desk.read(2).unread


async def test_attachments_are_saved_into_a_folder(small_desk, running, tmp_path):
    async with running() as queue:
        await queue.burst(f":save {tmp_path}/files\r")
        assert queue.message == "#1 has no attachments"
        await queue.burst(f"jj:save {tmp_path}/files\r")
        assert (tmp_path / "files" / "log.txt").read_bytes() == b"x" * 2048
        assert "log.txt saved in" in queue.message
