"""Keys that come faster than the screen: each goes to what the keys before it opened, as if they were typed slowly."""

from __future__ import annotations

import sqlite3
from itertools import product

from sqlmodel import select

from tkt.desk import tickets
from tkt.store.constants import PRIORITIES
from tkt.store.tables import Agent, Entry, Event, TicketTag


def events(writer, actor="alice"):
    """What an agent did: ticket, verb, and what it made of what."""
    ask = select(Event).where(Event.actor == actor, Event.verb != "create").order_by(Event.id)
    found = writer.rows(lambda session: session.exec(ask).all())
    return [(event.ticket, event.verb, event.new) for event in found]


def newest(writer, number):
    ask = select(Entry).where(Entry.ticket == number).order_by(Entry.position.desc())
    entry = writer.rows(lambda session: session.exec(ask).first())
    return entry.kind, entry.text


async def test_a_command_line_in_one_burst(small_desk, running):
    async with running() as queue:
        await queue.burst("j:tag +x\r")
        assert events(small_desk) == [(2, "tag", "x")]
        assert not queue.screen.prompt.is_open and not queue.screen.picker.is_open


async def test_a_filter_in_one_burst_then_a_command_on_what_it_found(small_desk, running):
    async with running() as queue:
        await queue.burst("/\x15tag:vpn team:billing\rt")
        assert queue.number == 2 and events(small_desk) == [(2, "assign", "alice")]


async def test_a_search_word_is_no_row_of_commands(small_desk, running):
    async with running() as queue:
        await queue.burst("/vpn\r")
        assert queue.screen.loader.asked.query == "kind:open vpn" and queue.number == 1
        assert not events(small_desk) and not queue.screen.marked


async def test_a_reply_and_a_note_in_one_burst(small_desk, running):
    async with running() as queue:
        await queue.burst("GrHello there, xVazt\x13cnote text\x13k")
        assert newest(small_desk, 5) == ("note", "note text")
        assert ("reply", "Hello there, xVazt") in [
            (entry.kind, entry.text) for entry in small_desk.rows(lambda session: session.exec(select(Entry)).all())
        ]
        assert {verb for _, verb, _ in events(small_desk)} <= {"reply", "status", "note"}
        assert not queue.screen.composing.active and queue.number == 7


async def test_pickers_in_one_burst(small_desk, running):
    async with running() as queue:
        await queue.burst("abob\rson-h\r")
        bob = small_desk.rows(lambda session: session.exec(select(Agent).where(Agent.name == "bob")).one().id)
        found = small_desk.read(1)
        assert (found.assignee_id, found.status) == (bob, "on-hold")


async def test_tags_and_help_in_one_burst(small_desk, running):
    async with running() as queue:
        await queue.burst("GL+slow -vpn\r?jjqk")
        ask = select(TicketTag.tag).where(TicketTag.ticket == 5)
        assert small_desk.rows(lambda session: session.exec(ask).all()) == ["slow"]
        assert queue.number == 7 and not queue.screen.help.is_open


async def test_an_opened_ticket_scrolls_and_is_left_in_one_burst(small_desk, running):
    async with running() as queue:
        await queue.burst("\rjjjjqjx")
        assert queue.number == 3 and events(small_desk)[0] == (2, "status", "closed")


async def test_moves_and_then_a_deed_hit_the_ticket_that_slow_keys_would(writer, running):
    writer.many(350)
    async with running() as queue:
        await queue.press("p")
        await queue.burst("j" * 250 + "t")
        assert [number for number, _, _ in events(writer)] == [251]
        assert queue.number == 251


async def test_pages_past_what_is_loaded(writer, running):
    writer.many(350)
    async with running() as queue:
        await queue.burst("\x06" * 60 + "t")
        assert [number for number, _, _ in events(writer)] == [350]
        await queue.burst("G" + "\x02" * 60 + "t")
        assert [number for number, _, _ in events(writer)] == [350, 1]


async def test_closing_twice_closes_two(small_desk, running):
    async with running() as queue:
        await queue.burst("jxx")
        assert [number for number, _, new in events(small_desk) if new == "closed"] == [2, 3]


async def test_another_view_is_there_before_the_next_key(small_desk, running):
    async with running() as queue:
        await queue.burst("]t")
        assert queue.number == 4 and queue.message == "#4: nothing to change"
        await queue.burst(":view all\rx")
        assert queue.message == "#8: nothing to change"


async def test_keys_typed_before_the_first_picture_wait_for_the_list(small_desk, running):
    async with running(typed="jjt") as queue:
        assert events(small_desk) == [(3, "assign", "alice")] and queue.number == 3


async def test_while_the_store_lets_wait_ctrl_c_forgets_what_was_typed_and_then_leaves(
    small_desk, running, empty_desk, monkeypatch
):
    monkeypatch.setattr("tkt.tui.queue_screen.IMPATIENCE", 0.05)
    async with running() as queue:
        other = sqlite3.connect(empty_desk.target, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for key in ("t", "j", "x"):
            await queue.pilot.press(key)
        await queue.until(lambda: queue.screen.keyboard.held_for > 0.05)
        await queue.pilot.press("ctrl+c")
        assert "keys typed meanwhile are forgotten" in queue.message
        other.execute("ROLLBACK")
        other.close()
        await queue.settle()
        assert queue.number == 1 and [number for number, _, _ in events(small_desk)] == [1]


async def test_leaving_ends_it(small_desk, running):
    async with running() as queue:
        await queue.burst("jqx")
        assert not events(small_desk)


async def test_an_escape_leaves_however_soon_the_next_key_follows(small_desk, running):
    async with running() as queue:
        await queue.burst("rhalf\x1b:tag +x\r/\x1b1\x1bj:nonsense\x1b\x1bcnote\x1b\x1b[B")
        assert queue.screen.session.drafts.read(1, "reply").text == "half"
        assert queue.screen.session.drafts.kinds() == {1: ["reply"], 5: ["note"]}
        assert events(small_desk) == [(1, "tag", "x")]
        assert not queue.screen.composing.active and not queue.screen.prompt.is_open


async def test_what_was_typed_ahead_of_a_refusal_is_refused_too(small_desk, running):
    async with running() as queue:
        queue.screen.session.close()  # nothing tells the queue what bob does
        await queue.press("j")
        tickets.set_fields(small_desk.agent("bob"), 2, {"priority": "urgent"})
        await queue.burst("xx")
        assert "#2 has changed meanwhile: bob" in queue.message and "normal → urgent" in queue.message
        assert not events(small_desk) and small_desk.read(2).priority == PRIORITIES["urgent"]
        await queue.press("x")
        assert small_desk.read(2).status == "closed"


async def test_a_reply_typed_ahead_of_a_conflict_is_not_sent_unread(small_desk, running):
    async with running() as queue:
        queue.screen.session.close()
        await queue.press("j", "r")
        tickets.set_fields(small_desk.agent("bob"), 2, {"priority": "urgent"})
        await queue.burst("Hello\x13\x13\x13")
        assert "not sent: #2 has changed meanwhile" in queue.text() and not events(small_desk)
        await queue.press("ctrl+s")
        assert newest(small_desk, 2) == ("reply", "Hello")


async def test_an_error_outlives_keys_that_were_typed_before_it(small_desk, running):
    async with running() as queue:
        await queue.burst(":set priority=huge\rj")
        assert "'huge' is no priority" in queue.message and queue.number == 2
        await queue.press("j")
        assert queue.message == ""


async def test_a_key_that_does_nothing_says_where_the_keys_are(small_desk, running):
    async with running() as queue:
        await queue.press("w")
        assert queue.message == "w does nothing; ? shows the keys"
        await queue.press("f5")
        assert queue.message == "f5 does nothing; ? shows the keys"
        await queue.press("j")
        assert queue.message == "" and not events(small_desk)


async def test_a_pasted_text_is_no_row_of_commands(small_desk, running):
    async with running() as queue:
        await queue.type("xxt")
        assert not events(small_desk) and "pasted" in queue.message


async def test_everything_that_opens_is_left_by_escape_and_by_ctrl_c(small_desk, running):
    async with running() as queue:
        for opens, leaves in product("?:/asL", ("ctrl+c", "escape")):
            await queue.press(opens)
            assert queue.screen.keyboard.taken_by is not queue.screen, opens
            await queue.press(leaves)
            assert queue.screen.keyboard.taken_by is queue.screen, opens
